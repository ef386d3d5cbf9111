"""Access and refresh token of one connection: what is known of them, and how long they last.

Belongs here: the values, their remaining life, the warnings, where they are kept. Does not belong
here: the calls that renew them (``oauth``), when that happens (``access``).

An access token lives for 60 days. The refresh token lives for 365 days from the authorization on,
and a refresh does not start them anew (LinkedIn docs, programmatic refresh tokens): after a year a
person has to authorize again, whatever we do.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

import msgspec

from nl_pipeline.clients.errors import OperatorNeeded
from nl_pipeline.clients.linkedin.problems import SYSTEM

WARN_DAYS = (30, 21, 14, 7, 1)
"""Days before its end at which a token is warned about."""

REFRESH_LIFE = timedelta(days=365)
_FILE_MODE, _FOLDER_MODE = 0o600, 0o700
_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """Tokens and their ends (aware UTC, None where nobody said).

    `seed` tells the tokens of the settings that these came from, without holding them.
    """

    access_token: str = field(repr=False)
    refresh_token: str = field(default="", repr=False)
    access_ends_at: datetime | None = None
    refresh_ends_at: datetime | None = None
    seed: str = ""


def configured_tokens(*, access_token: str, refresh_token: str = "") -> Tokens:
    """Return tokens as they stand in the settings, of which no end is known."""
    digest = hashlib.sha256(f"{access_token}\n{refresh_token}".encode()).hexdigest()
    return Tokens(access_token=access_token, refresh_token=refresh_token, seed=digest)


@dataclass(frozen=True)
class TokenWarning:
    """A token that ends soon: which, the days it has left, the threshold that was passed."""

    token: str
    days_left: int
    threshold: int
    what_next: str


@dataclass(frozen=True)
class TokenLife:
    """Whole days left, negative after the end, None where the end is not known.

    `renews_itself`: an ending access token needs nobody as long as the refresh token lives.
    """

    access_days: int | None
    refresh_days: int | None
    renews_itself: bool

    @property
    def warnings(self) -> tuple[TokenWarning, ...]:
        """What a person should know now. The access token is none of it while it renews itself."""
        found = []
        if self.refresh_days is not None and (limit := _threshold(self.refresh_days)) is not None:
            found.append(TokenWarning("refresh", self.refresh_days, limit, _NEXT))
        if (
            not self.renews_itself
            and self.access_days is not None
            and (limit := _threshold(self.access_days)) is not None
        ):
            found.append(TokenWarning("access", self.access_days, limit, _NEXT))
        return tuple(found)


_NEXT = (
    "authorize the connection again at LinkedIn before that day, and put the new refresh token"
    " into the settings; until then leads go on arriving"
)


def life_of(tokens: Tokens, *, now: datetime) -> TokenLife:
    """Return how long the tokens last."""
    refresh_days = _days(tokens.refresh_ends_at, now=now)
    return TokenLife(
        access_days=_days(tokens.access_ends_at, now=now),
        refresh_days=refresh_days,
        renews_itself=bool(tokens.refresh_token) and (refresh_days is None or refresh_days >= 0),
    )


def _days(end: datetime | None, *, now: datetime) -> int | None:
    return None if end is None else (end - now) // _DAY


def _threshold(days: int) -> int | None:
    """The nearest threshold that was reached."""
    return min((limit for limit in WARN_DAYS if days <= limit), default=None)


class TokenStore(Protocol):
    """Where refreshed tokens outlive the process. Never the settings, which a person writes."""

    def read(self) -> Tokens | None:
        """The tokens kept last; None if there are none."""

    def write(self, tokens: Tokens) -> None:
        """Keep tokens. Durable when this returns."""

    def alone(self) -> AbstractContextManager[None]:
        """Wait until no other process refreshes, and keep others waiting meanwhile."""


class TokenFile:
    """Tokens in a file of the owner's (0600), replaced as a whole. POSIX, as the webhook log."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Tokens | None:
        """As the protocol. OperatorNeeded for a damaged file, OSError if it can't be read."""
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return None
        with contextlib.suppress(msgspec.DecodeError):
            return msgspec.json.decode(content, type=Tokens)
        # Raised outside the handler: what could not be decoded quotes the file.
        raise OperatorNeeded(
            f"the file {self.path.name} of refreshed tokens is damaged",
            system=SYSTEM,
            code="token-file",
            what_next="delete it; the tokens of the settings are used and refreshed again",
        )

    def write(self, tokens: Tokens) -> None:
        """As the protocol."""
        self._make_folder()
        new = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(tokens))
            file.flush()
            os.fsync(descriptor)
        new.replace(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """As the protocol; the lock is the system's and goes with the process."""
        self._make_folder()
        lock = self.path.with_name(f"{self.path.name}.lock")
        descriptor = os.open(lock, os.O_WRONLY | os.O_CREAT, _FILE_MODE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _make_folder(self) -> None:
        self.path.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
