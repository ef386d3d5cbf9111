"""Notices of LinkedIn on their way: stored with how far the log was read, and tried until done.

Belongs here: the notices and their state. Must not be here: reading the log, fetching what a
notice is about (``sync.leads``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import md5
from typing import Literal

from nl_pipeline.warehouse.connection import Warehouse
from nl_pipeline.warehouse.observations import naive

Action = Literal["CREATED", "DELETED"]
State = Literal["waiting", "done", "left_out", "not_found", "not_believed"]


@dataclass(frozen=True)
class LeadNotice:
    """What one notice tells. Times are aware UTC."""

    response_id: str
    form_id: int
    action: Action
    occurred_at: datetime
    received_at: datetime
    believed: bool = True

    @property
    def key(self) -> str:
        """The same however often LinkedIn sends it; it gives notices no id of their own."""
        told = f"{self.response_id}|{self.action}|{self.occurred_at.isoformat()}"
        return md5(told.encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class WaitingNotice:
    """A notice that is to be carried out; `tries` were in vain so far."""

    notice: LeadNotice
    tries: int


def offsets(warehouse: Warehouse) -> dict[str, int]:
    """How many bytes of each segment of the log were read for leads."""
    with warehouse.session() as db:
        return dict(db.execute("SELECT segment, read_bytes FROM lead_log_segments").fetchall())


def store(
    warehouse: Warehouse,
    *,
    notices: Sequence[LeadNotice],
    read: Mapping[str, int],
    now: datetime,
) -> int:
    """Keep what is new and note how far the log was read, in one transaction; returns how many are
    new. One that is not believed is kept and never carried out, unless it comes believed, too."""
    new = 0
    with warehouse.transaction() as db:
        for notice in notices:
            state = "waiting" if notice.believed else "not_believed"
            known = db.execute(
                "SELECT state FROM lead_notices WHERE notice_key = ?", [notice.key]
            ).fetchone()
            if known is None:
                new += notice.believed
                db.execute(
                    "INSERT INTO lead_notices VALUES (?, ?, ?, ?, ?, ?, ?, 0, NULL)",
                    [
                        *(notice.key, notice.response_id, notice.form_id, notice.action),
                        *(naive(notice.occurred_at), naive(notice.received_at), state),
                    ],
                )
            elif known[0] == "not_believed" and notice.believed:
                new += 1
                db.execute(
                    "UPDATE lead_notices SET state = 'waiting' WHERE notice_key = ?", [notice.key]
                )
        for segment, read_bytes in read.items():
            db.execute(
                "INSERT OR REPLACE INTO lead_log_segments VALUES (?, ?, ?)",
                [segment, read_bytes, naive(now)],
            )
    return new


def waiting(warehouse: Warehouse, *, now: datetime) -> list[WaitingNotice]:
    """Notices that are to be carried out now, in the order in which things happened."""
    with warehouse.session() as db:
        rows = db.execute(
            "SELECT response_id, form_id, action, occurred_at, received_at, tries"
            " FROM lead_notices WHERE state = 'waiting' AND coalesce(next_try_at <= ?, true)"
            " ORDER BY occurred_at, action",
            [naive(now)],
        ).fetchall()
    return [
        WaitingNotice(
            LeadNotice(
                response_id, form_id, action, at.replace(tzinfo=UTC), received.replace(tzinfo=UTC)
            ),
            tries,
        )
        for response_id, form_id, action, at, received, tries in rows
    ]


def note(warehouse: Warehouse, *, notices: Sequence[LeadNotice], state: State) -> None:
    """Note what became of these."""
    with warehouse.transaction() as db:
        db.execute(
            "UPDATE lead_notices SET state = $state, next_try_at = NULL"
            " WHERE notice_key IN (SELECT unnest($keys::VARCHAR[]))",
            {"state": state, "keys": [notice.key for notice in notices]},
        )


def put_off(warehouse: Warehouse, *, notice: LeadNotice, until: datetime) -> None:
    """Note that this one was tried in vain and when it is tried again."""
    with warehouse.transaction() as db:
        db.execute(
            "UPDATE lead_notices SET tries = tries + 1, next_try_at = ? WHERE notice_key = ?",
            [naive(until), notice.key],
        )
