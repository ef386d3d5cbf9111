"""Pushing a plan, both ways: opt-outs into the CRM first, everything read back, then the base
moves.

Belongs here: the order of sending, the checks right before it, resuming. Must not be here: what to
send (the plan) and how a service takes it (``crm``, ``providers``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from nl_pipeline.domain.brakes import Verdict
from nl_pipeline.domain.least_calls import CrmWork
from nl_pipeline.domain.plan import Plan
from nl_pipeline.sync import activities
from nl_pipeline.sync.calls import crm_writes
from nl_pipeline.sync.fence import Fence
from nl_pipeline.sync.link import Link
from nl_pipeline.sync.observe import audience_of, pull_contacts, pull_members
from nl_pipeline.sync.options import planning_options
from nl_pipeline.warehouse import observations, outcomes, pending, plans
from nl_pipeline.warehouse.observations import Snapshot
from nl_pipeline.warehouse.outcomes import Pending, Result
from nl_pipeline.warehouse.pending import Part

#: A plan older than this is pushed only after one more look whether the audience and its merge
#: fields are still there: Mailchimp ignores a field that is not without a word.
_CHECK_AGAIN_AFTER = timedelta(minutes=10)
#: Contacts read back at a time, so that memory stays flat.
_READ_BACK_IDS = 5_000
#: What subscribes or mails a person: never where the last word was a withdrawal.
_GIVES_CONSENT = ("subscribe", "resubscribe", "confirm")
_GUARDED = (*_GIVES_CONSENT, "tag_member")


class PlanRefused(Exception):
    """A plan that may not be pushed as it stands. The text says why and what to do."""


@dataclass(frozen=True)
class PushResult:
    """What became of a plan. ``held`` rows wait for a release; ``open`` ones were not confirmed.

    ``fields_dropped``: fields whose value was refused; the rest of the change was sent.
    ``quarantined``: what the plan left out because it had been refused before.
    """

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
    fields_dropped: int = 0
    quarantined: int = 0

    @property
    def lost(self) -> int:
        """Changes that were sent, or were to be sent, and are not there."""
        return self.refused + self.failed + self.unknown + self.without_effect

    @property
    def in_vain(self) -> bool:
        """Whether something was to be done and not one change of it is there."""
        return self.lost > 0 and self.confirmed == 0

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
        """Whether every change is confirmed as it was planned, or was overtaken by events.

        What is quarantined is not part of the plan: it is listed until somebody looks at it.
        """
        return not (self.lost or self.held or self.fields_dropped)


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

    "Confirmation pending" is left to ``push_to_provider``: it is true only once the person was
    asked. Raises PlanRefused; OperatorNeeded when the CRM refuses to work with us.
    """
    check_may_push(link, plan=plan, approved=approved)
    if not _count(link, plan=plan, part=Part.CRM):
        return
    ids = pending.contacts(
        link.warehouse, plan_id=plan.plan_id, released=plan.released, part=Part.CRM
    )
    if ids:
        # Staff may have changed a contact since it was read: look again before writing.
        with link.counting("check"):
            _read_back_contacts(link, ids=ids)
        outcomes.drop_overtaken(link.warehouse, plan_id=plan.plan_id, now=link.now())
    _send(link, plan=plan, part=Part.CRM_CANCELLATIONS, side="CRM", send=link.crm.push)
    # Before the pull: what is taken in from here on is still found in the log.
    fence = Fence(link)
    if _count(link, plan=plan, part=Part.CRM_YES):
        # Whoever signed up may have left again since: the CRM must not be told a Yes of before.
        with link.counting("check"):
            pull_members(link)
        outcomes.drop_overtaken(link.warehouse, plan_id=plan.plan_id, now=link.now())
    _send(link, plan=plan, part=Part.CRM, side="CRM", send=_guarded(link, fence, plan=plan))


