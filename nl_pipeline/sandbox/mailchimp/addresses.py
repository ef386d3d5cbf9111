"""E-mail addresses as Mailchimp sees them: hash, syntax check, the filter of fake domains.

Belongs here: questions that the text of an address alone answers. Does not belong here: whether
an address is on a list.
"""

from __future__ import annotations

import re
from hashlib import md5

from nl_pipeline.sandbox.mailchimp import errors
from nl_pipeline.sandbox.mailchimp.switches import Switches

_SYNTAX = re.compile(r"^[^@\s<>(),;:\"\[\]\\]{1,64}@(?:[^@\s.<>(),;:\"\[\]\\]+\.)+[^@\s.\d<>,;:]+$")


def subscriber_hash(email_address: str) -> str:
    """MD5 hex of the lower-cased address: the member's ``id``."""
    return md5(email_address.strip().lower().encode(), usedforsecurity=False).hexdigest()


def is_address(text: str) -> bool:
    """Whether the text looks like one e-mail address."""
    return (
        len(text) <= 254
        and _SYNTAX.match(text) is not None
        and ".." not in text
        and not text.startswith(".")
        and ".@" not in text
    )


def accepted_address(text: str, *, switches: Switches) -> str:
    """The address as it is stored; raises the problem Mailchimp answers for a bad one."""
    address = text.strip()
    if not is_address(address):
        raise errors.invalid_address()
    if address.rpartition("@")[2].lower() in switches.fake_domains:
        raise errors.fake_address(address)
    if address.lower() in switches.throttled_addresses:
        raise errors.too_many_signups(address)
    return address.lower() if switches.email_case == "lowered" else address
