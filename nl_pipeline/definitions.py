"""What Dagster loads: `build_defs` and `defs`.

Belongs here: putting the definitions together. Loading reads the names, schedules and time zones of
the connections from the settings file, or the embedded default without one; no secret, no network,
no warehouse.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nl_pipeline.orchestration.loading import garbage_left_alone

with garbage_left_alone():
    import dagster as dg

    from nl_pipeline import settings
    from nl_pipeline.orchestration.assets import build_assets
    from nl_pipeline.orchestration.event_sensor import build_event_sensor
    from nl_pipeline.orchestration.jobs import build_jobs
    from nl_pipeline.orchestration.lead_import import import_job
    from nl_pipeline.orchestration.partitions import (
        connection_day_partitions,
        connection_partitions,
    )
    from nl_pipeline.orchestration.releases import release_job
    from nl_pipeline.orchestration.resources import ConnectionsResource
    from nl_pipeline.orchestration.run_guard import build_run_guard
    from nl_pipeline.orchestration.schedules import build_schedules
    from nl_pipeline.orchestration.sensors import build_push_sensor
    from nl_pipeline.orchestration.webhook_sensor import build_webhook_sensor


def build_defs(
    *, settings_file: Path | None = None, automation_runs: bool = False, **overrides: Any
) -> dg.Definitions:
    """Fresh definitions over a settings file; ``overrides`` replace arguments of ``Definitions``.

    ``automation_runs``: schedules and sensors run until somebody switches them off, instead of
    being off until somebody switches them on. SettingsError if the file can't be used, with every
    problem in it.
    """
    chosen = settings.load(settings_file)
    partitions = connection_partitions(chosen)
    resource = ConnectionsResource(
        settings_file=None if settings_file is None else str(settings_file)
    )
    parts: dict[str, Any] = {
        "assets": build_assets(
            partitions,
            days=connection_day_partitions(chosen),
            providers={connection.provider.kind for connection in chosen.connections.values()},
        ),
        "jobs": [*build_jobs(), release_job(partitions), import_job(partitions)],
        "schedules": build_schedules(chosen, running=automation_runs),
        "sensors": [
            build_push_sensor(partitions, running=automation_runs),
            build_event_sensor(partitions, running=automation_runs),
            build_webhook_sensor(chosen, running=automation_runs),
            build_run_guard(running=automation_runs),
        ],
        "resources": {"connections": resource},
        # A process per step costs seconds on a small machine, and the steps of one connection
        # can't run side by side anyway.
        "executor": dg.in_process_executor,
    }
    return dg.Definitions(**(parts | overrides))


defs = build_defs()
