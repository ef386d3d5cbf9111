"""Times as Brevo reads and writes them.

Belongs here: the conversions. Source: the date formats of the API's guide, and a live capture whose
times carry the offset of the account's zone (`2026-08-01T19:43:31.777+02:00`): they are never
compared as texts.
"""

from __future__ import annotations

from datetime import UTC, datetime


def query_time(moment: datetime) -> str:
    """Return a time filter: UTC with three digits of a second and `Z`. ValueError when naive."""
    if moment.tzinfo is None:
        raise ValueError("a time filter needs a zone; pass aware UTC")
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def moment_of(text: str | None) -> datetime | None:
    """Return aware UTC for a time in an answer; None for nothing and the unreadable.

    A time without an offset is read as UTC, as the guide says times are.
    """
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
