"""How often an account tells something, and when its silence is longer than that explains.

Belongs here: the judgement over times. Must not be here: where they come from.

A small account is silent for weeks and a mailing makes a hundred notices in an hour, so single
notices say little. What counts is days with any notice: after enough of them the longest break so
far is what the account does by itself, and twice that is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

#: Fewer days with a notice are no rhythm.
ENOUGH_DAYS = 12
_LEAST = timedelta(days=2)
_TIMES_LONGEST = 2


@dataclass(frozen=True)
class Silence:
    """A silence that does not fit: since when, and how long the account may be silent."""

    since: datetime
    allowed: timedelta


def unusual_silence(told_at: Sequence[datetime], *, now: datetime) -> Silence | None:
    """The silence since the last of these times, if it is longer than the rhythm of the account.

    None as long as there is no rhythm: no silence of a tiny or a new account is an alarm.
    """
    if len({moment.date() for moment in told_at}) < ENOUGH_DAYS:
        return None
    longest = max(later - earlier for earlier, later in pairwise(sorted(told_at)))
    allowed = max(_LEAST, _TIMES_LONGEST * longest)
    last = max(told_at)
    return Silence(last, allowed) if now - last > allowed else None
