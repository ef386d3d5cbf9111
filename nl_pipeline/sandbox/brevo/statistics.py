"""What a contact got, opened, clicked, and how it left: the statistics of one contact.

Belongs here: counting a contact's events within a window of days. Does not belong here: making the
events (``changes`` and campaigns) and the statistics of a campaign. A member without events is
missing, so a contact without a history has ``{}`` (as seen by a third party).
"""

from __future__ import annotations

from typing import Any

from nl_pipeline.sandbox.brevo import errors, times
from nl_pipeline.sandbox.brevo.account import Account
from nl_pipeline.sandbox.brevo.calls import ApiCall
from nl_pipeline.sandbox.brevo.state import Contact, MailEvent

DAY = 86_400_000
DEFAULT_DAYS = 90

_PLAIN = {
    "sent": "messagesSent",
    "delivered": "delivered",
    "hardBounces": "hardBounces",
    "softBounces": "softBounces",
    "complaints": "complaints",
}


def window_of(account: Account, call: ApiCall, *, longest_days: int = 0) -> tuple[int, int]:
    """First and last millisecond that ``startDate`` and ``endDate`` mean; raises 400."""
    now = account.now()
    start_text, end_text = call.text("startDate"), call.text("endDate")
    if not start_text and not end_text:
        return now - DEFAULT_DAYS * DAY, now
    if not start_text or not end_text:
        raise errors.missing("Both startDate and endDate are required")
    start, end = times.parse_day(start_text), times.parse_day(end_text)
    if start is None or end is None:
        raise errors.invalid("startDate and endDate should be in YYYY-MM-DD format")
    if start > end or end > now:
        raise errors.out_of_range("startDate and endDate should be in order and not in the future")
    if longest_days and end - start > longest_days * DAY:
        raise errors.out_of_range(f"Date range should not be more than {longest_days} days")
    return start, end + DAY - 1


def rendered(contact: Contact, *, window: tuple[int, int], account: Account) -> dict[str, Any]:
    """The members of ``statistics`` and ``campaignStats`` that have anything in the window."""
    first, last = window
    events = [event for event in contact.events if first <= event.at <= last]
    shown: dict[str, Any] = {}
    for kind, name in _PLAIN.items():
        found = [_plain(event, account=account) for event in events if event.kind == kind]
        if found:
            shown[name] = found
    opened = [event for event in events if event.kind == "opened"]
    if opened:
        shown["opened"] = [
            {
                "campaignId": campaign_id,
                "count": len(found),
                "eventTime": times.shown(found[-1].at, switches=account.switches),
                "ip": found[-1].ip,
            }
            for campaign_id, found in _by_campaign(opened).items()
        ]
    clicked = [event for event in events if event.kind == "clicked"]
    if clicked:
        shown["clicked"] = [
            {"campaignId": campaign_id, "links": _links(found, account=account)}
            for campaign_id, found in _by_campaign(clicked).items()
        ]
    left = {
        kind: [_leaving(event, account=account) for event in events if event.kind == kind]
        for kind in ("userUnsubscription", "adminUnsubscription")
    }
    if any(left.values()):
        shown["unsubscriptions"] = left
    return shown


def _by_campaign(events: list[MailEvent]) -> dict[int, list[MailEvent]]:
    found: dict[int, list[MailEvent]] = {}
    for event in events:
        found.setdefault(event.campaign_id, []).append(event)
    return found


def _plain(event: MailEvent, *, account: Account) -> dict[str, Any]:
    return {
        "campaignId": event.campaign_id,
        "eventTime": times.shown(event.at, switches=account.switches),
    }


def _links(events: list[MailEvent], *, account: Account) -> list[dict[str, Any]]:
    by_url: dict[str, list[MailEvent]] = {}
    for event in events:
        by_url.setdefault(event.url, []).append(event)
    return [
        {
            "count": len(found),
            "eventTime": times.shown(found[-1].at, switches=account.switches),
            "ip": found[-1].ip,
            "url": url,
        }
        for url, found in by_url.items()
    ]


def _leaving(event: MailEvent, *, account: Account) -> dict[str, Any]:
    shown: dict[str, Any] = {"eventTime": times.shown(event.at, switches=account.switches)}
    # Of an act of staff no campaign is told, whatever led to it.
    if event.campaign_id and event.kind == "userUnsubscription":
        shown["campaignId"] = event.campaign_id
    if event.ip:
        shown["ip"] = event.ip
    return shown
