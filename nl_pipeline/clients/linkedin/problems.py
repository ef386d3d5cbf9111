"""LinkedIn's failures, sorted by what the caller does next.

Belongs here: status and error envelope to class. Sources: LinkedIn's error pages and bodies seen
in public traffic; `code` is missing from the older envelope, so that status decides.

A message of LinkedIn's is read for known phrases and dropped. `x-li-uuid` is kept, because
LinkedIn's support asks for it.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import httpx
import msgspec

from nl_pipeline.clients.errors import ApiError, OperatorNeeded, Permanent, Retryable, SkipRecord
from nl_pipeline.clients.http import retry_after_seconds
from nl_pipeline.clients.server_time import date_of

SYSTEM = "linkedin"

_CHALLENGE = "did not pass the security challenge"
_CODE = re.compile(r"[A-Z][A-Z0-9_]{0,59}")
_UUID = re.compile(r"[A-Za-z0-9+/=_-]{1,64}")
_LEADS = (
    "the app needs the Lead Sync API product and the scope r_marketing_leadgen_automation; the"
    " member needs a role on the ad account and one on its page (ADMINISTRATOR,"
    " LEAD_GEN_FORMS_MANAGER, CURATOR, CONTENT_ADMINISTRATOR or ANALYST)"
)
_MISSING = {
    "leadFormResponses": _LEADS,
    "leadNotifications": _LEADS,
    "leadForms": (
        "the app needs the scope r_ads or r_marketing_leadgen_automation; the member needs a role"
        " on the ad account, VIEWER at least, or on the page"
    ),
    "adAccounts": "the app needs the scope r_ads; the member needs a role on an ad account",
    "organizationAcls": (
        "the app needs the scope r_organization_admin; the member needs an approved role on a page"
    ),
}


class TokenRefused(OperatorNeeded):
    """The access token was not accepted (401); a refreshed one may be."""


class VersionSunset(OperatorNeeded):
    """LinkedIn does not serve this version of its API (any more)."""


class LeadAbsent(SkipRecord):
    """LinkedIn has nothing under this id: deleted, kept no longer, or not readable yet."""


class DailyQuotaReached(Retryable):
    """No call of this kind is answered before `until`, the next 00:00 UTC."""

    def __init__(self, what: str, *, code: str, now: datetime) -> None:
        self.until = next_midnight(now)
        super().__init__(
            f"{what}: the quota of the day is used up until {self.until:%Y-%m-%d %H:%M} UTC",
            system=SYSTEM,
            code=code,
            what_next="nothing; the first run after that goes on. The developer portal of LinkedIn"
            " shows the quotas of the app under Analytics",
            status=429,
            not_applied=True,
            retry_after=(self.until - now).total_seconds(),
        )


class _Envelope(msgspec.Struct, frozen=True):
    message: str = ""
    code: str = ""
    service_code: int | None = msgspec.field(name="serviceErrorCode", default=None)


def next_midnight(now: datetime) -> datetime:
    """Return the next 00:00 UTC, when LinkedIn counts anew."""
    day = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day + timedelta(days=1)


def failure_of(
    response: httpx.Response, *, method: str, template: str, version: str
) -> ApiError | None:
    """Return the error for an answer, None for a success."""
    status = response.status_code
    if 200 <= status < 300:
        return None
    what = f"{method} {template}{_reference(response)}"
    envelope = _envelope(response.content)
    code = _code(envelope)
    if status == 429:
        if envelope is not None and " DAY " in f" {envelope.message} ":
            return DailyQuotaReached(what, code=code, now=_now(response))
        return Retryable(
            f"{what}: throttled",
            system=SYSTEM,
            code=code,
            status=status,
            not_applied=True,
            retry_after=retry_after_seconds(response),
        )
    if status == 408 or status >= 500:
        return Retryable(
            f"{what}: passing failure at LinkedIn",
            system=SYSTEM,
            code=code,
            status=status,
            retry_after=retry_after_seconds(response),
        )
    if status == 401:
        return TokenRefused(
            f"{what}: the access token was not accepted",
            system=SYSTEM,
            code=code,
            status=status,
            what_next=REAUTHORIZE,
        )
    if envelope is None:
        # An HTML 404 of a proxy says nothing about a lead.
        return OperatorNeeded(
            f"{what}: the answer does not come from LinkedIn's API",
            system=SYSTEM,
            code="endpoint",
            status=status,
            what_next="check base_url and proxies of this connection",
        )
    return _refusal(
        status, envelope=envelope, code=code, what=what, template=template, version=version
    )


def _refusal(
    status: int, *, envelope: _Envelope, code: str, what: str, template: str, version: str
) -> ApiError:
    if status == 426 or code in ("NONEXISTENT_VERSION", "VERSION_MISSING"):
        return VersionSunset(
            f"{what}: LinkedIn does not serve version {version} of its API",
            system=SYSTEM,
            code=code,
            status=status,
            what_next="set leads.linkedin.version of this connection to one of the months that"
            " LinkedIn's migrations page lists as supported",
        )
    if status == 403:
        resource = template.split("/")[1]
        return OperatorNeeded(
            f"{what}: not permitted",
            system=SYSTEM,
            code=code,
            status=status,
            what_next=_MISSING.get(resource, "check the scopes of the app and the member's roles"),
        )
    if status == 404 and "{" in template:
        return LeadAbsent(
            f"{what}: LinkedIn has nothing under this id",
            system=SYSTEM,
            code=code,
            status=status,
            what_next="nothing, if it was deleted or is older than LinkedIn keeps it",
        )
    if status == 404:
        return OperatorNeeded(
            f"{what}: there is no such part of the API, or the app may not see it",
            system=SYSTEM,
            code=code,
            status=status,
            what_next="check base_url of this connection, and the products of the app",
        )
    if _CHALLENGE in envelope.message:
        return OperatorNeeded(
            f"{what}: the webhook did not answer LinkedIn's challenge",
            system=SYSTEM,
            code="webhook_not_reached",
            status=status,
            what_next="check that the receiver runs, is reached from the internet under"
            " webhooks.public_url without a login or redirect, and has the app's client secret",
        )
    return Permanent(
        f"{what}: the call was refused",
        system=SYSTEM,
        code=code,
        status=status,
        what_next="check the settings this call was made from; report it if they are right",
    )


REAUTHORIZE = (
    "authorize the connection again at LinkedIn, as a member with a role on the ad account and its"
    " page, and put the new refresh token into the settings"
)


def unreadable(what: str, *, response: httpx.Response) -> Retryable:
    """Return the error for a success whose body is cut or not what was asked for."""
    return Retryable(
        f"{what}{_reference(response)}: the answer is cut or not readable",
        system=SYSTEM,
        code="unreadable",
        status=response.status_code,
    )


def _reference(response: httpx.Response) -> str:
    uuid = response.headers.get("x-li-uuid", "")
    return f" (x-li-uuid {uuid})" if _UUID.fullmatch(uuid) else ""


def _now(response: httpx.Response) -> datetime:
    return date_of(response) or datetime.now(UTC)


def _envelope(body: bytes) -> _Envelope | None:
    try:
        envelope = msgspec.json.decode(body, type=_Envelope)
    except msgspec.DecodeError:
        return None
    is_told = envelope.message or envelope.code or envelope.service_code is not None
    return envelope if is_told else None


def _code(envelope: _Envelope | None) -> str:
    if envelope is None:
        return "no-envelope"
    if _CODE.fullmatch(envelope.code):
        return envelope.code
    return "problem" if envelope.service_code is None else str(envelope.service_code)
