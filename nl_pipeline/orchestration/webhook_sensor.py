"""The webhook sensor: what was received is ingested, within seconds.

Belongs here: which part of the log has grown, and the runs that asks for. Must not be here: what a
line says. The sensor looks at names and sizes of files and nothing else: opening the warehouse
would compete with the runs for its one lock.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

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
#: A segment can still grow a little after its day is over. Older ones are looked at once a tick.
_KEPT = timedelta(days=1)
_WAITING = [DagsterRunStatus.QUEUED, DagsterRunStatus.NOT_STARTED]


class Seen(msgspec.Struct, frozen=True):
    """What was asked for of one connection: these sizes of the segments since a day, and a
    fingerprint of everything before it, which hardly ever changes."""

    since: date
    sizes: dict[str, int]
    older: str = ""


_Cursor = dict[str, Seen]
_decoder = msgspec.json.Decoder(_Cursor)


@dataclass(frozen=True)
class Grown:
    """A day to ask an ingest for, and the state of the log it is asked for in."""

    connection: str
    day: date
    state: str


@dataclass(frozen=True)
class Growth:
    """What has grown since ``seen``; ``noted`` is what will have been seen if all is asked for.

    Days are named by receivers, whose clocks may be wrong: ``first`` and ``today`` are the days
    there are partitions of, and what lies outside is asked for with the nearest of them. An ingest
    reads whatever is unread, of whatever day.
    """

    seen: Mapping[str, Seen]
    first: date
    today: date
    noted: dict[str, Seen] = field(default_factory=dict)

    def of(self, connection: str, *, found: Sequence[Segment]) -> list[Grown]:
        """The days to ask for of one connection, oldest first; ``found`` is all of its log."""
        before = self.seen.get(connection)
        if not found or self.first > self.today:
            return []
        newest = min(max(segment.day for segment in found), self.today)
        since = newest - _KEPT
        self.noted[connection] = Seen(
            since,
            {s.name: s.size for s in found if s.day >= since},
            _fingerprint(s for s in found if s.day < since),
        )
        if before is None:
            grown = {self._offered(segment.day) for segment in found}
        else:
            grown = {
                self._offered(segment.day)
                for segment in found
                if segment.day >= before.since and segment.size > before.sizes.get(segment.name, 0)
            }
            if before.older != _fingerprint(s for s in found if s.day < before.since):
                # Which of the old days it was is not kept, and does not matter to the ingest.
                grown.add(self._offered(newest))
        state = _fingerprint(found)
        return [Grown(connection, day, state) for day in sorted(grown)]

    def changed(self, connection: str, *, folder: Path) -> bool:
        """Whether the days that usually grow look different from what ``of`` has noted of them."""
        noted = self.noted.get(connection)
        if noted is None:
            return bool(segments(folder))
        return {s.name: s.size for s in segments(folder, since=noted.since)} != noted.sizes

    def _offered(self, day: date) -> date:
        return min(max(day, self.first), self.today)


def _fingerprint(found: Iterable[Segment]) -> str:
    """Differs as soon as one of these segments has another size, comes, or goes."""
    known = "\n".join(f"{segment.name} {segment.size}" for segment in found)
    return hashlib.blake2b(known.encode(), digest_size=8).hexdigest()


def _utc_today() -> date:
    return datetime.now(UTC).date()


def build_webhook_sensor(
    settings: Settings,
    *,
    running: bool,
    watch_seconds: float = WATCH_SECONDS,
    today: Callable[[], date] = _utc_today,
) -> dg.SensorDefinition:
    """The sensor over the logs of all connections; ``running`` from the start.

    ``today`` is the day in UTC, the last one there is a partition of.
    """
    status = dg.DefaultSensorStatus.RUNNING if running else dg.DefaultSensorStatus.STOPPED
    folders = {name: settings.webhook_log_dir(name) for name in settings.connections}

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
            growth = Growth(seen, first=settings.webhooks.first_day, today=today())
            grown = [
                day
                for name, folder in folders.items()
                for day in growth.of(name, found=segments(folder))
            ]
            if grown or not _changes(growth, folders=folders, deadline=deadline):
                break
        waiting = _connections_that_wait(context.instance, among={day.connection for day in grown})
        asked = [day for day in grown if day.connection not in waiting]
        noted = {name: now for name, now in growth.noted.items() if name not in waiting}
        return dg.SensorResult(
            # The state is in the key: a day is asked for again when the log has grown, and only
            # then.
            run_requests=[
                dg.RunRequest(
                    run_key=f"{day.connection}|{day.day}|{day.state}",
                    partition_key=connection_day(day.connection, day=day.day),
                )
                for day in asked
            ],
            skip_reason=None if asked else dg.SkipReason(_why_not(grown)),
            cursor=msgspec.json.encode({**seen, **noted}).decode(),
        )

    return webhook_sensor


def _changes(growth: Growth, *, folders: Mapping[str, Path], deadline: float) -> bool:
    """Wait until something is different in a log, until the deadline at most; was there anything?

    Looks at the newest days only: a log of years has thousands of segments.
    """
    while time.monotonic() < deadline:
        time.sleep(_LOOK_EVERY_SECONDS)
        if any(growth.changed(name, folder=folder) for name, folder in folders.items()):
            return True
    return False


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
