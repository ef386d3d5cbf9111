"""The HTTP request of a delivery: its body, its headers, its URL.

Belongs here: the envelope of a batch and the three ways to authenticate. Does not belong here: when
it is sent and what follows (``sender``).
"""

from __future__ import annotations

import base64
from urllib.parse import unquote, urlsplit

import msgspec

from nl_pipeline.sandbox.brevo.outlets import Posting
from nl_pipeline.sandbox.brevo.state import Webhook
from nl_pipeline.sandbox.brevo.switches import Switches

AGENT = "Brevo-Webhooks"
"""User-Agent of deliveries [inferred]."""


def body_of(posting: Posting, *, switches: Switches) -> bytes:
    """One event, or the events of a batch; the ``id`` is that of the webhook, not of the event."""
    outlet = posting.outlet
    if outlet.is_call_back:
        return msgspec.json.encode(posting.told[0].content)
    events = [{"id": outlet.webhook.id, **told.content} for told in posting.told]
    if not outlet.webhook.batched:
        return msgspec.json.encode(events[0])
    if switches.batch_envelope == "object":
        return msgspec.json.encode({"events": events})
    return msgspec.json.encode(events)


def headers_of(webhook: Webhook) -> dict[str, str]:
    """Basic credentials of the URL, then the bearer token, then headers of one's own.

    Both credentials want the same header; that the token wins is [inferred].
    """
    headers = {"user-agent": AGENT, "content-type": "application/json"}
    parts = urlsplit(webhook.url)
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    if webhook.auth is not None:
        headers["authorization"] = f"Bearer {webhook.auth['token']}"
    for header in webhook.headers:
        headers[header["key"].lower()] = header["value"]
    return headers


def without_credentials(url: str) -> str:
    """The URL as it is called: credentials travel in a header."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
