"""The kinds of value a setting can have: what is allowed in each, said once.

Belongs here: checked text (names, tags, URLs, time zones, cron strings) with the sentence that
says what is allowed; error messages, JSON Schema and the documentation all use that sentence.
Not here: which setting has which kind (`models`).
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, Field

from nl_pipeline.settings.problems import refusal


@dataclass(frozen=True)
class Allowed:
    """What may be written for a setting, in words."""

    text: str


@dataclass(frozen=True)
class KeyName:
    """What the key of a named entry is called in the description; ``name`` where nothing says."""

    text: str


_TIME_ZONE = "a name of the IANA time zone database, for example Europe/Berlin"
_CRON = "five cron fields: minute hour day month weekday, for example */15 * * * *"
_URL = "an https:// address; http:// only for 127.0.0.1, ::1 and localhost"


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _check_time_zone(value: str) -> str:
    if value not in _time_zones():
        raise refusal("this time zone is not known", allowed=_TIME_ZONE)
    return value


def _check_cron(value: str) -> str:
    # cronsim also reads a sixth field (seconds), which the scheduler does not have.
    if len(value.split()) != 5:
        raise refusal("a schedule has exactly five fields", allowed=_CRON)
    try:
        CronSim(value, datetime(2026, 1, 1, tzinfo=UTC))
    except CronSimError as error:
        raise refusal(
            f"this schedule can't be read ({str(error).lower()})", allowed=_CRON
        ) from None
    return value


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check_base_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        host = parts.hostname
        _ = parts.port  # the port is only checked when it is asked for
    except ValueError:
        raise refusal("this address can't be read", allowed=_URL) from None
    if parts.username is not None or parts.password is not None:
        raise refusal(
            "an address must not carry a user name or password",
            allowed=_URL,
            next_step="remove everything between // and @",
        )
    if not host or parts.scheme not in {"http", "https"}:
        raise refusal("this is no web address", allowed=_URL)
    if parts.scheme == "http" and not _is_loopback(host):
        raise refusal("keys and contacts would travel in clear", allowed=_URL)
    if parts.query or parts.fragment:
        raise refusal("an address must end with its path", allowed="no ? and no # part")
    return value.rstrip("/")


def _check_text(value: str) -> str:
    if not value.strip():
        raise refusal("must not be empty", allowed="text")
    return value


Text = Annotated[str, AfterValidator(_check_text), Field(min_length=1), Allowed("text")]
TimeZone = Annotated[str, AfterValidator(_check_time_zone), Allowed(_TIME_ZONE)]
Cron = Annotated[str, AfterValidator(_check_cron), Allowed(_CRON)]
BaseUrl = Annotated[str, AfterValidator(_check_base_url), Allowed(_URL)]

CONNECTION_NAME = Allowed(
    "lower-case letters, digits and hyphens, at most 63, for example my-agency"
)
ConnectionName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$"), CONNECTION_NAME]
FieldName = Annotated[
    str,
    Field(pattern=r"^[a-z][a-z0-9_]{0,62}$"),
    Allowed("lower-case letters, digits and underscores, starting with a letter"),
]
ProviderField = Annotated[
    str,
    Field(pattern=r"^[A-Z0-9_-]{1,100}$"),
    Allowed(
        "at Mailchimp at most 10 upper-case letters, digits and underscores, for example FNAME; at "
        "Brevo at most 100, and hyphens, too"
    ),
]
Country = Annotated[
    str,
    Field(pattern=r"^[A-Z]{2}$"),
    Allowed("a two-letter country code (ISO 3166), for example DE"),
]
Memory = Annotated[
    str,
    Field(pattern=r"^[1-9][0-9]*(MB|GB)$"),
    Allowed("a whole number with MB or GB, for example 512MB"),
]
Whole = Annotated[int, Field(ge=1), Allowed("a whole number, 1 or more")]
Count = Annotated[int, Field(ge=0), Allowed("a whole number, 0 or more")]
Percent = Annotated[float, Field(ge=0, le=100), Allowed("a number from 0 to 100")]


def in_bytes(memory: str) -> int:
    """A `Memory` in bytes; MB and GB are decimal, as on the label of a disk."""
    return int(memory[:-2]) * {"MB": 10**6, "GB": 10**9}[memory[-2:]]
