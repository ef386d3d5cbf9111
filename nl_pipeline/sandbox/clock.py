"""The sandbox's clock: real time plus an offset that the control API moves forward.

Belongs here: what time it is inside the sandbox and by the clock of each service. Does not belong
here: anything that happens *because* time has passed; services are told through
``Service.on_clock_advanced``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime


class Clock:
    """Virtual on demand: equal to real time until it is advanced, never moves back."""

    def __init__(self) -> None:
        self._offset_seconds = 0.0

    def epoch(self) -> float:
        """Seconds since 1970 (UTC) by the sandbox's clock."""
        return time.time() + self._offset_seconds

    def now(self) -> datetime:
        """The sandbox's time, aware, in UTC."""
        return datetime.fromtimestamp(self.epoch(), tz=UTC)

    def advance(self, seconds: float) -> None:
        """Move the clock forward by ``seconds`` (>= 0); ``ValueError`` for a step back."""
        if seconds < 0:
            raise ValueError(
                f"advance is {seconds}: the sandbox's clock only moves forward, "
                "because delivered events cannot be taken back; reset the sandbox instead"
            )
        self._offset_seconds += seconds

    def reset(self) -> None:
        """Back to real time."""
        self._offset_seconds = 0.0


class ServiceClock(Clock):
    """The clock on a service's wall: the sandbox's, wrong by as many seconds as ``skew`` says.

    Everything a service tells of time goes by it: its records, its Date header, its time limits.
    """

    def __init__(self, clock: Clock, *, skew: Callable[[], float]) -> None:
        super().__init__()
        self._clock = clock
        self._skew = skew

    def epoch(self) -> float:
        """Seconds since 1970 (UTC) as the service believes."""
        return self._clock.epoch() + self._skew()
