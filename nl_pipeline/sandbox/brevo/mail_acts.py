"""Acts with mails: sending a campaign, and what becomes of a mail at one contact.

Belongs here: the order to send, and ``deliver``, ``open``, ``click`` and ``proxy_open``. Does not
belong here: bounces, complaints and leaving (``acts``), which also happen without a campaign.
Without ``campaign_id`` an act is about the last campaign the contact was sent.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec

from nl_pipeline.sandbox.brevo import mailing
from nl_pipeline.sandbox.brevo.account import Account
from nl_pipeline.sandbox.brevo.acting import Act, existing, named_list
from nl_pipeline.sandbox.brevo.notices import Cause, NoticeKind
from nl_pipeline.sandbox.brevo.state import Campaign, Contact
from nl_pipeline.sandbox.service import ActRefused


def send_campaign(account: Account, payload: dict[str, Any]) -> Campaign:
    """Send what the control API orders; :class:`ActRefused` for an order that cannot be."""
    try:
        order = msgspec.convert(payload, mailing.CampaignOrder)
    except msgspec.ValidationError as error:
        raise ActRefused(str(error)) from error
    return mailing.send_campaign(
        account, list_ids=[named_list(account, name=order.audience).id], order=order
    )


def outcome_of(campaign: Campaign) -> dict[str, Any]:
    """What a send did, in counts, as the control API tells it."""
    kinds = [
        event.kind
        for delivery in campaign.deliveries
        for event in delivery.contact.events
        if event.campaign_id == campaign.id
    ]
    return {
        "campaign_id": campaign.id,
        "list_ids": list(campaign.list_ids),
        "emails_sent": kinds.count("sent"),
        "delivered": kinds.count("delivered"),
        "hard_bounces": kinds.count("hardBounces"),
        "soft_bounces": kinds.count("softBounces"),
        "opens": kinds.count("opened"),
        "clicks": kinds.count("clicked"),
        "unsubscribed": kinds.count("userUnsubscription"),
        "complaints": kinds.count("complaints"),
    }


def _deliver(account: Account, act: Act) -> Contact:
    return _happen(account, act, "delivered")


def _open(account: Account, act: Act) -> Contact:
    return _happen(account, act, "opened")


def _proxy_open(account: Account, act: Act) -> Contact:
    return _happen(account, act, "proxyOpen")


def _click(account: Account, act: Act) -> Contact:
    return _happen(account, act, "click", url=act.url or mailing.CLICKED_URL)


MAIL_ACTIONS = {
    "deliver": _deliver,
    "open": _open,
    "proxy_open": _proxy_open,
    "click": _click,
}
"""The acts by name; ``times`` repeats one."""


def _happen(account: Account, act: Act, kind: NoticeKind, *, url: str = "") -> Contact:
    contact = existing(account, act)
    cause = _cause(account, contact, act)
    for _ in range(act.times):
        mailing.happen(account, contact, kind, cause=cause, url=url)
    return contact


def _cause(account: Account, contact: Contact, act: Act) -> Cause:
    campaign_id = act.campaign_id or mailing.last_received(contact)
    if campaign_id not in account.campaigns:
        raise ActRefused(f"brevo act {act.action}: the contact was sent no campaign {campaign_id}")
    ip = mailing.READER_IP if act.action in ("open", "click") else ""
    return replace(act.cause, campaign_id=campaign_id, ip=ip)
