"""Campaigns that were sent, in numbers, and the export of who got them.

Belongs here: finding them by time, their statistics, starting an export of recipients. Does not
belong here: what follows from a recipient's row.

- The numbers are given only when asked for, and `globalStats` was seen as all zeros while
  `campaignStats` held them per list: the latter are read.
- Statistics cover the last six months; the filter by time takes two years at most and nothing in
  the future.
- All of it counts in the budget of a hundred calls an hour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from nl_pipeline.clients.brevo.paging import collect
from nl_pipeline.clients.brevo.session import Path, Session
from nl_pipeline.clients.brevo.times import moment_of, query_time
from nl_pipeline.clients.errors import OperatorNeeded

RecipientsType = Literal[
    "all",
    "nonClickers",
    "nonOpeners",
    "clickers",
    "openers",
    "softBounces",
    "hardBounces",
    "unsubscribed",
]

LARGEST_PAGE = 100
"""Campaigns of a page at most (Brevo)."""

_ONE = "/emailCampaigns/{campaignId}"
_SPAN = timedelta(days=700)
_MARGIN = timedelta(seconds=1)


@dataclass(frozen=True)
class CampaignStatistics:
    """A campaign in numbers, for one list it was sent to."""

    list_id: int
    sent: int = 0
    delivered: int = 0
    hard_bounces: int = 0
    soft_bounces: int = 0
    unsubscriptions: int = 0
    complaints: int = 0


@dataclass(frozen=True)
class Campaign:
    """A campaign that was sent."""

    id: int
    name: str = field(repr=False)
    sent_at: datetime
    list_ids: tuple[int, ...]
    statistics: tuple[CampaignStatistics, ...] = ()

    def on_list(self, list_id: int) -> CampaignStatistics:
        """The numbers for one list; zeros where none were told."""
        found = (numbers for numbers in self.statistics if numbers.list_id == list_id)
        return next(found, CampaignStatistics(list_id))


class Campaigns:
    """The campaigns of one account."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def sent(self, *, list_id: int, start: datetime, end: datetime) -> list[Campaign]:
        """Return what was sent to a list in [start, end), with numbers, oldest first."""

    def campaign(self, campaign_id: int) -> Campaign | None:
        """Return one campaign with numbers; None if it is gone or was not sent."""

    def export_recipients(self, campaign_id: int, *, recipients: RecipientsType) -> int | None:
        """Have Brevo write a file of recipients; returns the process to wait for, None if the
        campaign is gone or was not sent. There is no file of complaints, and a file names no time.
        """
