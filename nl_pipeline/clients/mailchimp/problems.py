"""Mailchimp's failures, sorted by what the caller does next.

Belongs here: status and problem document to class, and the causes of refusals. Source: Mailchimp's
error pages and the texts public clients match on; `type` is missing at times, so that `title` and
`detail` decide.

`detail` starts with the address more often than not: it is read for known phrases and dropped.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from typing import Literal

import httpx
import msgspec

from nl_pipeline.clients.errors import (
    ApiError,
    OperatorNeeded,
    OutcomeUnknown,
    Permanent,
    Retryable,
    SkipRecord,
)
from nl_pipeline.clients.http import retry_after_seconds

SYSTEM = "mailchimp"

Scope = Literal["member", "members", "account"]


class RefusalCause(StrEnum):
    """Why Mailchimp does not take a member as it was sent."""

    COMPLIANCE = "compliance"
    FORGOTTEN = "forgotten"
    CLEANED = "cleaned"
    UNSUBSCRIBED = "unsubscribed"
    ARCHIVED = "archived"
    EXISTS = "exists"
    FAKE_OR_INVALID = "fake_or_invalid"
    INVALID_EMAIL = "invalid_email"
    MERGE_FIELDS = "merge_fields"
    TOO_MANY_SIGNUPS = "too_many_signups"
    CONTACT_LIMIT = "contact_limit"
    OTHER = "other"


class MemberRefused(SkipRecord):
    """Mailchimp refused one member. `fields` are the merge tags it named."""

    def __init__(
        self, what: str, *, cause: RefusalCause, status: int | None, fields: tuple[str, ...] = ()
    ) -> None:
        named = f", fields {', '.join(fields)}" if fields else ""
        super().__init__(
            f"{what}: refused{named}",
            system=SYSTEM,
            code=cause.value,
            status=status,
            what_next=_NEXT[cause],
        )
        self.cause = cause
        self.fields = fields


class MemberAbsent(SkipRecord):
    """There is no member under this id."""


class StateForbids(SkipRecord):
    """The member's status does not allow the operation (405, archiving)."""


class FieldError(msgspec.Struct, frozen=True):
    """One entry of `errors` in a problem document."""

    field: str = ""
    message: str = ""


class Problem(msgspec.Struct, frozen=True):
    """A problem document; every part may be missing."""

    title: str = ""
    detail: str = ""
    status: int | None = None
    errors: list[FieldError] = msgspec.field(default_factory=list)


# First match decides. Phrases contain a blank, so that no address can contain them.
_PHRASES: tuple[tuple[str, RefusalCause], ...] = (
    ("in a compliance state", RefusalCause.COMPLIANCE),
    ("was permanently deleted", RefusalCause.FORGOTTEN),
    ("was previously removed from this audience", RefusalCause.FORGOTTEN),
    ('with a status of "deleted"', RefusalCause.FORGOTTEN),
    ("must opt in again", RefusalCause.UNSUBSCRIBED),
    ('status is "unsubscribed', RefusalCause.UNSUBSCRIBED),
    ('with a status of "unsubscribed"', RefusalCause.UNSUBSCRIBED),
    ('status is "cleaned', RefusalCause.CLEANED),
    ('with a status of "cleaned"', RefusalCause.CLEANED),
    ('status is "archived', RefusalCause.ARCHIVED),
    ('with a status of "subscribed"', RefusalCause.EXISTS),
    ("is already a list member", RefusalCause.EXISTS),
    ("looks fake or invalid", RefusalCause.FAKE_OR_INVALID),
    ("provide a valid email address", RefusalCause.INVALID_EMAIL),
    ("signed up to a lot of lists", RefusalCause.TOO_MANY_SIGNUPS),
    ("merge fields were invalid", RefusalCause.MERGE_FIELDS),
    # How a plan that takes no further contact says so was seen nowhere.
    ("limit of contacts", RefusalCause.CONTACT_LIMIT),
    ("contact limit", RefusalCause.CONTACT_LIMIT),
)
_TITLES = {
    "Member In Compliance State": RefusalCause.COMPLIANCE,
    "Forgotten Email Not Subscribed": RefusalCause.FORGOTTEN,
    "Member Exists": RefusalCause.EXISTS,
}
# Refused webhooks, by texts seen in issues of public projects; the facts name no title for them.
_WEBHOOK_PHRASES = (
    ("couldn't verify the url", "webhook_not_reached"),
    ("can't set up multiple webhooks", "webhook_doubled"),
)
_OPT_OUT = "nothing is sent again; the address is treated as withdrawn or blocked at Mailchimp"
_NEXT = {
    RefusalCause.COMPLIANCE: _OPT_OUT,
    RefusalCause.FORGOTTEN: _OPT_OUT,
    RefusalCause.UNSUBSCRIBED: _OPT_OUT,
    RefusalCause.CLEANED: "correct the address in the CRM; it bounced",
    RefusalCause.ARCHIVED: "nothing; archived members are not brought back",
    RefusalCause.EXISTS: "nothing; the next run reads the existing member and plans again",
    RefusalCause.FAKE_OR_INVALID: "correct the address in the CRM",
    RefusalCause.INVALID_EMAIL: "correct the address in the CRM",
    RefusalCause.MERGE_FIELDS: "correct the named fields in the CRM or their mapping",
    RefusalCause.TOO_MANY_SIGNUPS: "wait a day; Mailchimp limits sign-ups of one address",
    RefusalCause.CONTACT_LIMIT: "raise the contact limit of the Mailchimp plan, or archive members",
    RefusalCause.OTHER: "look at the member in Mailchimp",
}

