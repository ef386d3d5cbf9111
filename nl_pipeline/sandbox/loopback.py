"""Which URLs a twin may call: those on this machine's loopback alone.

Belongs here: the one question every twin asks before it sends a webhook. Does not belong here:
sending. The sandbox never calls out.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


def is_loopback(url: str) -> bool:
    """Whether the URL's host is this machine's loopback."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
