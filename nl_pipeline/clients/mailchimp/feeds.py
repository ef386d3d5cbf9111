"""Activity feeds: what happened to single members, read directly when few, in batches when many.

Belongs here: reading them. Does not belong here: what follows from an event. A batch only saves
calls: whatever it does not tell is read directly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import msgspec

from nl_pipeline.clients.mailchimp import batches
from nl_pipeline.clients.mailchimp.models import FeedItem, OperationOutcome
from nl_pipeline.clients.mailchimp.operations import Operation
from nl_pipeline.clients.mailchimp.paging import LARGEST_PAGE, collect
from nl_pipeline.clients.mailchimp.problems import MemberAbsent
from nl_pipeline.clients.mailchimp.session import Path, Session
from nl_pipeline.clients.mailchimp.times import moment_of

_FEED = "/lists/{list_id}/members/{subscriber_hash}/activity-feed"


class _Entry(msgspec.Struct, frozen=True):
    activity_type: str
    created_at_timestamp: str = ""
    is_admin_unsubscribed: bool | None = None
    unsubscribe_reason: str | None = ""
    signup_category: str | None = ""
    campaign_id: str | None = ""
    bounce_type: str | None = ""


class _Answer(msgspec.Struct, frozen=True):
    activity: list[_Entry]


def read_feed(
    session: Session, *, audience_id: str, member_id: str, filters: Sequence[str]
) -> list[FeedItem]:
    """Return the events of a member, of the kinds named in `filters` (all when empty).

    Events without a readable time are left out. Raises `MemberAbsent`.
    """
    pages = collect(
        session,
        Path(_FEED, [audience_id, member_id]),
        answer=_Answer,
        rows_of=lambda page: page.activity,
        total_of=lambda _: None,
        params=_filtered(filters),
    )
    return _items([entry for page in pages for entry in page.activity])


def read_feeds(
    session: Session,
    *,
    pool: ThreadPoolExecutor,
    audience_id: str,
    member_ids: Sequence[str],
    filters: Sequence[str],
    batch_threshold: int,
    sleep: Callable[[float], None],
) -> dict[str, list[FeedItem]]:
    """Return the feeds of several members; absent members have no entry."""
    found: dict[str, list[FeedItem]] = {}
    left = list(member_ids)
    if len(left) >= batch_threshold:
        params = {**_filtered(filters), "count": str(LARGEST_PAGE)}
        outcomes = batches.run_in_batches(
            session,
            audience_id=audience_id,
            operations=[
                Operation(str(position), "GET", _FEED, member_id, params=params)
                for position, member_id in enumerate(left)
            ],
            sleep=sleep,
            on_progress=None,
        )
        left = []
        for member_id, outcome in zip(member_ids, outcomes, strict=True):
            items = _told(outcome)
            if items is not None:
                found[member_id] = items
            elif not isinstance(outcome.error, MemberAbsent):
                left.append(member_id)

    def feed(member_id: str) -> list[FeedItem] | None:
        try:
            return read_feed(session, audience_id=audience_id, member_id=member_id, filters=filters)
        except MemberAbsent:
            return None

    for member_id, items in zip(left, pool.map(feed, left), strict=True):
        if items is not None:
            found[member_id] = items
    return found


def _told(outcome: OperationOutcome) -> list[FeedItem] | None:
    """The feed in a batch's answer; None where it tells none, or not certainly all of it."""
    if outcome.error is not None or outcome.body is None:
        return None
    try:
        answer = msgspec.convert(outcome.body, _Answer)
    except msgspec.ValidationError:
        return None
    return _items(answer.activity) if len(answer.activity) < LARGEST_PAGE else None


def _filtered(filters: Sequence[str]) -> dict[str, str]:
    return {"activity_filters": ",".join(filters)} if filters else {}


def _items(entries: Sequence[_Entry]) -> list[FeedItem]:
    return [
        FeedItem(
            activity_type=entry.activity_type,
            at=at,
            is_admin_unsubscribed=entry.is_admin_unsubscribed,
            unsubscribe_reason=entry.unsubscribe_reason or "",
            signup_category=entry.signup_category or "",
            campaign_id=entry.campaign_id or "",
            bounce_type=entry.bounce_type or "",
        )
        for entry in entries
        if (at := moment_of(entry.created_at_timestamp)) is not None
    ]
