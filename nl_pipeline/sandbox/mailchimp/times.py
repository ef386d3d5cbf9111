"""Time formats of the Mailchimp API: rendering of stored seconds, reading of filters and input.

Belongs here: conversion between whole epoch seconds (0 = never) and the vendor's texts. Does not
belong here: the clock; callers pass the second they mean.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache

_ISO = re.compile(r"^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d)?(\.\d{1,6})?(Z|[+-]\d\d:?\d\d)?)?$")


@lru_cache(maxsize=65_536)
def iso(epoch: int) -> str:
    """``2026-03-26T21:40:57+00:00``; ``""`` for 0, as the API renders a missing time."""
    if not epoch:
        return ""
    return datetime.fromtimestamp(epoch, tz=UTC).isoformat(timespec="seconds")


def plain(epoch: int) -> str:
    """``2026-03-26 21:40:57``: UTC without a zone, the form of webhooks' ``fired_at``."""
    return datetime.fromtimestamp(epoch, tz=UTC).strftime("%Y-%m-%d %H:%M:%S")


def day(epoch: int) -> str:
    """``2026-03-26``, the day in UTC."""
    return _day(epoch // 86_400)


@lru_cache(maxsize=8_192)
def _day(number: int) -> str:
    return datetime.fromtimestamp(number * 86_400, tz=UTC).strftime("%Y-%m-%d")


def parse(text: str) -> float | None:
    """Epoch seconds of an ISO-like time (no zone = UTC); ``None`` when it is not one.

    Seven fractional digits are "not one": Mailchimp returned all members for such a filter
    (MailChimp.Net issue 525).
    """
    match = _ISO.match(text.strip())
    if match is None:
        return None
    date, minutes, seconds, fraction, zone = match.groups()
    zone = "+00:00" if zone in (None, "Z") else zone
    stamp = f"{date}T{minutes or '00:00'}{seconds or ':00'}{fraction or ''}{zone}"
    try:
        return datetime.fromisoformat(stamp).timestamp()
    except ValueError:
        return None
