"""URLs of webhooks: what makes two of them the same, and the check that the receiver answers.

Belongs here: the validating GET and the comparison. Does not belong here: the resource
(``webhooks``) and deliveries (``sender``). The sandbox never calls out: a URL that
is not on loopback counts as unreachable.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx

from nl_pipeline.sandbox.loopback import is_loopback

VALIDATOR = "MailChimp.com WebHook Validator"
"""User-Agent of the check, from a request capture."""

TIMEOUT_SECONDS = 10.0


def without_query(url: str) -> str:
    """What identifies a webhook: the same URL with another query is a duplicate."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"


async def check_answer(url: str) -> int:
    """HTTP status of a GET on the URL; 0 when nobody answers."""
    if not is_loopback(url):
        return 0
    async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False) as client:
        try:
            answer = await client.get(url, headers={"User-Agent": VALIDATOR})
        except httpx.HTTPError:
            return 0
    return answer.status_code
