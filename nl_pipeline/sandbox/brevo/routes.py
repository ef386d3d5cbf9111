"""The list of endpoints of the twin, below ``/v3``.

Belongs here: which documented endpoint is served by which function. Does not belong here: any
behaviour.
"""

from __future__ import annotations

from nl_pipeline.sandbox.brevo import account_routes
from nl_pipeline.sandbox.brevo.router import Endpoint, Router

ENDPOINTS = (Endpoint("GET", "/account", account_routes.read_account),)


def build_router() -> Router:
    """A router over all endpoints."""
    return Router(ENDPOINTS)
