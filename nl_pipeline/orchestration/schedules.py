"""The schedules: per connection an incremental and a full sync, a watch, and the pull of leads.

Belongs here: when a job is asked for. Must not be here: what a job does.
"""

from __future__ import annotations

import dagster as dg
from dagster import DagsterRunStatus

from nl_pipeline.orchestration.jobs import SYNC_LEADS, WATCH_WEBHOOKS
from nl_pipeline.orchestration.modes import job_of
from nl_pipeline.orchestration.partitions import PARTITION_TAG
from nl_pipeline.settings import Connection, Settings
from nl_pipeline.sync.observe import Mode

_STARTED, _STOPPED = dg.DefaultScheduleStatus.RUNNING, dg.DefaultScheduleStatus.STOPPED
_WAITING = [DagsterRunStatus.QUEUED, DagsterRunStatus.NOT_STARTED]


def build_schedules(settings: Settings, *, running: bool) -> list[dg.ScheduleDefinition]:
    """Three schedules per connection, and one more for leads, in the time zone of its CRM;
    ``running`` from the start."""
    modes: tuple[Mode, ...] = ("incremental", "full")
    return [
        schedule
        for connection in settings.connections.values()
        for schedule in (
            *(
                _schedule(
                    connection,
                    name=schedule_name(connection.name, mode=mode),
                    job=job_of(mode),
                    cron=_cron(connection, mode=mode),
                    what=f"{mode.capitalize()} sync",
                    running=running,
                )
                for mode in modes
            ),
            _schedule(
                connection,
                name=schedule_name(connection.name, mode="watch"),
                job=WATCH_WEBHOOKS,
                cron=connection.schedules.watch,
                what="Watch over webhooks and campaigns",
                running=running,
            ),
            *(
                ()
                if connection.leads.linkedin is None
                else (
                    _schedule(
                        connection,
                        name=schedule_name(connection.name, mode="leads"),
                        job=SYNC_LEADS,
                        cron=connection.schedules.leads,
                        what="Pull of lead forms that are due",
                        running=running,
                    ),
                )
            ),
        )
    ]


def _cron(connection: Connection, *, mode: Mode) -> str:
    times = connection.schedules
    return times.full if mode == "full" else times.incremental


def schedule_name(connection: str, *, mode: str) -> str:
    """The name of a schedule. Dagster allows no hyphen in it, connection names no underscore."""
    return f"{connection.replace('-', '_')}_{mode}"


def _schedule(
    connection: Connection, *, name: str, job: str, cron: str, what: str, running: bool
) -> dg.ScheduleDefinition:
    @dg.schedule(
        name=name,
        job_name=job,
        cron_schedule=cron,
        execution_timezone=connection.crm.time_zone,
        description=f"{what} of {connection.name}.",
        default_status=_STARTED if running else _STOPPED,
    )
    def request(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        # Runs of a connection are serial. When they take longer than their interval, one that
        # waits is enough: it will see everything the others would have seen.
        waiting = context.instance.get_runs_count(
            dg.RunsFilter(job_name=job, statuses=_WAITING, tags={PARTITION_TAG: connection.name})
        )
        if waiting:
            return dg.SkipReason(f"An earlier {job} of {connection.name} waits for its turn.")
        return dg.RunRequest(partition_key=connection.name)

    return request
