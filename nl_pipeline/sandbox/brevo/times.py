"""Time formats of the Brevo API: rendering of stored milliseconds, reading of filters and input.

Belongs here: conversion between milliseconds since 1970 and the vendor's texts. Does not belong
here: the clock; callers pass the moment they mean.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from nl_pipeline.sandbox.brevo.switches import Switches

ZONE = ZoneInfo("Europe/Berlin")
"""The account's time zone."""

_DATE = re.compile(r"^\d{4}-\d\d-\d\d$")


def shown(at: int, *, switches: Switches) -> str:
    """``2026-08-01T19:43:31.777+02:00``, or with ``Z``, in UTC."""
    seconds, milliseconds = divmod(at, 1000)
    if switches.times == "utc":
        return f"{_utc(seconds)}.{milliseconds:03d}Z"
    text, offset = _local(seconds)
    return f"{text}.{milliseconds:03d}{offset}"


def plain_local(at: int) -> str:
    """``2026-03-02 09:00:00``, the account's time without its zone, as webhooks have it."""
    return _local(at // 1000)[0].replace("T", " ")


def plain_utc(at: int) -> str:
    """The same in UTC."""
    return _utc(at // 1000).replace("T", " ")


@lru_cache(maxsize=65_536)
def _local(seconds: int) -> tuple[str, str]:
    text = datetime.fromtimestamp(seconds, tz=ZONE).isoformat(timespec="seconds")
    return text[:19], text[19:]


@lru_cache(maxsize=65_536)
def _utc(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).isoformat(timespec="seconds")[:19]


def parse(text: str) -> int | None:
    """Milliseconds of an ISO 8601 date-time (no zone = UTC); ``None`` when it is not one."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    if len(text.strip()) < 19:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)


def parse_day(text: str) -> int | None:
    """Milliseconds of the beginning of a day ``YYYY-MM-DD`` in UTC; ``None`` when it is not one."""
    if not _DATE.match(text):
        return None
    try:
        return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)
    except ValueError:
        return None
