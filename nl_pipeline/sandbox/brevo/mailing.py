"""Campaigns as Brevo sends them, and what their recipients do with them.

Belongs here: a send, a delivery, an opening, a click, a bounce, each counted in the statistics of
the contact and told to webhooks. Does not belong here: blocklisting (``changes``) and the endpoints
of campaigns (``campaigns``). Campaigns are made by the control API alone; the twin has no editor.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import md5
from typing import Annotated

import msgspec
from msgspec import Meta

from nl_pipeline.sandbox.brevo import changes
from nl_pipeline.sandbox.brevo.account import Account
from nl_pipeline.sandbox.brevo.notices import Cause, NoticeKind
from nl_pipeline.sandbox.brevo.state import Campaign, Contact, Delivery, MailKind

CLICKED_URL = "https://immobilien.example/objekte"
"""The one link of every campaign."""

READER_IP = "198.51.100.7"
"""Where the sandbox's people read their mail (a documentation address)."""

Share = Annotated[float, Meta(ge=0, le=1)]


class CampaignOrder(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What to send and how recipients react; rates are shares of the deliveries."""

    subject: str
    name: str = ""
    """Default: the subject."""
    tag: str = ""
    audience: str = "onoffice"
    """Name or id of the list."""
    segment_ids: list[int] = []
    """Told with every event, as when a campaign goes to segments; the list decides who gets it."""
    on_their_way: bool = False
    """Sent, but not delivered yet: acts ``deliver``, ``bounce`` and ``soft_bounce`` follow."""
    open_rate: Share = 0.35
    click_rate: Share = 0.08
    proxy_open_rate: Share = 0.0
    hard_bounce_rate: Share = 0.01
    soft_bounce_rate: Share = 0.02
    unsubscribe_rate: Share = 0.0
    complaint_rate: Share = 0.0


_COUNTED: dict[NoticeKind, MailKind] = {
    "delivered": "delivered",
    "opened": "opened",
    "proxyOpen": "opened",
    "click": "clicked",
    "softBounce": "softBounces",
}
"""What leaves the contact as it is, by the name of its statistics."""


def send_campaign(account: Account, *, list_ids: Sequence[int], order: CampaignOrder) -> Campaign:
    """Send to everybody on the lists who may be written to; who opens, clicks, bounces or leaves
    depends on campaign and contact alone."""
    now = account.now()
    campaign = Campaign(
        id=account.ids.number("campaign"),
        name=order.name or order.subject,
        subject=order.subject,
        list_ids=tuple(list_ids),
        created_at=now,
        sent_at=now,
        tag=order.tag,
        segment_ids=tuple(order.segment_ids),
        links=(CLICKED_URL,),
    )
    account.campaigns[campaign.id] = campaign
    for contact in list(account.contacts.values()):
        list_id = _reached_by(contact, list_ids=list_ids)
        if list_id is not None:
            delivery = Delivery(contact, contact.email)
            campaign.deliveries.append(delivery)
            changes.record(
                account, contact, "sent", cause=_by_system(campaign), list_ids=(list_id,)
            )
            if not order.on_their_way:
                _arrive(account, contact, campaign=campaign, order=order)
    return campaign


def happen(
    account: Account,
    contact: Contact,
    kind: NoticeKind,
    *,
    cause: Cause,
    url: str = "",
) -> None:
    """Something that leaves the contact as it is: delivered, opened, clicked, bounced softly."""
    by_proxy = kind == "proxyOpen"
    changes.record(account, contact, _COUNTED[kind], cause=cause, url=url, by_proxy=by_proxy)
    changes.tell(account, contact, kind, cause=cause, url=url)


def last_received(contact: Contact) -> int:
    """The campaign a contact was sent last; 0 for none."""
    sent = [event.campaign_id for event in contact.events if event.kind == "sent"]
    return sent[-1] if sent else 0


def _reached_by(contact: Contact, *, list_ids: Sequence[int]) -> int | None:
    """The list by which a contact gets a campaign, ``None`` when it must not get it."""
    if contact.email_blacklisted or not contact.email:
        return None
    for list_id in list_ids:
        if list_id in contact.list_ids and list_id not in contact.list_unsubscribed:
            return list_id
    return None


def _arrive(
    account: Account, contact: Contact, *, campaign: Campaign, order: CampaignOrder
) -> None:
    system, person = _by_system(campaign), _by_person(campaign)
    bounced = _draw(contact, what="delivery", campaign=campaign)
    if bounced < order.hard_bounce_rate:
        changes.block(account, contact, cause=system, told="hardBounce")
        return
    if bounced < order.hard_bounce_rate + order.soft_bounce_rate:
        happen(account, contact, "softBounce", cause=system)
        return
    happen(account, contact, "delivered", cause=system)
    if _falls_to(contact, what="proxy", campaign=campaign, share=order.proxy_open_rate):
        happen(account, contact, "proxyOpen", cause=system)
    interest = _draw(contact, what="open", campaign=campaign)
    if interest < max(order.open_rate, order.click_rate):
        happen(account, contact, "opened", cause=person)
    if interest < order.click_rate:
        happen(account, contact, "click", cause=person, url=CLICKED_URL)
    if _falls_to(contact, what="unsubscribe", campaign=campaign, share=order.unsubscribe_rate):
        changes.block(account, contact, cause=person, told="unsubscribed")
    elif _falls_to(contact, what="complaint", campaign=campaign, share=order.complaint_rate):
        changes.block(account, contact, cause=person, told="spam")


def _by_system(campaign: Campaign) -> Cause:
    return Cause("system", campaign_id=campaign.id, reason="Unknown mailbox")


def _by_person(campaign: Campaign) -> Cause:
    return Cause("person", campaign_id=campaign.id, ip=READER_IP)


def _falls_to(contact: Contact, *, what: str, campaign: Campaign, share: float) -> bool:
    return share > 0 and _draw(contact, what=what, campaign=campaign) < share


def _draw(contact: Contact, *, what: str, campaign: Campaign) -> float:
    text = f"{campaign.id}:{what}:{contact.id}"
    return int(md5(text.encode(), usedforsecurity=False).hexdigest()[:8], 16) / 0x1_0000_0000
