"""Errors of the Mailchimp API as problem documents (RFC 7807), and the named refusals.

Belongs here: status, title and text of every error the twin answers. Does not belong here: when
an error applies. Texts are those seen in recordings and client code; one marked [inferred] was not
seen anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_TYPE = "https://mailchimp.com/developer/marketing/docs/errors/"


@dataclass(frozen=True, slots=True)
class FieldError:
    """One entry of ``errors``: the field (or merge tag) and what is wrong with it."""

    field: str
    message: str


class ApiProblem(Exception):
    """An answer with a problem document.

    ``member_error`` marks the two errors that were recorded without ``type``.
    """

    def __init__(
        self,
        status: int,
        title: str,
        detail: str,
        *,
        errors: tuple[FieldError, ...] = (),
        headers: Mapping[str, str] | None = None,
        member_error: bool = False,
    ) -> None:
        super().__init__(f"{status} {title}")
        self.status = status
        self.title = title
        self.detail = detail
        self.errors = errors
        self.headers = dict(headers or {})
        self.member_error = member_error

    def document(self, *, instance: str, omit_type: bool) -> dict[str, Any]:
        """The problem document; ``instance`` equals the answer's ``X-Request-Id``."""
        content: dict[str, Any] = {} if omit_type and self.member_error else {"type": _TYPE}
        content |= {
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "instance": instance,
        }
        if self.errors:
            content["errors"] = [
                {"field": error.field, "message": error.message} for error in self.errors
            ]
        return content


def bad_request(detail: str) -> ApiProblem:
    """400 Bad Request."""
    return ApiProblem(400, "Bad Request", detail)


def invalid_resource(detail: str, *errors: FieldError) -> ApiProblem:
    """400 Invalid Resource, with the offending fields."""
    return ApiProblem(400, "Invalid Resource", detail, errors=errors)


def invalid_body(*errors: FieldError) -> ApiProblem:
    """400 for a body that does not fit the endpoint's schema [text inferred]."""
    return invalid_resource(
        "The resource submitted could not be validated. "
        "For field-specific details, see the 'errors' array.",
        *errors,
    )


def not_found() -> ApiProblem:
    """404 for an unknown path or record."""
    return ApiProblem(404, "Resource Not Found", "The requested resource could not be found.")


def method_not_allowed(allowed: list[str]) -> ApiProblem:
    """405 with the ``Allow`` header."""
    return ApiProblem(
        405,
        "Method Not Allowed",
        "The requested method and resource are not compatible. See the Allow header for this "
        "resource's available methods.",
        headers={"Allow": ", ".join(sorted(allowed))},
    )


def not_removable() -> ApiProblem:
    """405 for archiving a member that is cleaned, pending or archived."""
    return ApiProblem(
        405,
        "Method Not Allowed",
        "This list member cannot be removed. Can not archive a contact that is bounced, pending "
        "or archived",
    )


def member_exists(email_address: str) -> ApiProblem:
    """400 for POST on an existing member, or an address change onto one."""
    return ApiProblem(
        400,
        "Member Exists",
        f"{email_address} is already a list member. Use PUT to insert or update list members.",
        member_error=True,
    )


def compliance(email_address: str) -> ApiProblem:
    """400: the contact unsubscribed, bounced or complained; no API call subscribes them."""
    return ApiProblem(
        400,
        "Member In Compliance State",
        f"{email_address} is in a compliance state due to unsubscribe, bounce, or compliance "
        "review and cannot be subscribed.",
        member_error=True,
    )


def refused_by_status(email_address: str, *, status: str) -> ApiProblem:
    """The other wordings of the same wall, as matched by client code [title inferred]."""
    if status == "cleaned":
        detail = f'{email_address} is already in this list with a status of "Cleaned".'
    else:
        detail = (
            f"{email_address} has previously unsubscribed from this list and must opt in again."
        )
    return ApiProblem(400, "Invalid Resource", detail)


def forgotten(email_address: str) -> ApiProblem:
    """400: the contact was permanently deleted."""
    return ApiProblem(
        400,
        "Forgotten Email Not Subscribed",
        f"{email_address} was permanently deleted and cannot be re-imported. The contact must "
        "re-subscribe to get back on the list.",
    )


def invalid_address() -> ApiProblem:
    """400: not an e-mail address at all."""
    return invalid_resource("Please provide a valid email address.")


def fake_address(email_address: str) -> ApiProblem:
    """400: an address on a domain that nobody receives mail at."""
    return invalid_resource(
        f"{email_address} looks fake or invalid, please enter a real email address."
    )


def too_many_signups(email_address: str) -> ApiProblem:
    """400: throttle on one address, independent of the account."""
    return invalid_resource(
        f"{email_address} has signed up to a lot of lists very recently; we're not allowing more "
        "signups for now."
    )


def invalid_merge_fields(errors: tuple[FieldError, ...]) -> ApiProblem:
    """400 with one entry per merge tag."""
    return invalid_resource("Your merge fields were invalid.", *errors)


def too_many_contacts(limit: int, *, form: str) -> ApiProblem:
    """A contact more than the plan allows: 403 for the call, 400 for the address [inferred]."""
    detail = f"Your plan may not permit this: you have reached your contact limit of {limit}."
    if form == "call":
        return ApiProblem(403, "Authorization Failure", detail)
    return invalid_resource(detail)


def too_many_connections(limit: int) -> ApiProblem:
    """429 for one request more than the account may have open."""
    return ApiProblem(
        429,
        "TooManyRequests",
        f"You have exceeded the limit of {limit} simultaneous connections.",
    )


TRIGGERED: dict[str, tuple[int, str, str]] = {
    "APIKeyMissing": (401, "API Key Missing", "Your request did not include an API key."),
    "APIKeyInvalid": (
        401,
        "API Key Invalid",
        "Your API key may be invalid, or you've attempted to access the wrong datacenter.",
    ),
    "Forbidden": (403, "Forbidden", "You don't have permission to access the requested resource."),
    "UserDisabled": (403, "User Disabled", "This account has been disabled."),
    "BadRequest": (400, "Bad Request", "Your request could not be processed."),
    "InvalidAction": (400, "Invalid Action", "The action requested was not valid."),
    "InvalidResource": (400, "Invalid Resource", "The resource submitted was not valid."),
    "JSONParseError": (
        400,
        "JSON Parse Exception",
        "We encountered an unspecified JSON parsing error.",
    ),
    "ResourceNotFound": (404, "Resource Not Found", "The requested resource could not be found."),
    "MethodNotAllowed": (405, "Method Not Allowed", "The requested method is not compatible."),
    "ResourceNestingTooDeep": (
        414,
        "Resource Nesting Too Deep",
        "The resource is nested too deep.",
    ),
    "InvalidMethodOverride": (422, "InvalidMethodOverride", "The method override is not valid."),
    "TooManyRequests": (
        429,
        "TooManyRequests",
        "You have exceeded the limit of 10 simultaneous connections.",
    ),
    "InternalServerError": (
        500,
        "InternalServerError",
        "A deep, internal error has occurred during the processing of your request. "
        "Please contact support.",
    ),
}
"""Errors that the request header ``X-Trigger-Error`` calls up (Mailchimp docs, errors)."""


def named(name: str) -> ApiProblem:
    """The error ``name`` of :data:`TRIGGERED`; 400 for an unknown name [inferred]."""
    if name not in TRIGGERED:
        return bad_request("X-Trigger-Error names no known error.")
    status, title, detail = TRIGGERED[name]
    return ApiProblem(status, title, detail)
