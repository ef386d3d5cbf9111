"""Activities: one ``agentslog`` record per event and contact, through crashes and lost answers.

Belongs here: sending planned activities and settling those whose outcome is unknown.
Must not be here: which events become activities (``warehouse/sql/confirm.sql.j2``).
"""

from __future__ import annotations

from nl_pipeline.clients.errors import OutcomeUnknown, Retryable
from nl_pipeline.clients.onoffice import NewActivity
from nl_pipeline.sync.link import Link
from nl_pipeline.warehouse import bookings
from nl_pipeline.warehouse.bookings import Booking

_PORTION = 200
_TEXT = {
    "subscribe": "Newsletter: subscribed at {provider}",
    "unsubscribe": "Newsletter: unsubscribed at {provider}",
}


def write(link: Link) -> int:
    """Write every planned activity once; returns how many were written.

    An activity that was being sent when we stopped is searched by its marker first.
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
    planned = bookings.planned(link.warehouse)
    for start in range(0, len(planned), _PORTION):
        written += _write(link, portion=planned[start : start + _PORTION])
        link.progress("activities", min(start + _PORTION, len(planned)), len(planned))
    return written


def _write(link: Link, *, portion: list[Booking]) -> int:
    bookings.note(link.warehouse, bookings=portion, state="sending", now=link.now())
    kinds = {
        "subscribe": link.settings.activities.subscribe,
        "unsubscribe": link.settings.activities.unsubscribe,
    }
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
    for booking, outcome in zip(portion, outcomes, strict=True):
        if outcome.ok:
            state = "written"
            written += 1
        elif isinstance(outcome.error, OutcomeUnknown):
            continue
        else:
            state = "planned" if isinstance(outcome.error, Retryable) else "refused"
        bookings.note(
            link.warehouse,
            bookings=[booking],
            state=state,
            record_ids=[str(outcome.record_id or "")],
            cause="" if outcome.error is None else outcome.error.code,
            now=link.now(),
        )
    return written
