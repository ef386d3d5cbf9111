"""Letting the held rows of a plan go, from Dagster: who, and why.

Belongs here: the op and its job. Must not be here: sending; the release is a new event of the plan,
and the push sensor pushes what has such an event.
"""

# Without `from __future__ import annotations`: Dagster reads the annotation of `config` as it
# stands and takes no text.

import dagster as dg
from pydantic import Field

from nl_pipeline.orchestration.failures import ReleaseRefused
from nl_pipeline.orchestration.metadata import plan_metadata
from nl_pipeline.orchestration.resources import Connections
from nl_pipeline.orchestration.tables import PLAN
from nl_pipeline.warehouse import plans


class ReleaseConfig(dg.Config):
    """A release, as it will stand in the warehouse."""

    plan_id: str = Field(description="The plan whose held rows may go.")
    by: str = Field(description="Who releases them; kept with the plan and in the run's config.")
    reason: str = Field(description="Why they may go. Name no contact: it is kept as it stands.")


@dg.op(out=dg.Out(dg.Nothing))
def release_held_rows(
    context: dg.OpExecutionContext,
    config: ReleaseConfig,
    connections: dg.ResourceParam[Connections],
) -> None:
    """Note the release in the warehouse and tell Dagster that the plan may be pushed again."""
    with connections.open(context.partition_key, log=context.log) as link:
        try:
            plan = plans.release(
                link.warehouse,
                plan_id=config.plan_id,
                by=config.by,
                reason=config.reason,
                now=link.now(),
            )
        except ValueError as refused:
            raise ReleaseRefused(str(refused)) from None
        context.log_event(
            dg.AssetMaterialization(
                asset_key=PLAN,
                partition=context.partition_key,
                description="Held rows released",
                metadata=plan_metadata(plan, warehouse=link.warehouse),
            )
        )


def release_job(partitions: dg.PartitionsDefinition) -> dg.JobDefinition:
    """`release_plan`: one run releases the held rows of one plan of one connection."""

    @dg.job(
        name="release_plan",
        partitions_def=partitions,
        description="Lets the rows of a plan go that a brake holds. Choose the connection as"
        " partition and name the plan, yourself and the reason. The push sensor then sends them;"
        " without the sensor, launch push_plan.",
        executor_def=dg.in_process_executor,
    )
    def release_plan() -> None:
        release_held_rows()

    return release_plan
