"""The Dagster of the demo: jobs in processes of their own, as schedules and sensors start them.

Belongs here: starting jobs over the demo's folder and waiting for them. Must not be here: which
jobs, and why.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

import typer

from nl_pipeline import settings
from nl_pipeline.cli.invocation import CommandError
from nl_pipeline.cli.sandbox import SANDBOX_SECRETS

DEFAULT_FOLDER = Path("demo")
DAGSTER_FOLDER = "dagster_home"
_TIMEOUT_SECONDS = 600


def run_dagster_job(
    name: str, *, connections: Iterable[str], folder: Path, day: date | None = None
) -> None:
    """Run a job of the code location for these connections side by side, each in a process of its
    own; of one day of them if ``day`` is given. CommandError unless all succeed."""
    partitions = [one if day is None else f"{one}|{day}" for one in connections]
    started = {partition: _started(name, partition, folder=folder) for partition in partitions}
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    try:
        for partition, process in started.items():
            code = process.wait(timeout=max(0.0, deadline - time.monotonic()))
            if code:
                raise CommandError(
                    f"The Dagster job {name} of {partition} ended with exit code {code}.",
                    next_step=f"look at its run: {ui_command(folder)}",
                )
            typer.echo(f"Job {name} of partition {partition}: success.")
    except subprocess.TimeoutExpired:
        raise CommandError(
            f"The Dagster job {name} did not end within {_TIMEOUT_SECONDS} s.",
            next_step=f"look at its run: {ui_command(folder)}",
        ) from None
    finally:
        for process in started.values():
            process.kill()
            process.wait()


def _started(name: str, partition: str, *, folder: Path) -> subprocess.Popen[bytes]:
    tags = json.dumps({"dagster/partition": partition})
    job = ("-m", "nl_pipeline.definitions", "-j", name, "--tags", tags)
    return subprocess.Popen(
        [sys.executable, "-m", "dagster", "job", "execute", *job],
        cwd=folder,
        env=dict(_environment(folder)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _environment(folder: Path) -> Mapping[str, str]:
    return {
        **os.environ,
        **SANDBOX_SECRETS,
        "DAGSTER_HOME": str((folder / DAGSTER_FOLDER).absolute()),
        settings.CONFIG_VARIABLE: str((folder / settings.DEFAULT_FILE).absolute()),
        "DAGSTER_DISABLE_TELEMETRY": "yes",
    }


def ui_command(folder: Path) -> str:
    """How the runs are looked at."""
    if folder == DEFAULT_FOLDER:
        return "make demo-ui, then http://127.0.0.1:3000"
    return (
        f"DAGSTER_HOME={(folder / DAGSTER_FOLDER).absolute()}"
        f" {settings.CONFIG_VARIABLE}={(folder / settings.DEFAULT_FILE).absolute()}"
        " dagster-webserver -m nl_pipeline.definitions"
    )
