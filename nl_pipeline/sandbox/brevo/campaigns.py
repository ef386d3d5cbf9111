"""Endpoints of e-mail campaigns: those that were sent, with their numbers.

Belongs here: ``/emailCampaigns`` and one of them. Does not belong here: sending (``mailing``),
counting (``campaign_numbers``) and the export of recipients (``campaign_exports``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nl_pipeline.sandbox.brevo import errors, times
from nl_pipeline.sandbox.brevo.account import Account
from nl_pipeline.sandbox.brevo.calls import Answer, ApiCall
from nl_pipeline.sandbox.brevo.campaign_numbers import Numbers, counted, whole
from nl_pipeline.sandbox.brevo.paging import page_of
from nl_pipeline.sandbox.brevo.state import Campaign

PAGE_LIMIT = 100
DAY = 86_400_000
STATISTICS_DAYS = 183
"""``statistics`` of the listing count the events of the last six months (SPEC)."""
LONGEST_DAYS = 731
"""The window of ``startDate`` and ``endDate``: two years."""

TYPES = ("classic", "trigger")
STATUSES = {
    "suspended": "suspended",
    "archive": "archive",
    "sent": "sent",
    "queued": "queued",
    "draft": "draft",
    "inProcess": "in_process",
    "inReview": "in_review",
    "cancelling": "cancelling",
    "cancelled": "cancelled",
}
"""Filter -> status in answers."""
_Parts = Mapping[int | str, Numbers]

LIST_STATISTICS = ("globalStats", "linksStats", "statsByDomain")
STATISTICS = (*LIST_STATISTICS, "statsByDevice", "statsByBrowser")


def list_campaigns(account: Account, call: ApiCall) -> Answer:
    """``GET /emailCampaigns``: newest first unless ``sort=asc``."""
    wanted = _one_of(call, "statistics", LIST_STATISTICS)
    page = page_of(_chosen(account, call), call=call, default=50, most=PAGE_LIMIT)
    numbers = _numbers(account, page.rows, wanted=wanted, days=STATISTICS_DAYS)
    rows = [_rendered(account, item, numbers=numbers, wanted=wanted) for item in page.rows]
    return Answer({"count": page.total, "campaigns": rows})


def read_campaign(account: Account, call: ApiCall) -> Answer:
    """``GET /emailCampaigns/{campaignId}``."""
    campaign = find(account, call)
    wanted = _one_of(call, "statistics", STATISTICS)
    numbers = _numbers(account, [campaign], wanted=wanted, days=None)
    return Answer(_rendered(account, campaign, numbers=numbers, wanted=wanted))


def find(account: Account, call: ApiCall) -> Campaign:
    """The campaign of a path; raises 400 or 404."""
    campaign = account.campaigns.get(call.id_of("campaign_id", what="Campaign ID"))
    if campaign is None:
        raise errors.not_found("Campaign ID does not exist")
    return campaign


def _chosen(account: Account, call: ApiCall) -> list[Campaign]:
    kind, status = _one_of(call, "type", TYPES), _one_of(call, "status", tuple(STATUSES))
    window = _window(account, call)
    if window is not None and status not in ("", "sent"):
        raise errors.invalid("startDate and endDate go with the status sent only")
    return [
        campaign
        for campaign in account.campaigns.values()
        if (not kind or campaign.type == kind)
        and (not status or campaign.status == STATUSES[status])
        and (
            window is None
            or (campaign.status == "sent" and window[0] <= campaign.sent_at <= window[1])
        )
    ]


def _window(account: Account, call: ApiCall) -> tuple[int, int] | None:
    start_text, end_text = call.text("startDate"), call.text("endDate")
    if not start_text and not end_text:
        return None
    if not start_text or not end_text:
        raise errors.missing("Both startDate and endDate are required")
    start, end = times.parse(start_text), times.parse(end_text)
    if start is None or end is None:
        raise errors.invalid("startDate and endDate should be YYYY-MM-DDTHH:mm:ss.SSSZ")
    if start > end or end > account.now() or end - start > LONGEST_DAYS * DAY:
        raise errors.out_of_range("startDate and endDate are out of range")
    return start, end


def _one_of(call: ApiCall, name: str, allowed: tuple[str, ...]) -> str:
    text = call.text(name)
    if text and text not in allowed:
        raise errors.invalid(f"{name} should be one of {', '.join(allowed)}")
    return text


def _numbers(
    account: Account, campaigns: list[Campaign], *, wanted: str, days: int | None
) -> Mapping[int, _Parts]:
    """Nothing is counted for an answer that shows nothing."""
    if not wanted:
        return {}
    since = 0 if days is None else account.now() - days * DAY
    return counted(
        account,
        campaign_ids={item.id for item in campaigns},
        since=since,
        by_domain=wanted == "statsByDomain",
    )


def _rendered(
    account: Account, campaign: Campaign, *, numbers: Mapping[int, _Parts], wanted: str
) -> dict[str, Any]:
    def moment(at: int) -> str:
        return times.shown(at, switches=account.switches)

    shown: dict[str, Any] = {
        "id": campaign.id,
        "name": campaign.name,
        "subject": campaign.subject,
        "previewText": "",
        "type": campaign.type,
        "status": campaign.status,
        "scheduledAt": "",
        "abTesting": False,
        "testSent": False,
        "header": "",
        "footer": "",
        "htmlContent": "",
        "sender": {"name": "Sandbox Immobilien", "id": 1, "email": "news@immobilien.example"},
        "replyTo": "news@immobilien.example",
        "toField": "",
        "tag": campaign.tag,
        "tags": [campaign.tag] if campaign.tag else [],
        "inlineImageActivation": False,
        "mirrorActive": True,
        "recurring": False,
        "createdAt": moment(campaign.created_at),
        "modifiedAt": moment(campaign.sent_at or campaign.created_at),
        "recipients": {"lists": list(campaign.list_ids), "exclusionLists": []},
        "statistics": _statistics(
            account, numbers.get(campaign.id, {}), campaign=campaign, wanted=wanted
        ),
    }
    if campaign.sent_at:
        shown["sentDate"] = moment(campaign.sent_at)
    return shown


def _statistics(
    account: Account, parts: _Parts, *, campaign: Campaign, wanted: str
) -> dict[str, Any]:
    """Only the kind that was asked for is filled; ``campaignStats`` come with every kind but the
    division by domains."""
    shown: dict[str, Any] = {
        "globalStats": Numbers().shown(),
        "campaignStats": [],
        "mirrorClick": 0,
        "remaining": 0,
        "linksStats": {},
        "statsByDomain": {},
    }
    if not wanted:
        return shown
    if wanted == "statsByDomain":
        shown["statsByDomain"] = {domain: found.shown() for domain, found in parts.items()}
        return shown
    shown["campaignStats"] = [
        {"listId": list_id, **parts.get(list_id, Numbers()).shown()}
        for list_id in campaign.list_ids
    ]
    if wanted == "globalStats" and account.switches.global_stats == "filled":
        shown["globalStats"] = whole(parts).shown()
    elif wanted == "linksStats":
        clicks = whole(parts).links
        as_object = account.switches.links_stats == "object"
        shown["linksStats"] = {
            link: {"nbClick": clicks[link]} if as_object else clicks[link]
            for link in campaign.links
        }
    elif wanted == "statsByDevice":
        shown["statsByDevice"] = {"desktop": {}, "mobile": {}, "tablet": {}, "unknown": {}}
    elif wanted == "statsByBrowser":
        shown["statsByBrowser"] = {}
    return shown
