"""The webhook sensor: what was received is ingested, within seconds.

Belongs here: which part of the log has grown, and the runs that asks for. Must not be here: what a
line says. The sensor looks at names and sizes of files and nothing else: opening the warehouse
would compete with the runs for its one lock.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import dagster as dg
import msgspec
from dagster import DagsterRunStatus

from nl_pipeline.orchestration.partitions import CONNECTION_TAG, connection_day
from nl_pipeline.settings import Settings
from nl_pipeline.webhook_log.reading import Segment, segments

INGEST_WEBHOOKS = "ingest_webhooks"
#: A tick looks again and again until something is there: the daemon comes by every five seconds
#: only, and whoever clicked "unsubscribe" should not wait for it.
WATCH_SECONDS = 4.0
_LOOK_EVERY_SECONDS = 0.2
#: A segment can still grow a little after its day is over.
_KEPT = timedelta(days=1)
_WAITING = [DagsterRunStatus.QUEUED, DagsterRunStatus.NOT_STARTED]


class Seen(msgspec.Struct, frozen=True):
    """What was asked for of one connection: every segment before ``since``, and these sizes."""

    since: date
    sizes: dict[str, int]


_Cursor = dict[str, Seen]
_decoder = msgspec.json.Decoder(_Cursor)


@dataclass(frozen=True)
class Grown:
    """A day of a connection's log with bytes nobody has asked to ingest yet."""

    connection: str
    day: date
    size: int


@dataclass
class Growth:
    """What has grown since ``seen``; ``noted`` is what will have been seen if all is asked for."""

    seen: Mapping[str, Seen]
    noted: dict[str, Seen] = field(default_factory=dict)

    def of(self, connection: str, *, found: Sequence[Segment]) -> list[Grown]:
        """The grown days of one connection, oldest first."""
        before = self.seen.get(connection)
        if not found:
            return []
        newest = max(segment.day for segment in found)
        since = newest - _KEPT
        self.noted[connection] = Seen(since, {s.name: s.size for s in found if s.day >= since})
        days: dict[date, int] = {}
        grown: set[date] = set()
        for segment in found:
            days[segment.day] = days.get(segment.day, 0) + segment.size
            if before is None:
                known = 0
            elif segment.day < before.since:
                continue
            else:
                known = before.sizes.get(segment.name, 0)
            if segment.size > known:
                grown.add(segment.day)
        return [Grown(connection, day, days[day]) for day in sorted(grown)]


def build_webhook_sensor(
    settings: Settings, *, running: bool, watch_seconds: float = WATCH_SECONDS
) -> dg.SensorDefinition:
    """The sensor over the logs of all connections; ``running`` from the start."""
    status = dg.DefaultSensorStatus.RUNNING if running else dg.DefaultSensorStatus.STOPPED

    @dg.sensor(
        name="webhook_sensor",
        job_name=INGEST_WEBHOOKS,
        minimum_interval_seconds=1,
        default_status=status,
        description="Ingests what the receiver has logged. A tick waits up to"
        f" {watch_seconds:g} s for something to be there.",
    )
    def webhook_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        seen = _decoder.decode(context.cursor) if context.cursor else {}
        deadline = time.monotonic() + watch_seconds
        while True:
            growth = Growth(seen)
            grown = [
                day
                for name in settings.connections
                for day in growth.of(name, found=segments(settings.webhook_log_dir(name)))
            ]
            if grown or time.monotonic() >= deadline:
                break
            time.sleep(_LOOK_EVERY_SECONDS)
        waiting = _connections_that_wait(context.instance, among={day.connection for day in grown})
        asked = [day for day in grown if day.connection not in waiting]
        noted = {name: now for name, now in growth.noted.items() if name not in waiting}
        return dg.SensorResult(
            # The size is in the key: the day is asked for again when it has grown, and only then.
            run_requests=[
                dg.RunRequest(
                    run_key=f"{day.connection}|{day.day}|{day.size}",
                    partition_key=connection_day(day.connection, day=day.day),
                )
                for day in asked
            ],
            skip_reason=None if asked else dg.SkipReason(_why_not(grown)),
            cursor=msgspec.json.encode({**seen, **noted}).decode(),
        )

    return webhook_sensor


def _why_not(grown: Sequence[Grown]) -> str:
    if not grown:
        return "Nothing was received."
    names = ", ".join(sorted({day.connection for day in grown}))
    return f"An earlier {INGEST_WEBHOOKS} of {names} waits for its turn."


def _connections_that_wait(instance: dg.DagsterInstance, *, among: Iterable[str]) -> set[str]:
    """Connections of which a run waits that will read everything received until it starts."""
    return {
        name
        for name in among
        if instance.get_runs_count(
            dg.RunsFilter(job_name=INGEST_WEBHOOKS, statuses=_WAITING, tags={CONNECTION_TAG: name})
        )
    }
