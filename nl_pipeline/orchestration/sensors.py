"""The push sensor: a plan that was made or released outside a sync is pushed.

Belongs here: which events of the plan ask for a push. Must not be here: whether the push is
allowed; the push itself says so. The sensor reads Dagster's event log and nothing else: opening the
warehouse would compete with the runs for its one lock, every few seconds, for every connection.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import dagster as dg

from nl_pipeline.domain.brakes import Verdict
from nl_pipeline.orchestration.assets import PUSH
from nl_pipeline.orchestration.event_log import materialized_since
from nl_pipeline.orchestration.metadata import PLAN_ID, VERDICT
from nl_pipeline.orchestration.modes import FULL_SYNC, INCREMENTAL_SYNC
from nl_pipeline.orchestration.tables import PLAN

_PUSHED = frozenset(asset.key for asset in PUSH)


@dataclass(frozen=True)
class PlanEvent:
    """One event of a plan. ``pushed_by_its_run``: the run that made the plan pushes it as well."""

    storage_id: int
    connection: str
    plan_id: str
    verdict: str
    pushed_by_its_run: bool


def choose_pushes(events: Iterable[PlanEvent]) -> tuple[list[PlanEvent], list[str]]:
    """The events to push, and why the others are not; in the order of the log.

    Of several events of one connection only the newest counts: its plan has replaced the others.
    """
    newest = {event.connection: event for event in events}
    chosen: list[PlanEvent] = []
    reasons: list[str] = []
    for event in newest.values():
        if event.pushed_by_its_run:
            reasons.append(f"plan {event.plan_id} of {event.connection}: its own run pushes it")
        elif event.verdict == Verdict.APPROVAL:
            reasons.append(
                f"plan {event.plan_id} of {event.connection}: a first sync, needs approval by id"
            )
        else:
            chosen.append(event)
    return chosen, reasons


def build_push_sensor(partitions: dg.PartitionsDefinition, *, running: bool) -> dg.SensorDefinition:
    """The sensor for the connections that are partitions; ``running`` from the start."""
    status = dg.DefaultSensorStatus.RUNNING if running else dg.DefaultSensorStatus.STOPPED

    @dg.sensor(
        name="push_sensor",
        job_name="push_plan",
        minimum_interval_seconds=10,
        default_status=status,
        description="Pushes a plan that was materialized or released outside the sync jobs. A first"
        " sync is never pushed by it.",
    )
    def push_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        new = materialized_since(context, asset=PLAN)
        known = set(partitions.get_partition_keys())
        events = _events(new.records, instance=context.instance, connections=known)
        chosen, reasons = choose_pushes(events)
        skipped = "; ".join(reasons) or "No new plan."
        return dg.SensorResult(
            # The key is the event's, not the plan's: a plan with the same content may come again.
            run_requests=[
                dg.RunRequest(run_key=str(event.storage_id), partition_key=event.connection)
                for event in chosen
            ],
            skip_reason=None if chosen else dg.SkipReason(skipped),
            cursor=new.cursor,
        )

    return push_sensor


def _events(
    records: Sequence[dg.EventLogRecord], *, instance: dg.DagsterInstance, connections: set[str]
) -> list[PlanEvent]:
    events = []
    for record in records:
        materialization = record.asset_materialization
        if materialization is None or record.partition_key not in connections:
            continue
        told = {
            name: str(materialization.metadata[name].value)
            for name in (PLAN_ID, VERDICT)
            if name in materialization.metadata
        }
        events.append(
            PlanEvent(
                storage_id=record.storage_id,
                connection=str(record.partition_key),
                plan_id=told.get(PLAN_ID, "?"),
                verdict=told.get(VERDICT, ""),
                pushed_by_its_run=_pushes(instance.get_run_by_id(record.run_id)),
            )
        )
    return events


def _pushes(run: dg.DagsterRun | None) -> bool:
    """Whether a run pushes the plan it makes."""
    if run is None:
        return False
    if run.asset_selection:
        return run.asset_selection >= _PUSHED
    return run.job_name in (INCREMENTAL_SYNC, FULL_SYNC)
