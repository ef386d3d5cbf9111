"""The one resource: the connections of the settings, each opened by its name while it is used.

Belongs here: handing assets a plain object that opens a ``Link``. Must not be here: use cases.
Nothing is opened and no secret is read when a run starts; the first asset opens the connection of
its partition and no other, and the assets after it in the same process go on with it. A link per
asset would ask the CRM for its fields, which takes it seconds, six times a run. The run notes the
process in which that happens, for the run guard.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import dagster as dg
from pydantic import Field

from nl_pipeline import settings
from nl_pipeline.orchestration.failures import failures_without_personal_data
from nl_pipeline.orchestration.progress import Log, LoggedProgress
from nl_pipeline.orchestration.run_guard import Process, note_process
from nl_pipeline.settings import Settings
from nl_pipeline.sync.link import Link, open_link


@dataclass(frozen=True)
class Connections:
    """What an asset is handed: the settings, and the way to open one connection of them.

    ``opened`` closes what was opened; links are kept until then.
    """

    settings: Settings
    retry_after_seconds: float
    opened: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    links: dict[str, Link] = field(default_factory=dict)

    @contextlib.contextmanager
    def open(self, name: str, *, log: Log) -> Iterator[Link]:
        """Both sides of a connection for the block; long work is told to ``log``.

        Errors of the block leave it as Dagster failures without personal data.
        """
        with failures_without_personal_data(retry_after_seconds=self.retry_after_seconds):
            if name not in self.links:
                link = open_link(self.settings, connection=name)
                self.links[name] = self.opened.enter_context(link)
            yield replace(self.links[name].counted_anew(), progress=LoggedProgress(log))


class ConnectionsResource(dg.ConfigurableResource[Connections]):
    """Connections of a settings file. Secrets are looked up when a connection is opened."""

    settings_file: str | None = Field(
        default=None,
        description="The connections file. By default $NL_PIPELINE_CONFIG, else connections.yaml in"
        " the current folder, else a sandbox on this machine.",
    )
    retry_after_seconds: float = Field(
        default=30,
        description="How long a step waits before it is tried again after a passing failure.",
    )

    def create_resource(self, context: dg.InitResourceContext) -> Connections:
        """The settings as they are at the start of the process that runs the steps."""
        if context.instance is not None and context.run is not None:
            note_process(
                context.instance,
                run_id=context.run.run_id,
                process=Process.living(os.getpid()),
            )
        path = None if self.settings_file is None else Path(self.settings_file)
        return Connections(
            settings=settings.load(path), retry_after_seconds=self.retry_after_seconds
        )

    @contextlib.contextmanager
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> Generator[Connections, None, None]:
        """The connections for one process; what was opened is closed at its end."""
        with super().yield_for_execution(context) as connections, connections.opened:
            yield connections
