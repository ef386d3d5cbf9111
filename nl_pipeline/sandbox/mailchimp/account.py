"""The account: everything the twin stores, with clock, switches and outgoing webhooks.

Belongs here: the container every endpoint and act works on, and the notices it gives out. Does
not belong here: the endpoints of the account (``account_routes``) or HTTP.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from nl_pipeline.sandbox.mailchimp import errors
from nl_pipeline.sandbox.mailchimp.state import Actor, Audience, Identifiers, Member
from nl_pipeline.sandbox.mailchimp.switches import Switches


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a webhook of an audience may be told; ``data`` is flat or nested text."""

    type: str
    actor: Actor
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Cause:
    """Who changes a member, and what else is known about it."""

    actor: Actor
    reason: str = ""
    """A contact's reason for unsubscribing."""
    campaign_id: str = ""
    campaign_title: str = ""
    complaint: bool = False
    client_ip: str = ""


class Watch(Protocol):
    """Tells the time; the sandbox's clock, or the past while a reset fills the account."""

    def epoch(self) -> float:
        """Seconds since 1970."""
        ...


class Announcer(Protocol):
    """Takes notices for delivery; the sender of webhooks is one."""

    def announce(self, audience: Audience, notice: Notice) -> None:
        """Queue the notice for every webhook of the audience that wants it."""
        ...

    def announce_batch(self, url: str, *, fields: list[tuple[str, str]]) -> None:
        """Queue the notice of a finished batch for one batch webhook."""
        ...


@dataclass(slots=True)
class Delivery:
    """What became of one recipient of a campaign."""

    member: Member
    email_id: str
    email_address: str
    outcome: str
    """``sent``, ``hard`` or ``soft``."""
    opens: int = 0
    clicks: int = 0
    unsubscribed: bool = False
    bounced_at: int = 0
    """When a bounce came back; 0: at once."""


@dataclass(slots=True)
class Campaign:
    """A sent campaign with its deliveries."""

    id: str
    web_id: int
    list_id: str
    subject: str
    title: str
    sent_at: int
    deliveries: list[Delivery] = field(default_factory=list)


@dataclass(slots=True)
class Operation:
    """One call of a batch."""

    method: str
    path: str
    operation_id: str
    body: bytes
    query: dict[str, str]


@dataclass(slots=True)
class Batch:
    """A batch, before and after it ran."""

    id: str
    operations: list[Operation]
    submitted_at: float
    finishes_at: float
    client_ip: str
    base_url: str
    completed_at: int = 0
    finished_operations: int = 0
    errored_operations: int = 0
    archive: bytes | None = None


@dataclass(slots=True)
class BatchWebhook:
    """A receiver of "batch finished" notices."""

    id: str
    url: str
    enabled: bool


@dataclass(frozen=True, slots=True)
class Export:
    """An account export, ready at once."""

    export_id: int
    started: int


@dataclass(frozen=True, slots=True)
class JourneyEntry:
    """A contact put into a customer journey by the API."""

    at: int
    journey_id: int
    step_id: int
    email_address: str


@dataclass(slots=True)
class Account:
    """One Mailchimp account."""

    clock: Watch
    announcer: Announcer
    ids: Identifiers
    switches: Switches = field(default_factory=Switches)
    audiences: dict[str, Audience] = field(default_factory=dict)
    deleted_audiences: list[Audience] = field(default_factory=list)
    campaigns: dict[str, Campaign] = field(default_factory=dict)
    batches: dict[str, Batch] = field(default_factory=dict)
    archive_links: dict[str, tuple[str, float]] = field(default_factory=dict)
    """Token -> batch id and the second it expires."""
    batch_webhooks: dict[str, BatchWebhook] = field(default_factory=dict)
    exports: dict[int, Export] = field(default_factory=dict)
    journey_entries: list[JourneyEntry] = field(default_factory=list)

    def now(self) -> int:
        """The current second by the sandbox's clock."""
        return int(self.clock.epoch())

    def audience(self, list_id: str) -> Audience:
        """The audience; raises 404."""
        audience = self.audiences.get(list_id)
        if audience is None:
            raise errors.not_found()
        return audience

    def campaign(self, campaign_id: str) -> Campaign:
        """The campaign; raises 404."""
        campaign = self.campaigns.get(campaign_id)
        if campaign is None:
            raise errors.not_found()
        return campaign

    def member(self, list_id: str, reference: str) -> tuple[Audience, Member]:
        """Audience and member by hash, plain address or contact id; raises 404."""
        audience = self.audience(list_id)
        member = audience.find(reference)
        if member is None:
            raise errors.not_found()
        return audience, member

    def announce(self, audience: Audience, notice: Notice) -> None:
        """Tell the audience's webhooks."""
        if audience.webhooks:
            self.announcer.announce(audience, notice)
