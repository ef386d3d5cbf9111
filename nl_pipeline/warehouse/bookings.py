"""Planned and written activities.

Belongs here: reading what is to be written and noting what became of it. Must not be here: calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from nl_pipeline.warehouse.connection import Warehouse
from nl_pipeline.warehouse.observations import naive


@dataclass(frozen=True)
class Booking:
    """One activity of one contact. ``code`` is the reason code of the decision behind it."""

    activity_key: str
    crm_id: int
    kind: str
    happened_at: datetime
    code: str

    @property
    def marker(self) -> str:
        """Text in the note by which the record is found again."""
        return f"[nlp:{self.activity_key[:16]}]"


def planned(warehouse: Warehouse) -> list[Booking]:
    """Activities that were never sent, oldest event first."""
    return _read(warehouse, state="planned")


def in_doubt(warehouse: Warehouse) -> list[Booking]:
    """Activities that were being sent when the answer, or the process, was lost."""
    return _read(warehouse, state="sending")


def _read(warehouse: Warehouse, *, state: str) -> list[Booking]:
    with warehouse.session() as db:
        rows = db.execute(
            "SELECT activity_key, crm_id, kind, happened_at, note FROM activities WHERE state = ?"
            " ORDER BY happened_at, crm_id",
            [state],
        ).fetchall()
    return [Booking(k, int(i), kind, at.replace(tzinfo=UTC), note) for k, i, kind, at, note in rows]


def note(
    warehouse: Warehouse,
    *,
    bookings: Sequence[Booking],
    state: str,
    now: datetime,
    record_ids: Sequence[str] = (),
    cause: str = "",
) -> None:
    """Note the state of activities: planned, sending, written or refused."""
    ids = list(record_ids) or [""] * len(bookings)
    with warehouse.transaction() as db:
        for booking, record_id in zip(bookings, ids, strict=True):
            db.execute(
                "UPDATE activities SET state = ?, record_id = ?, cause = ?, recorded_at = ?"
                " WHERE activity_key = ? AND crm_id = ?",
                [state, record_id, cause, naive(now), booking.activity_key, booking.crm_id],
            )
