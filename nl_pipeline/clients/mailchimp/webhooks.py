"""Webhooks of an audience: listing, creating, changing and deleting them.

Belongs here: the calls and their shapes. Does not belong here: which webhooks there should be.

- All flags are always sent: what an omitted one becomes is documented nowhere (Mailchimp's own
  guide to webhooks advises to send all; a third party saw omitted ones enabled).
- At creation Mailchimp asks the URL by GET and refuses the webhook if the answer is not 2xx
  (the text "We couldn't verify the URL is working" is quoted in issues of several public projects).
- A second webhook for a URL that differs in its query only is refused.
- The secret of the signatures stands in the answer to the creation and nowhere else (Mailchimp
  docs, webhooks, 2026). Webhooks from before signatures have none: `signing_enabled` is false.
- How a webhook looks that Mailchimp has switched off after too many failures is documented nowhere;
  it may also be gone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from nl_pipeline.clients.errors import OperatorNeeded, OutcomeUnknown, Permanent, Retryable
from nl_pipeline.clients.http import answers
from nl_pipeline.clients.mailchimp.problems import SYSTEM
from nl_pipeline.clients.mailchimp.session import Path, Session

EVENTS = ("subscribe", "unsubscribe", "profile", "cleaned", "upemail", "campaign")
"""The event flags of a webhook that are about e-mail."""

SOURCES = ("user", "admin", "api")
"""Who may have caused an event: the contact, staff in the web application, any API client."""

_NOT_REACHED = "webhook_not_reached"
_ALL = "/lists/{list_id}/webhooks"
_ONE = "/lists/{list_id}/webhooks/{webhook_id}"


@dataclass(frozen=True)
class Webhook:
    """A webhook as Mailchimp shows it. Its URL holds a secret of ours and is in no repr."""

    id: str
    url: str = field(repr=False)
    events: frozenset[str]
    sources: frozenset[str]
    signing_enabled: bool


@dataclass(frozen=True)
class NewWebhook:
    """A webhook that was just created; `signing_secret` is "" where deliveries are not signed."""

    webhook: Webhook
    signing_secret: str = field(repr=False)


class _Shown(msgspec.Struct, frozen=True):
    id: str
    url: str
    events: dict[str, bool] = msgspec.field(default_factory=dict)
    sources: dict[str, bool] = msgspec.field(default_factory=dict)
    signing_enabled: bool = False
    signing_secret: str | None = ""

    def webhook(self) -> Webhook:
        return Webhook(
            id=self.id,
            url=self.url,
            events=frozenset(name for name, on in self.events.items() if on),
            sources=frozenset(name for name, on in self.sources.items() if on),
            signing_enabled=self.signing_enabled,
        )


class _Collection(msgspec.Struct, frozen=True):
    webhooks: list[_Shown]
    total_items: int


class Webhooks:
    """The webhooks of one account's audiences."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def all(self, audience_id: str) -> list[Webhook]:
        """Return all webhooks; the call has no paging (Swagger document).

        Raises `Retryable` when fewer came than were announced.
        """
        answer = self._session.get(Path(_ALL, [audience_id]), answer=_Collection)
        if len(answer.webhooks) < answer.total_items:
            raise Retryable(
                f"GET {_ALL}: {len(answer.webhooks)} of {answer.total_items} webhooks came",
                system=SYSTEM,
                code="incomplete",
            )
        return [shown.webhook() for shown in answer.webhooks]

    def create(
        self, audience_id: str, *, url: str, events: frozenset[str], sources: frozenset[str]
    ) -> NewWebhook:
        """Create a webhook. Raises `OperatorNeeded` when Mailchimp could not reach the URL.

        If the answer is lost, so is the secret: what was created is deleted and created again.
        """
        try:
            return self._create(audience_id, url=url, events=events, sources=sources)
        except OutcomeUnknown:
            made = [webhook for webhook in self.all(audience_id) if webhook.url == url]
            for webhook in made:
                self.delete(audience_id, webhook.id)
        return self._create(audience_id, url=url, events=events, sources=sources)

    def check_reached(self, url: str) -> None:
        """Ask the URL as Mailchimp does. Raises `OperatorNeeded` as `create` would.

        For what has to be deleted before it can be created again: a URL takes one webhook, and
        Mailchimp asks only when it creates one.
        """
        if not answers(url):
            raise _not_reached("the webhook's URL", status=None)

    def change(
        self,
        audience_id: str,
        webhook_id: str,
        *,
        url: str,
        events: frozenset[str],
        sources: frozenset[str],
    ) -> Webhook:
        """Give a webhook this URL and exactly these flags. Raises as `create`."""
        return self._write(
            "PATCH",
            Path(_ONE, [audience_id, webhook_id]),
            body=_body(url, events=events, sources=sources),
            repeatable=True,
        ).webhook()

    def delete(self, audience_id: str, webhook_id: str) -> None:
        """Delete a webhook; one that is gone already is no error."""
        try:
            self._session.perform("DELETE", Path(_ONE, [audience_id, webhook_id]), repeatable=True)
        except OperatorNeeded as error:
            if error.status != 404:
                raise

    def _create(
        self, audience_id: str, *, url: str, events: frozenset[str], sources: frozenset[str]
    ) -> NewWebhook:
        shown = self._write(
            "POST",
            Path(_ALL, [audience_id]),
            body=_body(url, events=events, sources=sources),
            repeatable=False,
        )
        return NewWebhook(shown.webhook(), shown.signing_secret or "")

    def _write(
        self, method: str, path: Path, *, body: Mapping[str, Any], repeatable: bool
    ) -> _Shown:
        try:
            return self._session.send(method, path, answer=_Shown, body=body, repeatable=repeatable)
        except Permanent as error:
            if error.code != _NOT_REACHED:
                raise
            refused = _not_reached("the webhook's URL, asked by Mailchimp,", status=error.status)
        raise refused


def _not_reached(what: str, *, status: int | None) -> OperatorNeeded:
    return OperatorNeeded(
        f"{what} gave no answer of the kind 2xx",
        system=SYSTEM,
        code=_NOT_REACHED,
        status=status,
        what_next="check that the receiver runs and is reached from the internet under"
        " webhooks.public_url, without a login or a redirect in front of it",
    )


def _body(url: str, *, events: frozenset[str], sources: frozenset[str]) -> dict[str, Any]:
    return {
        "url": url,
        "events": {name: name in events for name in EVENTS},
        "sources": {name: name in sources for name in SOURCES},
    }
