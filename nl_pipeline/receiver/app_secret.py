"""What a provider proves, and asks us to prove, with the secret of the app it was registered for.

Belongs here: LinkedIn's challenge and the signature of its notices. Must not be here: where the
secret is kept (``settings``), what follows from a wrong signature (``hooks``).

One secret serves both, and LinkedIn signs ``hmacsha256=`` with the body behind it: whoever may
choose the code of a challenge could have any notice signed by us. Codes are UUIDs, so nothing that
could be the beginning of a signed notice is answered.
"""

from __future__ import annotations

import hmac
import json
import re
from enum import StrEnum
from urllib.parse import parse_qs

_PREFIX = b"hmacsha256="
_CODE = re.compile(r"[0-9A-Za-z-]{1,128}")


class Proof(StrEnum):
    """What a signature is. `BODY_ONLY` is made with the secret, but not as it is documented."""

    VALID = "valid"
    BODY_ONLY = "body_only"
    WRONG = "wrong"


def challenge_code(query: bytes) -> str | None:
    """The code of a query, None where there is none. ValueError for what is no such code."""
    told = parse_qs(query.decode("latin-1"), keep_blank_values=True).get("challengeCode")
    if told is None:
        return None
    if len(told) != 1 or _CODE.fullmatch(told[0]) is None:
        raise ValueError("not the code of a challenge")
    return told[0]


def challenge_answer(code: str, *, secret: str) -> bytes:
    """The JSON that shows that we know the secret (LinkedIn docs, webhook validation)."""
    response = hmac.new(secret.encode(), code.encode(), "sha256").hexdigest()
    return json.dumps({"challengeCode": code, "challengeResponse": response}).encode()


def proof_of(body: bytes, *, header: str, secret: str) -> Proof:
    """Judge ``X-LI-Signature`` over the raw body.

    Hexadecimal HMAC-SHA256 over ``hmacsha256=`` and the body (LinkedIn docs, webhook validation).
    Whether the header repeats that prefix is not documented; some write that the body alone is
    signed, which is told apart so that it would be noticed.
    """
    told = header.strip().lower().removeprefix(_PREFIX.decode()).encode()
    signed, body_only = (
        hmac.new(secret.encode(), message, "sha256").hexdigest().encode()
        for message in (_PREFIX + body, body)
    )
    # Both compared, so that it takes as long whichever it is.
    is_valid = hmac.compare_digest(signed, told)
    is_body_only = hmac.compare_digest(body_only, told)
    if is_valid:
        return Proof.VALID
    return Proof.BODY_ONLY if is_body_only else Proof.WRONG
