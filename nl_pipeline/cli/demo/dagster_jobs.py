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
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import typer

from nl_pipeline import settings
from nl_pipeline.cli.invocation import CommandError
from nl_pipeline.cli.sandbox import SANDBOX_SECRETS

DEFAULT_FOLDER = Path("demo")
DAGSTER_FOLDER = "dagster_home"
_TIMEOUT_SECONDS = 600


@dataclass
class DagsterJobs:
    """Jobs of the code location over the settings in `folder`."""

    folder: Path
    _preparing: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def prepare(self) -> None:
        """Begin to make the databases of the instance: two jobs that did so at the same time would
        be in each other's way."""
        self._preparing = self._started("instance", "info")

    def run(self, name: str, *, connections: Iterable[str], day: date | None = None) -> None:
        """Run a job for these connections side by side, each in a process of its own; of one day of
        them if `day` is given. CommandError unless all succeed."""
        self._require_prepared()
        partitions = [one if day is None else f"{one}|{day}" for one in connections]
        job = ("job", "execute", "-m", "nl_pipeline.definitions", "-j", name)
        started = {
            partition: self._started(*job, "--tags", json.dumps({"dagster/partition": partition}))
            for partition in partitions
        }
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        try:
            for partition, process in started.items():
                code = process.wait(timeout=max(0.0, deadline - time.monotonic()))
                if code:
                    raise CommandError(
                        f"The Dagster job {name} of {partition} ended with exit code {code}.",
                        next_step=f"look at its run: {ui_command(self.folder)}",
                    )
                typer.echo(f"Job {name} of partition {partition}: success.")
        except subprocess.TimeoutExpired:
            raise CommandError(
                f"The Dagster job {name} did not end within {_TIMEOUT_SECONDS} s.",
                next_step=f"look at its run: {ui_command(self.folder)}",
            ) from None
        finally:
            _end(list(started.values()))

    def close(self) -> None:
        """End what was begun and never waited for."""
        if self._preparing is not None:
            _end([self._preparing])

    def _require_prepared(self) -> None:
        if self._preparing is not None and self._preparing.wait(timeout=_TIMEOUT_SECONDS):
            raise CommandError(
                "Dagster did not make its databases.",
                next_step=f"look what it says: {ui_command(self.folder)}",
            )
        self._preparing = None

    def _started(self, *arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "dagster", *arguments],
            cwd=self.folder,
            env=dict(_environment(self.folder)),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


def _end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.kill()
        process.wait()


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
