"""Endpoints of the webhook registry.

Belongs here: ``/webhooks`` and ``/webhooks/{webhookId}``. Does not belong here: deliveries
(``sender``) and the history (``history``). Nothing is asked of a URL at creation, and secrets come
back in clear (Brevo's samples).
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import UNSET, UnsetType

from nl_pipeline.sandbox.brevo import errors, times
from nl_pipeline.sandbox.brevo.account import Account
from nl_pipeline.sandbox.brevo.calls import NO_CONTENT, Answer, ApiCall
from nl_pipeline.sandbox.brevo.state import Webhook

WEBHOOK_LIMIT = 40
"""Marketing and transactional ones together (Brevo docs, how to use webhooks)."""

MARKETING_EVENTS = (
    "spam",
    "opened",
    "click",
    "hardBounce",
    "softBounce",
    "unsubscribed",
    "listAddition",
    "delivered",
    "contactUpdated",
    "contactDeleted",
)
"""Names in requests and stored webhooks (SDK 5.1; changelog of 2026-04-17: singular)."""

_TRANSACTIONAL = (
    "sent",
    "request",
    "delivered",
    "hardBounce",
    "softBounce",
    "blocked",
    "spam",
    "invalid",
    "deferred",
    "click",
    "opened",
    "uniqueOpened",
    "unsubscribed",
)
_MARKETING_SMS = (
    "sent",
    "delivered",
    "softBounce",
    "hardBounce",
    "unsubscribe",
    "reply",
    "subscribe",
    "skip",
)

EVENTS: dict[tuple[str, str], tuple[str, ...]] = {
    ("marketing", "email"): MARKETING_EVENTS,
    ("marketing", "sms"): _MARKETING_SMS,
    ("transactional", "email"): _TRANSACTIONAL,
    ("transactional", "sms"): ("accepted", "blacklisted", *_MARKETING_SMS),
    ("inbound", "email"): ("inboundEmailProcessed", "reply"),
}
"""Type and channel -> events that can be asked for."""

_PLURALS = {"hardBounce", "softBounce", "listAddition"}


class _Auth(msgspec.Struct):
    type: str = ""
    token: str = ""


class _Header(msgspec.Struct):
    key: str
    value: str


class _Body(msgspec.Struct):
    url: str | UnsetType = UNSET
    events: list[str] | UnsetType = UNSET
    type: str = "transactional"
    channel: str = "email"
    description: str | UnsetType = UNSET
    auth: _Auth | UnsetType = UNSET
    headers: list[_Header] | UnsetType = UNSET
    batched: bool | UnsetType = UNSET
    domain: str | UnsetType = UNSET


def list_webhooks(account: Account, call: ApiCall) -> Answer:
    """``GET /webhooks``: those of one type, transactional unless asked; 400 when there are none."""
    wanted = call.text("type", "transactional")
    if wanted not in ("marketing", "transactional", "inbound"):
        raise errors.invalid("Invalid value for parameter type")
    found = [webhook for webhook in account.webhooks.values() if webhook.type == wanted]
    if not found:
        # Seen at a live account (estuary's connector); the text was not recorded.
        raise errors.ApiProblem(400, "document_not_found", "No webhook found")
    if call.text("sort", "desc") == "desc":
        found.reverse()
    return Answer({"webhooks": [_rendered(account, webhook) for webhook in found]})


def read_webhook(account: Account, call: ApiCall) -> Answer:
    """``GET /webhooks/{webhookId}``."""
    return Answer(_rendered(account, _find(account, call)))


def create_webhook(account: Account, call: ApiCall) -> Answer:
    """``POST /webhooks``: transactional unless the body says otherwise."""
    body = call.read(_Body)
    if not body.url:
        raise errors.missing("url is missing")
    if (body.type, body.channel) not in EVENTS:
        raise errors.invalid("Invalid type or channel")
    if body.type != "inbound" and not body.events:
        raise errors.missing("events is missing")
    if len(account.webhooks) >= WEBHOOK_LIMIT:
        raise errors.ApiProblem(400, "bad_request", "Maximum number of webhooks reached")
    now = account.now()
    webhook = Webhook(
        id=account.ids.number("webhook"),
        url="",
        type=body.type,
        channel=body.channel,
        events=[],
        created_at=now,
        modified_at=now,
    )
    _take_over(account, webhook, body=body)
    account.webhooks[webhook.id] = webhook
    return Answer({"id": webhook.id}, status=201)


def change_webhook(account: Account, call: ApiCall) -> Answer:
    """``PUT /webhooks/{webhookId}``: all but type and channel; what is not sent stays."""
    webhook = _find(account, call)
    _take_over(account, webhook, body=call.read(_Body))
    webhook.modified_at = account.now()
    return NO_CONTENT


def delete_webhook(account: Account, call: ApiCall) -> Answer:
    """``DELETE /webhooks/{webhookId}``: deliveries on their way are dropped."""
    del account.webhooks[_find(account, call).id]
    return NO_CONTENT


def check_events(webhook: Webhook, *, events: list[str]) -> None:
    """Raise 400 for an event that webhooks of this type do not know."""
    known = EVENTS[webhook.type, webhook.channel]
    if any(event not in known for event in events):
        raise errors.invalid("Invalid events")


def _take_over(account: Account, webhook: Webhook, *, body: _Body) -> None:
    """Check all of the body first: a refused call changes nothing."""
    if body.events is not UNSET:
        check_events(webhook, events=body.events)
    if body.auth is not UNSET and (body.auth.type != "bearer" or not body.auth.token):
        raise errors.invalid("Invalid auth")
    if body.url is not UNSET:
        _check_url(account, webhook, url=body.url)
        webhook.url = body.url
    if body.events is not UNSET:
        webhook.events = list(dict.fromkeys(body.events))
    if body.auth is not UNSET:
        webhook.auth = {"type": body.auth.type, "token": body.auth.token}
    if body.headers is not UNSET:
        webhook.headers = [{"key": one.key, "value": one.value} for one in body.headers]
    if body.description is not UNSET:
        webhook.description = body.description
    if body.batched is not UNSET:
        webhook.batched = body.batched
    if body.domain is not UNSET:
        webhook.domain = body.domain


def _check_url(account: Account, webhook: Webhook, *, url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise errors.invalid("Invalid url")
    if account.switches.webhook_url_unique and any(
        other is not webhook and other.url == url for other in account.webhooks.values()
    ):
        raise errors.ApiProblem(400, "duplicate_parameter", "Webhook already exists for this url")


def _find(account: Account, call: ApiCall) -> Webhook:
    webhook = account.webhooks.get(call.id_of("webhook_id", what="Webhook ID"))
    if webhook is None:
        raise errors.not_found("Webhook not found")
    return webhook


def _rendered(account: Account, webhook: Webhook) -> dict[str, Any]:
    events = webhook.events
    if account.switches.webhook_events_shown == "plural":
        events = [f"{event}s" if event in _PLURALS else event for event in events]
    shown: dict[str, Any] = {
        "id": webhook.id,
        "url": webhook.url,
        "description": webhook.description,
        "events": list(events),
        "type": webhook.type,
        "channel": webhook.channel,
        "batched": webhook.batched,
        "createdAt": times.shown(webhook.created_at, switches=account.switches),
        "modifiedAt": times.shown(webhook.modified_at, switches=account.switches),
    }
    if webhook.auth is not None:
        shown["auth"] = dict(webhook.auth)
    if webhook.headers:
        shown["headers"] = [dict(header) for header in webhook.headers]
    if webhook.domain:
        shown["domain"] = webhook.domain
    return shown
