"""One partition per connection: states of "now" and plans belong to a connection, not to a day.

Belongs here: the partitions and the tag Dagster gives their runs. Must not be here: which asset has
them (``assets``).
"""

from __future__ import annotations

import dagster as dg

from nl_pipeline.settings import Settings

#: Dagster puts this tag on every run of a single partition, however it was started; the instance
#: limits it to one run per value, which makes the runs of one connection serial.
PARTITION_TAG = "dagster/partition"


def connection_partitions(settings: Settings) -> dg.StaticPartitionsDefinition:
    """One partition per connection of the settings, named like it."""
    return dg.StaticPartitionsDefinition(list(settings.connections))
