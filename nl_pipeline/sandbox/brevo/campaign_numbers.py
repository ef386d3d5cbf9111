"""The numbers of campaigns, counted from the same events that contacts show and webhooks tell.

Belongs here: one walk over the events of all contacts, however many campaigns are asked for. Does
not belong here: how an answer is laid out (``campaigns``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from nl_pipeline.sandbox.brevo.account import Account
from nl_pipeline.sandbox.brevo.state import MailEvent


@dataclass(slots=True)
class Numbers:
    """What the recipients of a campaign did, or those of one of its lists, or of one domain."""

    events: Counter[str] = field(default_factory=Counter)
    """By kind, each event once."""
    contacts: Counter[str] = field(default_factory=Counter)
    """By kind, each contact once."""
    proxy_opens: int = 0
    readers: int = 0
    """Contacts who opened themselves, not only their provider's machine."""
    links: Counter[str] = field(default_factory=Counter)

    def add(self, events: list[MailEvent]) -> None:
        """Count the events of one contact with the campaign."""
        seen: set[str] = set()
        has_read = False
        for event in events:
            kind = event.kind
            self.events[kind] += 1
            if kind not in seen:
                seen.add(kind)
                self.contacts[kind] += 1
            if kind == "opened":
                self.proxy_opens += event.by_proxy
                has_read = has_read or not event.by_proxy
            elif kind == "clicked":
                self.links[event.url] += 1
        self.readers += has_read

    def __add__(self, other: Numbers) -> Numbers:
        """The numbers of both, who have no contact in common."""
        return Numbers(
            self.events + other.events,
            self.contacts + other.contacts,
            self.proxy_opens + other.proxy_opens,
            self.readers + other.readers,
            self.links + other.links,
        )

    def shown(self) -> dict[str, Any]:
        """The members of a statistics object."""
        delivered, viewers = self.contacts["delivered"], self.contacts["opened"]
        return {
            "uniqueClicks": self.contacts["clicked"],
            "clickers": self.events["clicked"],
            "complaints": self.contacts["complaints"],
            "delivered": delivered,
            "sent": self.contacts["sent"],
            "softBounces": self.contacts["softBounces"],
            "hardBounces": self.contacts["hardBounces"],
            "uniqueViews": viewers,
            "trackableViews": self.readers,
            "trackableViewsRate": _percent(self.readers, of=delivered),
            "estimatedViews": viewers,
            "unsubscriptions": self.contacts["userUnsubscription"],
            "viewed": self.events["opened"],
            "deferred": 0,
            "appleMppOpens": self.proxy_opens,
            "opensRate": _percent(viewers, of=delivered),
        }


def counted(
    account: Account, *, campaign_ids: Collection[int], since: int, by_domain: bool = False
) -> dict[int, dict[int | str, Numbers]]:
    """The numbers of some campaigns from the events since a moment, divided by the list a contact
    was reached by, or by the domain of its address. Deleted contacts count."""
    found: dict[int, dict[int | str, Numbers]] = {number: {} for number in campaign_ids}
    for contact in chain(account.contacts.values(), account.gone):
        mine: dict[int, list[MailEvent]] = {}
        for event in contact.events:
            if event.campaign_id in found and event.at >= since:
                mine.setdefault(event.campaign_id, []).append(event)
        for number, events in mine.items():
            part = contact.email.rpartition("@")[2] if by_domain else _list_of(events)
            parts = found[number]
            if part not in parts:
                parts[part] = Numbers()
            parts[part].add(events)
    return found


def whole(parts: Mapping[int | str, Numbers]) -> Numbers:
    """The numbers of all parts together."""
    return sum(parts.values(), start=Numbers())


def _list_of(events: list[MailEvent]) -> int:
    """The list the campaign reached a contact by; 0 when it was never sent to it."""
    return next((event.list_ids[0] for event in events if event.kind == "sent"), 0)


def _percent(part: int, *, of: int) -> float:
    return round(100 * part / of, 2) if of else 0.0
