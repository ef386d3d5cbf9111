"""When the report of a campaign is read, and read again.

Belongs here: the moments. Must not be here: reading it.

A mail that counts as sent may come back hours or days later, so a report is looked at a few times
more, ever less often, and then left alone.
"""

from __future__ import annotations

from datetime import datetime, timedelta

#: After a campaign was sent. A mail server gives up within a few days.
READINGS = (
    timedelta(0),
    timedelta(hours=6),
    timedelta(days=1),
    timedelta(days=3),
    timedelta(days=7),
)


def report_is_due(*, sent_at: datetime, read_at: datetime | None, now: datetime) -> bool:
    """Whether one of the moments has come since the report was last read (None: never)."""
    passed = [sent_at + after for after in READINGS if sent_at + after <= now]
    return bool(passed) and (read_at is None or read_at < passed[-1])
