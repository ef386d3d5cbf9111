"""The asset that decides: the plan over what was observed last.

Belongs here: its body and how it is described. Must not be here: rules, brakes.
"""

# Without `from __future__ import annotations`, and with a bare `MaterializeResult`: Dagster 1.13
# reads annotations as they stand, takes no text for `config` and, beside check results, no type
# argument.
# mypy: disable-error-code="type-arg"

import dagster as dg

from nl_pipeline.orchestration.checks import PLAN_VERDICT, judge_plan
from nl_pipeline.orchestration.metadata import calls_metadata, plan_metadata, rows_waiting
from nl_pipeline.orchestration.modes import SyncConfig, mode_of
from nl_pipeline.orchestration.observe import audience_members, crm_contacts
from nl_pipeline.orchestration.partitions import CONNECTION
from nl_pipeline.orchestration.resources import Connections
from nl_pipeline.sync.planning import make_plan


@dg.asset(
    deps=[
        crm_contacts,
        audience_members,
        dg.AssetDep(
            "subscriber_events",
            partition_mapping=dg.MultiToSingleDimensionPartitionMapping(CONNECTION),
        ),
    ],
    group_name="plan",
    kinds={"duckdb", "pandera"},
    owners=["team:data"],
    tags={"personal_data": "yes"},
    check_specs=[PLAN_VERDICT],
)
def sync_plan(
    context: dg.AssetExecutionContext,
    config: SyncConfig,
    connections: dg.ResourceParam[Connections],
) -> dg.MaterializeResult:
    """What is to be changed on either side, row by row, each with its rule and reason code.

    A three-way comparison of contacts, members and the state last confirmed equal, under the
    consent ledger and the brakes. Nothing outside is written. The newest plan of a connection
    replaces the older ones.
    """
    with connections.open(context.partition_key, log=context.log) as link:
        plan = make_plan(link, mode=mode_of(context, config=config))
        waiting = rows_waiting(plan, warehouse=link.warehouse)
        return dg.MaterializeResult(
            metadata={
                **plan_metadata(plan, warehouse=link.warehouse),
                **calls_metadata(link.report_calls()),
            },
            check_results=[judge_plan(plan, waiting=waiting)],
        )
