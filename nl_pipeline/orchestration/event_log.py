"""What was materialized since a sensor last looked, by Dagster's event log and nothing else.

Belongs here: reading on from a cursor. Must not be here: what follows from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import dagster as dg

_MOST_RECORDS = 500


@dataclass(frozen=True)
class NewRecords:
    """Materializations of one asset in the order of the log, and the cursor behind them."""

    records: Sequence[dg.EventLogRecord]
    cursor: str


def materialized_since(context: dg.SensorEvaluationContext, *, asset: dg.AssetKey) -> NewRecords:
    """The materializations behind the cursor of a sensor, as many as a tick should look at."""
    seen = int(context.cursor) if context.cursor else 0
    records = context.instance.fetch_materializations(
        dg.AssetRecordsFilter(asset_key=asset, after_storage_id=seen),
        limit=_MOST_RECORDS,
        ascending=True,
    ).records
    return NewRecords(records, str(max([seen, *(record.storage_id for record in records)])))