def _guarded(link: Link, fence: Fence, *, plan: Plan) -> Callable[..., None]:
    """Sending to the CRM, with nobody told to be subscribed or asked who has left meanwhile."""

    def left(keys: Collection[str]) -> set[str]:
        taken_in = outcomes.left_since(link.warehouse, plan_id=plan.plan_id, keys=keys)
        return taken_in | fence.just_left(keys)

    def send(items: list[Pending], *, on_results: Callable[[list[Result]], None]) -> None:
        link.crm.push(items, on_results=on_results, left=left)

    return send


def _count(link: Link, *, plan: Plan, part: Part) -> int:
    return pending.count(link.warehouse, plan_id=plan.plan_id, released=plan.released, part=part)


def push_to_provider(link: Link, *, plan: Plan, approved: bool = False) -> None:
    """Send the plan's provider changes after one more pull of what changed there.

    Raises PlanRefused; OperatorNeeded when the provider refuses to work with us.
    """
    check_may_push(link, plan=plan, approved=approved)
    if not _count(link, plan=plan, part=Part.PROVIDER):
        _note_requests(link, plan=plan)
        return
    audience_id = _audience(link, plan=plan)
    with link.counting("check"):
        pull_members(link)
        if _count(link, plan=plan, part=Part.CONSENTS):
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

    fence = Fence(link)

    def send(items: list[Pending], *, on_results: Callable[[list[Result]], None]) -> None:
        allowed = _fence(link, fence, plan=plan, items=items)
        waiting = {p.change.seq for p in items if p.change.action == "subscribe"}

        def keep(results: list[Result]) -> None:
            waiting.difference_update(r.seq for r in results if r.result == "sent")
            on_results(results)

        link.audience.push(audience_id, allowed, on_results=keep, withdrawn=fence.withdrawn)
        if waiting:
            # The tags of those who were not created may be in a later portion.
            outcomes.drop_tags_of_the_lost(link.warehouse, plan_id=plan.plan_id, now=link.now())

    _send(link, plan=plan, part=Part.PROVIDER, side="provider", send=send)
    _note_requests(link, plan=plan)


def _note_requests(link: Link, *, plan: Plan) -> None:
    """Mark the contacts of those who were just asked to confirm.

    Not before: a contact that waits for an answer nobody was asked for would be cancelled.
    """
    ids = pending.contacts(
        link.warehouse, plan_id=plan.plan_id, released=plan.released, part=Part.CRM_ASKED
    )
    if not ids:
        return
    fence = Fence(link)
    _read_back_contacts(link, ids=ids)
    outcomes.drop_overtaken(link.warehouse, plan_id=plan.plan_id, now=link.now())
    _send(link, plan=plan, part=Part.CRM_ASKED, side="CRM", send=_guarded(link, fence, plan=plan))


def _audience(link: Link, *, plan: Plan) -> str:
    stored = observations.read_state(link.warehouse, name="audience_id")
    if stored is None or abs(link.now() - plan.created_at) > _CHECK_AGAIN_AFTER:
        return audience_of(link)
    return stored


def _provider_now(link: Link) -> datetime:
    return link.audience.now() or link.now()


def _fence(link: Link, fence: Fence, *, plan: Plan, items: Sequence[Pending]) -> list[Pending]:
    """Drop every subscription of an address whose last consent event is a withdrawal.

    What is told while the rest is sent stops the requests that are left.
    """
    fence.prepare({p.change.key for p in items if p.change.action in _GUARDED})
    gone = fence.withdrawn({p.change.key for p in items if p.change.action in _GIVES_CONSENT})
    stopped = [p for p in items if p.change.key in gone and p.change.action in _GUARDED]
    return _without(link, plan=plan, items=items, stopped=stopped)


def _without(
    link: Link, *, plan: Plan, items: Sequence[Pending], stopped: Sequence[Pending]
) -> list[Pending]:
    """The items that are left once others are noted as overtaken by a withdrawal."""
    outcomes.record(
        link.warehouse,
        plan_id=plan.plan_id,
        results=[Result(p.change.seq, "overtaken", cause="withdrawn") for p in stopped],
        now=link.now(),
    )
    numbers = {p.change.seq for p in stopped}
    return [p for p in items if p.change.seq not in numbers]


