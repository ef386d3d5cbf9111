"""Campaigns that were sent to an audience.

Belongs here: finding them by time. Does not belong here: what became of a campaign (`reports`).

`GET /campaigns` takes `list_id`, `status` and send times (Swagger document). Whether its time
bounds are exclusive is documented nowhere, as those of members are in practice: a second is added
on both sides and the exact bounds are kept here. Mails of automations are no campaigns and not
among them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from nl_pipeline.clients.mailchimp.paging import collect
from nl_pipeline.clients.mailchimp.session import Path, Session
from nl_pipeline.clients.mailchimp.times import moment_of, query_time

_SECOND = timedelta(seconds=1)
_FIELDS = (
    "campaigns.id,campaigns.send_time,campaigns.emails_sent,campaigns.recipients.list_id,"
    "total_items"
)


@dataclass(frozen=True)
class Campaign:
    """A campaign that was sent."""

    id: str
    audience_id: str
    sent_at: datetime
    emails_sent: int


class _Recipients(msgspec.Struct, frozen=True):
    list_id: str = ""


class _Shown(msgspec.Struct, frozen=True):
    id: str
    send_time: str = ""
    emails_sent: int = 0
    recipients: _Recipients = _Recipients()


class _Page(msgspec.Struct, frozen=True):
    campaigns: list[_Shown]
    total_items: int


class Campaigns:
    """The campaigns of one account."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def sent(self, audience_id: str, *, start: datetime, end: datetime) -> list[Campaign]:
        """Return what was sent to an audience in [start, end), oldest first."""
        pages = collect(
            self._session,
            Path("/campaigns"),
            answer=_Page,
            rows_of=lambda page: page.campaigns,
            total_of=lambda page: page.total_items,
            params={
                "list_id": audience_id,
                "status": "sent",
                "since_send_time": query_time(start - _SECOND),
                "before_send_time": query_time(end + _SECOND),
                "sort_field": "send_time",
                "sort_dir": "ASC",
                "fields": _FIELDS,
            },
        )
        return [
            Campaign(shown.id, audience_id, sent_at, shown.emails_sent)
            for page in pages
            for shown in page.campaigns
            # The filter is held against the answer: of another audience we would tell lies.
            if shown.recipients.list_id == audience_id
            and (sent_at := moment_of(shown.send_time)) is not None
            and start <= sent_at < end
        ]
