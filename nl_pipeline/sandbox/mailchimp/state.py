"""The records of the twin: account, audiences, members and what hangs on them.

Belongs here: the shape of the stored state, its indexes and counters. Does not belong here: rules
(``transitions``), changes (``changes``) or how a record is rendered. Times are whole epoch seconds
by the sandbox's clock, 0 = never: Mailchimp's times have one-second granularity.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from hashlib import md5
from typing import Any, Literal

import msgspec

from nl_pipeline.sandbox.mailchimp.addresses import subscriber_hash

Actor = Literal["person", "staff", "api", "import", "system"]
"""Who did it; ``system`` is Mailchimp itself (a bounce in a campaign)."""

STATUSES = frozenset(
    {"subscribed", "unsubscribed", "cleaned", "pending", "transactional", "archived"}
)


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One change of a member's status; the sandbox's own record, not visible to the API."""

    at: int
    actor: Actor
    before: str
    after: str
    email_address: str


@dataclass(frozen=True, slots=True)
class FeedItem:
    """One entry of the activity feed."""

    activity_type: str
    at: int
    details: dict[str, Any]


@dataclass(slots=True)
class Note:
    """A note on a member."""

    note_id: int
    created_at: int
    updated_at: int
    note: str


@dataclass(slots=True, eq=False)
class Member:
    """One contact of one audience, in whatever status, archived ones too."""

    email_address: str
    id: str
    unique_email_id: str
    contact_id: str
    web_id: int
    status: str
    last_changed: int
    source: str
    opted_out: bool = False
    """The contact unsubscribed, bounced or complained: the API cannot subscribe it."""
    unsubscribe_reason: str = ""
    unsubscribed_at: int = 0
    timestamp_opt: int = 0
    ip_opt: str = ""
    timestamp_signup: int = 0
    ip_signup: str = ""
    language: str = ""
    vip: bool = False
    email_type: str = "html"
    member_rating: int = 2
    merge_fields: dict[str, Any] = field(default_factory=dict)
    """Values by tag, without empty ones."""
    tags: dict[int, int] = field(default_factory=dict)
    """Segment id -> when it was added."""
    history: list[HistoryEntry] = field(default_factory=list)
    feed: list[FeedItem] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    events: list[FeedItem] = field(default_factory=list)


@dataclass(slots=True)
class MergeField:
    """A merge field of an audience."""

    merge_id: int
    tag: str
    name: str
    type: str
    required: bool = False
    default_value: str = ""
    public: bool = False
    display_order: int = 0
    options: dict[str, Any] = field(default_factory=dict)
    help_text: str = ""


@dataclass(slots=True)
class Segment:
    """A static segment, which is what a tag is."""

    id: int
    name: str
    created_at: int
    updated_at: int
    members: dict[str, Member] = field(default_factory=dict)
    """By ``contact_id``, in the order they were added."""


@dataclass(slots=True)
class Webhook:
    """A webhook of an audience, with its run of lost deliveries."""

    id: str
    url: str
    events: dict[str, bool]
    sources: dict[str, bool]
    signing_secret: str
    lost_in_a_row: int = 0
    silent: bool = False


@dataclass(frozen=True, slots=True)
class AbuseReport:
    """A complaint of a recipient."""

    id: int
    campaign_id: str
    member: Member
    email_address: str
    at: int


@dataclass(frozen=True, slots=True)
class ShownPage:
    """A page of members as it was sent: their JSON, their number, and that of the whole result."""

    members: msgspec.Raw
    rows: int
    total: int


@dataclass(slots=True, eq=False)
class Audience:
    """A list with its members and indexes."""

    id: str
    web_id: int
    details: dict[str, Any]
    """The writable properties of the list object (``name``, ``contact``, …)."""
    date_created: int
    members: list[Member] = field(default_factory=list)
    by_hash: dict[str, Member] = field(default_factory=dict)
    by_contact: dict[str, Member] = field(default_factory=dict)
    forgotten: set[str] = field(default_factory=set)
    """Hashes of permanently deleted addresses."""
    gone: list[Member] = field(default_factory=list)
    """The permanently deleted members themselves, for the dump."""
    merge_fields: list[MergeField] = field(default_factory=list)
    segments: dict[int, Segment] = field(default_factory=dict)
    segment_ids: dict[str, int] = field(default_factory=dict)
    """Case-folded name -> id."""
    webhooks: dict[str, Webhook] = field(default_factory=dict)
    abuse_reports: list[AbuseReport] = field(default_factory=list)
    days: dict[str, Counter[str]] = field(default_factory=dict)
    """Day -> counts of the list activity."""
    counts: Counter[str] = field(default_factory=Counter)
    """Members by status."""
    revision: int = 0
    """Grows with every change of what a member shows; views and pages of an older one are stale."""
    views: OrderedDict[Any, tuple[int, list[Member]]] = field(default_factory=OrderedDict)
    shown_pages: OrderedDict[Any, tuple[int, ShownPage]] = field(default_factory=OrderedDict)
    last_sub: int = 0
    last_unsub: int = 0
    last_sent: int = 0
    shown_stats: dict[str, Any] | None = None
    shown_stats_at: float = 0.0

    @property
    def name(self) -> str:
        """The audience's name."""
        return str(self.details["name"])

    @property
    def merge_tags(self) -> list[str]:
        """Tags of the merge fields in display order."""
        return [merge_field.tag for merge_field in self.merge_fields]

    def find(self, reference: str) -> Member | None:
        """The member by hash, plain address or ``contact_id``, in any status."""
        if "@" in reference:
            return self.by_hash.get(subscriber_hash(reference))
        return self.by_hash.get(reference) or self.by_contact.get(reference)

    def insert(self, member: Member) -> None:
        """Take a new member into list, indexes and counts."""
        self.members.append(member)
        self.by_hash[member.id] = member
        self.by_contact[member.contact_id] = member
        self.counts[member.status] += 1
        self.revision += 1

    def remove(self, member: Member) -> None:
        """Take a member out of list, indexes, segments and counts."""
        self.members.remove(member)
        del self.by_hash[member.id]
        del self.by_contact[member.contact_id]
        for segment_id in member.tags:
            self.segments[segment_id].members.pop(member.contact_id, None)
        self.counts[member.status] -= 1
        self.revision += 1

    def count_day(self, day: str, *, what: str, amount: int = 1) -> None:
        """Add to a column of the list activity."""
        self.days.setdefault(day, Counter())[what] += amount


class Identifiers:
    """Deterministic ids: the same seed and order of calls give the same ids."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._next: Counter[str] = Counter()

    def hexadecimal(self, kind: str, *, digits: int) -> str:
        """The next opaque lower-case hex id of a kind."""
        text = f"{self._seed}:{kind}:{self.number(kind)}"
        return md5(text.encode(), usedforsecurity=False).hexdigest()[:digits]

    def number(self, kind: str, *, start: int = 1) -> int:
        """The next integer id of a kind, counted from ``start``."""
        self._next[kind] += 1
        return start + self._next[kind] - 1
