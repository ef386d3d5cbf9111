"""One partition per connection: states of "now" and plans belong to a connection, not to a day.
What only ever grows (the webhook log, events, activities) has a partition per connection and day,
so that an outage is a backfill over a window.

Belongs here: the partitions and the tags Dagster gives their runs. Must not be here: which asset
has them (``assets``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import dagster as dg

from nl_pipeline.settings import Settings

#: Dagster puts this tag on every run of a single partition, however it was started; the instance
#: limits it to one run per value, which makes the syncs of one connection serial, and the ingests
#: of one of its days.
PARTITION_TAG = "dagster/partition"
#: Runs of a connection's days have this as well. The instance limits it to two.
CONNECTION_TAG = "dagster/partition/connection"
CONNECTION, DAY = "connection", "day"


def connection_partitions(settings: Settings) -> dg.StaticPartitionsDefinition:
    """One partition per connection of the settings, named like it."""
    return dg.StaticPartitionsDefinition(list(settings.connections))


def connection_day_partitions(settings: Settings) -> dg.MultiPartitionsDefinition:
    """One partition per connection and UTC day, today's included."""
    first = settings.webhooks.first_day
    return dg.MultiPartitionsDefinition(
        {
            CONNECTION: connection_partitions(settings),
            DAY: dg.DailyPartitionsDefinition(start_date=first.isoformat(), end_offset=1),
        }
    )


def connection_day(connection: str, *, day: date) -> dg.MultiPartitionKey:
    """The partition of one day of a connection."""
    return dg.MultiPartitionKey({CONNECTION: connection, DAY: day.isoformat()})


@dataclass(frozen=True)
class Window:
    """Days of one connection, both ends included."""

    connection: str
    days: tuple[date, ...]

    @property
    def first(self) -> date:
        return self.days[0]

    @property
    def last(self) -> date:
        return self.days[-1]


def windows_of(keys: Iterable[str]) -> list[Window]:
    """The partitions of a run, which may be a backfill over many, as one window per connection."""
    days: dict[str, list[date]] = {}
    for key in keys:
        connection, _, day = key.partition("|")
        days.setdefault(connection, []).append(date.fromisoformat(day))
    return [Window(name, tuple(sorted(found))) for name, found in sorted(days.items())]
