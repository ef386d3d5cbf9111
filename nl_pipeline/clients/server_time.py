"""What time it is at a service, as the Date header of its answers tells.

Belongs here: the reading of that header and its age. Does not belong here: what depends on the
time. A service stamps its records by its own clock, so whatever is compared with such a stamp, a
cursor above all, has to go by that clock and not by ours. The header has whole seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx


class ServerTime:
    """The clock of one service. Safe to use from several threads."""

    def __init__(self, *, ticks: Callable[[], float] = time.monotonic) -> None:
        self._ticks = ticks
        self._asked_at: datetime | None = None
        self._told: tuple[datetime, float] | None = None

    def note(self, response: httpx.Response) -> None:
        """Take the time from an answer; one without a readable date says nothing."""
        date = date_of(response)
        if date is None:
            return
        self._told = (date, self._ticks())
        self._asked_at = date - _elapsed(response)

    @property
    def asked_at(self) -> datetime | None:
        """The service's time when the last answer was asked for, not later than that (aware UTC).

        None before the first date.
        """
        return self._asked_at

    def now(self) -> datetime | None:
        """The service's time, up to a second early (aware UTC); None before the first date."""
        if self._told is None:
            return None
        date, ticks = self._told
        return date + timedelta(seconds=self._ticks() - ticks)


def _elapsed(response: httpx.Response) -> timedelta:
    try:
        return response.elapsed
    except RuntimeError:  # an answer that came over no line has no length
        return timedelta(0)


def date_of(response: httpx.Response) -> datetime | None:
    """The Date header as aware UTC, the last one if several came; None without a readable one."""
    dates = response.headers.get_list("date")
    if not dates:
        return None
    try:
        return parsedate_to_datetime(dates[-1]).astimezone(UTC)
    except (TypeError, ValueError):
        return None
