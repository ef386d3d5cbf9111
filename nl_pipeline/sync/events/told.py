"""What one line of the webhook log tells, whichever provider wrote it.

Belongs here: the events of a line and the causes for which a part of it cannot be used. Must not be
here: the words of a provider (``mailchimp``, ``brevo``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from nl_pipeline.domain.events import SubscriberEvent
from nl_pipeline.webhook_log.lines import LogLine

#: What was found about a signature or a token, where the sender may be believed.
_BELIEVED = ("valid", "unsigned")
#: Bounds of a time that is believed. Clocks differ by some minutes; no provider is older.
_AHEAD = timedelta(minutes=10)
_FIRST = datetime(2000, 1, 1, tzinfo=UTC)
#: Causes that are no reason to be careful with an address that stands in the line.
HARMLESS = frozenset({"other_audience"})


class Unusable(ValueError):
    """A line that tells nothing we can use. The text is a cause and quotes nothing of it."""


@dataclass(frozen=True, slots=True)
class Told:
    """The events of a line, several where a provider sends them together, none where they are no
    news. ``unusable``: a cause for each part that could not be used."""

    events: tuple[SubscriberEvent, ...]
    unusable: tuple[str, ...] = ()


def is_believed(line: LogLine) -> bool:
    """Whether the sender showed what only the provider knows, or has no way to show it."""
    return line.signature in _BELIEVED


def within_reason(moment: datetime | None, *, received_at: datetime) -> datetime:
    """``moment`` (aware UTC) if it can be, else that of receiving, in whole seconds: no opt-out is
    lost for want of a date."""
    if moment is None or not _FIRST <= moment <= received_at + _AHEAD:
        return received_at.replace(microsecond=0)
    return moment
