"""The assets that write outside: first to the CRM, then to the provider; and the report after it.

Belongs here: their bodies, and which plan they mean. Must not be here: what may be sent; that is
checked by ``sync.push`` at every start, whoever launched it.
"""

# Without `from __future__ import annotations`, and with a bare `MaterializeResult`: Dagster 1.13
# reads annotations as they stand, takes no text for `config` and, beside check results, no type
# argument.
# mypy: disable-error-code="type-arg"

import dagster as dg
from pydantic import Field

from nl_pipeline.domain.plan import Plan
from nl_pipeline.orchestration.checks import PUSH_RESULT, judge_push
from nl_pipeline.orchestration.metadata import push_metadata, report_metadata, second_pass_metadata
from nl_pipeline.orchestration.plan import sync_plan
from nl_pipeline.orchestration.providers import PROVIDER
from nl_pipeline.orchestration.resources import Connections
from nl_pipeline.sync.link import Link
from nl_pipeline.sync.push import (
    PlanRefused,
    check_may_push,
    confirm,
    push_to_crm,
    push_to_provider,
)
from nl_pipeline.sync.second_pass import follow_up, taken_together
from nl_pipeline.warehouse import plans
from nl_pipeline.warehouse.reports import take_balance


class PushConfig(dg.Config):
    """Which plan is meant."""

    plan_id: str = Field(
        "",
        description="Only to approve a first sync: the id of the plan that was looked at. Left"
        " empty, the newest plan of the connection is pushed, as far as nothing holds it.",
    )


def _chosen(link: Link, *, config: PushConfig) -> tuple[Plan, bool]:
    """The plan that is meant, and whether it was approved by its id. PlanRefused without one."""
    if config.plan_id:
        return plans.load(link.warehouse, plan_id=config.plan_id), True
    plan = plans.latest(link.warehouse)
    if plan is None:
        raise PlanRefused(
            f"connection {link.name} has no plan yet, so there is nothing to push; run"
            f" `nl-pipeline setup {link.name}`, or materialize sync_plan"
        )
    return plan, False


@dg.asset(
    deps=[sync_plan],
    group_name="push",
    kinds={"onoffice"},
    owners=["team:data"],
    tags={"writes_to": "crm"},
)
def crm_push(
    context: dg.AssetExecutionContext,
    config: PushConfig,
    connections: dg.ResourceParam[Connections],
) -> dg.MaterializeResult:
    """The plan's changes written to the CRM, cancellations of opted-out people first.

    Each contact is read again right before it is written, and left alone if it has moved since the
    plan. Rows that were sent once are not sent again.
    """
    with connections.open(context.partition_key, log=context.log) as link:
        plan, approved = _chosen(link, config=config)
        push_to_crm(link, plan=plan, approved=approved)
        return dg.MaterializeResult(metadata=push_metadata(plan, link=link))


@dg.asset(
    deps=[sync_plan, crm_push],
    group_name="push",
    kinds={PROVIDER},
    owners=["team:data"],
    tags={"writes_to": "provider"},
)
def provider_push(
    context: dg.AssetExecutionContext,
    config: PushConfig,
    connections: dg.ResourceParam[Connections],
) -> dg.MaterializeResult:
    """The plan's changes written to the audience, after one more look at what changed there.

    Waits for the CRM push, so that an opt-out is in the CRM before anything else happens. Whoever
    has opted out since the plan is not subscribed.
    """
    with connections.open(context.partition_key, log=context.log) as link:
        plan, approved = _chosen(link, config=config)
        push_to_provider(link, plan=plan, approved=approved)
        return dg.MaterializeResult(metadata=push_metadata(plan, link=link))


@dg.asset(
    deps=[crm_push, provider_push],
    group_name="report",
    kinds={"duckdb"},
    owners=["team:data"],
    tags={"personal_data": "yes"},
    check_specs=[PUSH_RESULT],
)
def sync_report(
    context: dg.AssetExecutionContext,
    config: PushConfig,
    connections: dg.ResourceParam[Connections],
) -> dg.MaterializeResult:
    """What became of the plan: everything sent is read back, and only then counts as done.

    Moves the state last confirmed equal, completes the consent ledger and writes the activities of
    new subscriptions and opt-outs into the CRM. If somebody left, came or changed meanwhile, there
    is one more plan and push over that. Counts both sides, and why they differ.
    """
    with connections.open(context.partition_key, log=context.log) as link:
        plan, approved = _chosen(link, config=config)
        if plan.status == "open":
            # Nothing was confirmed yet: what may not be pushed may not be reported as done either.
            check_may_push(link, plan=plan, approved=approved)
        result = confirm(link, plan=plan)
        second = follow_up(link, plan=plan, push=result)
        total = taken_together(result, second=second)
        balance = take_balance(link.warehouse, adopt_existing=link.settings.adopt_existing)
        return dg.MaterializeResult(
            metadata={
                **report_metadata(total, balance=balance, link=link),
                **second_pass_metadata(second, warehouse=link.warehouse),
            },
            check_results=[judge_push(total)],
        )
