"""Logs of two connections that grow, and ticks of the webhook sensor over them.

Belongs here: segments coming and going, and driving the sensor. Not here: assertions.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import dagster as dg

from nl_pipeline import settings
from nl_pipeline.orchestration.webhook_sensor import build_webhook_sensor

FRIDAY = "2026-11-27"


class Log:
    """The logs of two connections, and ticks of a sensor over them on a Friday, with its cursor
    kept."""

    def __init__(self, settings_file: Path, *, instance: dg.DagsterInstance) -> None:
        self.settings_file = settings_file
        self.settings = settings.load(settings_file)
        self.instance = instance
        self.cursor: str | None = None
        self.watch(seconds=0)

    def grow(self, connection: str, day: str, *, writer: str = "aa", size: int = 10) -> None:
        path = self.settings.webhook_log_dir(connection) / day / f"13.{writer}-0.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(b"x" * size)

    def forget(self, connection: str, day: str) -> None:
        shutil.rmtree(self.settings.webhook_log_dir(connection) / day)

    def watch(self, *, seconds: float = 30) -> None:
        """Have ticks wait for something to be there, by the settings as they are now."""
        self.sensor = build_webhook_sensor(
            self.settings,
            running=False,
            watch_seconds=seconds,
            today=lambda: date.fromisoformat(FRIDAY),
        )

    def tick(self) -> list[str]:
        with dg.build_sensor_context(instance=self.instance, cursor=self.cursor) as context:
            result = self.sensor(context)
        assert isinstance(result, dg.SensorResult)
        self.cursor = result.cursor
        self.keys = [request.run_key for request in result.run_requests or []]
        return [str(request.partition_key) for request in result.run_requests or []]


@dataclass
class Waits:
    """The folders that were listed between the first pause of a tick and the second, after which
    something comes."""

    then: Callable[[], None]
    pauses: int = 0
    looked_at: list[str] = field(default_factory=list)

    def pause(self, _: float) -> None:
        self.pauses += 1
        if self.pauses == 2:
            self.then()
