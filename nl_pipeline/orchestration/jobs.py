"""The jobs: a whole sync in two degrees of thoroughness, and the push alone.

Belongs here: which assets a job materializes. Must not be here: when it runs.
"""

from __future__ import annotations

import dagster as dg

from nl_pipeline.orchestration.assets import OBSERVE_AND_PLAN, PUSH
from nl_pipeline.orchestration.modes import FULL_SYNC, INCREMENTAL_SYNC


def build_jobs() -> list[dg.UnresolvedAssetJobDefinition]:
    """`incremental_sync`, `full_sync` and `push_plan`, one run per connection."""
    everything = dg.AssetSelection.assets(*OBSERVE_AND_PLAN, *PUSH)
    return [
        dg.define_asset_job(
            INCREMENTAL_SYNC,
            selection=everything,
            description="Reads what changed on both sides, plans, pushes what may be pushed, reads"
            " back.",
        ),
        dg.define_asset_job(
            FULL_SYNC,
            selection=everything,
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
