"""The numbers of campaigns, counted from the same events that contacts show and webhooks tell.

Belongs here: one walk over the events of all contacts, however many campaigns are asked for. Does
not belong here: how an answer is laid out (``campaigns``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
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
        self.events.update(event.kind for event in events)
        self.contacts.update({event.kind for event in events})
        opened = [event.by_proxy for event in events if event.kind == "opened"]
        self.proxy_opens += sum(opened)
        self.readers += not all(opened)
        self.links.update(event.url for event in events if event.kind == "clicked")

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


@dataclass(slots=True)
class CampaignNumbers:
    """The numbers of one campaign, whole and divided."""

    whole: Numbers = field(default_factory=Numbers)
    by_list: dict[int, Numbers] = field(default_factory=dict)
    by_domain: dict[str, Numbers] = field(default_factory=dict)


def counted(
    account: Account, *, campaign_ids: Collection[int], since: int
) -> dict[int, CampaignNumbers]:
    """The numbers of some campaigns from the events since a moment; deleted contacts count."""
    found = {number: CampaignNumbers() for number in campaign_ids}
    for contact in chain(account.contacts.values(), account.gone):
        mine: dict[int, list[MailEvent]] = {}
        for event in contact.events:
            if event.campaign_id in found and event.at >= since:
                mine.setdefault(event.campaign_id, []).append(event)
        domain = contact.email.rpartition("@")[2]
        for number, events in mine.items():
            numbers = found[number]
            numbers.whole.add(events)
            numbers.by_domain.setdefault(domain, Numbers()).add(events)
            for event in events:
                if event.kind == "sent":
                    for list_id in event.list_ids:
                        numbers.by_list.setdefault(list_id, Numbers()).add(events)
    return found


def _percent(part: int, *, of: int) -> float:
    return round(100 * part / of, 2) if of else 0.0
