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

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec

from nl_pipeline.clients.brevo.exports import Started
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
_WITH_NUMBERS = {"statistics": "globalStats", "excludeHtmlContent": "true"}
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


class _Recipients(msgspec.Struct, frozen=True):
    lists: list[int] | None = None


class _Numbers(msgspec.Struct, frozen=True, rename="camel"):
    list_id: int = 0
    sent: int = 0
    delivered: int = 0
    hard_bounces: int = 0
    soft_bounces: int = 0
    unsubscriptions: int = 0
    complaints: int = 0


class _Statistics(msgspec.Struct, frozen=True, rename="camel"):
    campaign_stats: list[_Numbers] | None = None


class _Shown(msgspec.Struct, frozen=True, rename="camel"):
    id: int
    name: str = ""
    status: str = ""
    sent_date: str | None = None
    recipients: _Recipients | None = None
    statistics: _Statistics | None = None

    def campaign(self) -> Campaign | None:
        sent_at = moment_of(self.sent_date)
        if self.status.casefold() not in ("sent", "archive") or sent_at is None:
            return None
        numbers = (self.statistics or _Statistics()).campaign_stats or ()
        return Campaign(
            id=self.id,
            name=self.name,
            sent_at=sent_at,
            list_ids=tuple((self.recipients or _Recipients()).lists or ()),
            statistics=tuple(
                CampaignStatistics(
                    list_id=n.list_id,
                    sent=n.sent,
                    delivered=n.delivered,
                    hard_bounces=n.hard_bounces,
                    soft_bounces=n.soft_bounces,
                    unsubscriptions=n.unsubscriptions,
                    complaints=n.complaints,
                )
                for n in numbers
            ),
        )


class _Page(msgspec.Struct, frozen=True):
    count: int = 0
    campaigns: list[_Shown] | None = None


class Campaigns:
    """The campaigns of one account."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def sent(self, *, list_id: int, start: datetime, end: datetime) -> list[Campaign]:
        """Return what was sent to a list in [start, end), with numbers, oldest first."""
        found: dict[int, Campaign] = {}
        since = start - _MARGIN
        until = min(end + _MARGIN, self._session.server_time.now() or datetime.now(UTC))
        while since < until:
            window_end = min(until, since + _SPAN)
            pages = collect(
                self._session,
                Path("/emailCampaigns"),
                answer=_Page,
                rows_of=lambda page: page.campaigns,
                total_of=lambda page: page.count,
                page_size=LARGEST_PAGE,
                params={
                    "status": "sent",
                    "startDate": query_time(since),
                    "endDate": query_time(window_end),
                    "sort": "asc",
                    **_WITH_NUMBERS,
                },
            )
            campaigns = (shown.campaign() for page in pages for shown in page.campaigns or ())
            # The filter is held against the answer: of another list we would tell lies.
            found |= {
                c.id: c
                for c in campaigns
                if c is not None and list_id in c.list_ids and start <= c.sent_at < end
            }
            since = window_end
        return sorted(found.values(), key=lambda campaign: (campaign.sent_at, campaign.id))

    def campaign(self, campaign_id: int) -> Campaign | None:
        """Return one campaign with numbers; None if it is gone or was not sent."""
        try:
            shown = self._session.get(
                Path(_ONE, [campaign_id]), answer=_Shown, params=_WITH_NUMBERS
            )
        except OperatorNeeded as error:
            if error.status != 404:
                raise
            return None
        return shown.campaign()

    def export_recipients(self, campaign_id: int, *, recipients: RecipientsType) -> int | None:
        """Have Brevo write a file of recipients; returns the process to wait for, None if the
        campaign is gone. There is no file of complaints.
        """
        try:
            return self._session.send(
                "POST",
                Path(f"{_ONE}/exportRecipients", [campaign_id]),
                answer=Started,
                body={"recipientsType": recipients},
                repeatable=True,
            ).process_id
        except OperatorNeeded as error:
            if error.status != 404:
                raise
            return None
