"""Rate limits of the API: which group a call belongs to and how much of its windows is left.

Belongs here: counting calls by the twin's clock. Does not belong here: the answer to a call too
many (``gateway``). Windows are fixed: they begin with a full second or hour of the clock. Facts:
Brevo docs, API limits; that everything below ``/contacts`` is one group is [inferred].
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from math import ceil

from nl_pipeline.sandbox.brevo.switches import Switches

SECOND = 1
HOUR = 3600


@dataclass(frozen=True, slots=True)
class Window:
    """One limit as it stands after a call."""

    length: int
    """Seconds."""
    limit: int
    used: int
    reset: int
    """Whole seconds until it begins anew."""

    @property
    def remaining(self) -> int:
        """Calls left."""
        return max(self.limit - self.used, 0)

    @property
    def is_overrun(self) -> bool:
        """Whether this call was one too many."""
        return self.used > self.limit


@dataclass(slots=True)
class Limiter:
    """Counts calls of each group; a refused call counts as well."""

    violations: Counter[str] = field(default_factory=Counter)
    """Refused calls by group, for the dump."""
    _used: dict[tuple[str, int], tuple[int, int]] = field(default_factory=dict)
    """Group and window length -> number of the window and calls in it."""

    def count(self, *, path: str, now: float, switches: Switches) -> list[Window]:
        """Count a call and give the windows of its group, the shortest first."""
        group, limits = _group(path, switches=switches)
        windows = []
        for length, limit in limits:
            number = int(now // length)
            before = self._used.get((group, length), (number, 0))
            used = before[1] + 1 if before[0] == number else 1
            self._used[group, length] = (number, used)
            reset = max(ceil((number + 1) * length - now), 1)
            windows.append(Window(length=length, limit=limit, used=used, reset=reset))
        if any(window.is_overrun for window in windows):
            self.violations[group] += 1
        return windows


def _group(path: str, *, switches: Switches) -> tuple[str, list[tuple[int, int]]]:
    if path == "/contacts" or path.startswith("/contacts/"):
        return "contacts", _both(switches)
    if path == "/events":
        return "events", _both(switches)
    return "other", [(HOUR, switches.other_per_hour)]


def _both(switches: Switches) -> list[tuple[int, int]]:
    return [(SECOND, switches.contacts_per_second), (HOUR, switches.contacts_per_hour)]
