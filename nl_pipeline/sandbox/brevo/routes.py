"""The list of endpoints of the twin, below ``/v3``.

Belongs here: which documented endpoint is served by which function. Does not belong here: any
behaviour.
"""

from __future__ import annotations

from nl_pipeline.sandbox.brevo import account_routes, webhooks
from nl_pipeline.sandbox.brevo.router import Endpoint, Router

_WEBHOOK = "/webhooks/{webhookId}"

ENDPOINTS = (
    Endpoint("GET", "/account", account_routes.read_account),
    Endpoint("GET", "/webhooks", webhooks.list_webhooks),
    Endpoint("POST", "/webhooks", webhooks.create_webhook),
    Endpoint("GET", _WEBHOOK, webhooks.read_webhook),
    Endpoint("PUT", _WEBHOOK, webhooks.change_webhook),
    Endpoint("DELETE", _WEBHOOK, webhooks.delete_webhook),
)


def build_router() -> Router:
    """A router over all endpoints."""
    return Router(ENDPOINTS)
