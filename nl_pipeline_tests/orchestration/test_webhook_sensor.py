"""The webhook sensor: a run for every day of a log that has grown, each growth once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from nl_pipeline import settings
from nl_pipeline.orchestration.partitions import CONNECTION_TAG
from nl_pipeline.orchestration.webhook_sensor import INGEST_WEBHOOKS, build_webhook_sensor
from nl_pipeline.settings import Settings
from nl_pipeline_tests.orchestration.conftest import NORTH, SOUTH
from nl_pipeline_tests.orchestration.deployment import write_connections
from nl_pipeline_tests.sandbox_control import SandboxControl

MONDAY, TUESDAY, FRIDAY = "2026-11-23", "2026-11-24", "2026-11-27"


class Log:
    """The logs of two connections, and ticks of a sensor over them with its cursor kept."""

    def __init__(self, chosen: Settings, *, instance: dg.DagsterInstance) -> None:
        self.settings = chosen
        self.instance = instance
        self.cursor: str | None = None
        self.sensor = build_webhook_sensor(chosen, running=False, watch_seconds=0)

    def grow(self, connection: str, day: str, *, writer: str = "aa", size: int = 10) -> None:
        path = self.settings.webhook_log_dir(connection) / day / f"13.{writer}-0.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(b"x" * size)

    def tick(self) -> list[str]:
        with dg.build_sensor_context(instance=self.instance, cursor=self.cursor) as context:
            result = self.sensor(context)
        assert isinstance(result, dg.SensorResult)
        self.cursor = result.cursor
        self.keys = [request.run_key for request in result.run_requests or []]
        return [str(request.partition_key) for request in result.run_requests or []]


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    unused = SandboxControl("http://127.0.0.1:9")
    file = write_connections(tmp_path, {NORTH: unused, SOUTH: unused})
    with dg.DagsterInstance.ephemeral() as instance:
        yield Log(settings.load(file), instance=instance)


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


@dg.job(name=INGEST_WEBHOOKS)
def _empty_job() -> None:
    pass
