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
from typing import Any

import msgspec

from nl_pipeline.clients.brevo.problems import SYSTEM
from nl_pipeline.clients.brevo.session import Nothing, Path, Session
from nl_pipeline.clients.errors import OperatorNeeded, OutcomeUnknown, Permanent
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
_TYPE = "marketing"
_NONE = "document_not_found"
#: Spellings of older samples of the documentation.
_SINGULAR = {f"{name}s": name for name in ("listAddition", "hardBounce", "softBounce")}


@dataclass(frozen=True)
class Webhook:
    """A webhook as Brevo shows it. URL and token hold secrets of ours and are in no repr."""

    id: int
    url: str = field(repr=False)
    events: frozenset[str]
    is_batched: bool = False
    token: str = field(default="", repr=False)
    description: str = ""


class _Auth(msgspec.Struct, frozen=True):
    type: str = ""
    token: str = ""


class _Shown(msgspec.Struct, frozen=True):
    id: int
    url: str
    events: list[str] | None = None
    type: str = ""
    batched: bool | None = None
    auth: _Auth | None = None
    description: str | None = ""

    def webhook(self) -> Webhook:
        return Webhook(
            id=self.id,
            url=self.url,
            events=frozenset(_SINGULAR.get(name, name) for name in self.events or ()),
            is_batched=bool(self.batched),
            token=self.auth.token if self.auth is not None else "",
            description=self.description or "",
        )


class _Collection(msgspec.Struct, frozen=True):
    webhooks: list[_Shown] | None = None


class _Created(msgspec.Struct, frozen=True):
    id: int


class Webhooks:
    """The marketing webhooks of one account."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def all(self) -> list[Webhook]:
        """Return all marketing webhooks; the call has no paging."""
        try:
            answer = self._session.get(
                Path(_ALL), answer=_Collection, params={"type": _TYPE, "sort": "asc"}
            )
        except (Permanent, OperatorNeeded) as error:
            if error.code != _NONE:
                raise
            return []
        return [shown.webhook() for shown in answer.webhooks or () if shown.type == _TYPE]

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
        wanted = _body(url, events, token=token, is_batched=is_batched, description=description)
        try:
            created = self._session.send(
                "POST",
                Path(_ALL),
                answer=_Created,
                body={**wanted, "type": _TYPE, "channel": "email"},
                repeatable=False,
            )
        except OutcomeUnknown:
            made = [webhook for webhook in self.all() if webhook.url == url]
            if len(made) != 1:
                raise
            return made[0]
        return Webhook(created.id, url, events, is_batched, token, description)

    def check_reached(self, url: str) -> None:
        """Ask the URL, as Brevo does not. Raises `OperatorNeeded` when it does not answer."""
        if not answers(url):
            raise OperatorNeeded(
                "the webhook's URL gave no answer of the kind 2xx",
                system=SYSTEM,
                code="webhook_not_reached",
                what_next="check that the receiver runs and is reached from the internet under"
                " webhooks.public_url, without a login or a redirect in front of it",
            )

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
        """Make a webhook exactly this; its type cannot be changed."""
        self._session.send(
            "PUT",
            Path(_ONE, [webhook_id]),
            answer=Nothing,
            body=_body(url, events, token=token, is_batched=is_batched, description=description),
            repeatable=True,
        )

    def delete(self, webhook_id: int) -> None:
        """Delete a webhook; one that is gone already is no error."""
        try:
            self._session.send("DELETE", Path(_ONE, [webhook_id]), answer=Nothing, repeatable=True)
        except OperatorNeeded as error:
            if error.status != 404:
                raise


def _body(
    url: str, events: frozenset[str], *, token: str, is_batched: bool, description: str
) -> dict[str, Any]:
    return {
        "url": url,
        "events": [name for name in EVENTS if name in events],
        "description": description,
        "auth": {"type": "bearer", "token": token},
        "batched": is_batched,
    }
