"""Campaigns: sending one in the sandbox, and the endpoints that list them.

Belongs here: what a send does to its recipients, and ``/campaigns``. Does not belong here: the
reports (``reports``). Campaigns are made by the control API alone; the twin has no editor.
"""

from __future__ import annotations

from hashlib import md5
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from nl_pipeline.sandbox.mailchimp import changes, times
from nl_pipeline.sandbox.mailchimp.account import Account, Campaign, Cause, Delivery, Notice
from nl_pipeline.sandbox.mailchimp.calls import Answer, ApiCall
from nl_pipeline.sandbox.mailchimp.paging import page_of
from nl_pipeline.sandbox.mailchimp.projection import Projection
from nl_pipeline.sandbox.mailchimp.state import Audience, FeedItem, Member

CLICKED_URL = "https://immobilien.example/objekte"
"""The one link of every campaign."""

Share = Annotated[float, Meta(ge=0, le=1)]


class CampaignOrder(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What to send and how recipients react; rates are shares of the deliveries."""

    subject: str
    audience: str = "onoffice"
    open_rate: Share = 0.35
    click_rate: Share = 0.08
    hard_bounce_rate: Share = 0.01
    soft_bounce_rate: Share = 0.02
    unsubscribe_rate: Share = 0.0


def send_campaign(account: Account, audience: Audience, *, order: CampaignOrder) -> Campaign:
    """Send to all subscribed members; who opens, clicks or bounces depends on the address alone."""
    now = account.now()
    campaign = Campaign(
        id=account.ids.hexadecimal("campaign", digits=10),
        web_id=account.ids.number("campaign web", start=700_001),
        list_id=audience.id,
        subject=order.subject,
        title=order.subject,
        sent_at=now,
    )
    account.campaigns[campaign.id] = campaign
    audience.last_sent = now
    recipients = [member for member in audience.members if member.status == "subscribed"]
    for member in recipients:
        delivery = _deliver(account, audience, member, campaign=campaign, order=order)
        campaign.deliveries.append(delivery)
    counted = {
        "emails_sent": len(recipients),
        "unique_opens": sum(1 for delivery in campaign.deliveries if delivery.opens),
        "recipient_clicks": sum(1 for delivery in campaign.deliveries if delivery.clicks),
        "hard_bounce": sum(1 for delivery in campaign.deliveries if delivery.outcome == "hard"),
        "soft_bounce": sum(1 for delivery in campaign.deliveries if delivery.outcome == "soft"),
    }
    for column, amount in counted.items():
        audience.count_day(times.day(now), what=column, amount=amount)
    data = {
        "id": campaign.id,
        "list_id": audience.id,
        "subject": campaign.subject,
        "status": "sent",
        "reason": "",
    }
    account.announce(audience, Notice("campaign", "system", data))
    return campaign


def bounce_later(account: Account, campaign: Campaign, *, member: Member) -> None:
    """A mail that counted as sent comes back for good, hours after the campaign."""
    now = account.now()
    for delivery in campaign.deliveries:
        if delivery.member is member and delivery.outcome != "hard":
            delivery.outcome, delivery.bounced_at = "hard", now
            details = {
                "campaign_id": campaign.id,
                "campaign_title": campaign.title,
                "bounce_type": "hard",
                "bounce_has_open_activity": bool(delivery.opens),
            }
            member.feed.append(FeedItem("bounce", now, details))


def list_campaigns(account: Account, call: ApiCall) -> Answer:
    """``GET /campaigns``: filters ``list_id``, ``status``, ``type`` and the send times."""
    chosen = [item for item in account.campaigns.values() if was_sent_within(item, call=call)]
    if call.query.get("status", "sent") != "sent":
        chosen = []
    if call.query.get("list_id"):
        chosen = [item for item in chosen if item.list_id == call.query["list_id"]]
    chosen.sort(
        key=lambda item: item.sent_at, reverse=call.query.get("sort_dir", "").upper() == "DESC"
    )
    page = page_of(chosen, call=call)
    content = {
        "campaigns": [_rendered(account, campaign) for campaign in page.rows],
        "total_items": page.total,
        "_links": [],
    }
    return Answer(Projection.of(call.query).cut(content))


def read_campaign(account: Account, call: ApiCall) -> Answer:
    """``GET /campaigns/{campaign_id}``."""
    campaign = account.campaign(call.parameters["campaign_id"])
    return Answer(Projection.of(call.query).cut(_rendered(account, campaign)))


def was_sent_within(campaign: Campaign, *, call: ApiCall) -> bool:
    """Whether the send time lies between ``since_send_time`` and ``before_send_time``."""
    since = times.parse(call.query.get("since_send_time", ""))
    before = times.parse(call.query.get("before_send_time", ""))
    return (since is None or campaign.sent_at > since) and (
        before is None or campaign.sent_at < before
    )


def _deliver(
    account: Account,
    audience: Audience,
    member: Member,
    *,
    campaign: Campaign,
    order: CampaignOrder,
) -> Delivery:
    delivery = Delivery(member, member.id, member.email_address, "sent")
    titled = {"campaign_id": campaign.id, "campaign_title": campaign.title}
    draw = _draw(member, what="delivery", campaign=campaign)
    if draw < order.hard_bounce_rate:
        delivery.outcome = "hard"
    elif draw < order.hard_bounce_rate + order.soft_bounce_rate:
        delivery.outcome = "soft"
    member.feed.append(FeedItem("sent", campaign.sent_at, titled))
    if delivery.outcome != "sent":
        bounce = {"bounce_type": delivery.outcome, "bounce_has_open_activity": False}
        member.feed.append(FeedItem("bounce", campaign.sent_at, titled | bounce))
        if delivery.outcome == "hard":
            cause = Cause("system", campaign_id=campaign.id, campaign_title=campaign.title)
            changes.set_status(account, audience, member, status="cleaned", cause=cause)
        return delivery
    _react(member, delivery, campaign=campaign, order=order, titled=titled)
    if _draw(member, what="unsubscribe", campaign=campaign) < order.unsubscribe_rate:
        delivery.unsubscribed = True
        cause = Cause(
            "person",
            reason="No longer interested",
            campaign_id=campaign.id,
            campaign_title=campaign.title,
        )
        changes.set_status(account, audience, member, status="unsubscribed", cause=cause)
    return delivery


def _react(
    member: Member,
    delivery: Delivery,
    *,
    campaign: Campaign,
    order: CampaignOrder,
    titled: dict[str, Any],
) -> None:
    draw = _draw(member, what="open", campaign=campaign)
    if draw < max(order.open_rate, order.click_rate):
        delivery.opens = 1
        member.feed.append(FeedItem("open", campaign.sent_at, titled))
    if draw < order.click_rate:
        delivery.clicks = 1
        clicked = {"link_clicked": CLICKED_URL}
        member.feed.append(FeedItem("click", campaign.sent_at, titled | clicked))


def _draw(member: Member, *, what: str, campaign: Campaign) -> float:
    text = f"{campaign.id}:{what}:{member.id}"
    return int(md5(text.encode(), usedforsecurity=False).hexdigest()[:8], 16) / 0x1_0000_0000


def _rendered(account: Account, campaign: Campaign) -> dict[str, Any]:
    audience = account.audiences.get(campaign.list_id)
    opened = sum(1 for delivery in campaign.deliveries if delivery.opens)
    clicked = sum(1 for delivery in campaign.deliveries if delivery.clicks)
    sent = len(campaign.deliveries)
    reached = sum(1 for delivery in campaign.deliveries if delivery.outcome == "sent")
    return {
        "id": campaign.id,
        "web_id": campaign.web_id,
        "type": "regular",
        "create_time": times.iso(campaign.sent_at),
        "archive_url": "",
        "long_archive_url": "",
        "status": "sent",
        "emails_sent": sent,
        "send_time": times.iso(campaign.sent_at),
        "content_type": "template",
        "recipients": {
            "list_id": campaign.list_id,
            "list_is_active": audience is not None,
            "list_name": audience.name if audience is not None else "",
            "segment_text": "",
            "recipient_count": sent,
        },
        "settings": {
            "subject_line": campaign.subject,
            "preview_text": "",
            "title": campaign.title,
            "from_name": "Sandbox Immobilien GmbH",
            "reply_to": "konto@sandbox-immobilien.example",
        },
        "tracking": {"opens": True, "html_clicks": True, "text_clicks": False},
        "report_summary": {
            "opens": opened,
            "unique_opens": opened,
            "open_rate": opened / reached if reached else 0,
            "clicks": clicked,
            "subscriber_clicks": clicked,
            "click_rate": clicked / reached if reached else 0,
        },
        "delivery_status": {"enabled": False},
        "_links": [],
    }
