"""Brevo's failures, sorted by what the caller does next.

Belongs here: status and error envelope to class, and the causes of refusals. Source: the error
bodies that public clients match on. `code` alone decides nothing: the code of a doubled address
changed in May 2026 while its metadata stayed, so metadata comes first and then the text.

`message` may name an address: it is read for known phrases and dropped. What support asks for, the
`sib-request-id` of an answer, is kept in the error.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any, Literal

import httpx
import msgspec

from nl_pipeline.clients.errors import (
    ApiError,
    OperatorNeeded,
    OutcomeUnknown,
    Permanent,
    Retryable,
    SkipRecord,
    Withheld,
)

SYSTEM = "brevo"

Scope = Literal["contact", "account"]


class RefusalCause(StrEnum):
    """Why Brevo does not take a contact as it was sent, or we did not send it."""

    EXISTS = "exists"
    """Another contact has the address."""
    DUPLICATE = "duplicate"
    """Another contact has the same telephone number or external id."""
    INVALID_EMAIL = "invalid_email"
    ATTRIBUTES = "attributes"
    """The account lacks an attribute, or it does not take the value: Brevo drops both silently."""
    ACCOUNT_USER = "account_user"
    """The address is a login of the Brevo account itself."""
    TOO_LARGE = "too_large"
    """One row is larger than a whole import may be."""
    STILL_LISTED = "still_listed"
    """The contact is on the list although Brevo was told to take it off."""
    OTHER = "other"


class ContactRefused(SkipRecord):
    """One contact was refused. `fields` are the attributes it was for."""

    def __init__(
        self, what: str, *, cause: RefusalCause, status: int | None, fields: tuple[str, ...] = ()
    ) -> None:
        named = f", attributes {', '.join(fields)}" if fields else ""
        super().__init__(
            f"{what}: refused{named}",
            system=SYSTEM,
            code=cause.value,
            status=status,
            what_next=_NEXT[cause],
        )
        self.cause = cause
        self.fields = fields


class ContactAbsent(SkipRecord):
    """There is no contact under this id or address."""


class Problem(msgspec.Struct, frozen=True):
    """The error envelope; every part may be missing, and metadata is seen on conflicts only."""

    code: str = ""
    message: str = ""
    metadata: dict[str, Any] | None = None

    @property
    def duplicates(self) -> tuple[str, ...]:
        """The identifiers another contact has."""
        listed = (self.metadata or {}).get("duplicate_identifiers")
        return tuple(str(name) for name in listed) if isinstance(listed, list) else ()


_NEXT = {
    RefusalCause.EXISTS: "nothing; the next run reads the other contact and plans again",
    RefusalCause.DUPLICATE: "find the other contact in Brevo; two persons share an identifier",
    RefusalCause.INVALID_EMAIL: "correct the address in the CRM",
    RefusalCause.ATTRIBUTES: "create the named attributes in Brevo, or correct the values or the"
    " mapping",
    RefusalCause.ACCOUNT_USER: "use another address; this one is a login of the Brevo account",
    RefusalCause.TOO_LARGE: "shorten the mapped values of this contact",
    RefusalCause.STILL_LISTED: "nothing; it is sent again in every run until it is done",
    RefusalCause.OTHER: "look at the contact in Brevo",
}
# First match decides. Phrases contain a blank, so that no address can contain them.
_PHRASES: tuple[tuple[str, RefusalCause], ...] = (
    ("email is already associated with another contact", RefusalCause.EXISTS),
    ("contact already exist", RefusalCause.EXISTS),
    ("is already associated with another contact", RefusalCause.DUPLICATE),
    ("email is not valid", RefusalCause.INVALID_EMAIL),
    ("invalid email", RefusalCause.INVALID_EMAIL),
    ("email address is invalid", RefusalCause.INVALID_EMAIL),
)
NOTHING_REMOVED = "nothing-removed"
"""The code of a removal that was refused because there was nothing to remove."""

# The exact text; only it tells such a refusal from others.
_NOTHING_REMOVED_TEXT = "Contact already removed from list and/or does not exist"

_CODE = re.compile(r"[a-z][a-z_]{0,39}")
_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_IN_PROCESS = "account_in_process"


def problem_of(body: bytes) -> Problem | None:
    """The envelope in an answer; None where there is none (a proxy answers in HTML)."""
    try:
        problem = msgspec.json.decode(body, type=Problem, strict=False)
    except msgspec.DecodeError:
        return None
    return problem if problem.code or problem.message else None


def response_failure(response: httpx.Response, *, what: str, scope: Scope) -> ApiError | None:
    """Return the error for an HTTP response, None for a success.

    `scope` says whose own a refusal is: one contact's, or the account's.
    """
    status = response.status_code
    if 200 <= status < 300:
        return None
    what += _named(response)
    problem = problem_of(response.content)
    if status == 429:
        # How long to wait is the limiter's to know: it read the headers of the same answer.
        return Retryable(
            f"{what}: throttled", system=SYSTEM, code="throttled", status=status, not_applied=True
        )
    if status == 425 or (problem is not None and problem.code == _IN_PROCESS):
        return Retryable(
            f"{what}: Brevo is not ready for it",
            system=SYSTEM,
            code="in-process",
            status=status,
            not_applied=True,
        )
    if status == 408 or status >= 500:
        return Retryable(
            f"{what}: passing failure at Brevo", system=SYSTEM, code="server", status=status
        )
    if problem is None and status != 401:
        # An HTML 404 of a proxy says nothing about a contact.
        return OperatorNeeded(
            f"{what}: the answer does not come from the Brevo API",
            system=SYSTEM,
            code="endpoint",
            status=status,
            what_next="check base_url and proxies of this connection",
        )
    problem = problem or Problem()
    if status in (401, 402, 403):
        return OperatorNeeded(
            f"{what}: the key was not accepted for this",
            system=SYSTEM,
            code=_code(problem),
            status=status,
            what_next="check the API key, the addresses it may be used from (Authorized IPs) and"
            " what the plan and its credits allow",
        )
    if scope == "account":
        return _account_failure(status, problem=problem, what=what)
    if status == 404:
        return absent(what, status=status)
    return ContactRefused(what, cause=_cause(status, problem=problem), status=status)


def absent(what: str, *, status: int | None = None) -> ContactAbsent:
    """Return the error for a contact that is not there."""
    return ContactAbsent(
        f"{what}: no such contact",
        system=SYSTEM,
        code="absent",
        status=status,
        what_next="nothing; the next run finds the contact by its address, or plans again",
    )


def unreadable(what: str, *, response: httpx.Response) -> Retryable:
    """Return the error for a success whose body is cut or not what was asked for."""
    return Retryable(
        f"{what}{_named(response)}: the answer is cut or not readable",
        system=SYSTEM,
        code="unreadable",
        status=response.status_code,
    )


def unknown_outcome(what: str, *, code: str) -> OutcomeUnknown:
    """Return the error for something of which nothing was heard."""
    return OutcomeUnknown(
        f"{what}: sent, and its outcome is not known",
        system=SYSTEM,
        code=code,
        what_next="nothing; the next run reads the contact and plans again",
    )


def kept_back(what: str) -> Withheld:
    """Return the error for what the caller had a reason against right before it was sent."""
    return Withheld(
        what,
        system=SYSTEM,
        code="withheld",
        what_next="nothing; the next plan decides anew",
    )


def _account_failure(status: int, *, problem: Problem, what: str) -> ApiError:
    if status == 404:
        return OperatorNeeded(
            f"{what}: the list or object is gone",
            system=SYSTEM,
            code=_code(problem),
            status=status,
            what_next="check that the list still exists under its id",
        )
    nothing_removed = problem.message.strip() == _NOTHING_REMOVED_TEXT
    return Permanent(
        f"{what}: the call was refused",
        system=SYSTEM,
        code=NOTHING_REMOVED if nothing_removed else _code(problem),
        status=status,
        what_next="check the settings this call was made from; report it if they are right",
    )


def _cause(status: int, *, problem: Problem) -> RefusalCause:
    duplicates = {name.lower() for name in problem.duplicates}
    if duplicates:
        return RefusalCause.EXISTS if "email" in duplicates else RefusalCause.DUPLICATE
    if status == 405:
        return RefusalCause.ACCOUNT_USER
    text = problem.message.lower()
    return next((cause for phrase, cause in _PHRASES if phrase in text), RefusalCause.OTHER)


def _code(problem: Problem) -> str:
    """Some texts are sent as codes: only what looks like one gets into messages."""
    return problem.code if _CODE.fullmatch(problem.code) else "problem"


def _named(response: httpx.Response) -> str:
    request_id = response.headers.get("sib-request-id", "")
    return f" (sib-request-id {request_id})" if _REQUEST_ID.fullmatch(request_id) else ""
