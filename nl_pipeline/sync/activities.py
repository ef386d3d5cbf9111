"""Activities: one ``agentslog`` record per event and contact, through crashes and lost answers.

Belongs here: sending planned activities and settling those whose outcome is unknown.
Must not be here: which events become activities (``warehouse/sql/confirm.sql.j2``).
"""

from __future__ import annotations

from nl_pipeline.clients.errors import OperatorNeeded, OutcomeUnknown, Retryable
from nl_pipeline.clients.onoffice import NewActivity, RightMissing
from nl_pipeline.settings import KindType
from nl_pipeline.sync.link import Link
from nl_pipeline.warehouse import bookings
from nl_pipeline.warehouse.bookings import Booking

_PORTION = 200
_MENDED = (Retryable, RightMissing, OperatorNeeded)
_TEXT = {
    "subscribe": "Newsletter: subscribed at {provider}",
    "unsubscribe": "Newsletter: unsubscribed at {provider}",
    "hard_bounce": "Newsletter: the address bounced for good at {provider}",
}


def write(link: Link) -> int:
    """Write every planned activity once; returns how many were written.

    An activity that was being sent when we stopped is searched by its marker first. Raises
    OperatorNeeded after noting everything; what was refused by it stays planned.
    """
    written = 0
    for booking in bookings.in_doubt(link.warehouse):
        found = link.crm.client.find_activities(booking.crm_id, marker=booking.marker)
        bookings.note(
            link.warehouse,
            bookings=[booking],
            state="written" if found else "planned",
            record_ids=[str(found[0].id) if found else ""],
            now=link.now(),
        )
        written += bool(found)
    kinds = _kinds(link)
    # Planned while its kind was set and switched off since: it waits, it is not lost.
    planned = [booking for booking in bookings.planned(link.warehouse) if booking.kind in kinds]
    for start in range(0, len(planned), _PORTION):
        written += _write(link, portion=planned[start : start + _PORTION], kinds=kinds)
        link.progress("activities", min(start + _PORTION, len(planned)), len(planned))
    return written


def _kinds(link: Link) -> dict[str, KindType]:
    chosen = link.settings.activities
    wanted = {
        "subscribe": chosen.subscribe,
        "unsubscribe": chosen.unsubscribe,
        "hard_bounce": chosen.hard_bounce,
    }
    return {name: kind for name, kind in wanted.items() if kind is not None}


def _write(link: Link, *, portion: list[Booking], kinds: dict[str, KindType]) -> int:
    bookings.note(link.warehouse, bookings=portion, state="sending", now=link.now())
    outcomes = link.crm.client.create_activities(
        [
            NewActivity(
                reference=booking.marker,
                address_id=booking.crm_id,
                kind=kinds[booking.kind].kind,
                type=kinds[booking.kind].type,
                at=booking.happened_at,
                note=f"{_TEXT[booking.kind].format(provider=link.settings.provider.kind.title())}"
                f" ({booking.code}) {booking.marker}",
            )
            for booking in portion
        ]
    )
    written = 0
    stop: OperatorNeeded | None = None
    for booking, outcome in zip(portion, outcomes, strict=True):
        if outcome.ok:
            state = "written"
            written += 1
        elif isinstance(outcome.error, OutcomeUnknown):
            continue
        else:
            # What a person can mend (rights, keys, the kind's name) is written once it is mended.
            state = "planned" if isinstance(outcome.error, _MENDED) else "refused"
            if isinstance(outcome.error, OperatorNeeded):
                stop = outcome.error
        bookings.note(
            link.warehouse,
            bookings=[booking],
            state=state,
            record_ids=[str(outcome.record_id or "")],
            cause="" if outcome.error is None else outcome.error.code,
            now=link.now(),
        )
    if stop is not None:
        raise stop
    return written
