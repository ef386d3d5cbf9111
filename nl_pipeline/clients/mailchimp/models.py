"""Typed values of the Mailchimp client, named as Mailchimp names them.

Belongs here: what callers pass in and get back. Does not belong here: which status means what for
the sync. Reprs show ids only, because values of these types end up in tracebacks and test output.
Absent texts and dates are "" (Mailchimp never sends null for them).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from nl_pipeline.clients.errors import ApiError
from nl_pipeline.clients.mailchimp.problems import MemberRefused, RefusalCause


class Tag(msgspec.Struct, frozen=True, gc=False):
    """A tag; its id is the id of a static segment."""

    id: int
    name: str


class Member(msgspec.Struct, frozen=True, gc=False):
    """A member of an audience. `contact_id` stays when the address changes, `id` does not.

    Values of `merge_fields` are text, number, or an object for addresses; "" when empty.
    """

    id: str
    email_address: str
    status: str
    contact_id: str = ""
    unsubscribe_reason: str = ""
    merge_fields: dict[str, Any] = msgspec.field(default_factory=dict)
    tags: tuple[Tag, ...] = ()
    tags_count: int = 0
    last_changed: str = ""
    timestamp_opt: str = ""
    source: str = ""

    @property
    def has_all_tags(self) -> bool:
        """Whether `tags` is the full set; member answers carry 50 at most."""
        return len(self.tags) >= self.tags_count

    def __repr__(self) -> str:
        return f"Member(id={self.id!r}, status={self.status!r})"


class MemberPage(msgspec.Struct, frozen=True):
    """One page of members; `total` as announced with this page."""

    offset: int
    total: int
    members: list[Member]

    def __repr__(self) -> str:
        return f"MemberPage(offset={self.offset}, total={self.total}, rows={len(self.members)})"


class Account(msgspec.Struct, frozen=True):
    """The account behind the key; `role` tells what the key's user may do."""

    account_id: str
    name: str = msgspec.field(name="account_name", default="")
    role: str = ""
    pricing_plan_type: str = ""
    total_subscribers: int = 0


@dataclass(frozen=True)
class Audience:
    """An audience. The counts are cached by Mailchimp for five minutes and more."""

    id: str
    name: str
    member_count: int
    unsubscribe_count: int
    cleaned_count: int
    merge_field_count: int
    double_optin: bool


@dataclass(frozen=True)
class AudienceList:
    """All audiences and whether the plan allows another; `max_instances` -1 means unlimited."""

    audiences: tuple[Audience, ...]
    may_create: bool
    max_instances: int


@dataclass(frozen=True, kw_only=True)
class AudienceDetails:
    """What Mailchimp demands for a new audience; `country` is ISO 3166 alpha-2.

    An invalid country silently becomes US there, hence the check here.
    """

    company: str
    address1: str
    city: str
    country: str
    from_name: str
    from_email: str = field(repr=False)
    permission_reminder: str
    zip: str = ""
    state: str = ""
    subject: str = ""
    language: str = "de"
    double_optin: bool = False

    def __post_init__(self) -> None:
        if len(self.country) != 2 or not self.country.isalpha():
            raise ValueError(
                f"country {self.country!r} is no two-letter ISO 3166 code; Mailchimp would store US"
            )


class MergeField(msgspec.Struct, frozen=True):
    """A merge field. Match by `tag` or `merge_id`; `name` is a label in any language."""

    merge_id: int
    tag: str
    name: str
    type: str
    required: bool = False
    options: dict[str, Any] | list[Any] | None = None

    @property
    def choices(self) -> tuple[str, ...]:
        """The values a dropdown or radio field takes; empty for all other types."""
        listed = self.options.get("choices") if isinstance(self.options, dict) else None
        return tuple(str(choice) for choice in listed or ())


@dataclass(frozen=True)
class FeedItem:
    """One event of a member's activity feed; fields that do not apply are None or ""."""

    activity_type: str
    at: datetime
    is_admin_unsubscribed: bool | None
    unsubscribe_reason: str = field(repr=False)
    signup_category: str
    campaign_id: str = ""
    bounce_type: str = ""


@dataclass(frozen=True)
class AbuseReport:
    """A spam complaint; `email_id` is the member id."""

    email_id: str
    email_address: str = field(repr=False)
    at: datetime | None
    campaign_id: str = ""


@dataclass(frozen=True)
class NewMember:
    """A member to add; `status` is written as it is."""

    email_address: str = field(repr=False)
    status: str
    merge_fields: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Refusal:
    """One address that was not taken, and why; `code` is Mailchimp's `error_code`."""

    email_address: str = field(repr=False)
    cause: RefusalCause
    code: str
    merge_field: str = ""


@dataclass(frozen=True)
class AddOutcome:
    """What became of the members handed to `add_members`; each address is in exactly one place.

    `unknown`: sent, outcome not known. `not_sent`: never sent because of `stopped_by`. `withheld`:
    not sent because the caller said so right before.
    `updated` should stay empty: an existing member is refused, never overwritten.
    """

    created: tuple[Member, ...]
    updated: tuple[Member, ...]
    refused: tuple[Refusal, ...]
    unknown: tuple[str, ...] = field(repr=False)
    not_sent: tuple[str, ...] = field(repr=False)
    stopped_by: ApiError | None
    withheld: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class SegmentOutcome:
    """Counts of a change of a static segment, and the addresses that were refused."""

    added: int
    removed: int
    errors: tuple[Refusal, ...]


@dataclass(frozen=True)
class OperationOutcome:
    """What became of one operation. `error` is None exactly when it was applied.

    `body` is Mailchimp's answer, None for an empty one.
    """

    reference: str
    status: int | None
    body: dict[str, Any] | None = field(repr=False)
    error: ApiError | None = None

    @property
    def cause(self) -> RefusalCause | None:
        """Why this member was refused, if that is what happened."""
        return self.error.cause if isinstance(self.error, MemberRefused) else None
