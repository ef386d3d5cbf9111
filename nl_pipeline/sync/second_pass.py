"""The second pass: what changed on either side while a plan was made and pushed.

Belongs here: whether there is something new, and the one more plan and push it is worth. Must not
be here: how a plan is made or pushed.
"""

from __future__ import annotations

from dataclasses import dataclass

from nl_pipeline.domain.brakes import Verdict
from nl_pipeline.domain.plan import Plan
from nl_pipeline.sync.link import Link
from nl_pipeline.sync.observe import pull_contacts
from nl_pipeline.sync.planning import make_plan
from nl_pipeline.sync.push import PushResult, apply_plan
from nl_pipeline.warehouse import news, outcomes


@dataclass(frozen=True)
class SecondPass:
    """The plan over what changed meanwhile; ``push`` is None where it waits for an approval."""

    plan: Plan
    push: PushResult | None


def follow_up(link: Link, *, plan: Plan, push: PushResult) -> SecondPass | None:
    """One more plan and push after ``plan`` was pushed, if something changed meanwhile; else None.

    The members were read back by the push, the contacts are read here. Brakes and verdict apply as
    to any plan. What the first push could not get through is not sent again within moments. There
    is no third pass: what changes during the second one is for the next sync.
    """
    if not push.tried:
        return None
    pull_contacts(link)
    if not news.count(link.warehouse) and not outcomes.count_overtaken_by_events(
        link.warehouse, plan_id=plan.plan_id
    ):
        return None
    again = make_plan(link, mode="incremental")
    if again.verdict is Verdict.APPROVAL:
        return SecondPass(again, None)
    outcomes.carry_over(link.warehouse, plan_id=again.plan_id, after=plan.plan_id, now=link.now())
    return SecondPass(again, apply_plan(link, plan=again))


def taken_together(push: PushResult, *, second: SecondPass | None) -> PushResult:
    """What became of both plans: what was done in either, and what is open after the last one."""
    if second is None or second.push is None:
        return push
    last = second.push
    # What the first push was refused and the second plan therefore left out.
    left_out = max(0, last.quarantined - push.quarantined)
    return PushResult(
        plan_id=last.plan_id,
        confirmed=push.confirmed + last.confirmed,
        refused=last.refused + left_out,
        failed=last.failed,
        unknown=last.unknown,
        overtaken=push.overtaken + last.overtaken,
        without_effect=last.without_effect,
        held=last.held,
        base_moved=push.base_moved + last.base_moved,
        activities_written=push.activities_written + last.activities_written,
        fields_dropped=push.fields_dropped + last.fields_dropped,
        quarantined=last.quarantined,
    )
