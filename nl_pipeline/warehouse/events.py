"""Events of subscribers: each is kept once, however often and by whomever it is told.

Belongs here: storing events together with how far the log was read, and the withdrawals among them
into the ledger in the same transaction. Must not be here: reading the log, calls, what an event
leads to in the CRM (``sync.events``).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import duckdb
import pandas as pd

from nl_pipeline.domain.events import OF_A_MAIL, EventKind, SubscriberEvent, event_columns
from nl_pipeline.domain.schemas import EVENTS_SCHEMA, validate
from nl_pipeline.warehouse.connection import Warehouse
from nl_pipeline.warehouse.observations import naive
from nl_pipeline.warehouse.templates import run_template

_OF_A_MAIL = sorted(str(kind) for kind in OF_A_MAIL)


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
        stored = Stored(0, 0)
        if len(frame):
            stored = _store(db, frame=frame, within=warehouse.same_within, now=now)
        _note_read(db, read=read, now=now)
    return stored


def _store(
    db: duckdb.DuckDBPyConnection, *, frame: pd.DataFrame, within: timedelta, now: datetime
) -> Stored:
    numbered = frame.assign(position=range(len(frame)))
    parameters = {"within": int(within.total_seconds()), "now": naive(now)}
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
        # Another ingest may have read the same meanwhile: counted once.
        db.execute(
            "INSERT INTO webhook_segments VALUES ($segment, $day, $read_bytes, $lines, $poison,"
            " $torn, $now) ON CONFLICT (segment) DO UPDATE SET"
            " lines = webhook_segments.lines + CASE WHEN webhook_segments.read_bytes = $from_byte"
            " THEN excluded.lines ELSE 0 END,"
            " poison = webhook_segments.poison + CASE WHEN webhook_segments.read_bytes = $from_byte"
            " THEN excluded.poison ELSE 0 END,"
            " read_bytes = greatest(webhook_segments.read_bytes, excluded.read_bytes),"
            " torn = excluded.torn, read_at = excluded.read_at",
            {
                "segment": part.segment,
                "day": part.day,
                "from_byte": part.from_byte,
                "read_bytes": part.read_bytes,
                "lines": part.lines,
                "poison": len(part.poison),
                "torn": part.torn,
                "now": naive(now),
            },
        )
    poison = [
        (line.segment, line.at_byte, line.line_id, line.cause)
        for part in read
        for line in part.poison
    ]
    if poison:
        columns = ["segment", "at_byte", "line_id", "cause"]
        db.register("unusable", pd.DataFrame(poison, columns=columns))
        db.execute(
            "INSERT INTO poison_lines BY NAME SELECT *, ?::TIMESTAMP AS seen_at FROM unusable"
            " WHERE (segment, at_byte) NOT IN (SELECT segment, at_byte FROM poison_lines)",
            [naive(now)],
        )
        db.unregister("unusable")


def read_offsets(warehouse: Warehouse) -> dict[str, int]:
    """By segment of the log the bytes that were read."""
    with warehouse.session() as db:
        rows = db.execute("SELECT segment, read_bytes FROM webhook_segments").fetchall()
    return {str(segment): int(read) for segment, read in rows}


def withdrawn_keys(
    warehouse: Warehouse, *, keys: Collection[str], kinds: Collection[EventKind], waits: bool = True
) -> set[str] | None:
    """Of these keys, those whose last consent event is a withdrawal, or of whom something of these
    kinds was told that nobody has dealt with yet, believed or not.

    None if another thread of this process is at the warehouse and ``waits`` is false.
    """
    frame = pd.DataFrame({"key": pd.Series(list(keys), dtype="str")})
    with warehouse.session_if_free(waits=waits) as db:
        if db is None:
            return None
        db.register("wanted", frame)
        rows = db.execute(
            "SELECT key FROM consent_now WHERE ledger LIKE 'WITHDRAW%' AND key IN (SELECT key"
            " FROM wanted) UNION SELECT key FROM subscriber_events WHERE outcome = 'new'"
            " AND list_contains($kinds, kind) AND key IN (SELECT key FROM wanted)",
            {"kinds": [str(kind) for kind in kinds]},
        ).fetchall()
        db.unregister("wanted")
    return {str(row[0]) for row in rows}


@dataclass(frozen=True)
class Touched:
    """A person whom unfinished events are about, and what may find them at the provider.

    ``may_have_left``: one of them tells of an opt-out and is not believed, so that nothing but a
    look at this member shows whether it is one.
    """

    event_keys: tuple[str, ...]
    references: tuple[str, ...] = field(repr=False)
    may_have_left: bool = False


def touched(warehouse: Warehouse) -> list[Touched]:
    """Everybody whom events are about that nothing has come of yet.

    The provider's stable id comes first, as it stands in the picture and in the base; then the
    address, and the one before it.
    """
    with warehouse.session() as db:
        rows = db.execute(
            """
            WITH open AS (
                SELECT event_key, key, former_key,
                    NOT believed AND kind IN ('UNSUBSCRIBE', 'COMPLAINT') AS may_have_left
                FROM subscriber_events
                WHERE outcome = 'new' AND key <> ''
                  AND kind <> 'CAMPAIGN' AND NOT list_contains($of_a_mail, kind)
            ),
            known AS (
                SELECT key, provider_id FROM members WHERE provider_id <> ''
                UNION
                SELECT key, provider_id FROM base WHERE provider_id <> '' AND kind = 'pair'
            )
            SELECT list(DISTINCT o.event_key), list(DISTINCT k.provider_id),
                list(DISTINCT f.provider_id), o.key, max(o.former_key),
                bool_or(o.may_have_left)
            FROM open AS o
            LEFT JOIN known AS k ON k.key = o.key
            LEFT JOIN known AS f ON f.key = o.former_key
            GROUP BY o.key
            ORDER BY o.key
            """,
            {"of_a_mail": _OF_A_MAIL},
        ).fetchall()
    return [
        Touched(
            event_keys=tuple(keys),
            references=tuple(
                dict.fromkeys(ref for ref in (*(own or ()), *(former or ()), key, old) if ref)
            ),
            may_have_left=bool(may_have_left),
        )
        for keys, own, former, key, old, may_have_left in rows
    ]


def finish(
    warehouse: Warehouse,
    *,
    event_keys: Sequence[str],
    booked: Collection[EventKind],
    now: datetime,
) -> int:
    """Plan the activities of events and close those that nothing is left to do for, in one
    transaction; returns how many of ``event_keys`` were echoes.

    ``event_keys``: events whose people were looked at again. ``booked``: which of the events of
    mails become activities. Opt-outs are not closed here.
    """
    with warehouse.transaction() as db:
        db.register("looked_at", pd.DataFrame({"event_key": pd.Series(event_keys, dtype="str")}))
        run_template(
            db,
            "booked_events.sql.j2",
            parameters={
                "now": naive(now),
                "within": int(warehouse.same_within.total_seconds()),
                "of_a_mail": _OF_A_MAIL,
                "booked": [str(kind) for kind in booked],
            },
        )
        rows = db.execute(
            "SELECT count(*) FROM subscriber_events WHERE outcome = 'echo'"
            " AND event_key IN (SELECT event_key FROM looked_at)"
        ).fetchall()
        db.unregister("looked_at")
    return int(rows[0][0])


@dataclass(frozen=True)
class UnusableLines:
    """Lines of the log that could not be used: where the first of a cause stands, how many."""

    cause: str
    lines: int
    first_segment: str
    first_at_byte: int


def list_poison(warehouse: Warehouse) -> list[UnusableLines]:
    """What of the log could not be used, by cause."""
    with warehouse.session() as db:
        rows = db.execute(
            "SELECT cause, count(*), arg_min(segment, (segment, at_byte)),"
            " arg_min(at_byte, (segment, at_byte)) FROM poison_lines GROUP BY cause ORDER BY cause"
        ).fetchall()
    return [UnusableLines(str(r[0]), int(r[1]), str(r[2]), int(r[3])) for r in rows]
