"""The receiver of the demo: a process of its own that can be killed and started again.

Belongs here: starting, stopping, and waiting for what it stores. Must not be here: what is stored.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from nl_pipeline.cli.invocation import CommandError
from nl_pipeline.cli.receiving import check_health
from nl_pipeline.cli.sandbox import SANDBOX_SECRETS
from nl_pipeline.settings import CONFIG_VARIABLE, DEFAULT_FILE, Settings
from nl_pipeline.webhook_log.reading import segments

_COMMAND = "import sys; from nl_pipeline.cli import main; sys.exit(main())"
_START_SECONDS = 30.0
_PATIENCE_SECONDS = 60.0
_LOOK_EVERY_SECONDS = 0.1
_QUIET_SECONDS = 1.0


@dataclass
class Receiver:
    """`nl-pipeline receive` over the settings in a folder."""

    folder: Path
    settings: Settings
    port: int
    _heard: int = 0
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Start it and wait until it answers. CommandError if it does not."""
        self._process = subprocess.Popen(
            [sys.executable, "-c", _COMMAND, "receive", "--port", str(self.port)],
            env={
                **os.environ,
                **SANDBOX_SECRETS,
                CONFIG_VARIABLE: str((self.folder / DEFAULT_FILE).absolute()),
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        check_health("127.0.0.1", port=self.port, wait_seconds=_START_SECONDS)

    def stop(self) -> None:
        """Kill it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def hear(self, *, more: int) -> None:
        """Wait until so many lines more have come than the last time, and then until no more
        come."""
        logs = [self.settings.webhook_log_dir(name) for name in self.settings.connections]
        deadline = time.monotonic() + _PATIENCE_SECONDS
        stored, since = -1, time.monotonic()
        while stored < self._heard + more or time.monotonic() - since < _QUIET_SECONDS:
            if time.monotonic() > deadline:
                raise CommandError(
                    f"Of at least {more} webhooks {stored - self._heard} have come.",
                    next_step="report this; the sandbox and the receiver do not fit",
                )
            time.sleep(_LOOK_EVERY_SECONDS)
            lines = sum(
                (log / found.name).read_bytes().count(b"\n")
                for log in logs
                for found in segments(log)
            )
            if lines != stored:
                stored, since = lines, time.monotonic()
        self._heard = stored


@contextlib.contextmanager
def receiving(folder: Path, loaded: Settings) -> Iterator[Receiver]:
    """A receiver that runs, at the address the settings tell providers."""
    port = urlsplit(loaded.webhooks.public_url or "").port
    if port is None:
        raise ValueError("the demo's settings name the port of its receiver")
    receiver = Receiver(folder, loaded, port)
    receiver.start()
    try:
        yield receiver
    finally:
        receiver.stop()


def free_port() -> int:
    """A port of this machine that nobody uses now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