def _send(link: Link, *, plan: Plan, part: Part, side: str, send: Callable[..., None]) -> None:
    """Portion by portion: note the intent of every change, send, note every result as it comes."""
    total = _count(link, plan=plan, part=part)
    done = 0
    not_sent: set[int] = set()

    def keep(results: list[Result]) -> None:
        nonlocal done
        done += len(results)
        not_sent.update(r.seq for r in results if r.result in ("overtaken", "failed"))
        outcomes.record(link.warehouse, plan_id=plan.plan_id, results=results, now=link.now())
        link.progress(f"changes to the {side}", done, total)

    for items in pending.portions(
        link.warehouse,
        plan_id=plan.plan_id,
        released=plan.released,
        part=part,
        most=link.audience.changes_at_once if side == "provider" else None,
    ):
        outcomes.record(
            link.warehouse,
            plan_id=plan.plan_id,
            results=[Result(p.change.seq, "sending") for p in items],
            now=link.now(),
        )
        with link.counting("write"):
            send(items, on_results=keep)
        sent = [p for p in items if p.change.seq not in not_sent]
        link.need("write", crm_writes(sent) if side == "CRM" else link.audience.work_of(sent))
        not_sent.clear()


def confirm(link: Link, *, plan: Plan) -> PushResult:
    """Read back what was touched, then move base, ledger and activities in one transaction."""
    cursor = observations.read_cursor(link.warehouse, side="provider")
    _find_lost_contacts(link, plan=plan)
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
        fields_dropped=confirmation.fields_dropped,
        quarantined=confirmation.quarantined,
        activities_written=written,
    )


def apply_plan(link: Link, *, plan: Plan, approved: bool = False) -> PushResult:
    """Push both ways and confirm. Running it again sends only what was never sent.

    A change whose outcome is unknown is not sent again: it is read back here, and the next plan
    decides anew over what is there.
    """
    check_may_push(link, plan=plan, approved=approved)
    _wait_for_what_runs(link, plan=plan)
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
    waited = _wait_for_what_runs(link, plan=plan)
    if not waited and not outcomes.has_unconfirmed(link.warehouse, plan_id=plan.plan_id):
        return None
    return confirm(link, plan=plan)


def _wait_for_what_runs(link: Link, *, plan: Plan) -> bool:
    """Wait for what an earlier push sent and the provider is still carrying out; whether it was.

    What still runs would be planned again, and run over what is decided now.
    """
    in_doubt = outcomes.in_doubt_since(link.warehouse, plan_id=plan.plan_id)
    return in_doubt is not None and link.audience.settle(since=in_doubt) > 0


def _find_lost_contacts(link: Link, *, plan: Plan) -> None:
    """Look creations whose answer was lost up by their address.

    Otherwise they would pass for contacts that staff entered: no activity, no proof of the sign-up.
    """
    lost = outcomes.lost_creations(link.warehouse, plan_id=plan.plan_id)
    if not lost:
        return
    with link.counting("look_up"):
        found = link.crm.find_ids([email for _, email in lost])
    # One action an address, as a contact that is written takes.
    link.need("look_up", CrmWork(actions=(len(lost),)))
    outcomes.record(
        link.warehouse,
        plan_id=plan.plan_id,
        results=[
            Result(seq, "unknown", cause="answer_lost", record_id=str(ids[-1]))
            for (seq, _), ids in zip(lost, found, strict=True)
            if ids
        ],
        now=link.now(),
    )


def _read_back_contacts(link: Link, *, ids: Sequence[int]) -> None:
    started = link.now()
    found = 0
    observations.begin_read(link.warehouse, side="crm")
    for start in range(0, len(ids), _READ_BACK_IDS):
        portion = ids[start : start + _READ_BACK_IDS]
        with link.counting("read_back") as purpose:
            frames, there = link.crm.read_ids(portion, observed_at=started)
        link.need(purpose, CrmWork(ids=len(portion)))
        found += len(there)
        if there:
            observations.stage(link.warehouse, tables=frames)
    observations.finish_contacts(
        link.warehouse,
        snapshot=Snapshot("crm", "read_back", started, link.now(), len(ids), len(ids), found, True),
        cursor=None,
        now=link.now(),
    )
