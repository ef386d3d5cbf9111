"""Activities: one ``agentslog`` record per event and contact, through crashes and lost answers.

Belongs here: sending planned activities and settling those whose outcome is unknown.
Must not be here: which events become activities (``confirm.sql.j2`` and ``booked_events.sql.j2`` of
the warehouse).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from nl_pipeline.clients.errors import OperatorNeeded, OutcomeUnknown, Retryable
from nl_pipeline.clients.onoffice import NewActivity, RightMissing
from nl_pipeline.domain.least_calls import CrmWork
from nl_pipeline.settings import KindType
from nl_pipeline.sync.link import Link
from nl_pipeline.sync.turns import turn
from nl_pipeline.warehouse import bookings, observations
from nl_pipeline.warehouse.bookings import Booking, Noted

#: Full requests whose results are noted together.
_PORTIONS = 4
#: How long another process may go on writing before what is planned here is left to the next run.
_WAIT_SECONDS = 300.0
_MENDED = (Retryable, RightMissing, OperatorNeeded)
_TEXT = {
    "subscribe": "Newsletter: subscribed at {provider}",
    "unsubscribe": "Newsletter: unsubscribed at {provider}",
    "hard_bounce": "Newsletter: the address bounced for good at {provider}",
    "delivered": "Newsletter: delivered by {provider}",
    "open": "Newsletter: opened, as {provider} tells",
    "click": "Newsletter: link clicked, as {provider} tells",
    "profile": "Newsletter: profile taken over from {provider}",
    "lead": "LinkedIn: lead imported",
}
#: Kinds whose default is nobody's wish: where the account does not have it, none is written.
_ASKED = {"profile": "profile_activity", "lead": "lead_activity"}


def write(link: Link) -> int:
    """Write every planned activity once; returns how many were written.

    An activity that was being sent when we stopped is searched by its marker first. A sync and an
    ingest may both be about to write: one process at a time does, and what is being sent then was
    left by one that died. Raises OperatorNeeded after noting everything; what was refused by it
    stays planned.
    """
    with turn(link.warehouse, name="activities", wait_seconds=_WAIT_SECONDS) as ours:
        return _write_all(link) if ours else 0


def _write_all(link: Link) -> int:
    written = 0
    in_doubt = bookings.in_doubt(link.warehouse)
    for booking in in_doubt:
        with link.counting("write"):
            found = link.crm.client.find_activities(booking.crm_id, marker=booking.marker)
        seen = Noted(booking, "written", str(found[0].id)) if found else Noted(booking, "planned")
        bookings.note(link.warehouse, noted=[seen], now=link.now())
        written += bool(found)
    kinds = _kinds(link)
    # Planned while its kind was set and switched off since: it waits, it is not lost.
    planned = [booking for booking in bookings.planned(link.warehouse) if booking.kind in kinds]
    size = _PORTIONS * link.crm.client.limits.actions_per_request
    for start in range(0, len(planned), size):
        written += _write(link, portion=planned[start : start + size], kinds=kinds)
        link.progress("activities", min(start + size, len(planned)), len(planned))
    link.need("write", CrmWork(actions=(len(in_doubt), len(planned))))
    return written


def notes_profiles(link: Link) -> bool:
    """Whether profile values taken into the CRM become activities."""
    return _is_written(link, name="profile", chosen=link.settings.activities.profile)


def notes_leads(link: Link) -> bool:
    """Whether imported leads become activities."""
    return _is_written(link, name="lead", chosen=link.settings.activities.lead)


def _is_written(link: Link, *, name: str, chosen: KindType | None) -> bool:
    """Whether the account has this kind and type. It is asked once; ``remember_kinds`` forgets the
    answer."""
    if chosen is None:
        return False
    wanted = f"{chosen.kind}/{chosen.type}"
    known = observations.read_state(link.warehouse, name=_ASKED[name])
    if known not in (f"{wanted}: yes", f"{wanted}: no"):
        remember_kinds(link, kinds=link.crm.client.read_action_kinds())
        known = observations.read_state(link.warehouse, name=_ASKED[name])
    return known == f"{wanted}: yes"


def remember_kinds(link: Link, *, kinds: Mapping[str, Collection[str]]) -> None:
    """Remember whether the account, whose kinds with their types are given, has those that are set
    by default."""
    chosen = link.settings.activities
    for name, kind in (("profile", chosen.profile), ("lead", chosen.lead)):
        if kind is not None:
            exists = "yes" if kind.type in kinds.get(kind.kind, ()) else "no"
            value = f"{kind.kind}/{kind.type}: {exists}"
            observations.write_state(link.warehouse, name=_ASKED[name], value=value)


def _kinds(link: Link) -> dict[str, KindType]:
    chosen = link.settings.activities
    wanted = {
        "subscribe": chosen.subscribe,
        "unsubscribe": chosen.unsubscribe,
        "hard_bounce": chosen.hard_bounce,
        "delivered": chosen.delivered,
        "open": chosen.open,
        "click": chosen.click,
        "profile": chosen.profile,
        "lead": chosen.lead,
    }
    return {name: kind for name, kind in wanted.items() if kind is not None}


def _write(link: Link, *, portion: list[Booking], kinds: dict[str, KindType]) -> int:
    made = [(b, _activity(link, booking=b, kind=kinds[b.kind])) for b in portion]
    # One that the CRM cannot be told stops no other: it is refused before anything is sent.
    ready = [(b, new) for b, new in made if link.crm.client.can_tell(new)]
    sent = {b for b, _ in ready}
    bookings.note(
        link.warehouse,
        noted=[
            Noted(b, "sending") if b in sent else Noted(b, "refused", cause="impossible_time")
            for b in portion
        ],
        now=link.now(),
    )
    if not ready:
        return 0
    with link.counting("write"):
        outcomes = link.crm.client.create_activities([new for _, new in ready])
    noted = []
    stop: OperatorNeeded | None = None
    for (booking, _), outcome in zip(ready, outcomes, strict=True):
        error = outcome.error
        if error is None:
            noted.append(Noted(booking, "written", str(outcome.record_id or "")))
        elif not isinstance(error, OutcomeUnknown):
            # What a person can mend (rights, keys, the kind's name) is written once it is mended.
            state = "planned" if isinstance(error, _MENDED) else "refused"
            noted.append(Noted(booking, state, cause=error.code))
            if isinstance(error, OperatorNeeded):
                stop = error
    bookings.note(link.warehouse, noted=noted, now=link.now())
    if stop is not None:
        raise stop
    return sum(n.state == "written" for n in noted)


def _activity(link: Link, *, booking: Booking, kind: KindType) -> NewActivity:
    text = _TEXT[booking.kind].format(provider=link.settings.provider.kind.title())
    return NewActivity(
        reference=booking.marker,
        address_id=booking.crm_id,
        kind=kind.kind,
        type=kind.type,
        at=booking.happened_at,
        note=f"{text} ({booking.code}) {booking.marker}",
    )
