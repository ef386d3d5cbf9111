"""What the events of some days came to, in numbers.

Belongs here: counts and delays. Must not be here: whom an event is about.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

from nl_pipeline.warehouse.connection import Warehouse
from nl_pipeline.warehouse.observations import naive


@dataclass(frozen=True)
class EventCount:
    """Events of one kind, told by one source, with one outcome."""

    kind: str
    source: str
    outcome: str
    events: int


@dataclass(frozen=True)
class Delays:
    """How long opt-outs told by webhooks took into the CRM, in seconds: the middle one and the one
    that 95 % stay below, from the receipt and from the happening."""

    opt_outs: int
    received_p50: float
    received_p95: float
    happened_p50: float
    happened_p95: float


def count_events(warehouse: Warehouse, *, first: date, last: date) -> list[EventCount]:
    """The events of some UTC days, both ends included."""
    with warehouse.session() as db:
        rows = db.execute(
            "SELECT kind, source, outcome, count(*) FROM subscriber_events"
            " WHERE day BETWEEN ? AND ? GROUP BY ALL ORDER BY ALL",
            [first, last],
        ).fetchall()
    return [EventCount(str(row[0]), str(row[1]), str(row[2]), int(row[3])) for row in rows]


def delays(warehouse: Warehouse, *, since: datetime) -> Delays | None:
    """Of the opt-outs that reached the CRM since then (aware); None if there were none."""
    with warehouse.session() as db:
        rows = db.execute(
            "SELECT count(*), quantile_cont(received, [0.5, 0.95]),"
            " quantile_cont(happened, [0.5, 0.95]) FROM ("
            "   SELECT epoch(applied_at) - epoch(received_at) AS received,"
            "     epoch(applied_at) - epoch(happened_at) AS happened FROM subscriber_events"
            "   WHERE kind IN ('UNSUBSCRIBE', 'COMPLAINT') AND source = 'webhook'"
            "     AND outcome = 'applied' AND applied_at >= ?)",
            [naive(since)],
        ).fetchall()
    number, received, happened = rows[0]
    if not number:
        return None
    return Delays(int(number), received[0], received[1], happened[0], happened[1])


@dataclass(frozen=True)
class Reception:
    """How the reception of webhooks stands: when the last one came (aware UTC), opt-outs that have
    not reached every contact yet, and lines that could not be used."""

    last_received: datetime | None
    opt_outs_waiting: int
    unusable_lines: int


def reception(warehouse: Warehouse) -> Reception:
    """The reception of a connection as of the last ingest."""
    with warehouse.session() as db:
        rows = db.execute(
            "SELECT max(received_at) FILTER (source = 'webhook'),"
            " count(*) FILTER (outcome = 'new' AND believed"
            "   AND kind IN ('UNSUBSCRIBE', 'COMPLAINT')),"
            " (SELECT count(*) FROM poison_lines) FROM subscriber_events"
        ).fetchall()
    last, waiting, unusable = rows[0]
    return Reception(
        None if last is None else last.replace(tzinfo=UTC), int(waiting), int(unusable)
    )
