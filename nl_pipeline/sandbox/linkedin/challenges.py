"""The challenge every webhook has to pass: when it is created, and every two hours after.

Belongs here: the GET, the answer that is right, and what failures come to. Does not belong here:
when it is due (``sender``). Facts (LinkedIn docs, webhook validation): 3 seconds for 200 with
``application/json`` and the HMAC-SHA256 of the code with the app's client secret, as lowercase
hexadecimal digits; after 3 failures in a row the webhook is blocked until a developer restarts the
validation by hand.
"""

from __future__ import annotations

import asyncio
import hmac
from urllib.parse import urlsplit

import httpx
import msgspec

from nl_pipeline.sandbox.credentials import LINKEDIN_CLIENT_SECRET
from nl_pipeline.sandbox.linkedin.state import Endpoint
from nl_pipeline.sandbox.loopback import is_loopback

ANSWER_SECONDS = 3.0
INTERVAL = 2 * 3_600_000
"""Milliseconds between challenges."""

FAILURES_BEFORE_BLOCK = 3


def response_to(code: str, *, secret: str = LINKEDIN_CLIENT_SECRET) -> str:
    """The right ``challengeResponse``."""
    return hmac.new(secret.encode(), code.encode(), "sha256").hexdigest()


async def passes(client: httpx.AsyncClient, url: str, *, code: str) -> bool:
    """Whether the webhook answers a challenge; the sandbox calls nobody beyond loopback."""
    if not is_loopback(url):
        return False
    joined = f"{url}{'&' if urlsplit(url).query else '?'}challengeCode={code}"
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            answer = await client.get(joined)
    except (httpx.HTTPError, TimeoutError):
        return False
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if answer.status_code != 200 or kind != "application/json":
        return False
    try:
        content = msgspec.json.decode(answer.content)
    except msgspec.DecodeError:
        return False
    return bool(content == {"challengeCode": code, "challengeResponse": response_to(code)})


def passed(endpoint: Endpoint, *, at: int) -> None:
    """What a passed challenge comes to."""
    endpoint.state, endpoint.failures = "validated", 0
    endpoint.challenged_at, endpoint.due_at = at, at + INTERVAL


def failed(endpoint: Endpoint, *, at: int) -> None:
    """What a failed one comes to: a warning by e-mail, and the third blocks."""
    endpoint.failures += 1
    endpoint.warnings += 1
    endpoint.challenged_at, endpoint.due_at = at, at + INTERVAL
    if endpoint.failures >= FAILURES_BEFORE_BLOCK:
        endpoint.state = "blocked"
