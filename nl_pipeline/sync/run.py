"""One whole sync: observe, plan, push, look once more, and say how it went.

Belongs here: the composition the schedules and ``nl-pipeline sync`` share. Must not be here: steps.
"""

from __future__ import annotations

from dataclasses import dataclass

from nl_pipeline.domain.brakes import Verdict
from nl_pipeline.domain.plan import Plan
from nl_pipeline.sync.calls import CallReport
from nl_pipeline.sync.link import Link
from nl_pipeline.sync.observe import Mode
from nl_pipeline.sync.planning import observe_and_plan
from nl_pipeline.sync.push import PushResult, apply_plan
from nl_pipeline.sync.second_pass import SecondPass, follow_up, taken_together


@dataclass(frozen=True)
class SyncResult:
    """The plan of a sync and what became of it; ``push`` is None where nothing was pushed.

    ``second`` is the pass over what changed meanwhile, if anything did; ``calls``: calls made over
    the least possible, both passes.
    """

    plan: Plan
    push: PushResult | None
    calls: CallReport
    second: SecondPass | None = None

    @property
    def newest_plan(self) -> Plan:
        """The plan that is to be looked at, released or approved if something waits."""
        return self.plan if self.second is None else self.second.plan

    @property
    def total(self) -> PushResult | None:
        """Both passes taken together."""
        return None if self.push is None else taken_together(self.push, second=self.second)

    @property
    def complete(self) -> bool:
        return self.total is not None and self.total.complete

    @property
    def in_vain(self) -> bool:
        """Whether something was to be done and not one change of it is there."""
        return self.total is not None and self.total.in_vain


def sync(link: Link, *, mode: Mode, dry_run: bool = False) -> SyncResult:
    """Observe both sides, plan, and push what may be pushed.

    A dry run, and a first sync that nobody has approved, stop at the plan.
    """
    link = link.counted_anew()
    plan = observe_and_plan(link, mode=mode)
    if dry_run or plan.verdict is Verdict.APPROVAL:
        return SyncResult(plan=plan, push=None, calls=link.report_calls())
    return push_and_follow_up(link, plan=plan)


def push_and_follow_up(link: Link, *, plan: Plan, approved: bool = False) -> SyncResult:
    """Push a plan and what changed meanwhile: the second half of a sync, or a plan by its id."""
    push = apply_plan(link, plan=plan, approved=approved)
    second = follow_up(link, plan=plan, push=push)
    return SyncResult(plan=plan, push=push, second=second, calls=link.report_calls())
