"""What Mailchimp's own client library got on its visit to the twin.

Belongs here: one name for each answer. Not here: the calls (`sdk_visit`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Refused:
    """What the library's exception says."""

    status_code: int
    text: str


@dataclass(frozen=True)
class AccountAnswers:
    """Ping, the account, and audiences."""

    ping: Any
    root: Any
    created: Any
    found: Any
    listed: Any
    changed: Any


@dataclass(frozen=True)
class MemberAnswers:
    """Members one by one, and the collection."""

    added: Any
    put: Any
    changed: Any
    opted_out: Any
    archived: Any
    moved: Any
    pages: tuple[Any, ...]
    only_unsubscribed: Any
    in_window: Any
    chosen_fields: Any


@dataclass(frozen=True)
class BulkAnswers:
    """Batch subscribe, and batches with their results."""

    subscribed: Any
    started: Any
    status: Any
    listed: Any
    results: dict[str, int]


@dataclass(frozen=True)
class TagAnswers:
    """Tags, segments and merge fields."""

    tags: Any
    search: Any
    segment: Any
    changed: Any
    segments: Any
    segment_members: Any
    after_removal: Any
    merge_field: Any
    merge_fields: Any
    merge_fields_after: Any


@dataclass(frozen=True)
class WebhookAnswers:
    """Webhooks of the audience."""

    created: Any
    listed: Any
    changed: Any
    read: Any
    after_deletion: Any


@dataclass(frozen=True)
class ReportAnswers:
    """Campaigns, reports and what members did."""

    campaigns: Any
    campaign: Any
    report: Any
    sent_to: Any
    unsubscribed: Any
    email_activity: Any
    campaign_complaints: Any
    complaints: Any
    growth: Any
    feed: Any
    activity: Any
    note: Any
    notes: Any


@dataclass(frozen=True)
class Visit:
    """All answers and refusals."""

    account: AccountAnswers
    members: MemberAnswers
    bulk: BulkAnswers
    tags: TagAnswers
    webhooks: WebhookAnswers
    reports: ReportAnswers
    refused: dict[str, Refused]
