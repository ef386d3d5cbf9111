"""Quotas: how many calls of an endpoint a day still takes.

Belongs here: counting by the twin's clock. Does not belong here: the answer's text (``errors``).
LinkedIn counts for each endpoint per app and per member of the app until 00:00 UTC, publishes no
numbers and sends no headers. There is one member here, so both counters see the same calls.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from nl_pipeline.sandbox.linkedin import errors
from nl_pipeline.sandbox.linkedin.switches import Switches

_DAY = 86_400
_MINUTE = 60


@dataclass(slots=True)
class Quotas:
    """Counts calls; a refused one counts as well."""

    refused: Counter[str] = field(default_factory=Counter)
    """Calls refused, by endpoint, for the dump."""
    _day: int = -1
    _minute: int = -1
    _of_day: Counter[str] = field(default_factory=Counter)
    _of_minute: int = 0

    def count(self, endpoint: str, *, now: float, switches: Switches) -> None:
        """Count a call at ``now`` (seconds); raises 429 for one too many."""
        day, minute = int(now // _DAY), int(now // _MINUTE)
        if day != self._day:
            self._day = day
            self._of_day.clear()
        if minute != self._minute:
            self._minute, self._of_minute = minute, 0
        self._of_day[endpoint] += 1
        self._of_minute += 1
        problem = self._problem(endpoint, switches=switches)
        if problem is not None:
            self.refused[endpoint] += 1
            raise problem

    def today(self) -> dict[str, int]:
        """Calls of the day by endpoint, as the developer portal shows them."""
        return dict(self._of_day)

    def _problem(self, endpoint: str, *, switches: Switches) -> errors.ApiProblem | None:
        used = self._of_day[endpoint]
        if switches.application_calls_per_day and used > switches.application_calls_per_day:
            return errors.day_limit("APPLICATION")
        if switches.member_calls_per_day and used > switches.member_calls_per_day:
            return errors.day_limit("APPLICATION_AND_MEMBER")
        if switches.calls_per_minute and self._of_minute > switches.calls_per_minute:
            return errors.too_fast()
        return None
