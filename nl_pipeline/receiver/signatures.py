"""Whether a request was signed by the provider.

Belongs here: the check of the header over the raw body. Must not be here: where keys are kept
(``webhook_log.keys``) and what follows from a wrong signature (``hooks``).
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence


def is_signed(
    body: bytes, *, header: str, signing_secrets: Sequence[str], now: float, tolerance: float
) -> bool:
    """Whether ``X-Mailchimp-Signature`` says that Mailchimp sent exactly these bytes.

    ``t=<unix>,v1=<hex>``, HMAC-SHA256 over ``<t>.<raw body>``, at most ``tolerance`` seconds away
    from ``now`` (Mailchimp docs, webhooks). Any of several ``v1`` and of several secrets counts,
    as there are two while a secret is being replaced.
    """
    signed_at, signatures = _parts(header)
    if signed_at is None or abs(now - int(signed_at)) > tolerance:
        return False
    message = signed_at.encode() + b"." + body
    matches = False
    for secret in signing_secrets:
        expected = hmac.new(secret.encode(), message, "sha256").hexdigest().encode()
        for signature in signatures:
            matches |= hmac.compare_digest(expected, signature)
    return matches


def _parts(header: str) -> tuple[str | None, list[bytes]]:
    """The time as written, if there is exactly one, and all ``v1`` of the header."""
    times: list[str] = []
    signatures: list[bytes] = []
    for part in header.split(","):
        name, _, value = part.strip().partition("=")
        if name == "t" and value.isascii() and value.isdigit() and len(value) < 16:
            times.append(value)
        elif name == "v1":
            signatures.append(value.lower().encode())
    # More than a few is an attempt to make us work.
    return (times[0] if len(times) == 1 else None), signatures[:8]
