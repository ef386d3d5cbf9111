"""Brevo's limits per group of endpoints, kept ahead of time.

Belongs here: the groups, the windows, what the headers of an answer teach, and the wait or refusal
before a call. Does not belong here: sending (`session`).

Source: the API's page on limits. Contacts (with lists, attributes and imports): 10 a second and
36,000 an hour; every endpoint that is not named: 100 an hour, for the whole account. A window lets
a call through when fewer than the limit are open or were answered within its length: whenever the
service counts a call, between our sending it and its answer, no stretch of that length holds more.

The limit is the account's: other programs use it too, and so did the run before this one. What an
answer says is left is therefore believed when it is less than we think.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

Group = Literal["contacts", "events", "other"]

_HOUR = 3600.0
_UNKNOWN_WINDOW = 60.0


@dataclass(frozen=True)
class Limits:
    """What the account's plan allows; the defaults are those of every plan.

    `reserve`: calls of the hour's `other_per_hour` that only the waiting for processes may use, so
    that an import is not left unwatched. `longest_wait_seconds`: what a call waits for its turn at
    most; beyond it the call fails with the time from which it will pass.
    """

    contacts_per_second: int = 10
    contacts_per_hour: int = 36_000
    other_per_hour: int = 100
    reserve: int = 20
    longest_wait_seconds: float = 60.0

    def __post_init__(self) -> None:
        if min(self.contacts_per_second, self.contacts_per_hour, self.other_per_hour) < 1:
            raise ValueError("a limit of calls must be at least 1")
        if not 0 <= self.reserve < self.other_per_hour:
            raise ValueError(
                f"reserve must be 0 to {self.other_per_hour - 1}, below other_per_hour;"
                f" got {self.reserve}"
            )


class BudgetSpent(Exception):
    """No call of this group may be sent for `seconds` yet. Never leaves the client."""

    def __init__(self, group: Group, *, seconds: float) -> None:
        super().__init__(group)
        self.group = group
        self.seconds = seconds


def group_of(template: str) -> Group:
    """The group a path counts in."""
    first = template.split("/")[1]
    if first == "contacts":
        return "contacts"
    return "events" if first == "events" else "other"


class Window:
    """At most `limit` calls within `seconds`. Not safe for several threads: see `Limiter`."""

    def __init__(self, limit: int, *, seconds: float) -> None:
        self.limit = limit
        self.seconds = seconds
        self.open = 0
        self._answered: deque[float] = deque()

    def used(self, now: float) -> int:
        """How many calls count at this time."""
        while self._answered and self._answered[0] + self.seconds <= now:
            self._answered.popleft()
        return self.open + len(self._answered)

    def free_at(self, now: float, *, kept: int) -> float | None:
        """When there is room with `kept` left over; None: only an answer to an open call tells."""
        surplus = self.used(now) - (self.limit - kept)
        if surplus < 0:
            return now
        if surplus >= len(self._answered):
            return None
        return self._answered[surplus] + self.seconds

    def answered(self, now: float) -> None:
        """A call that was open has its answer, or none will come."""
        self.open -= 1
        self._answered.append(now)


@dataclass
class _Told:
    """What the service said is left, and until when."""

    left: int
    until: float


class Limiter:
    """The turn-taking of all calls of one account. Safe to use from several threads.

    `ticks` and `sleep` belong together: a sleep that returned is taken to have lasted.
    """

    def __init__(
        self,
        limits: Limits,
        *,
        ticks: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.limits = limits
        self._ticks = ticks
        self._sleep = sleep
        self._ahead = 0.0
        self._changed = threading.Condition()
        per_second, per_hour = limits.contacts_per_second, limits.contacts_per_hour
        self._windows: dict[Group, tuple[Window, ...]] = {
            "contacts": (Window(per_second, seconds=1.0), Window(per_hour, seconds=_HOUR)),
            "events": (Window(per_second, seconds=1.0), Window(per_hour, seconds=_HOUR)),
            "other": (Window(limits.other_per_hour, seconds=_HOUR),),
        }
        self._told: dict[tuple[Group, int], _Told] = {}

    def take(self, group: Group, *, reserved: bool = False) -> None:
        """Wait for a turn. Raises `BudgetSpent` when that is too far off.

        `reserved`: the call may use the reserve. Every turn taken has to be given `back`.
        """
        kept = self.limits.reserve if group == "other" and not reserved else 0
        waited = 0.0
        while True:
            with self._changed:
                now = self._now()
                at = self._free_at(group, now=now, kept=kept)
                if at is not None and at <= now:
                    for window in self._windows[group]:
                        window.open += 1
                    return
                if at is None:
                    self._changed.wait()
                    continue
            seconds = at - now
            if waited + seconds > self.limits.longest_wait_seconds:
                raise BudgetSpent(group, seconds=seconds)
            waited += seconds
            self._slept(seconds, until=at)

    def back(self, group: Group, *, headers: Mapping[str, str] | None = None) -> None:
        """A call has its answer (with these headers), or none will come."""
        with self._changed:
            now = self._now()
            for window in self._windows[group]:
                window.answered(now)
            if headers is not None:
                self._learn(group, headers=headers, now=now)
            self._changed.notify_all()

    def refused(self, group: Group) -> None:
        """The service refused a call as one too many: until the window it named is over, or for a
        minute where it named none, there is nothing left."""
        with self._changed:
            now = self._now()
            told = [t for (of, _), t in self._told.items() if of == group and t.until > now]
            for known in told:
                known.left = 0
            if not told:
                self._told[group, 0] = _Told(0, now + self._unnamed_wait(group))

    def left(self, group: Group) -> tuple[int, int, float]:
        """Calls left in the longest window, its limit, and the seconds until it is renewed."""
        with self._changed:
            now = self._now()
            window = self._windows[group][-1]
            told = self._told.get((group, len(self._windows[group]) - 1))
            left = window.limit - window.used(now)
            if told is not None and told.until > now:
                return min(left, told.left - window.open), window.limit, told.until - now
            return left, window.limit, window.seconds

    def _now(self) -> float:
        return self._ticks() + self._ahead

    def _slept(self, seconds: float, *, until: float) -> None:
        self._sleep(seconds)
        with self._changed:
            self._ahead += max(0.0, until - self._now())

    def _free_at(self, group: Group, *, now: float, kept: int) -> float | None:
        """When the next call may go; None when only an answer can tell."""
        latest = now
        for window in self._windows[group]:
            at = window.free_at(now, kept=kept)
            if at is None:
                return None
            latest = max(latest, at)
        for (of, _), told in self._told.items():
            open_calls = self._windows[of][0].open
            if of == group and told.until > now and told.left - open_calls <= kept:
                latest = max(latest, told.until)
        return latest

    def _learn(self, group: Group, *, headers: Mapping[str, str], now: float) -> None:
        """Take what the answer says is left, of the window whose limit it names.

        Which window is told where two apply is documented nowhere: one that names no limit we know
        is taken for the shortest.
        """
        left = _number(headers.get("x-sib-ratelimit-remaining"))
        reset = _number(headers.get("x-sib-ratelimit-reset"))
        if left is None or reset is None:
            return
        windows = self._windows[group]
        limit = _number(headers.get("x-sib-ratelimit-limit"))
        named = [n for n, window in enumerate(windows) if window.limit == limit]
        number = named[0] if named else _fitting(windows, reset=reset)
        self._told[group, number] = _Told(left, now + reset)

    def _unnamed_wait(self, group: Group) -> float:
        return _UNKNOWN_WINDOW if group == "other" else 1.0


def _fitting(windows: tuple[Window, ...], *, reset: int) -> int:
    """The shortest window that can take so long to be renewed."""
    return next((n for n, w in enumerate(windows) if reset <= w.seconds), len(windows) - 1)


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None
