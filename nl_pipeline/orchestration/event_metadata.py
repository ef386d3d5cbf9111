"""What the assets between two syncs tell about their work: numbers, kinds and causes.

Belongs here: turning results of ``sync.events`` and ``sync.history`` into Dagster metadata. Must
not be here: whom an event is about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time

import dagster as dg

from nl_pipeline.orchestration.metadata import Metadata, table_metadata
from nl_pipeline.orchestration.partitions import Window
from nl_pipeline.orchestration.tables import events_table
from nl_pipeline.sync.events.ingest import CarriedOut, TakenIn
from nl_pipeline.sync.history import ReportsRead, WindowRead
from nl_pipeline.sync.webhook_watch import WatchResult
from nl_pipeline.warehouse.connection import Warehouse
from nl_pipeline.warehouse.event_reports import EventCount, count_events, delays

#: What the sensor of syncs reads off an event of `subscriber_events`.
NEEDS_SYNC = "needs_sync"


def log_metadata(taken: TakenIn) -> Metadata:
    """What was read of the log."""
    return {
        "dagster/row_count": dg.IntMetadataValue(sum(taken.new.values())),
        "dagster/column_schema": dg.TableSchemaMetadataValue(events_table()),
        "lines": dg.IntMetadataValue(taken.lines),
        "lines_unusable": dg.IntMetadataValue(sum(taken.poison.values())),
        "segments_torn": dg.IntMetadataValue(taken.torn),
        "events_told_before": dg.IntMetadataValue(sum(taken.duplicates.values())),
        "new_events": _counted(taken.new, name="event"),
        "unusable": _counted(taken.poison, name="cause"),
    }


def history_metadata(found: WindowRead) -> Metadata:
    """What a recovery found and what that cost."""
    kinds = sorted({*found.found.new, *found.found.known})
    return {
        "dagster/row_count": dg.IntMetadataValue(sum(found.found.new.values())),
        "dagster/column_schema": dg.TableSchemaMetadataValue(events_table()),
        "events_new": dg.IntMetadataValue(sum(found.found.new.values())),
        "events_known_before": dg.IntMetadataValue(sum(found.found.known.values())),
        "reports_read": dg.IntMetadataValue(found.reports),
        "api_calls": dg.IntMetadataValue(found.calls),
        "events": table_metadata(
            [
                {
                    "event": kind,
                    "new": found.found.new.get(kind, 0),
                    "known before": found.found.known.get(kind, 0),
                }
                for kind in kinds
            ],
            columns={"event": "string", "new": "int", "known before": "int"},
        ),
    }


def events_metadata(
    carried: CarriedOut, *, window: Window, warehouse: Warehouse, syncs: bool
) -> Metadata:
    """What came of the events, those of the window by outcome, and how fresh opt-outs arrived.

    ``syncs``: whether a sync may follow by itself.
    """
    told, looked = carried.told, carried.looked
    counts = count_events(warehouse, first=window.first, last=window.last)
    metadata: Metadata = {
        "dagster/row_count": dg.IntMetadataValue(sum(count.events for count in counts)),
        "dagster/column_schema": dg.TableSchemaMetadataValue(events_table()),
        "opt_outs_applied": dg.IntMetadataValue(told.applied),
        "opt_outs_waiting": dg.IntMetadataValue(told.pending),
        "contacts_cancelled": dg.IntMetadataValue(told.contacts_cancelled),
        "people_read_again": dg.IntMetadataValue(looked.touched),
        "echoes": dg.IntMetadataValue(looked.echoes),
        NEEDS_SYNC: dg.BoolMetadataValue(carried.needs_sync and syncs),
        "events": _events(counts),
    }
    since = datetime.combine(window.first, time(tzinfo=UTC))
    measured = delays(warehouse, since=since)
    if measured is not None:
        metadata |= {
            "opt_out_seconds_from_call_p50": dg.FloatMetadataValue(measured.received_p50),
            "opt_out_seconds_from_call_p95": dg.FloatMetadataValue(measured.received_p95),
            "opt_out_seconds_from_click_p50": dg.FloatMetadataValue(measured.happened_p50),
            "opt_out_seconds_from_click_p95": dg.FloatMetadataValue(measured.happened_p95),
        }
    return metadata


def activities_metadata(written: int) -> Metadata:
    """How many activities were written."""
    return {"activities_written": dg.IntMetadataValue(written)}


def reports_metadata(read: ReportsRead, *, written: int) -> Metadata:
    """What was found in reports of campaigns."""
    return {
        "reports_read": dg.IntMetadataValue(read.reports),
        "new_events": _counted(read.found.new, name="event"),
        **activities_metadata(written),
    }


def watch_metadata(result: WatchResult | None) -> Metadata:
    """The webhooks of a connection; None: it has none, because nobody could reach us."""
    if result is None:
        return {"webhooks": dg.TextMetadataValue("none: webhooks.public_url is not set")}
    return {
        "findings": dg.IntMetadataValue(len(result.findings)),
        "mended": dg.IntMetadataValue(len(result.mended)),
        "webhooks_of_others": dg.IntMetadataValue(len(result.foreign)),
        "notes": dg.MarkdownMetadataValue(
            "\n".join(
                [
                    *(f"- found: {finding.text}" for finding in result.findings),
                    *(f"- mended: {note}" for note in result.mended),
                ]
            )
            or "- nothing to mend"
        ),
    }


def _events(counts: Sequence[EventCount]) -> dg.TableMetadataValue:
    return table_metadata(
        [
            {"event": c.kind, "told by": c.source, "outcome": c.outcome, "events": c.events}
            for c in counts
        ],
        columns={"event": "string", "told by": "string", "outcome": "string", "events": "int"},
    )


def _counted(counts: Mapping[str, int], *, name: str) -> dg.TableMetadataValue:
    return table_metadata(
        [{name: what, "number": number} for what, number in sorted(counts.items())],
        columns={name: "string", "number": "int"},
    )
