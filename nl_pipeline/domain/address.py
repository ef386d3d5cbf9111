"""The key of a person at a provider: one normal form of an e-mail address.

Belongs here: normal form and validity. Must not be here: which contact owns an address.
"""

from __future__ import annotations

import re
import unicodedata

import idna

# Deliberately narrow: what Mailchimp takes as "valid" is its own business, what we refuse here
# is what cannot be an address at all (blanks inside, no or two @, no dot in the domain).
_LOCAL = re.compile(r"[^\s\x00-\x1f\x7f@,;<>()\[\]\\\"]{1,64}\Z")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z")
_PLAIN = re.compile(
    r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+"
    r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z"
)


def address_key(raw: str | None) -> str | None:
    """The key of ``raw``: trimmed, lower case, NFC, domain in ASCII (IDNA); None if unusable.

    No folding of dots or plus parts: those are different addresses for a provider.
    """
    if not raw:
        return None
    text = raw.strip().lower()
    if text.isascii():
        return text if len(text) <= 254 and _PLAIN.match(text) and ".." not in text else None
    text = unicodedata.normalize("NFC", text)
    local, at, domain = text.partition("@")
    if not at or not _LOCAL.match(local) or local.startswith(".") or local.endswith("."):
        return None
    try:
        ascii_domain = idna.encode(domain, uts46=True).decode("ascii").lower()
    except idna.IDNAError:
        return None
    labels = ascii_domain.split(".")
    if len(labels) < 2 or not all(_LABEL.match(label) for label in labels):
        return None
    key = f"{local}@{ascii_domain}"
    if len(key) > 254 or ".." in key:
        return None
    # An ASCII key is held to the rule of ASCII addresses, so that the key of a key is itself.
    return key if not key.isascii() or _PLAIN.match(key) else None
