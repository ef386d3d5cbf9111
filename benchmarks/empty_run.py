"""A code location whose steps do nothing: what a run costs that is Dagster's alone.

Belongs here: as many assets as a sync has, in the same executor. Must not be here: anything of the
package; what it imports and does is what the comparison shows.
"""

from __future__ import annotations

import dagster as dg

JOB = "empty_run"
PARTITION = "nobody"
_STEPS = ("contacts", "members", "plan", "crm_push", "provider_push", "report")


def _step(name: str, *, after: str | None) -> dg.AssetsDefinition:
    @dg.asset(
        name=name,
        deps=[] if after is None else [after],
        partitions_def=dg.StaticPartitionsDefinition([PARTITION]),
    )
    def nothing() -> dg.MaterializeResult:
        return dg.MaterializeResult()

    return nothing


defs = dg.Definitions(
    assets=[
        _step(name, after=before) for before, name in zip((None, *_STEPS), _STEPS, strict=False)
    ],
    jobs=[dg.define_asset_job(JOB)],
    executor=dg.in_process_executor,
)
