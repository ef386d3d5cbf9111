"""The jobs: a whole sync in two degrees of thoroughness, and the push alone.

Belongs here: which assets a job materializes and with which config. Must not be here: when it runs.
"""

from __future__ import annotations

import dagster as dg

from nl_pipeline.orchestration.assets import OBSERVE_AND_PLAN, PUSH
from nl_pipeline.orchestration.observe import SyncConfig
from nl_pipeline.sync.observe import Mode

#: Jobs that push the plan they make; the push sensor leaves their plans to them.
SYNC_JOBS = ("incremental_sync", "full_sync")


def sync_config(mode: Mode) -> dg.RunConfig:
    """The run config of a whole sync.

    Schedules pass it, too: the config of a partitioned job is filled in by the UI, but not for a
    run that a schedule requests.
    """
    names = [asset.key.to_python_identifier() for asset in OBSERVE_AND_PLAN]
    return dg.RunConfig(ops={name: SyncConfig(mode=mode) for name in names})


def build_jobs() -> list[dg.UnresolvedAssetJobDefinition]:
    """`incremental_sync`, `full_sync` and `push_plan`, one run per connection."""
    everything = dg.AssetSelection.assets(*OBSERVE_AND_PLAN, *PUSH)
    incremental, full = SYNC_JOBS
    return [
        dg.define_asset_job(
            incremental,
            selection=everything,
            config=sync_config("incremental"),
            description="Reads what changed on both sides, plans, pushes what may be pushed, reads"
            " back.",
        ),
        dg.define_asset_job(
            full,
            selection=everything,
            config=sync_config("full"),
            description="The same over complete reads of both sides. Only a full sync takes tags"
            " of the provider into the CRM, and sees what an interface forgot to report.",
        ),
        dg.define_asset_job(
            "push_plan",
            selection=dg.AssetSelection.assets(*PUSH),
            description="Pushes the newest plan of a connection as far as nothing holds it. A first"
            " sync is pushed only if the config of all three assets names its plan id.",
        ),
    ]
