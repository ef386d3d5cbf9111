"""Pushing a plan, both ways: opt-outs into the CRM first, everything read back, then the base
moves.

Belongs here: the order of sending, the checks right before it, resuming. Must not be here: what to
send (the plan) and how a service takes it (``crm``, ``providers``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from nl_pipeline.domain.brakes import Verdict
from nl_pipeline.domain.least_calls import CrmWork
from nl_pipeline.domain.plan import Plan
from nl_pipeline.sync import activities
from nl_pipeline.sync.calls import crm_writes
from nl_pipeline.sync.link import Link
from nl_pipeline.sync.observe import audience_of, pull_contacts, pull_members
from nl_pipeline.sync.options import planning_options
from nl_pipeline.warehouse import observations, outcomes, plans
from nl_pipeline.warehouse.observations import Snapshot
from nl_pipeline.warehouse.outcomes import Pending, Result

#: A plan older than this is pushed only after one more look whether the audience and its merge
#: fields are still there: Mailchimp ignores a field that is not without a word.
_CHECK_AGAIN_AFTER = timedelta(minutes=10)
#: What subscribes or mails a person: never where the last word was a withdrawal.
_GIVES_CONSENT = ("subscribe", "resubscribe", "confirm")


class PlanRefused(Exception):
    """A plan that may not be pushed as it stands. The text says why and what to do."""


@dataclass(frozen=True)
class PushResult:
    """What became of a plan. ``held`` rows wait for a release; ``open`` ones were not confirmed."""

    plan_id: str
    confirmed: int
    refused: int
    failed: int
    unknown: int
    overtaken: int
    without_effect: int
    held: int
    base_moved: int
    activities_written: int

    @property
    def tried(self) -> int:
        """How many changes were sent, or would have been had events not overtaken them."""
        return (
            self.confirmed
            + self.refused
            + self.failed
            + self.unknown
            + self.overtaken
            + self.without_effect
        )

    @property
    def complete(self) -> bool:
        """Whether every change that was not held is confirmed or was overtaken by events."""
        return not (self.refused or self.failed or self.unknown or self.without_effect or self.held)


def check_may_push(link: Link, *, plan: Plan, approved: bool) -> None:
    """The verdict, checked by the push itself however it was started. Raises PlanRefused."""
    if plan.status == "expired":
        raise PlanRefused(
            f"plan {plan.plan_id} has expired, a newer one replaced it; push the newer one"
        )
    if plan.verdict is Verdict.APPROVAL and not approved:
        raise PlanRefused(
            f"plan {plan.plan_id} is the first sync of this connection and is applied only by its"
            f" id: look at it, then run `nl-pipeline apply {plan.plan_id}`"
        )
    if plan.status == "open" and plan.base_version != plans.current_base_version(link.warehouse):
        raise PlanRefused(
            f"plan {plan.plan_id} was made over an older base; make a new one with `nl-pipeline"
            f" plan`"
        )


def push_to_crm(link: Link, *, plan: Plan, approved: bool = False) -> None:
    """Send the plan's CRM changes: cancellations of opted-out people first.

    Raises PlanRefused; OperatorNeeded when the CRM refuses to work with us.
    """
    check_may_push(link, plan=plan, approved=approved)
    pending = _pending_in_crm(link, plan=plan)
    if not pending:
        return
    ids = sorted({int(p.change.record_id) for p in pending if p.change.record_id})
    if ids:
        # Staff may have changed a contact since it was read: look again before writing.
        with link.counting("check"):
            _read_back_contacts(link, ids=ids)
        outcomes.drop_overtaken(link.warehouse, plan_id=plan.plan_id, now=link.now())
    opt_outs = [p for p in _pending_in_crm(link, plan=plan) if _newsletter(p) == "CANCEL"]
    _send(link, plan=plan, pending=opt_outs, side="CRM", send=link.crm.push)
    if any(_newsletter(p) == "YES" for p in _pending_in_crm(link, plan=plan)):
        # Whoever signed up may have left again since: the CRM must not be told a Yes of before.
        with link.counting("check"):
            pull_members(link)
        outcomes.drop_overtaken(link.warehouse, plan_id=plan.plan_id, now=link.now())
    others = _pending_in_crm(link, plan=plan)
    _send(link, plan=plan, pending=others, side="CRM", send=link.crm.push)


def _pending_in_crm(link: Link, *, plan: Plan) -> list[Pending]:
    return [p for p in _pending(link, plan=plan) if p.change.side == "crm"]


def _newsletter(pending: Pending) -> str | None:
    value = pending.change.after.get("newsletter")
    return None if value is None else str(value)


def push_to_provider(link: Link, *, plan: Plan, approved: bool = False) -> None:
    """Send the plan's provider changes after one more pull of what changed there.

    Raises PlanRefused; OperatorNeeded when the provider refuses to work with us.
    """
    check_may_push(link, plan=plan, approved=approved)
    pending = _pending(link, plan=plan)
    if not any(p.change.side == "provider" for p in pending):
        return
    audience_id = _audience(link, plan=plan)
    with link.counting("check"):
        pull_members(link)
        if any(p.change.action in _GIVES_CONSENT for p in pending):
            # A Yes may have been taken back since the plan was made: a first plan waits for days.
            pull_contacts(link)
    outcomes.drop_overtaken(link.warehouse, plan_id=plan.plan_id, now=link.now())
    outcomes.record_withdrawals(
        link.warehouse,
        plan_id=plan.plan_id,
        released=plan.released,
        happened_at=_provider_now(link),
        now=link.now(),
    )
    pending = _fence(link, plan=plan, pending=_pending(link, plan=plan))
    _send(
        link,
        plan=plan,
        pending=[p for p in pending if p.change.side == "provider"],
        side="provider",
        send=lambda items, *, on_results: link.audience.push(
            audience_id, items, on_results=on_results
        ),
    )


def _audience(link: Link, *, plan: Plan) -> str:
    stored = observations.read_state(link.warehouse, name="audience_id")
    if stored is None or abs(link.now() - plan.created_at) > _CHECK_AGAIN_AFTER:
        return audience_of(link)
    return stored


def _provider_now(link: Link) -> datetime:
    return link.audience.now() or link.now()


def _fence(link: Link, *, plan: Plan, pending: Sequence[Pending]) -> list[Pending]:
    """Drop every subscription of an address whose last consent event is a withdrawal."""
    keys = {p.change.key for p in pending if p.change.action in _GIVES_CONSENT}
    withdrawn = outcomes.withdrawn_keys(link.warehouse, keys=keys) if keys else set()
    stopped = [
        p
        for p in pending
        if p.change.key in withdrawn and p.change.action in (*_GIVES_CONSENT, "tag_member")
    ]
    outcomes.record(
        link.warehouse,
        plan_id=plan.plan_id,
        results=[Result(p.change.seq, "overtaken", cause="withdrawn") for p in stopped],
        now=link.now(),
    )
    gone = {p.change.seq for p in stopped}
    return [p for p in pending if p.change.seq not in gone]


def _pending(link: Link, *, plan: Plan) -> list[Pending]:
    return outcomes.pending_changes(link.warehouse, plan_id=plan.plan_id, released=plan.released)


def _send(
    link: Link,
    *,
    plan: Plan,
    pending: Sequence[Pending],
    side: str,
    send: Callable[..., None],
) -> None:
    """Note the intent of every change, send, note every result as it comes."""
    if not pending:
        return
    outcomes.record(
        link.warehouse,
        plan_id=plan.plan_id,
        results=[Result(p.change.seq, "sending") for p in pending],
        now=link.now(),
    )
    done = 0
    not_sent: set[int] = set()

    def keep(results: list[Result]) -> None:
        nonlocal done
        done += len(results)
        not_sent.update(r.seq for r in results if r.result in ("overtaken", "failed"))
        outcomes.record(link.warehouse, plan_id=plan.plan_id, results=results, now=link.now())
        link.progress(f"changes to the {side}", done, len(pending))

    with link.counting("write"):
        send(pending, on_results=keep)
    sent = [p for p in pending if p.change.seq not in not_sent]
    link.need("write", crm_writes(sent) if side == "CRM" else link.audience.work_of(sent))


def confirm(link: Link, *, plan: Plan) -> PushResult:
    """Read back what was touched, then move base, ledger and activities in one transaction."""
    cursor = observations.read_cursor(link.warehouse, side="provider")
    ids = outcomes.touched_contacts(link.warehouse, plan_id=plan.plan_id)
    if ids:
        _read_back_contacts(link, ids=ids)
    # Also when only the CRM was written to: people may have left since the push began.
    if ids or outcomes.sent_to_provider(link.warehouse, plan_id=plan.plan_id):
        with link.counting("read_back"):
            pull_members(link, mode="read_back")
    confirmation = outcomes.confirm(
        link.warehouse,
        plan_id=plan.plan_id,
        options=planning_options(link, mode="full" if plan.mode == "full" else "incremental"),
        hard_bounces=link.settings.activities.hard_bounce is not None,
        profiles=activities.notes_profiles(link),
        provider_now=_provider_now(link),
        now=link.now(),
    )
    written = activities.write(link)
    counts = plans.count_results(link.warehouse, plan_id=plan.plan_id)
    if cursor is not None and (counts.get("unknown") or confirmation.without_effect):
        # What was sent and does not show may show later, with a date of before this read.
        observations.set_back_cursor(link.warehouse, side="provider", value=cursor)
    return PushResult(
        plan_id=plan.plan_id,
        confirmed=confirmation.confirmed,
        refused=counts.get("refused", 0),
        failed=counts.get("failed", 0),
        unknown=counts.get("unknown", 0),
        overtaken=counts.get("overtaken", 0),
        without_effect=confirmation.without_effect,
        held=counts.get("held", 0),
        base_moved=confirmation.base_moved,
        activities_written=written,
    )


def apply_plan(link: Link, *, plan: Plan, approved: bool = False) -> PushResult:
    """Push both ways and confirm. Running it again sends only what was never sent.

    A change whose outcome is unknown is not sent again: it is read back here, and the next plan
    decides anew over what is there.
    """
    check_may_push(link, plan=plan, approved=approved)
    try:
        push_to_crm(link, plan=plan, approved=approved)
        push_to_provider(link, plan=plan, approved=approved)
    finally:
        # Whatever stopped us, what was sent is read back and recorded.
        result = confirm(link, plan=plan)
    return result


def finish_interrupted(link: Link) -> PushResult | None:
    """Read back what an interrupted push sent and never confirmed, before anything new is planned.

    Without it the next plan would be right, but the ledger and the activities of what had been
    written already would be missing.
    """
    plan = plans.latest(link.warehouse)
    if plan is None:
        return None
    if not outcomes.has_unconfirmed(link.warehouse, plan_id=plan.plan_id):
        return None
    return confirm(link, plan=plan)


def _read_back_contacts(link: Link, *, ids: Sequence[int]) -> None:
    started = link.now()
    with link.counting("read_back") as purpose:
        frames, found = link.crm.read_ids(ids, observed_at=started)
    link.need(purpose, CrmWork(ids=len(ids)))
    observations.begin_read(link.warehouse, side="crm")
    if len(frames["contacts"]):
        observations.stage(link.warehouse, tables=frames)
    observations.finish_contacts(
        link.warehouse,
        snapshot=Snapshot(
            "crm", "read_back", started, link.now(), len(ids), len(ids), len(found), True
        ),
        cursor=None,
        now=link.now(),
    )
