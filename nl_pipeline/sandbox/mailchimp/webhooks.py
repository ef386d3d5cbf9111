"""Endpoints of webhooks: those of an audience and those of batches.

Belongs here: ``/lists/{list_id}/webhooks`` and ``/batch-webhooks`` with the check at creation. Does
not belong here: deliveries (``sender``).
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from nl_pipeline.sandbox.mailchimp import errors
from nl_pipeline.sandbox.mailchimp.account import Account, BatchWebhook
from nl_pipeline.sandbox.mailchimp.calls import NO_CONTENT, Answer, ApiCall
from nl_pipeline.sandbox.mailchimp.paging import page_of
from nl_pipeline.sandbox.mailchimp.state import Audience, Webhook
from nl_pipeline.sandbox.mailchimp.webhook_urls import check_answer, without_query

EVENTS = ("subscribe", "unsubscribe", "profile", "cleaned", "upemail", "campaign")
SOURCES = ("user", "admin", "api")
BATCH_WEBHOOK_LIMIT = 20


class WebhookBody(msgspec.Struct):
    """Body of a webhook; what is not sent counts as on [inferred]."""

    url: str | UnsetType = UNSET
    events: dict[str, bool] = {}
    sources: dict[str, bool] = {}


class _BatchWebhookBody(msgspec.Struct):
    url: str | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET


def list_webhooks(account: Account, call: ApiCall) -> Answer:
    """``GET …/webhooks``: all of them, without secrets."""
    audience = account.audience(call.parameters["list_id"])
    webhooks = [rendered(webhook, audience=audience) for webhook in audience.webhooks.values()]
    return Answer(
        {
            "webhooks": webhooks,
            "list_id": audience.id,
            "total_items": len(webhooks),
            "_links": [],
        }
    )


def read_webhook(account: Account, call: ApiCall) -> Answer:
    """``GET …/webhooks/{webhook_id}``."""
    audience, webhook = _find(account, call)
    return Answer(rendered(webhook, audience=audience))


async def create_webhook(account: Account, call: ApiCall) -> Answer:
    """``POST …/webhooks``: the only answer that holds the ``signing_secret``."""
    audience = account.audience(call.parameters["list_id"])
    body = call.read(WebhookBody)
    if not body.url:
        raise errors.invalid_body(errors.FieldError("url", "This value should not be blank."))
    _refuse_duplicate(audience, url=str(body.url), but=None)
    await _refuse_unreachable(str(body.url))
    webhook_id = account.ids.hexadecimal("webhook", digits=10)
    secret = ""
    if account.switches.signing_enabled:
        secret = sha256(f"{audience.id}:{webhook_id}".encode()).hexdigest()
    webhook = Webhook(webhook_id, str(body.url), {}, {}, signing_secret=secret)
    _take_over(webhook, body=body)
    audience.webhooks[webhook.id] = webhook
    content = rendered(webhook, audience=audience)
    if secret:
        content["signing_secret"] = secret
    return Answer(content)


async def change_webhook(account: Account, call: ApiCall) -> Answer:
    """``PATCH …/webhooks/{webhook_id}``: a new URL is checked again."""
    audience, webhook = _find(account, call)
    body = call.read(WebhookBody)
    if body.url and body.url != webhook.url:
        _refuse_duplicate(audience, url=body.url, but=webhook)
        await _refuse_unreachable(body.url)
        webhook.url = body.url
    _take_over(webhook, body=body)
    return Answer(rendered(webhook, audience=audience))


def delete_webhook(account: Account, call: ApiCall) -> Answer:
    """``DELETE …/webhooks/{webhook_id}``."""
    audience, webhook = _find(account, call)
    del audience.webhooks[webhook.id]
    return NO_CONTENT


def rendered(webhook: Webhook, *, audience: Audience) -> dict[str, Any]:
    """A webhook as the API shows it."""
    return {
        "id": webhook.id,
        "url": webhook.url,
        "events": dict(webhook.events),
        "sources": dict(webhook.sources),
        "list_id": audience.id,
        "signing_enabled": bool(webhook.signing_secret),
        "_links": [],
    }


def list_batch_webhooks(account: Account, call: ApiCall) -> Answer:
    """``GET /batch-webhooks``."""
    page = page_of(list(account.batch_webhooks.values()), call=call)
    rows = [_rendered_batch(webhook) for webhook in page.rows]
    return Answer({"webhooks": rows, "total_items": page.total, "_links": []})


async def create_batch_webhook(account: Account, call: ApiCall) -> Answer:
    """``POST /batch-webhooks``: at most 20 in the account."""
    body = call.read(_BatchWebhookBody)
    if not body.url:
        raise errors.invalid_body(errors.FieldError("url", "This value should not be blank."))
    if len(account.batch_webhooks) >= BATCH_WEBHOOK_LIMIT:
        raise errors.bad_request("You may only have 20 batch webhooks.")
    await _refuse_unreachable(str(body.url))
    webhook = BatchWebhook(
        account.ids.hexadecimal("batch webhook", digits=10),
        str(body.url),
        body.enabled is not False,
    )
    account.batch_webhooks[webhook.id] = webhook
    return Answer(_rendered_batch(webhook))


def read_batch_webhook(account: Account, call: ApiCall) -> Answer:
    """``GET /batch-webhooks/{batch_webhook_id}``."""
    return Answer(_rendered_batch(_find_batch(account, call)))


async def change_batch_webhook(account: Account, call: ApiCall) -> Answer:
    """``PATCH /batch-webhooks/{batch_webhook_id}``."""
    webhook = _find_batch(account, call)
    body = call.read(_BatchWebhookBody)
    if body.url and body.url != webhook.url:
        await _refuse_unreachable(body.url)
        webhook.url = body.url
    if body.enabled is not UNSET:
        webhook.enabled = body.enabled
    return Answer(_rendered_batch(webhook))


def delete_batch_webhook(account: Account, call: ApiCall) -> Answer:
    """``DELETE /batch-webhooks/{batch_webhook_id}``."""
    del account.batch_webhooks[_find_batch(account, call).id]
    return NO_CONTENT


def _take_over(webhook: Webhook, *, body: WebhookBody) -> None:
    webhook.events = {
        name: body.events.get(name, webhook.events.get(name, True)) for name in EVENTS
    }
    webhook.sources = {
        name: body.sources.get(name, webhook.sources.get(name, True)) for name in SOURCES
    }


def _find(account: Account, call: ApiCall) -> tuple[Audience, Webhook]:
    audience = account.audience(call.parameters["list_id"])
    webhook = audience.webhooks.get(call.parameters["webhook_id"])
    if webhook is None:
        raise errors.not_found()
    return audience, webhook


def _find_batch(account: Account, call: ApiCall) -> BatchWebhook:
    webhook = account.batch_webhooks.get(call.parameters["batch_webhook_id"])
    if webhook is None:
        raise errors.not_found()
    return webhook


def _rendered_batch(webhook: BatchWebhook) -> dict[str, Any]:
    return {"id": webhook.id, "url": webhook.url, "enabled": webhook.enabled, "_links": []}


def _refuse_duplicate(audience: Audience, *, url: str, but: Webhook | None) -> None:
    taken = [
        webhook
        for webhook in audience.webhooks.values()
        if webhook is not but and without_query(webhook.url) == without_query(url)
    ]
    if taken:
        message = "Sorry, you can't set up multiple WebHooks for one URL"
        raise errors.invalid_body(errors.FieldError("url", message))


async def _refuse_unreachable(url: str) -> None:
    status = await check_answer(url)
    if not 200 <= status < 300:
        message = (
            "We couldn't verify the URL is working. Please double check and try again. "
            f"HTTP Code: {status}"
        )
        raise errors.invalid_body(errors.FieldError("url", message))
