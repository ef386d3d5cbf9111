"""The webhook sensor: a run for every day of a log that has grown, each growth once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest

from nl_pipeline.definitions import build_defs
from nl_pipeline.orchestration.partitions import CONNECTION_TAG
from nl_pipeline.orchestration.webhook_sensor import INGEST_WEBHOOKS
from nl_pipeline_tests.orchestration.conftest import NORTH, SOUTH
from nl_pipeline_tests.orchestration.deployment import write_connections
from nl_pipeline_tests.orchestration.growing_log import FRIDAY, Log, Waits
from nl_pipeline_tests.sandbox_control import SandboxControl

MONDAY, TUESDAY = "2026-11-23", "2026-11-24"
TOMORROW, MUCH_LATER = "2026-11-28", "2030-01-01"
FIRST_DAY, LONG_AGO = "2026-01-01", "2025-06-01"


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    unused = SandboxControl("http://127.0.0.1:9")
    file = write_connections(tmp_path, {NORTH: unused, SOUTH: unused})
    with dg.DagsterInstance.ephemeral() as instance:
        yield Log(file, instance=instance)


def test_without_a_log_nothing_is_asked_for(log: Log) -> None:
    assert log.tick() == []


def test_every_day_of_every_connection_that_has_grown_is_asked_for(log: Log) -> None:
    log.grow(NORTH, MONDAY)
    log.grow(NORTH, TUESDAY)
    log.grow(SOUTH, TUESDAY)

    assert log.tick() == [f"{NORTH}|{MONDAY}", f"{NORTH}|{TUESDAY}", f"{SOUTH}|{TUESDAY}"]


def test_a_growth_is_asked_for_once(log: Log) -> None:
    log.grow(NORTH, MONDAY)
    log.tick()

    assert log.tick() == []


def test_a_day_that_grows_again_is_asked_for_again_under_another_key(log: Log) -> None:
    log.grow(NORTH, MONDAY)
    log.tick()
    before = log.keys
    log.grow(NORTH, MONDAY)

    assert log.tick() == [f"{NORTH}|{MONDAY}"]
    assert log.keys != before


def test_a_second_writer_in_the_same_hour_is_seen(log: Log) -> None:
    log.grow(NORTH, MONDAY)
    log.tick()
    log.grow(NORTH, MONDAY, writer="bb")

    assert log.tick() == [f"{NORTH}|{MONDAY}"]


def test_the_day_before_is_still_watched_when_the_next_has_begun(log: Log) -> None:
    log.grow(NORTH, MONDAY)
    log.grow(NORTH, TUESDAY)
    log.tick()
    log.grow(NORTH, MONDAY)

    assert log.tick() == [f"{NORTH}|{MONDAY}"]


def test_what_came_while_nobody_watched_is_asked_for_day_by_day(log: Log) -> None:
    log.grow(NORTH, MONDAY)
    log.tick()
    log.grow(NORTH, TUESDAY)
    log.grow(NORTH, FRIDAY)

    assert log.tick() == [f"{NORTH}|{TUESDAY}", f"{NORTH}|{FRIDAY}"]


def test_a_run_that_waits_is_enough_and_nothing_is_forgotten_meanwhile(log: Log) -> None:
    log.grow(NORTH, MONDAY)
    log.tick()
    waiting = log.instance.create_run_for_job(
        _empty_job, tags={CONNECTION_TAG: NORTH}, status=dg.DagsterRunStatus.NOT_STARTED
    )
    log.grow(NORTH, MONDAY)
    while_it_waits = log.tick()

    log.instance.report_run_canceled(waiting)

    assert while_it_waits == []
    assert log.tick() == [f"{NORTH}|{MONDAY}"]


@pytest.mark.parametrize(
    ("named", "asked"),
    [(TOMORROW, FRIDAY), (MUCH_LATER, FRIDAY), (LONG_AGO, FIRST_DAY)],
)
def test_a_day_that_is_no_partition_is_asked_for_with_the_nearest_that_is_one(
    log: Log, named: str, asked: str
) -> None:
    log.grow(NORTH, named)

    assert log.tick() == [f"{NORTH}|{asked}"]


def test_days_that_fall_on_the_same_partition_are_asked_for_together(log: Log) -> None:
    log.grow(NORTH, FRIDAY)
    log.grow(NORTH, TOMORROW)
    log.grow(NORTH, MUCH_LATER)

    assert log.tick() == [f"{NORTH}|{FRIDAY}"]


# Dagster warns of the tags it makes of partitions itself.
@pytest.mark.filterwarnings("ignore:Non-compliant tag keys:DeprecationWarning")
def test_dagster_takes_every_request_whatever_the_days_of_the_log_are_called(log: Log) -> None:
    log.grow(NORTH, LONG_AGO)
    log.grow(NORTH, MUCH_LATER)
    log.grow(SOUTH, TUESDAY)
    defs = build_defs(settings_file=log.settings_file)
    with dg.build_sensor_context(instance=log.instance, definitions=defs) as context:
        requests = (
            defs.resolve_sensor_def("webhook_sensor").evaluate_tick(context).run_requests or []
        )

    assert len(requests) == 3


def test_before_the_first_day_that_dagster_offers_nothing_is_asked_for(log: Log) -> None:
    first = date.fromisoformat(FRIDAY) + timedelta(days=1)
    webhooks = log.settings.webhooks.model_copy(update={"first_day": first})
    log.settings = replace(log.settings, webhooks=webhooks)
    log.watch(seconds=0)
    log.grow(NORTH, FRIDAY)

    assert log.tick() == []


def test_a_segment_of_the_future_hides_no_real_day(log: Log) -> None:
    log.grow(NORTH, MUCH_LATER)
    log.tick()
    log.grow(NORTH, FRIDAY)

    assert log.tick() == [f"{NORTH}|{FRIDAY}"]


def test_a_segment_of_the_future_is_asked_for_each_time_it_grows(log: Log) -> None:
    log.grow(NORTH, MUCH_LATER)
    log.tick()
    quiet = log.tick()
    log.grow(NORTH, MUCH_LATER)

    assert (quiet, log.tick()) == ([], [f"{NORTH}|{FRIDAY}"])


def test_a_receiver_whose_clock_is_days_behind_is_heard_each_time(log: Log) -> None:
    log.grow(NORTH, FRIDAY)
    log.tick()
    asked, keys = [], set()
    for _ in range(2):
        log.grow(NORTH, MONDAY, writer="bb")
        asked.append(log.tick())
        keys.update(log.keys)

    assert asked == [[f"{NORTH}|{FRIDAY}"]] * 2
    assert len(keys) == 2
    assert log.tick() == []


def test_two_growths_after_which_a_day_is_equally_long_have_two_keys(log: Log) -> None:
    log.grow(NORTH, FRIDAY, writer="aa")
    log.tick()
    before = log.keys
    log.forget(NORTH, FRIDAY)
    log.grow(NORTH, FRIDAY, writer="bb")

    assert log.tick() == [f"{NORTH}|{FRIDAY}"]
    assert log.keys != before


def test_the_same_growth_has_the_same_key_if_a_tick_was_lost(log: Log) -> None:
    log.grow(NORTH, FRIDAY)
    log.tick()
    before = log.keys
    log.cursor = None
    log.tick()

    assert log.keys == before


def test_what_comes_while_a_tick_waits_is_asked_for_by_that_tick(
    log: Log, waits: Callable[..., Waits]
) -> None:
    log.grow(NORTH, FRIDAY)
    log.tick()
    log.watch()
    waits(then=lambda: log.grow(NORTH, FRIDAY))

    assert log.tick() == [f"{NORTH}|{FRIDAY}"]


def test_a_segment_of_the_future_keeps_no_tick_from_seeing_what_comes(
    log: Log, waits: Callable[..., Waits]
) -> None:
    log.grow(NORTH, FRIDAY)
    log.grow(NORTH, MUCH_LATER)
    log.tick()
    log.watch(seconds=1)
    waits(then=lambda: log.grow(NORTH, FRIDAY))

    assert log.tick() == [f"{NORTH}|{FRIDAY}"]


def test_the_first_segment_of_a_connection_is_seen_while_a_tick_waits(
    log: Log, waits: Callable[..., Waits]
) -> None:
    log.watch()
    waits(then=lambda: log.grow(SOUTH, FRIDAY))

    assert log.tick() == [f"{SOUTH}|{FRIDAY}"]


def test_a_tick_that_waits_looks_at_the_newest_days_only(
    log: Log, waits: Callable[..., Waits]
) -> None:
    log.grow(NORTH, MONDAY)
    log.grow(NORTH, FRIDAY)
    log.tick()
    log.watch()
    waited = waits(then=lambda: log.grow(NORTH, FRIDAY))
    log.tick()

    assert FRIDAY in waited.looked_at
    assert MONDAY not in waited.looked_at


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Waits]:
    """Pauses of a tick take no time; ``then`` is done in the second of them."""

    def install(*, then: Callable[[], None]) -> Waits:
        waited, listing = Waits(then), os.scandir

        def scandir(folder: Path) -> object:
            if waited.pauses == 1:
                waited.looked_at.append(folder.name)
            return listing(folder)

        monkeypatch.setattr("nl_pipeline.webhook_log.reading.os.scandir", scandir)
        monkeypatch.setattr("nl_pipeline.orchestration.webhook_sensor.time.sleep", waited.pause)
        return waited

    return install


@dg.job(name=INGEST_WEBHOOKS)
def _empty_job() -> None:
    pass
