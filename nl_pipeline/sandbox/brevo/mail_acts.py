"""Acts with mails: sending a campaign, and what becomes of a mail at one contact.

Belongs here: the order to send, and ``deliver``, ``open``, ``click``, ``proxy_open``, ``bounce``
and ``soft_bounce``. Does not belong here: leaving and complaining (``acts``), which people also do
without a campaign. Without ``campaign_id`` an act is about the last campaign the contact was sent.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from nl_pipeline.sandbox.brevo import changes, mailing
from nl_pipeline.sandbox.brevo.account import Account
from nl_pipeline.sandbox.brevo.notices import Cause, NoticeKind
from nl_pipeline.sandbox.brevo.state import Campaign, Contact
from nl_pipeline.sandbox.service import ActRefused

if TYPE_CHECKING:
    from nl_pipeline.sandbox.brevo.acts import Act


def send_campaign(account: Account, payload: dict[str, Any]) -> Campaign:
    """Send what the control API orders; :class:`ActRefused` for an order that cannot be."""
    try:
        order = msgspec.convert(payload, mailing.CampaignOrder)
    except msgspec.ValidationError as error:
        raise ActRefused(str(error)) from error
    return mailing.send_campaign(
        account, list_ids=[_list_id(account, name=order.audience)], order=order
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


def _soft_bounce(account: Account, act: Act) -> Contact:
    return _happen(account, act, "softBounce")


def _bounce(account: Account, act: Act) -> Contact:
    contact = _existing(account, act)
    mailing.bounce(account, contact, cause=_cause(account, contact, act))
    return contact


def _unsubscribe(account: Account, act: Act) -> Contact:
    contact = _existing(account, act)
    if act.list_only:
        ids = [_list_id(account, name=act.audience)]
        changes.unsubscribe_from_lists(account, contact, ids, cause=act.cause)
    else:
        changes.block(account, contact, cause=act.cause, told="unsubscribed")
    return contact


MAIL_ACTIONS = {
    "unsubscribe": _unsubscribe,  # TEMP
    "deliver": _deliver,
    "open": _open,
    "proxy_open": _proxy_open,
    "click": _click,
    "soft_bounce": _soft_bounce,
    "bounce": _bounce,
}
"""The acts by name; ``times`` repeats what can happen more than once."""


def _happen(account: Account, act: Act, kind: NoticeKind, *, url: str = "") -> Contact:
    contact = _existing(account, act)
    cause = _cause(account, contact, act)
    if not cause.campaign_id:
        raise ActRefused(f"brevo act {act.action}: the contact was sent no campaign")
    for _ in range(act.times):
        mailing.happen(account, contact, kind, cause=cause, url=url)
    return contact


def _cause(account: Account, contact: Contact, act: Act) -> Cause:
    campaign_id = act.campaign_id or mailing.last_received(account, contact)
    if campaign_id and campaign_id not in account.campaigns:
        raise ActRefused(f"brevo act {act.action}: there is no campaign {campaign_id}")
    reason = act.reason or ("mailbox unavailable" if "bounce" in act.action else "")
    ip = mailing.READER_IP if act.action in ("open", "click") else ""
    return replace(act.cause, campaign_id=campaign_id, reason=reason, ip=ip)


def _existing(account: Account, act: Act) -> Contact:
    contact = account.by_email(act.email)
    if contact is None:
        raise ActRefused(f"brevo act {act.action}: no contact has this address")
    return contact


def _list_id(account: Account, *, name: str) -> int:
    found = [one.id for one in account.lists.values() if name in (one.name, str(one.id))]
    if len(found) != 1:
        known = ", ".join(f"{one.name} ({one.id})" for one in account.lists.values())
        raise ActRefused(f"{len(found)} lists are named {name!r}; there are: {known}")
    return found[0]
