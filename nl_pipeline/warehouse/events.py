"""Events of subscribers: each is kept once, however often and by whomever it is told.

Belongs here: storing events together with how far the log was read, and the withdrawals among them
into the ledger in the same transaction. Must not be here: reading the log, calls, what an event
leads to in the CRM (``sync.events``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import duckdb
import pandas as pd

from nl_pipeline.domain.events import SAME_WITHIN, SubscriberEvent, event_columns
from nl_pipeline.domain.schemas import EVENTS_SCHEMA, validate
from nl_pipeline.warehouse.connection import Warehouse
from nl_pipeline.warehouse.observations import naive
from nl_pipeline.warehouse.templates import run_template


@dataclass(frozen=True)
class PoisonLine:
    """A line of the log that could not be used; the text stays in the log."""

    segment: str
    at_byte: int
    line_id: str
    cause: str


@dataclass(frozen=True)
class SegmentRead:
    """How far one segment of the log was read, and what was found from ``from_byte`` on.

    ``torn``: bytes lie behind the last whole line.
    """

    segment: str
    day: date
    from_byte: int
    read_bytes: int
    lines: int
    torn: bool = False
    poison: tuple[PoisonLine, ...] = ()


@dataclass(frozen=True)
class Stored:
    """How many events were new and how many had been told before, also by kind."""

    new: int
    duplicates: int
    new_by_kind: dict[str, int] = field(default_factory=dict)
    duplicates_by_kind: dict[str, int] = field(default_factory=dict)


def store(
    warehouse: Warehouse,
    *,
    events: Sequence[SubscriberEvent],
    read: Sequence[SegmentRead],
    now: datetime,
) -> Stored:
    """Keep what is new of ``events`` and note how far the log was read, in one transaction.

    An event that takes consent away enters the ledger in the same transaction. The order of
    ``events`` is the order in which they were told: of two that tell the same the first is kept.
    Raises TableInvalid when an event breaks the schema; nothing is stored then.
    """
    frame = validate(event_columns(events), schema=EVENTS_SCHEMA, name="events")
    return store_frame(warehouse, frame=frame, read=read, now=now)


def store_frame(
    warehouse: Warehouse, *, frame: pd.DataFrame, read: Sequence[SegmentRead], now: datetime
) -> Stored:
    """As ``store``, for a frame that satisfies ``EVENTS_SCHEMA``."""
    with warehouse.transaction() as db:
        stored = _store(db, frame=frame, now=now) if len(frame) else Stored(0, 0)
        _note_read(db, read=read, now=now)
    return stored


def _store(db: duckdb.DuckDBPyConnection, *, frame: pd.DataFrame, now: datetime) -> Stored:
    numbered = frame.assign(position=range(len(frame)))
    parameters = {"within": int(SAME_WITHIN.total_seconds()), "now": naive(now)}
    db.register("incoming", numbered)
    run_template(db, "arriving.sql.j2", parameters=parameters)
    db.unregister("incoming")
    # Whoever has nothing before it that is still open is new; then its repetitions are known.
    while _undecided(db):
        db.execute(
            "UPDATE arriving SET verdict = 'new' WHERE verdict IS NULL AND position NOT IN"
            " (SELECT p.position FROM pairs AS p JOIN arriving AS e ON e.position = p.earlier"
            " WHERE e.verdict IS NULL)"
        )
        db.execute(
            "UPDATE arriving SET verdict = 'duplicate' WHERE verdict IS NULL AND position IN"
            " (SELECT p.position FROM pairs AS p JOIN arriving AS e ON e.position = p.earlier"
            " WHERE e.verdict = 'new')"
        )
    run_template(db, "stored_events.sql.j2", parameters=parameters)
    counted = db.execute("SELECT verdict, kind, count(*) FROM arriving GROUP BY ALL").fetchall()
    new = {kind: int(n) for verdict, kind, n in counted if verdict == "new"}
    known = {kind: int(n) for verdict, kind, n in counted if verdict != "new"}
    return Stored(sum(new.values()), sum(known.values()), new, known)


def _undecided(db: duckdb.DuckDBPyConnection) -> int:
    rows = db.execute("SELECT count(*) FROM arriving WHERE verdict IS NULL").fetchall()
    return int(rows[0][0])


def _note_read(
    db: duckdb.DuckDBPyConnection, *, read: Sequence[SegmentRead], now: datetime
) -> None:
    for part in read:
        db.execute(
            "INSERT INTO webhook_segments VALUES ($segment, $day, $read_bytes, $lines, $poison,"
            " $torn, $now) ON CONFLICT (segment) DO UPDATE SET read_bytes = excluded.read_bytes,"
            " lines = webhook_segments.lines + excluded.lines,"
            " poison = webhook_segments.poison + excluded.poison,"
            " torn = excluded.torn, read_at = excluded.read_at",
            {
                "segment": part.segment,
                "day": part.day,
                "read_bytes": part.read_bytes,
                "lines": part.lines,
                "poison": len(part.poison),
                "torn": part.torn,
                "now": naive(now),
            },
        )
        for line in part.poison:
            db.execute(
                "INSERT INTO poison_lines VALUES (?, ?, ?, ?, ?)",
                [line.segment, line.at_byte, line.line_id, line.cause, naive(now)],
            )


def read_offsets(warehouse: Warehouse) -> dict[str, int]:
    """By segment of the log the bytes that were read."""
    with warehouse.session() as db:
        rows = db.execute("SELECT segment, read_bytes FROM webhook_segments").fetchall()
    return {str(segment): int(read) for segment, read in rows}
