"""Each event is kept once, by whomever and however often it is told; withdrawals with their ledger
entry."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from nl_pipeline.domain.events import EventKind, SubscriberEvent
from nl_pipeline.domain.schemas import TableInvalid
from nl_pipeline.warehouse import events
from nl_pipeline.warehouse.connection import Warehouse
from nl_pipeline.warehouse.events import PoisonLine, SegmentRead

START = datetime(2026, 11, 1, 10, tzinfo=UTC)
KEY = "erika@kunde.example"


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    warehouse = Warehouse(tmp_path_factory.mktemp("events") / "events.duckdb", fields=())
    with warehouse.session():
        yield warehouse


@pytest.fixture
def warehouse(opened: Warehouse) -> Warehouse:
    """An empty warehouse; it is held open, because opening it costs most of a test."""
    with opened.transaction() as db:
        for table in (
            "subscriber_events",
            "consent_ledger",
            "webhook_segments",
            "poison_lines",
            "plans",
        ):
            db.execute(f"DELETE FROM {table}")
    return opened


def event(kind: str, minute: float, **values: Any) -> SubscriberEvent:
    at = START + timedelta(minutes=minute)
    fields: dict[str, Any] = {
        "key": KEY,
        "former_key": "",
        "provider_ref": "",
        "campaign_id": "",
        "reason": "",
        "actor": "person",
        "happened_at": at,
        "received_at": at,
        "source": "webhook",
        "believed": True,
        "line_id": "",
    }
    return SubscriberEvent(kind=EventKind(kind), **(fields | values))


def rows(warehouse: Warehouse, query: str) -> list[tuple[Any, ...]]:
    with warehouse.session() as db:
        return db.execute(query).fetchall()


def kept(warehouse: Warehouse) -> list[tuple[str, int]]:
    """Kinds and minutes of the events that are kept."""
    return [
        (kind, int((at.replace(tzinfo=UTC) - START).total_seconds()) // 60)
        for kind, at in rows(
            warehouse, "SELECT kind, happened_at FROM subscriber_events ORDER BY happened_at, kind"
        )
    ]


def store(warehouse: Warehouse, *told: SubscriberEvent) -> events.Stored:
    return events.store(warehouse, events=told, read=[], now=START)


@pytest.mark.parametrize("together", [True, False], ids=["in one read", "in two reads"])
@pytest.mark.parametrize(
    ("first", "second", "is_same"),
    [
        (event("UNSUBSCRIBE", 0), event("UNSUBSCRIBE", 0), True),
        (event("UNSUBSCRIBE", 0), event("UNSUBSCRIBE", 90), True),
        (event("UNSUBSCRIBE", 90), event("UNSUBSCRIBE", 0), True),
        (event("UNSUBSCRIBE", 0), event("UNSUBSCRIBE", 91), False),
        (event("UNSUBSCRIBE", 0), event("UNSUBSCRIBE", 5, key="b@kunde.example"), False),
        (event("UNSUBSCRIBE", 0), event("COMPLAINT", 5), False),
        (event("DELIVERED", 0, campaign_id="c"), event("DELIVERED", 9, campaign_id="c"), True),
        (event("DELIVERED", 0, campaign_id="c"), event("DELIVERED", 9, campaign_id="d"), False),
        (event("HARD_BOUNCE", 0), event("HARD_BOUNCE", 9, campaign_id="d"), True),
        (event("PROFILE", 0), event("PROFILE", 0), True),
        (event("PROFILE", 0), event("PROFILE", 1), False),
        (
            event("ADDRESS", 0, former_key="x@kunde.example"),
            event("ADDRESS", 0, former_key="y@kunde.example"),
            False,
        ),
        (event("UNSUBSCRIBE", 0), event("UNSUBSCRIBE", 0, believed=False), True),
    ],
)
def test_when_two_events_are_the_same(
    warehouse: Warehouse,
    together: bool,
    first: SubscriberEvent,
    second: SubscriberEvent,
    is_same: bool,
) -> None:
    portions = [(first, second)] if together else [(first,), (second,)]
    stored = [store(warehouse, *portion) for portion in portions]

    assert sum(s.new for s in stored) == (1 if is_same else 2)
    assert sum(s.duplicates for s in stored) == (1 if is_same else 0)


@pytest.mark.parametrize("together", [True, False], ids=["in one read", "in two reads"])
def test_what_only_claimed_to_be_an_opt_out_does_not_hide_the_real_one(
    warehouse: Warehouse, together: bool
) -> None:
    told = (event("UNSUBSCRIBE", 0, believed=False), event("UNSUBSCRIBE", 0))

    for portion in [told] if together else [told[:1], told[1:]]:
        store(warehouse, *portion)

    assert word(warehouse) == "WITHDRAW_PERSON"


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
def test_the_opposite_in_between_makes_two_of_them(
    warehouse: Warehouse, order: tuple[int, ...]
) -> None:
    told = [event("UNSUBSCRIBE", 0), event("SUBSCRIBE", 20), event("UNSUBSCRIBE", 40)]

    store(warehouse, *(told[place] for place in order))

    assert kept(warehouse) == [("UNSUBSCRIBE", 0), ("SUBSCRIBE", 20), ("UNSUBSCRIBE", 40)]


def test_a_consent_of_the_ledger_in_between_makes_two_of_them(warehouse: Warehouse) -> None:
    store(warehouse, event("UNSUBSCRIBE", 0))
    grant(warehouse, minute=20)

    store(warehouse, event("UNSUBSCRIBE", 40))

    assert kept(warehouse) == [("UNSUBSCRIBE", 0), ("UNSUBSCRIBE", 40)]


def test_repetitions_count_from_the_first_that_was_kept(warehouse: Warehouse) -> None:
    stored = store(warehouse, *(event("CLEANED", minute) for minute in (0, 60, 120, 180)))

    assert (stored.new, kept(warehouse)) == (2, [("CLEANED", 0), ("CLEANED", 120)])


def test_a_campaign_that_only_the_second_knows_is_filled_in(warehouse: Warehouse) -> None:
    store(warehouse, event("UNSUBSCRIBE", 0))

    store(warehouse, event("UNSUBSCRIBE", 3, campaign_id="c1", source="history"))

    assert rows(warehouse, "SELECT campaign_id, source FROM subscriber_events") == [
        ("c1", "webhook")
    ]


def test_an_event_that_breaks_the_schema_is_not_stored(warehouse: Warehouse) -> None:
    with pytest.raises(TableInvalid):
        store(warehouse, event("UNSUBSCRIBE", 0), event("UNSUBSCRIBE", 1, key="nobody"))

    assert kept(warehouse) == []


def test_events_and_the_place_in_the_log_are_kept_together(warehouse: Warehouse) -> None:
    part = SegmentRead(
        "2026-11-01/10.a-1.jsonl",
        START.date(),
        from_byte=0,
        read_bytes=700,
        lines=2,
        poison=(PoisonLine("2026-11-01/10.a-1.jsonl", 300, "a-2", "no_form"),),
    )
    broken = event("UNSUBSCRIBE", 0, key="nobody")
    with pytest.raises(TableInvalid):
        events.store(warehouse, events=[broken], read=[part], now=START)
    assert events.read_offsets(warehouse) == {}

    for _ in range(2):
        events.store(warehouse, events=[event("UNSUBSCRIBE", 0)], read=[part], now=START)

    assert events.read_offsets(warehouse) == {part.segment: 700}
    assert rows(warehouse, "SELECT lines, poison FROM webhook_segments") == [(2, 1)]
    assert [(p.cause, p.lines) for p in events.list_poison(warehouse)] == [("no_form", 1)]


# The ledger -------------------------------------------------------------------------------------


def grant(warehouse: Warehouse, *, minute: float, seconds: float = 0) -> None:
    at = (START + timedelta(minutes=minute, seconds=seconds)).replace(tzinfo=None)
    with warehouse.transaction() as db:
        db.execute(
            "INSERT INTO consent_ledger BY NAME SELECT ? AS key, 'GRANT' AS event,"
            " 'staff' AS actor, false AS proof, ?::TIMESTAMP AS happened_at,"
            " ?::TIMESTAMP AS recorded_at, 'test' AS source",
            [KEY, at, at],
        )


def word(warehouse: Warehouse) -> str:
    found = rows(warehouse, f"SELECT ledger FROM consent_now WHERE key = '{KEY}'")
    return str(found[0][0]) if found else ""


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (event("UNSUBSCRIBE", 0), "WITHDRAW_PERSON"),
        (event("UNSUBSCRIBE", 0, actor="staff"), "WITHDRAW_STAFF"),
        (event("UNSUBSCRIBE", 0, actor=""), "WITHDRAW_PERSON"),
        (event("COMPLAINT", 0), "WITHDRAW_PROVIDER"),
        (event("UNSUBSCRIBE", 0, believed=False), ""),
        (event("CLEANED", 0), ""),
        (event("SUBSCRIBE", 0), ""),
        (event("REMOVED", 0), ""),
    ],
)
def test_what_an_event_means_for_the_ledger(
    warehouse: Warehouse, told: SubscriberEvent, said: str
) -> None:
    store(warehouse, told)

    assert word(warehouse) == said


def test_an_opt_out_beats_an_earlier_consent(warehouse: Warehouse) -> None:
    grant(warehouse, minute=0)

    store(warehouse, event("UNSUBSCRIBE", 1))

    assert word(warehouse) == "WITHDRAW_PERSON"


def test_an_opt_out_in_the_second_of_a_consent_counts(warehouse: Warehouse) -> None:
    grant(warehouse, minute=0, seconds=0.7)

    store(warehouse, event("UNSUBSCRIBE", 0))

    assert word(warehouse) == "WITHDRAW_PERSON"


def test_an_opt_out_of_before_a_consent_was_told_late(warehouse: Warehouse) -> None:
    grant(warehouse, minute=10)

    store(warehouse, event("UNSUBSCRIBE", 0))

    assert word(warehouse) == "GRANT"


def test_what_the_person_did_weighs_more_than_what_staff_did(warehouse: Warehouse) -> None:
    store(warehouse, event("UNSUBSCRIBE", 0, actor="staff"), event("UNSUBSCRIBE", 200))
    store(warehouse, event("UNSUBSCRIBE", 400, actor="staff"))

    assert word(warehouse) == "WITHDRAW_PERSON"


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=str)
def test_an_opt_out_of_before_a_consent_does_not_hide_a_later_one(
    warehouse: Warehouse, order: tuple[int, int]
) -> None:
    grant(warehouse, minute=120)
    told = (event("UNSUBSCRIBE", 0), event("UNSUBSCRIBE", 180, actor="staff"))

    store(warehouse, *(told[place] for place in order))

    assert word(warehouse) == "WITHDRAW_STAFF"


def test_an_opt_out_that_waited_for_a_plan_is_recorded_after_it(warehouse: Warehouse) -> None:
    later = (START + timedelta(minutes=1)).replace(tzinfo=None)
    with warehouse.transaction() as db:
        db.execute(
            "INSERT INTO plans BY NAME SELECT 'p' AS plan_id, ?::TIMESTAMP AS created_at,"
            " 'full' AS mode, false AS first_sync, true AS complete, 'APPLY' AS verdict,"
            " 0 AS base_version, 'open' AS status",
            [later],
        )

    store(warehouse, event("UNSUBSCRIBE", 0))

    assert rows(warehouse, "SELECT recorded_at > created_at FROM consent_ledger, plans") == [
        (True,)
    ]
