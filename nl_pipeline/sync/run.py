"""One whole sync: observe, plan, push, and say how it went.

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


@dataclass(frozen=True)
class SyncResult:
    """The plan of a sync and what became of it; ``push`` is None where nothing was pushed.

    ``calls``: calls this sync has made over the least possible.
    """

    plan: Plan
    push: PushResult | None
    calls: CallReport

    @property
    def complete(self) -> bool:
        return self.push is not None and self.push.complete


def sync(link: Link, *, mode: Mode, dry_run: bool = False) -> SyncResult:
    """Observe both sides, plan, and push what may be pushed.

    A dry run, and a first sync that nobody has approved, stop at the plan.
    """
    link = link.counted_anew()
    plan = observe_and_plan(link, mode=mode)
    if dry_run or plan.verdict is Verdict.APPROVAL:
        return SyncResult(plan=plan, push=None, calls=link.report_calls())
    push = apply_plan(link, plan=plan)
    return SyncResult(plan=plan, push=push, calls=link.report_calls())
