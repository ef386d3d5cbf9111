"""The event sensor: where events left something for a plan to decide, a sync follows at once.

Belongs here: which materializations of the events ask for one. Must not be here: what it does. The
sensor reads Dagster's event log and nothing else.
"""

from __future__ import annotations

import dagster as dg
from dagster import DagsterRunStatus

from nl_pipeline.orchestration.event_log import materialized_since
from nl_pipeline.orchestration.event_metadata import NEEDS_SYNC
from nl_pipeline.orchestration.modes import INCREMENTAL_SYNC
from nl_pipeline.orchestration.partitions import CONNECTION, PARTITION_TAG
from nl_pipeline.orchestration.tables import EVENTS

_WAITING = [DagsterRunStatus.QUEUED, DagsterRunStatus.NOT_STARTED]


def build_event_sensor(
    partitions: dg.PartitionsDefinition, *, running: bool
) -> dg.SensorDefinition:
    """The sensor for the connections that are partitions; ``running`` from the start."""
    status = dg.DefaultSensorStatus.RUNNING if running else dg.DefaultSensorStatus.STOPPED

    @dg.sensor(
        name="event_sensor",
        job_name=INCREMENTAL_SYNC,
        minimum_interval_seconds=5,
        default_status=status,
        description="Syncs a connection as soon as an event has changed something that a plan has"
        " to decide: a sign-up, a profile, an address.",
    )
    def event_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        new = materialized_since(context, asset=EVENTS)
        known = set(partitions.get_partition_keys())
        newest = {
            connection: record.storage_id
            for record in new.records
            if _needs_sync(record) and (connection := _connection(record)) in known
        }
        # A run that waits will see everything there is when it starts.
        asked = {
            name: storage_id
            for name, storage_id in newest.items()
            if not context.instance.get_runs_count(
                dg.RunsFilter(
                    job_name=INCREMENTAL_SYNC, statuses=_WAITING, tags={PARTITION_TAG: name}
                )
            )
        }
        return dg.SensorResult(
            run_requests=[
                dg.RunRequest(run_key=str(storage_id), partition_key=name)
                for name, storage_id in asked.items()
            ],
            skip_reason=None if asked else dg.SkipReason("No event asks for a sync."),
            cursor=new.cursor,
        )

    return event_sensor


def _needs_sync(record: dg.EventLogRecord) -> bool:
    materialization = record.asset_materialization
    if materialization is None or NEEDS_SYNC not in materialization.metadata:
        return False
    return bool(materialization.metadata[NEEDS_SYNC].value)


def _connection(record: dg.EventLogRecord) -> str:
    key = record.partition_key
    if isinstance(key, dg.MultiPartitionKey):
        return key.keys_by_dimension[CONNECTION]
    return str(key or "").partition("|")[0]
