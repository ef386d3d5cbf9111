"""Times as Mailchimp reads and writes them.

Belongs here: the two conversions. Source: recorded traffic, `2026-03-26T21:40:57+00:00`,
always UTC; older places write `2018-07-16 19:49:42`.
"""

from __future__ import annotations

from datetime import UTC, datetime


def query_time(moment: datetime) -> str:
    """Return a time filter: whole seconds, UTC, `+00:00`.

    A value Mailchimp cannot parse returns all members instead of an error, so the form is fixed
    here. Raises ValueError when naive.
    """
    if moment.tzinfo is None:
        raise ValueError("a time filter needs a zone; pass aware UTC")
    return moment.astimezone(UTC).replace(microsecond=0).isoformat()


def moment_of(text: str) -> datetime | None:
    """Return aware UTC for a time in an answer; None for "" and the unreadable."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
