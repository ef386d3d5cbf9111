"""Moments as onOffice writes them: wall time without a zone.

Belongs here: the two conversions and their edge cases. The API documents no time zone; wall time
of the account, Europe/Berlin by default, is what clients in production assume [inferred].
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

_FORMAT = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True)
class CrmZone:
    """The account's time zone, by its IANA name."""

    name: str = "Europe/Berlin"

    def wall_text(self, moment: datetime) -> str:
        """Return an aware moment as `2026-03-01 14:05:09`. Raises ValueError when naive."""
        if moment.tzinfo is None:
            raise ValueError("a moment without a zone cannot be written to the CRM; pass aware UTC")
        return moment.astimezone(ZoneInfo(self.name)).strftime(_FORMAT)

    def moment(self, text: object) -> datetime | None:
        """Return aware UTC for a CRM text; None for "", null, `0000-00-00` and the unreadable.

        In the doubled hour of autumn the earlier moment is meant, so that a cursor made of it
        overlaps instead of skipping.
        """
        if not isinstance(text, str):
            return None
        try:
            # A tenth of the time of strptime, which reads what does not look as it should.
            if len(text) == 19 and text[4] == text[7] == "-" and text[13] == text[16] == ":":
                wall = datetime.fromisoformat(text)
            else:
                wall = datetime.strptime(text, _FORMAT if " " in text else "%Y-%m-%d")
        except ValueError:
            return None
        return wall.replace(tzinfo=ZoneInfo(self.name), fold=0).astimezone(UTC)