_TAG = re.compile(r"[A-Z][A-Z0-9_]{0,29}")
_CODE = re.compile(r"[A-Za-z][A-Za-z ]{0,59}")


def refusal_cause(*, title: str = "", detail: str = "") -> RefusalCause:
    """Return the cause that a title and a detail text stand for."""
    text = detail.lower()
    for phrase, cause in _PHRASES:
        if phrase in text:
            return cause
    return _TITLES.get(title, RefusalCause.OTHER)


def merge_tag(text: str) -> str:
    """Return the text if it is a merge tag, else "", so that nothing else gets into messages."""
    return text if _TAG.fullmatch(text) else ""


def failure_of(
    status: int,
    *,
    body: bytes,
    what: str,
    scope: Scope,
    not_before: Callable[[], float] = lambda: 0.0,
) -> ApiError | None:
    """Return the error for an answer, None for a success.

    `scope` says whose own a refusal is: one member's, that of the members in the body, or the
    account's. `not_before` gives the wait the server asked for, in seconds.
    """
    if 200 <= status < 300:
        return None
    problem = _problem(body)
    if status == 429 or (status == 403 and problem is None):
        # Under load a 403 without a problem document is throttling, too.
        return Retryable(
            f"{what}: throttled",
            system=SYSTEM,
            code="throttled",
            status=status,
            not_applied=True,
            retry_after=not_before(),
        )
    if status == 408 or status >= 500:
        return Retryable(
            f"{what}: passing failure at Mailchimp",
            system=SYSTEM,
            code="server",
            status=status,
            retry_after=not_before(),
        )
    if problem is None and status != 401:
        # An HTML 404 of a proxy says nothing about a member.
        return OperatorNeeded(
            f"{what}: the answer does not come from the Mailchimp API",
            system=SYSTEM,
            code="endpoint",
            status=status,
            what_next="check base_url and proxies of this connection",
        )
    problem = problem or Problem()
    if status in (401, 403):
        return OperatorNeeded(
            f"{what}: the key was not accepted for this",
            system=SYSTEM,
            code=_code(problem.title),
            status=status,
            what_next="check the API key, the role of its user and what the plan allows (contacts,"
            " audiences)",
        )
    if scope == "account" or (scope == "members" and status != 400):
        return _account_failure(status, problem=problem, what=what)
    if status == 404:
        return MemberAbsent(
            f"{what}: no such member",
            system=SYSTEM,
            code="absent",
            status=status,
            what_next="nothing; the next run finds the member by its contact id, or plans again",
        )
    if status == 405:
        return StateForbids(
            f"{what}: the member's status does not allow it",
            system=SYSTEM,
            code="state",
            status=status,
            what_next="nothing; the next run reads the status (archived, pending or cleaned)",
        )
    fields = tuple(tag for tag in (merge_tag(error.field) for error in problem.errors) if tag)
    cause = refusal_cause(title=problem.title, detail=problem.detail)
    if cause is RefusalCause.OTHER and fields:
        cause = RefusalCause.MERGE_FIELDS
    return MemberRefused(what, cause=cause, status=status, fields=fields)


def response_failure(response: httpx.Response, *, what: str, scope: Scope) -> ApiError | None:
    """Return the error for an HTTP response, None for a success."""
    return failure_of(
        response.status_code,
        body=response.content,
        what=what,
        scope=scope,
        not_before=lambda: retry_after_seconds(response),
    )


def unreadable(what: str, *, status: int | None) -> Retryable:
    """Return the error for a success whose body is cut or not what was asked for."""
    return Retryable(
        f"{what}: the answer is cut or not readable",
        system=SYSTEM,
        code="unreadable",
        status=status,
    )


def unknown_outcome(what: str, *, code: str) -> OutcomeUnknown:
    """Return the error for an operation of which nothing was heard."""
    return OutcomeUnknown(
        f"{what}: sent, and its outcome is not known",
        system=SYSTEM,
        code=code,
        what_next="nothing; the next run reads the member and plans again",
    )


def _account_failure(status: int, *, problem: Problem, what: str) -> ApiError:
    code = _code(problem.title)
    texts = " ".join([problem.detail, *(error.message for error in problem.errors)]).lower()
    code = next((c for phrase, c in _WEBHOOK_PHRASES if phrase in texts), code)
    if status == 404:
        return OperatorNeeded(
            f"{what}: the audience or object is gone",
            system=SYSTEM,
            code=code,
            status=status,
            what_next="check that the audience still exists under its id",
        )
    return Permanent(
        f"{what}: the call was refused",
        system=SYSTEM,
        code=code,
        status=status,
        what_next="check the settings this call was made from; report it if they are right",
    )


def _problem(body: bytes) -> Problem | None:
    try:
        problem = msgspec.json.decode(body, type=Problem, strict=False)
    except msgspec.DecodeError:
        return None
    return problem if problem.title or problem.detail else None


def _code(title: str) -> str:
    return title.replace(" ", "-").lower() if _CODE.fullmatch(title) else "problem"
