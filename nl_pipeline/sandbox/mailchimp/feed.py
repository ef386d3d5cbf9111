"""Endpoint of a member's activity feed.

Belongs here: ``…/members/{subscriber_hash}/activity-feed`` and the short ``…/activity``. Does not
belong here: what is written into it (``changes``, ``campaigns``). Newest entries come first
[inferred]; ``generic_signup`` tells in ``signup_category`` who added the contact (values for staff
and import are [inferred]), ``signup`` is the contact's own form.
"""

from __future__ import annotations

from typing import Any

from nl_pipeline.sandbox.mailchimp.account import Account
from nl_pipeline.sandbox.mailchimp.calls import Answer, ApiCall
from nl_pipeline.sandbox.mailchimp.paging import page_of
from nl_pipeline.sandbox.mailchimp.projection import Projection
from nl_pipeline.sandbox.mailchimp.state import FeedItem
from nl_pipeline.sandbox.mailchimp.times import iso

SHORT_LENGTH = 50
"""Entries of ``…/activity``."""


def list_feed(account: Account, call: ApiCall) -> Answer:
    """``GET …/activity-feed``: paged, ``activity_filters`` chooses the types."""
    audience, member = account.member(
        call.parameters["list_id"], call.parameters["subscriber_hash"]
    )
    wanted = {name for name in call.query.get("activity_filters", "").split(",") if name}
    items = [item for item in reversed(member.feed) if not wanted or item.activity_type in wanted]
    page = page_of(items, call=call)
    content = {
        "activity": [_rendered(item) for item in page.rows],
        "email_id": member.id,
        "list_id": audience.id,
        "_links": [],
    }
    return Answer(Projection.of(call.query).cut(content))


def list_activity(account: Account, call: ApiCall) -> Answer:
    """``GET …/activity``: the last 50 entries in the older shape; ``action`` chooses."""
    audience, member = account.member(
        call.parameters["list_id"], call.parameters["subscriber_hash"]
    )
    wanted = {name for name in call.query.get("action", "").split(",") if name}
    shown = ("bounce", "click", "open", "sent", "unsub")
    items = [
        item
        for item in reversed(member.feed)
        if item.activity_type in shown and (not wanted or item.activity_type in wanted)
    ]
    activity = [
        {
            "action": item.activity_type,
            "timestamp": iso(item.at),
            "type": item.details.get("bounce_type", ""),
            "campaign_id": item.details.get("campaign_id", ""),
            "title": item.details.get("campaign_title", ""),
        }
        for item in items[:SHORT_LENGTH]
    ]
    return Answer(
        {
            "activity": activity,
            "email_id": member.id,
            "list_id": audience.id,
            "total_items": len(activity),
            "_links": [],
        }
    )


def _rendered(item: FeedItem) -> dict[str, Any]:
    return {
        "activity_type": item.activity_type,
        "created_at_timestamp": iso(item.at),
        **item.details,
    }
