"""The account: everything the twin stores, with clock, switches and the one who tells of changes.

Belongs here: the container every endpoint and act works on, and looking things up in it. Does not
belong here: the endpoints of the account (``account_routes``), changes or HTTP.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from nl_pipeline.sandbox.brevo import errors
from nl_pipeline.sandbox.brevo.limits import Limiter
from nl_pipeline.sandbox.brevo.notices import Nobody, Notices
from nl_pipeline.sandbox.brevo.state import (
    Attribute,
    Campaign,
    Confirmation,
    Contact,
    ContactList,
    CustomEvent,
    File,
    Folder,
    IdentifierKind,
    Identifiers,
    Process,
    Said,
    Segment,
    Webhook,
)
from nl_pipeline.sandbox.brevo.switches import Switches


class Watch(Protocol):
    """Tells the time; the twin's clock, or the past while a reset fills the account."""

    def epoch(self) -> float:
        """Seconds since 1970."""
        ...


@dataclass(frozen=True, slots=True)
class Stopped:
    """A watch that stands still."""

    at: float

    def epoch(self) -> float:
        """The moment it was stopped at."""
        return self.at


@dataclass(slots=True)
class Account:
    """One Brevo account."""

    clock: Watch
    ids: Identifiers
    notices: Notices = field(default_factory=Nobody)
    switches: Switches = field(default_factory=Switches)
    limiter: Limiter = field(default_factory=Limiter)
    contacts: dict[int, Contact] = field(default_factory=dict)
    """By id, in the order they were created."""
    gone: list[Contact] = field(default_factory=list)
    """Deleted contacts, for the dump."""
    holders: dict[tuple[IdentifierKind, str], Contact] = field(default_factory=dict)
    """Who has which unique identifier."""
    lists: dict[int, ContactList] = field(default_factory=dict)
    folders: dict[int, Folder] = field(default_factory=dict)
    segments: dict[int, Segment] = field(default_factory=dict)
    attributes: dict[str, Attribute] = field(default_factory=dict)
    """By upper-case name, in the order they were created."""
    processes: dict[int, Process] = field(default_factory=dict)
    waiting: list[Process] = field(default_factory=list)
    """Those of the processes that are not done."""
    confirmations: list[Confirmation] = field(default_factory=list)
    webhooks: dict[int, Webhook] = field(default_factory=dict)
    said: deque[Said] = field(default_factory=deque)
    """What webhooks were told in the last days, oldest first."""
    campaigns: dict[int, Campaign] = field(default_factory=dict)
    custom_events: list[CustomEvent] = field(default_factory=list)
    files: dict[str, File] = field(default_factory=dict)
    """By the unguessable part of their link."""

    def now(self) -> int:
        """The current millisecond by the twin's clock."""
        return int(self.clock.epoch() * 1000)

    @contextmanager
    def time_stopped(self) -> Iterator[None]:
        """Let no time pass within the block."""
        clock = self.clock
        self.clock = Stopped(clock.epoch())
        try:
            yield
        finally:
            self.clock = clock

    def by_email(self, email: str) -> Contact | None:
        """The contact of an address in any spelling of case."""
        return self.holders.get(("email", email.strip().lower()))

    def list_of(self, list_id: int) -> ContactList:
        """The list; raises 404."""
        found = self.lists.get(list_id)
        if found is None:
            raise errors.not_found("List ID does not exist")
        return found

    def folder_of(self, folder_id: int) -> Folder:
        """The folder; raises 404."""
        found = self.folders.get(folder_id)
        if found is None:
            raise errors.not_found("Folder ID does not exist")
        return found

    @property
    def import_is_running(self) -> bool:
        """Whether any import was accepted and is not done."""
        return any(process.name == "IMPORTUSER" for process in self.waiting)

    def keep_file(self, file: File, *, base_url: str) -> str:
        """Keep a file and give its link."""
        token = self.ids.hexadecimal("file", digits=32)
        self.files[token] = file
        return f"{base_url}/files/{token}/{file.name}"
