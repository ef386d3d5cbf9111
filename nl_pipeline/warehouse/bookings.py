"""Planned and written activities.

Belongs here: reading what is to be written and noting what became of it. Must not be here: calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pandas as pd

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


@dataclass(frozen=True)
class Noted:
    """What became of a booking: its state, the record's id, and the cause where it failed."""

    booking: Booking
    state: str
    record_id: str = ""
    cause: str = ""


def note(warehouse: Warehouse, *, noted: Sequence[Noted], now: datetime) -> None:
    """Note states of activities: planned, sending, written or refused."""
    if not noted:
        return
    frame = pd.DataFrame(
        [(n.booking.activity_key, n.booking.crm_id, n.state, n.record_id, n.cause) for n in noted],
        columns=["activity_key", "crm_id", "state", "record_id", "cause"],
    )
    with warehouse.transaction() as db:
        db.register("noted", frame)
        db.execute(
            "UPDATE activities SET state = n.state, record_id = n.record_id, cause = n.cause,"
            " recorded_at = ? FROM noted AS n"
            " WHERE activities.activity_key = n.activity_key AND activities.crm_id = n.crm_id",
            [naive(now)],
        )
        db.unregister("noted")
