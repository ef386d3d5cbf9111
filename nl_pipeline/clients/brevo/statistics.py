"""What happened to one contact: mails, openings, clicks, bounces, opt-outs, with times.

Belongs here: the statistics in a contact's look-up and in `campaignStats`, as typed events. Does
not belong here: which of them makes a person opted out for us.

Every member may be missing, and events without a readable time are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime, timedelta

import msgspec

from nl_pipeline.clients.brevo.times import moment_of

WINDOW = timedelta(days=90)
"""The longest span of one call (Brevo)."""


@dataclass(frozen=True, order=True)
class MailEvent:
    """One event; `campaign_id` is None where Brevo names none, `url` is "" except for clicks."""

    at: datetime
    campaign_id: int | None = None
    count: int = 1
    url: str = field(default="", repr=False)


@dataclass(frozen=True)
class ContactStatistics:
    """The events of one contact by kind, oldest first.

    `user_unsubscriptions`: by the person; `admin_unsubscriptions`: by staff.
    """

    messages_sent: tuple[MailEvent, ...] = ()
    delivered: tuple[MailEvent, ...] = ()
    opened: tuple[MailEvent, ...] = ()
    clicked: tuple[MailEvent, ...] = ()
    hard_bounces: tuple[MailEvent, ...] = ()
    soft_bounces: tuple[MailEvent, ...] = ()
    complaints: tuple[MailEvent, ...] = ()
    user_unsubscriptions: tuple[MailEvent, ...] = ()
    admin_unsubscriptions: tuple[MailEvent, ...] = ()

    @property
    def reasons_to_stop(self) -> frozenset[tuple[str, MailEvent]]:
        """The events after which Brevo sends nothing more, each with its kind."""
        return frozenset((kind, event) for kind in _STOPS for event in getattr(self, kind))


_STOPS = ("hard_bounces", "complaints", "user_unsubscriptions", "admin_unsubscriptions")


class _Event(msgspec.Struct, frozen=True, rename="camel"):
    event_time: str | None = ""
    campaign_id: int | None = None
    count: int | None = 1
    url: str | None = ""


class _Clicked(msgspec.Struct, frozen=True, rename="camel"):
    campaign_id: int | None = None
    links: list[_Event] | None = None


class _Unsubscriptions(msgspec.Struct, frozen=True, rename="camel"):
    user_unsubscription: list[_Event] | None = None
    admin_unsubscription: list[_Event] | None = None


class Shown(msgspec.Struct, frozen=True, rename="camel"):
    """The statistics as Brevo writes them."""

    messages_sent: list[_Event] | None = None
    delivered: list[_Event] | None = None
    opened: list[_Event] | None = None
    clicked: list[_Clicked] | None = None
    hard_bounces: list[_Event] | None = None
    soft_bounces: list[_Event] | None = None
    complaints: list[_Event] | None = None
    unsubscriptions: _Unsubscriptions | None = None

    def statistics(self) -> ContactStatistics:
        """The same as typed events."""
        out = self.unsubscriptions or _Unsubscriptions()
        return ContactStatistics(
            messages_sent=_events(self.messages_sent),
            delivered=_events(self.delivered),
            opened=_events(self.opened),
            clicked=tuple(
                sorted(
                    event
                    for clicked in self.clicked or ()
                    for event in _events(clicked.links, campaign_id=clicked.campaign_id)
                )
            ),
            hard_bounces=_events(self.hard_bounces),
            soft_bounces=_events(self.soft_bounces),
            complaints=_events(self.complaints),
            user_unsubscriptions=_events(out.user_unsubscription),
            admin_unsubscriptions=_events(out.admin_unsubscription),
        )


def windows(*, since: date, today: date) -> list[tuple[date, date]]:
    """The windows before the last 90 days, which need no dates, back to `since`; newest first.

    Neighbours share a day, as whether the ends belong to a window is documented nowhere.
    """
    found = []
    end = today - WINDOW + timedelta(days=2)
    while since < end:
        start = max(since, end - WINDOW + timedelta(days=1))
        found.append((start, end))
        end = start
    return found


def merged(parts: Sequence[ContactStatistics]) -> ContactStatistics:
    """The events of several windows; one that is in two of them is one event."""
    return ContactStatistics(
        **{
            kind.name: tuple(
                sorted({event for part in parts for event in getattr(part, kind.name)}, key=_order)
            )
            for kind in fields(ContactStatistics)
        }
    )


def _events(
    shown: Sequence[_Event] | None, *, campaign_id: int | None = None
) -> tuple[MailEvent, ...]:
    events = [
        MailEvent(at, event.campaign_id or campaign_id, event.count or 1, event.url or "")
        for event in shown or ()
        if (at := moment_of(event.event_time)) is not None
    ]
    return tuple(sorted(events, key=_order))


def _order(event: MailEvent) -> tuple[datetime, int, str, int]:
    return event.at, event.campaign_id or 0, event.url, event.count
