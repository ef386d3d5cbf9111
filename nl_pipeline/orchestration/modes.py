"""How thoroughly a sync looks: what the job says, unless the config of an asset says otherwise.

Belongs here: the config, the names of the sync jobs, and what they mean. Must not be here: what a
mode does (``sync``).

The job's name decides and not a run config of the job: Dagster fills such a config in for runs
launched in the UI, but not for those of schedules, GraphQL or `dagster job execute`, where a
full sync would silently have become an incremental one.
"""

from __future__ import annotations

from typing import Literal

import dagster as dg
from pydantic import Field

from nl_pipeline.sync.observe import Mode

INCREMENTAL_SYNC, FULL_SYNC = "incremental_sync", "full_sync"


class SyncConfig(dg.Config):
    """How thoroughly a sync looks."""

    mode: Literal["by_job", "incremental", "full"] = Field(
        default="by_job",
        description="by_job: full in the job full_sync, else incremental. incremental: what changed"
        " since the last read. full: complete reads of both sides. A connection that was never read"
        " is read in full either way.",
    )


def job_of(mode: Mode) -> str:
    """The name of the job that syncs in this mode."""
    return FULL_SYNC if mode == "full" else INCREMENTAL_SYNC


def mode_of(context: dg.AssetExecutionContext, *, config: SyncConfig) -> Mode:
    """The mode of a step."""
    if config.mode != "by_job":
        return config.mode
    return "full" if context.run.job_name == FULL_SYNC else "incremental"
