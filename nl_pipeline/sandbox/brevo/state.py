"""The records of the twin: contacts and what surrounds them.

Belongs here: the shape of the stored state. Does not belong here: rules and changes (``changes``)
or how a record is rendered (``contact_view`` and the endpoint modules). Times are whole
milliseconds since 1970 by the twin's clock, 0 = never: Brevo's times have three fraction digits.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from hashlib import md5
from typing import Any, Literal, NamedTuple

Actor = Literal["person", "staff", "api", "import", "system"]
"""Who did it; ``system`` is Brevo itself (a bounce of a campaign)."""

IdentifierKind = Literal["email", "sms", "whatsapp", "landline_number", "ext_id"]
"""What is unique over all contacts, in the words of a conflict's ``duplicate_identifiers``."""

MailKind = Literal[
    "sent", "delivered", "opened", "clicked", "hardBounces", "softBounces", "complaints",
    "userUnsubscription", "adminUnsubscription",
]  # fmt: skip
"""What happened to a contact by mail, in the words of a contact's statistics."""


class MailEvent(NamedTuple):
    """Something the statistics of a contact count; webhooks tell of the same."""

    kind: MailKind
    at: int
    campaign_id: int = 0
    """0: without a campaign."""
    url: str = ""
    """Of a click."""
    ip: str = ""
    reason: str = ""
    """Of a bounce or a complaint."""
    list_ids: tuple[int, ...] = ()
    """Of an unsubscription from single lists."""
    by_proxy: bool = False
    """An opening by a mail provider's machine."""


class HistoryEntry(NamedTuple):
    """One change of a contact; the sandbox's own record, not visible to the API."""

    at: int
    actor: Actor
    key_name: str
    what: str
    """``created``, ``added``, ``removed``, ``blocklisted``, ``allowed``, ``list_unsubscribed``,
    ``list_resubscribed``, ``group_unsubscribed``, ``updated``, ``address``, ``deleted``."""
    list_ids: tuple[int, ...] = ()


@dataclass(slots=True, eq=False)
class Contact:
    """One contact of the account."""

    id: int
    email: str
    """Lower case; ``""`` for a contact that is known by telephone only."""
    created_at: int
    modified_at: int
    email_blacklisted: bool = False
    sms_blacklisted: bool = False
    whatsapp_blacklisted: bool = False
    attributes: dict[str, Any] = field(default_factory=dict)
    """Values by upper-case name without empty ones; ``SMS``, ``EXT_ID`` and the other identifiers
    stand here too, the address does not."""
    list_ids: list[int] = field(default_factory=list)
    list_unsubscribed: list[int] = field(default_factory=list)
    consent_groups: dict[int, str] = field(default_factory=dict)
    """Group -> ``subscribed`` or ``unsubscribed``."""
    smtp_blacklist_senders: list[str] = field(default_factory=list)
    events: list[MailEvent] = field(default_factory=list)
    history: list[HistoryEntry] = field(default_factory=list)


@dataclass(slots=True)
class Folder:
    """A folder of lists."""

    id: int
    name: str


@dataclass(slots=True)
class ContactList:
    """A list; who is on it stands in the contacts."""

    id: int
    name: str
    folder_id: int
    created_at: int


@dataclass(slots=True)
class Segment:
    """A segment; whom it means is a rule the twin does not know, so contacts are put in by id."""

    id: int
    name: str
    category: str
    updated_at: int
    contact_ids: set[int] = field(default_factory=set)


@dataclass(slots=True)
class Attribute:
    """An attribute of contacts; for ``category`` the options have numbers, for ``multiple-choice``
    they are their own."""

    name: str
    category: str
    type: str = ""
    enumeration: dict[int, str] = field(default_factory=dict)
    options: list[str] = field(default_factory=list)
    calculated_value: str = ""


@dataclass(slots=True)
class Process:
    """Something Brevo does in its own time; ``work`` carries it out when it falls due."""

    id: int
    name: str
    started_at: int
    due_at: int
    key_name: str
    base_url: str
    """Where the twin is mounted, for the links to its files."""
    notify_url: str = ""
    notifies_account: bool = False
    """Whether an e-mail goes to the account when it is done (``disableNotification``)."""
    status: Literal["waiting", "completed", "failed", "cancelled"] = "waiting"
    completed_at: int = 0
    work: Any = None
    """What is to be done, a frozen record of the module that knows how; ``None`` when done."""
    export_url: str | None = None
    reports: dict[str, str | None] | None = None
    """Of a completed import: name of the report -> link or ``None``."""
    rows: int = 0


@dataclass(slots=True)
class Confirmation:
    """A request to confirm a sign-up that was mailed to a person."""

    email: str
    list_ids: tuple[int, ...]
    exclude_list_ids: tuple[int, ...]
    template_id: int
    redirection_url: str
    attributes: dict[str, Any]
    asked_at: int
    key_name: str
    confirmed_at: int = 0


@dataclass(slots=True)
class Delivery:
    """One recipient of a campaign; what became of it stands among the contact's events."""

    contact: Contact
    email: str


@dataclass(slots=True)
class Campaign:
    """An e-mail campaign; its numbers are counted from the events of its recipients."""

    id: int
    name: str
    subject: str
    list_ids: tuple[int, ...]
    created_at: int
    sent_at: int = 0
    status: str = "sent"
    type: str = "classic"
    tag: str = ""
    segment_ids: tuple[int, ...] = ()
    links: tuple[str, ...] = ()
    deliveries: list[Delivery] = field(default_factory=list)


@dataclass(slots=True)
class Webhook:
    """A registered receiver."""

    id: int
    url: str
    type: str
    channel: str
    events: list[str]
    created_at: int
    modified_at: int
    description: str = ""
    batched: bool = False
    auth: dict[str, str] | None = None
    headers: list[dict[str, str]] = field(default_factory=list)
    domain: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """One event that at least one webhook was told of."""

    at: int
    event: str
    """By the name a webhook subscribes to, or ``proxyOpen``."""
    email: str
    webhook_ids: tuple[int, ...]
    content: dict[str, Any]


@dataclass(frozen=True, slots=True)
class CustomEvent:
    """An event of the events API."""

    name: str
    at: int
    contact_id: int
    properties: dict[str, Any]
    object: dict[str, Any] | None = None


@dataclass(slots=True)
class File:
    """Something to be fetched without credentials by a link nobody can guess."""

    name: str
    media_type: str
    content: bytes


class Identifiers:
    """Deterministic ids: the same seed and order of calls give the same ids."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._next: Counter[str] = Counter()

    def hexadecimal(self, kind: str, *, digits: int) -> str:
        """The next opaque lower-case hex id of a kind."""
        text = f"{self._seed}:brevo:{kind}:{self.number(kind)}"
        return md5(text.encode(), usedforsecurity=False).hexdigest()[:digits]

    def number(self, kind: str) -> int:
        """The next integer id of a kind, counted from 1."""
        self._next[kind] += 1
        return self._next[kind]
