"""Endpoints of campaign reports: who got, opened, left and complained.

Belongs here: ``/reports`` and its sub-resources. Does not belong here: the send (``campaigns``).
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from nl_pipeline.sandbox.mailchimp import errors, times
from nl_pipeline.sandbox.mailchimp.account import Account, Campaign, Delivery
from nl_pipeline.sandbox.mailchimp.calls import Answer, ApiCall
from nl_pipeline.sandbox.mailchimp.campaigns import CLICKED_URL, was_sent_within
from nl_pipeline.sandbox.mailchimp.paging import page_of
from nl_pipeline.sandbox.mailchimp.projection import Projection
from nl_pipeline.sandbox.mailchimp.state import AbuseReport, Audience, FeedItem, Member


def list_reports(account: Account, call: ApiCall) -> Answer:
    """``GET /reports``: filter by send time."""
    chosen = [item for item in account.campaigns.values() if was_sent_within(item, call=call)]
    page = page_of(chosen, call=call)
    content = {
        "reports": [_summary(account, campaign) for campaign in page.rows],
        "total_items": page.total,
        "_links": [],
    }
    return Answer(Projection.of(call.query).cut(content))


def read_report(account: Account, call: ApiCall) -> Answer:
    """``GET /reports/{campaign_id}``."""
    campaign = account.campaign(call.parameters["campaign_id"])
    return Answer(Projection.of(call.query).cut(_summary(account, campaign)))


def list_recipients(account: Account, call: ApiCall) -> Answer:
    """``GET …/sent-to``: one row per recipient with ``sent``, ``hard`` or ``soft``."""
    campaign = account.campaign(call.parameters["campaign_id"])
    page = page_of(campaign.deliveries, call=call)
    rows = [_recipient(account, campaign, delivery) for delivery in page.rows]
    return _collection("sent_to", rows, total=page.total, campaign=campaign, call=call)


def read_recipient(account: Account, call: ApiCall) -> Answer:
    """``GET …/sent-to/{subscriber_hash}``."""
    campaign, delivery = _find(account, call)
    return Answer(_recipient(account, campaign, delivery))


def list_email_activity(account: Account, call: ApiCall) -> Answer:
    """``GET …/email-activity``: opens, clicks, bounces per recipient; ``since`` is exclusive."""
    campaign = account.campaign(call.parameters["campaign_id"])
    since = times.parse(call.query.get("since", ""))
    chosen = campaign.deliveries
    if since is not None:
        chosen = [item for item in chosen if _activity(campaign, item, since=since)]
    page = page_of(chosen, call=call)
    rows = [_active(account, campaign, item, since=since) for item in page.rows]
    return _collection("emails", rows, total=page.total, campaign=campaign, call=call)


def read_email_activity(account: Account, call: ApiCall) -> Answer:
    """``GET …/email-activity/{subscriber_hash}``."""
    campaign, delivery = _find(account, call)
    return Answer(_active(account, campaign, delivery, since=None))


def list_unsubscribed(account: Account, call: ApiCall) -> Answer:
    """``GET …/unsubscribed``: who left through this campaign, with time and reason."""
    campaign = account.campaign(call.parameters["campaign_id"])
    left = [item for item in campaign.deliveries if item.unsubscribed]
    page = page_of(left, call=call)
    rows = []
    for delivery in page.rows:
        unsubscribe = _unsubscribe_item(delivery.member, campaign=campaign)
        rows.append(
            _identity(account, campaign, delivery)
            | {
                "merge_fields": _merge_fields(account, campaign, delivery.member),
                "vip": delivery.member.vip,
                "timestamp": times.iso(unsubscribe.at),
                "reason": unsubscribe.details["unsubscribe_reason"],
            }
        )
    return _collection("unsubscribes", rows, total=page.total, campaign=campaign, call=call)


def list_abuse_reports(account: Account, call: ApiCall) -> Answer:
    """``GET …/abuse-reports``: complaints about this campaign."""
    campaign = account.campaign(call.parameters["campaign_id"])
    reports = _complaints(account, campaign)
    rows = [
        {
            "id": report.id,
            "campaign_id": campaign.id,
            "list_id": campaign.list_id,
            "list_is_active": True,
            "email_id": report.member.id,
            "email_address": report.email_address,
            "merge_fields": _merge_fields(account, campaign, report.member),
            "vip": report.member.vip,
            "date": times.iso(report.at),
        }
        for report in reports
    ]
    return _collection("abuse_reports", rows, total=len(rows), campaign=campaign, call=call)


def record_complaint(
    account: Account, audience: Audience, member: Member, *, campaign_id: str
) -> None:
    """Note a complaint for the abuse reports of the list and of the campaign."""
    report = AbuseReport(
        account.ids.number("abuse"), campaign_id, member, member.email_address, account.now()
    )
    audience.abuse_reports.append(report)


def _summary(account: Account, campaign: Campaign) -> dict[str, Any]:
    audience = account.audiences.get(campaign.list_id)
    outcomes = Counter(delivery.outcome for delivery in campaign.deliveries)
    opened = sum(1 for delivery in campaign.deliveries if delivery.opens)
    clicked = sum(1 for delivery in campaign.deliveries if delivery.clicks)
    sent_at = times.iso(campaign.sent_at)
    reached = outcomes["sent"]
    return {
        "id": campaign.id,
        "campaign_title": campaign.title,
        "type": "regular",
        "list_id": campaign.list_id,
        "list_is_active": audience is not None,
        "list_name": audience.name if audience is not None else "",
        "subject_line": campaign.subject,
        "preview_text": "",
        "emails_sent": len(campaign.deliveries),
        "abuse_reports": len(_complaints(account, campaign)),
        "unsubscribed": sum(1 for delivery in campaign.deliveries if delivery.unsubscribed),
        "send_time": sent_at,
        "bounces": {
            "hard_bounces": outcomes["hard"],
            "soft_bounces": outcomes["soft"],
            "syntax_errors": 0,
        },
        "opens": {
            "opens_total": opened,
            "unique_opens": opened,
            "open_rate": opened / reached if reached else 0,
            "last_open": sent_at if opened else "",
        },
        "clicks": {
            "clicks_total": clicked,
            "unique_clicks": clicked,
            "unique_subscriber_clicks": clicked,
            "click_rate": clicked / reached if reached else 0,
            "last_click": sent_at if clicked else "",
        },
        "_links": [],
    }


def _complaints(account: Account, campaign: Campaign) -> list[AbuseReport]:
    audience = account.audiences.get(campaign.list_id)
    reports = audience.abuse_reports if audience is not None else []
    return [report for report in reports if report.campaign_id == campaign.id]


def _recipient(account: Account, campaign: Campaign, delivery: Delivery) -> dict[str, Any]:
    return _identity(account, campaign, delivery) | {
        "merge_fields": _merge_fields(account, campaign, delivery.member),
        "vip": delivery.member.vip,
        "status": delivery.outcome,
        "open_count": delivery.opens,
        "last_open": times.iso(campaign.sent_at) if delivery.opens else "",
        "absplit_group": "",
        "gmt_offset": 0,
    }


def _active(
    account: Account, campaign: Campaign, delivery: Delivery, *, since: float | None
) -> dict[str, Any]:
    activity = _activity(campaign, delivery, since=since)
    return _identity(account, campaign, delivery) | {"activity": activity}


def _activity(
    campaign: Campaign, delivery: Delivery, *, since: float | None
) -> list[dict[str, str]]:
    bounced_at = delivery.bounced_at or campaign.sent_at
    bounces = []
    if delivery.outcome != "sent" and (since is None or bounced_at > since):
        bounces = [
            {"action": "bounce", "type": delivery.outcome, "timestamp": times.iso(bounced_at)}
        ]
    if since is not None and campaign.sent_at <= since:
        return bounces
    at = times.iso(campaign.sent_at)
    opens = [{"action": "open", "timestamp": at, "ip": "198.51.100.7"}] * delivery.opens
    clicks = [
        {"action": "click", "timestamp": at, "url": CLICKED_URL, "ip": "198.51.100.7"}
    ] * delivery.clicks
    return opens + clicks + bounces


def _identity(account: Account, campaign: Campaign, delivery: Delivery) -> dict[str, Any]:
    return {
        "email_id": delivery.email_id,
        "email_address": delivery.email_address,
        "campaign_id": campaign.id,
        "list_id": campaign.list_id,
        "list_is_active": campaign.list_id in account.audiences,
        "_links": [],
    }


def _merge_fields(account: Account, campaign: Campaign, member: Member) -> dict[str, Any]:
    audience = account.audiences.get(campaign.list_id)
    tags = audience.merge_tags if audience is not None else []
    return {tag: member.merge_fields.get(tag, "") for tag in tags}


def _unsubscribe_item(member: Member, *, campaign: Campaign) -> FeedItem:
    return next(
        item
        for item in member.feed
        if item.activity_type == "unsub" and item.details["campaign_id"] == campaign.id
    )


def _find(account: Account, call: ApiCall) -> tuple[Campaign, Delivery]:
    campaign = account.campaign(call.parameters["campaign_id"])
    for delivery in campaign.deliveries:
        if delivery.email_id == call.parameters["subscriber_hash"]:
            return campaign, delivery
    raise errors.not_found()


def _collection(
    name: str, rows: list[dict[str, Any]], *, total: int, campaign: Campaign, call: ApiCall
) -> Answer:
    content = {name: rows, "campaign_id": campaign.id, "total_items": total, "_links": []}
    return Answer(Projection.of(call.query).cut(content))
