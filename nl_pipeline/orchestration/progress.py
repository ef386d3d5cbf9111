"""Progress of long work as a few lines of a run's log.

Belongs here: how often a line is worth writing. Must not be here: anything but counts.
"""

from __future__ import annotations

from typing import Protocol

_PARTS = 10
_EVERY_UNANNOUNCED = 10_000


class Log(Protocol):
    """The part of a Dagster log that is used."""

    def info(self, msg: str) -> None:
        """Write one line."""


class LoggedProgress:
    """A ``sync.link.Progress`` that logs every tenth of what was announced.

    Each line is a row of Dagster's event log, and a large audience is read in hundreds of pages.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self._logged: dict[str, int] = {}

    def __call__(self, what: str, done: int, total: int) -> None:
        part = done * _PARTS // total if total else done // _EVERY_UNANNOUNCED
        if part != self._logged.get(what, 0):
            self._logged[what] = part
            self._log.info(f"{what}: {done} of {total}" if total else f"{what}: {done}")
