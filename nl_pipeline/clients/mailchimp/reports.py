"""Reports of campaigns: who got them, bounced and complained.

Belongs here: reading them, page by page where they are long. Does not belong here: what follows
from a row.

- `sent-to` has one row a recipient (`sent`, `hard`, `soft`), no time and no filter by time (Swagger
  document); a `sent` may turn into a bounce hours later.
- `email-activity` has the time of a bounce, beside all opens and clicks; 1,000 of each a member at
  most (Swagger document). Its order cannot be chosen.
- `unsubscribed` names who left through a campaign. It is not read: the entry in the member's feed
  names the campaign as well, and tells a person from staff.
- Complaints of an audience name the campaign; there is no filter by time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from nl_pipeline.clients.mailchimp.models import AbuseReport
from nl_pipeline.clients.mailchimp.paging import LARGEST_PAGE, collect, each_page
from nl_pipeline.clients.mailchimp.problems import MemberAbsent
from nl_pipeline.clients.mailchimp.session import Path, Session
from nl_pipeline.clients.mailchimp.times import moment_of, query_time

_REPORT = "/reports/{campaign_id}"
_SENT_TO = "/reports/{campaign_id}/sent-to"
_ACTIVITY = "/reports/{campaign_id}/email-activity"
_ACTIVITY_OF_ONE = "/reports/{campaign_id}/email-activity/{subscriber_hash}"


@dataclass(frozen=True)
class CampaignReport:
    """A campaign in numbers; `sent_at` is None before it was sent."""

    id: str
    audience_id: str
    sent_at: datetime | None
    emails_sent: int
    hard_bounces: int


@dataclass(frozen=True)
class Recipient:
    """Who a campaign was sent to; `outcome` is `sent`, `hard` or `soft`."""

    email_id: str
    email_address: str = field(repr=False)
    outcome: str


@dataclass(frozen=True)
class Bounce:
    """A bounce with its time; `kind` is `hard` or `soft`."""

    email_id: str
    kind: str
    at: datetime


class _Bounces(msgspec.Struct, frozen=True):
    hard_bounces: int = 0


class _Report(msgspec.Struct, frozen=True):
    id: str
    list_id: str = ""
    send_time: str = ""
    emails_sent: int = 0
    bounces: _Bounces = _Bounces()


class _Recipient(msgspec.Struct, frozen=True, gc=False):
    email_id: str
    email_address: str = ""
    status: str = ""


class _RecipientPage(msgspec.Struct, frozen=True):
    sent_to: list[_Recipient]
    total_items: int


class _Act(msgspec.Struct, frozen=True, gc=False):
    action: str = ""
    type: str | None = ""
    timestamp: str = ""


class _Active(msgspec.Struct, frozen=True):
    email_id: str
    activity: list[_Act] = msgspec.field(default_factory=list)

    def bounces(self) -> list[Bounce]:
        return [
            Bounce(self.email_id, act.type or "", at)
            for act in self.activity
            if act.action == "bounce" and (at := moment_of(act.timestamp)) is not None
        ]


class _ActivityPage(msgspec.Struct, frozen=True):
    emails: list[_Active]
    total_items: int


class _Complaint(msgspec.Struct, frozen=True):
    email_id: str
    email_address: str = ""
    date: str = ""
    campaign_id: str | None = ""


class _ComplaintPage(msgspec.Struct, frozen=True):
    abuse_reports: list[_Complaint]
    total_items: int


class Reports:
    """The reports of one account."""

    def __init__(self, session: Session, *, pool: ThreadPoolExecutor) -> None:
        self._session = session
        self._pool = pool

    def summary(self, campaign_id: str) -> CampaignReport:
        """Return a campaign in numbers: one call that tells whether anything is worth reading."""
        report = self._session.get(
            Path(_REPORT, [campaign_id]),
            answer=_Report,
            params={"fields": "id,list_id,send_time,emails_sent,bounces.hard_bounces"},
        )
        return CampaignReport(
            id=report.id,
            audience_id=report.list_id,
            sent_at=moment_of(report.send_time),
            emails_sent=report.emails_sent,
            hard_bounces=report.bounces.hard_bounces,
        )

    def recipients(self, campaign_id: str) -> Iterator[list[Recipient]]:
        """Yield the recipients page by page; memory does not grow with their number."""
        pages = each_page(
            self._session,
            Path(_SENT_TO, [campaign_id]),
            answer=_RecipientPage,
            rows_of=lambda page: page.sent_to,
            total_of=lambda page: page.total_items,
            params={"fields": "sent_to.email_id,sent_to.email_address,sent_to.status,total_items"},
        )
        for page in pages:
            yield [Recipient(r.email_id, r.email_address, r.status) for r in page.sent_to]

    def bounces(
        self, campaign_id: str, *, member_ids: Sequence[str], since: datetime, recipients: int
    ) -> dict[str, list[Bounce]]:
        """Return the bounces of these recipients, in the fewest calls; who has none has no entry.

        A call each, or, when that is more than the pages it can have, the activity of all
        `recipients` since a moment before the first bounce.
        """
        left = set(member_ids)
        found: dict[str, list[Bounce]] = {}
        if len(left) > -(-recipients // LARGEST_PAGE):
            for page in self._activity_pages(campaign_id, since=since):
                for active in page.emails:
                    if active.email_id in left and (bounces := active.bounces()):
                        found[active.email_id] = bounces
                        left.discard(active.email_id)
                if not left:
                    break
        # Rows move while people open the mail: whoever slipped between two pages is asked for.
        single = sorted(left)
        for member_id, bounces in zip(
            single, self._pool.map(lambda one: self._of_one(campaign_id, one), single), strict=True
        ):
            if bounces:
                found[member_id] = bounces
        return found

    def complaints(self, audience_id: str) -> list[AbuseReport]:
        """Return all spam complaints of an audience."""
        pages = collect(
            self._session,
            Path("/lists/{list_id}/abuse-reports", [audience_id]),
            answer=_ComplaintPage,
            rows_of=lambda page: page.abuse_reports,
            total_of=lambda page: page.total_items,
        )
        return [
            AbuseReport(row.email_id, row.email_address, moment_of(row.date), row.campaign_id or "")
            for page in pages
            for row in page.abuse_reports
        ]

    def _activity_pages(self, campaign_id: str, *, since: datetime) -> Iterator[_ActivityPage]:
        return each_page(
            self._session,
            Path(_ACTIVITY, [campaign_id]),
            answer=_ActivityPage,
            rows_of=lambda page: page.emails,
            total_of=lambda page: page.total_items,
            params={
                "since": query_time(since),
                "fields": "emails.email_id,emails.activity,total_items",
            },
        )

    def _of_one(self, campaign_id: str, member_id: str) -> list[Bounce]:
        try:
            active = self._session.get(
                Path(_ACTIVITY_OF_ONE, [campaign_id, member_id]),
                answer=_Active,
                params={"fields": "email_id,activity"},
            )
        except MemberAbsent:
            return []
        return active.bounces()
