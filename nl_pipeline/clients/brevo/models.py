"""Typed values of the Brevo client, named as Brevo names them.

Belongs here: what callers pass in and get back. Does not belong here: which flags mean what for the
sync. Reprs show ids only, because values of these types end up in tracebacks and test output.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from nl_pipeline.clients.brevo.operations import check_names
from nl_pipeline.clients.brevo.problems import ContactRefused, RefusalCause
from nl_pipeline.clients.brevo.statistics import ContactStatistics
from nl_pipeline.clients.errors import ApiError

#: Addresses Brevo makes up for contacts that have a telephone number only.
_SMS_ONLY = "@mailin-sms.com"


class ConsentGroup(msgspec.Struct, frozen=True, gc=False):
    """A consent group a contact is in; `status` is `subscribed` or `unsubscribed`."""

    id: int | str = 0
    status: str = ""


class Contact(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """A contact. `id` stays when the address changes.

    An answer that does not tell whether a contact is blocklisted is not read at all.
    `created_at` and `modified_at` as Brevo writes them (`times.moment_of`). `list_unsubscribed` and
    `consent_groups` are None where the account does not use the feature.
    """

    id: int
    email_blacklisted: bool
    email: str | None = None
    list_ids: tuple[int, ...] | None = ()
    list_unsubscribed: tuple[int, ...] | None = ()
    consent_groups: tuple[ConsentGroup, ...] | None = ()
    attributes: dict[str, Any] = msgspec.field(default_factory=dict)
    created_at: str = ""
    modified_at: str = ""

    @property
    def lists(self) -> frozenset[int]:
        """The lists the contact is on."""
        return frozenset(self.list_ids or ())

    @property
    def left_lists(self) -> frozenset[int]:
        """The lists the contact opted out of."""
        return frozenset(self.list_unsubscribed or ())

    @property
    def left_groups(self) -> tuple[ConsentGroup, ...]:
        """The consent groups the contact opted out of."""
        return tuple(g for g in self.consent_groups or () if g.status == "unsubscribed")

    @property
    def strange_groups(self) -> tuple[ConsentGroup, ...]:
        """The consent groups with a status of which nobody knows what it means."""
        known = ("subscribed", "unsubscribed")
        return tuple(g for g in self.consent_groups or () if g.status not in known)

    @property
    def has_opted_out(self) -> bool:
        """Whether any of Brevo's marks of an opt-out is set: blocklist, a list, a group."""
        return self.email_blacklisted or bool(self.left_lists or self.left_groups)

    @property
    def has_address(self) -> bool:
        """Whether there is an address of the person's own; contacts of SMS have none."""
        return bool(self.email) and not (self.email or "").lower().endswith(_SMS_ONLY)

    def __repr__(self) -> str:
        return f"Contact(id={self.id}, email_blacklisted={self.email_blacklisted})"


@dataclass(frozen=True)
class ContactDetails:
    """A contact as a look-up shows it, with what happened to it in the last 90 days."""

    contact: Contact
    statistics: ContactStatistics


@dataclass(frozen=True)
class ContactPage:
    """One page of contacts; `total` as announced with this page."""

    offset: int
    total: int
    contacts: list[Contact] = field(repr=False)


@dataclass(frozen=True)
class Account:
    """The account behind the key. It tells neither language nor zone.

    `is_enterprise` hints that the history of webhooks may be exported; that is switched on by
    Brevo on request.
    """

    organization_id: str
    company_name: str
    is_enterprise: bool
    plan_types: tuple[str, ...]


class Choice(msgspec.Struct, frozen=True):
    """One value of a category attribute: contacts carry the number, people read the label."""

    value: int
    label: str


class Attribute(msgspec.Struct, frozen=True, rename="camel"):
    """An attribute of contacts. Only `normal` and `category` ones take values from us."""

    name: str
    category: str = ""
    type: str = ""
    enumeration: tuple[Choice, ...] | None = ()
    multi_category_options: tuple[str, ...] | None = ()

    @property
    def is_writable(self) -> bool:
        """Whether a contact's value can be set."""
        return self.category in ("normal", "category")

    @property
    def choices(self) -> tuple[str, ...]:
        """The values the attribute takes; empty where it takes any."""
        labels = tuple(choice.label for choice in self.enumeration or ())
        return labels or tuple(self.multi_category_options or ())


class Folder(msgspec.Struct, frozen=True):
    """A folder of lists."""

    id: int
    name: str = ""


class ContactList(msgspec.Struct, frozen=True, rename="camel"):
    """A list. `unique_subscribers` is the only number that is not frozen at 0 in answers."""

    id: int
    name: str = ""
    folder_id: int | None = None
    unique_subscribers: int = 0


@dataclass(frozen=True)
class ImportRow:
    """A contact to put on the list; whoever exists already keeps every opt-out."""

    email: str = field(repr=False)
    attributes: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        check_names(self.attributes)


@dataclass(frozen=True)
class Refusal:
    """One address that was not taken, and why; `fields` are the attributes it was for."""

    email: str = field(repr=False)
    cause: RefusalCause
    fields: tuple[str, ...] = ()


@dataclass(frozen=True)
class ImportedChunk:
    """An import Brevo took: its process and the addresses in it."""

    process_id: int
    emails: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True)
class ImportOutcome:
    """What became of the rows handed to `import_contacts`; each address is in exactly one place.

    `chunks`: taken, to be awaited and then read back: an import has no result per row.
    `refused`: never sent, as Brevo would drop a value silently or take no such row. `unknown`:
    sent, outcome not known. `not_sent`: never sent because of `stopped_by`. `withheld`: not sent
    because the caller said so right before.
    """

    chunks: tuple[ImportedChunk, ...] = ()
    refused: tuple[Refusal, ...] = ()
    unknown: tuple[str, ...] = field(default=(), repr=False)
    not_sent: tuple[str, ...] = field(default=(), repr=False)
    withheld: tuple[str, ...] = field(default=(), repr=False)
    stopped_by: ApiError | None = None

    @property
    def process_ids(self) -> tuple[int, ...]:
        """The processes to wait for."""
        return tuple(chunk.process_id for chunk in self.chunks)


@dataclass(frozen=True)
class RemovalOutcome:
    """What became of one contact that was to be taken off a list.

    `error` is None exactly when the contact is not on the list now; `was_gone`: it was not before.
    """

    contact_id: int
    was_gone: bool = False
    error: ApiError | None = None


@dataclass(frozen=True)
class OperationOutcome:
    """What became of one operation. `error` is None exactly when it was carried out.

    `contact` is the contact as it was read afterwards, where the operation reads it.
    """

    reference: str
    error: ApiError | None = None
    contact: Contact | None = field(default=None, repr=False)

    @property
    def cause(self) -> RefusalCause | None:
        """Why this contact was refused, if that is what happened."""
        return self.error.cause if isinstance(self.error, ContactRefused) else None


@dataclass(frozen=True)
class Process:
    """An import or export as Brevo tells of it.

    `status` in one spelling: `queued`, `processing`, `completed`, `failed`, `cancelled`. Links are
    as good as the data behind them and in no repr. `reports`: of an import, what it did not take
    (`invalid_emails`, `duplicate_email_id` …), each a link to a CSV.
    """

    id: int
    name: str
    status: str
    export_url: str = field(default="", repr=False)
    reports: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.status in ("completed", "failed", "cancelled")


@dataclass(frozen=True)
class Budget:
    """How many calls a group of endpoints has left in this hour, as far as is known."""

    left: int
    limit: int
    renewed_at: datetime | None
