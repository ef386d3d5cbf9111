"""Webhooks of an account: listing, creating, changing and deleting them.

Belongs here: the calls and their shapes. Does not belong here: which webhooks there should be.

- Type and channel are always named: both for asking and for creating, Brevo's default is
  `transactional`, whose webhooks tell nothing of contacts.
- Without any webhook of the type the list is refused (400 or 404, `document_not_found`).
- Nothing is signed. What proves a call is the secret in `auth`, which Brevo shows in clear.
- Brevo does not try the URL when a webhook is created.
- All of it counts in the budget of a hundred calls an hour.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from nl_pipeline.clients.brevo.problems import SYSTEM
from nl_pipeline.clients.brevo.session import Nothing, Path, Session
from nl_pipeline.clients.errors import ApiError, OperatorNeeded, OutcomeUnknown, Permanent
from nl_pipeline.clients.http import answers

EVENTS = (
    "delivered",
    "opened",
    "click",
    "hardBounce",
    "softBounce",
    "spam",
    "unsubscribed",
    "listAddition",
    "contactUpdated",
    "contactDeleted",
)
"""The events of a marketing webhook that are about e-mail."""

_ALL = "/webhooks"
_ONE = "/webhooks/{webhookId}"
_NONE = "document_not_found"


@dataclass(frozen=True)
class Webhook:
    """A webhook as Brevo shows it. URL and token hold secrets of ours and are in no repr."""

    id: int
    url: str = field(repr=False)
    events: frozenset[str]
    is_batched: bool = False
    token: str = field(default="", repr=False)
    description: str = ""


class Webhooks:
    """The marketing webhooks of one account."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def all(self) -> list[Webhook]:
        """Return all marketing webhooks; the call has no paging."""

    def create(
        self,
        *,
        url: str,
        events: frozenset[str],
        token: str,
        is_batched: bool = False,
        description: str = "",
    ) -> Webhook:
        """Create a marketing webhook whose calls carry `Authorization: Bearer <token>`.

        After a lost answer it is looked up by its URL.
        """

    def check_reached(self, url: str) -> None:
        """Ask the URL, as Brevo does not. Raises `OperatorNeeded` when it does not answer."""

    def change(
        self,
        webhook_id: int,
        *,
        url: str,
        events: frozenset[str],
        token: str,
        is_batched: bool = False,
        description: str = "",
    ) -> None:
        """Make a webhook exactly this."""

    def delete(self, webhook_id: int) -> None:
        """Delete a webhook; one that is gone already is no error."""
