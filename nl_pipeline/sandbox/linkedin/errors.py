"""Errors of LinkedIn's APIs: the REST envelope and OAuth's.

Belongs here: status, code and message of each, as documented or seen in traffic. Does not belong
here: the decision when one is due.
"""

from __future__ import annotations

from typing import Any

INVALID_TOKEN = 65600
REVOKED_TOKEN = 65601
EXPIRED_TOKEN = 65602
EMPTY_TOKEN = 65604
"""Codes of a 401; recalled by the facts, in no source."""


class ApiProblem(Exception):
    """A REST answer that refuses a call."""

    def __init__(
        self, status: int, message: str, *, code: str = "", service_code: int | None = None
    ) -> None:
        super().__init__(code or message)
        self.status = status
        self.message = message
        self.code = code
        self.service_code = service_code

    def document(self) -> dict[str, Any]:
        """The envelope; ``code`` and ``serviceErrorCode`` where the error has them."""
        document: dict[str, Any] = {"status": self.status}
        if self.service_code is not None:
            document["serviceErrorCode"] = self.service_code
        if self.code:
            document["code"] = self.code
        return document | {"message": self.message}


class OAuthProblem(Exception):
    """An answer of the token endpoints, in OAuth's shape and not in REST's."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.description = description

    def document(self) -> dict[str, str]:
        """``{"error", "error_description"}``."""
        return {"error": self.error, "error_description": self.description}


def bad_request(message: str, *, code: str = "ILLEGAL_ARGUMENT") -> ApiProblem:
    """400 for a query or body that cannot be used; the codes are [inferred]."""
    return ApiProblem(400, message, code=code)


def bad_parameter(name: str, *, why: str) -> ApiProblem:
    """400 for one query parameter."""
    return bad_request(f"Invalid param. {name}: {why}", code="PARAM_INVALID")


def unauthorized(message: str, *, service_code: int) -> ApiProblem:
    """401."""
    code = "EXPIRED_ACCESS_TOKEN" if service_code == EXPIRED_TOKEN else "INVALID_ACCESS_TOKEN"
    if service_code == REVOKED_TOKEN:
        code = "REVOKED_ACCESS_TOKEN"
    return ApiProblem(401, message, code=code, service_code=service_code)


def access_denied(endpoint: str) -> ApiProblem:
    """403; the endpoint is ``resource.METHOD.version`` as seen in traffic."""
    message = f"Not enough permissions to access: {endpoint}"
    return ApiProblem(403, message, code="ACCESS_DENIED", service_code=100)


def not_found(message: str) -> ApiProblem:
    """404 of a record."""
    return ApiProblem(404, message, code="NOT_FOUND")


def no_such_resource(path: str) -> ApiProblem:
    """404 of a path."""
    return ApiProblem(404, f"No virtual resource found for {path}", code="RESOURCE_NOT_FOUND")


def version_missing() -> ApiProblem:
    """400 of a call without a version; the code is recalled, in no source."""
    message = "A version must be present. Please add the LinkedIn-Version header."
    return ApiProblem(400, message, code="VERSION_MISSING")


def version_gone(version: str) -> ApiProblem:
    """426 of a version that is sunset or never was."""
    message = f"Requested version {version} is not active"
    return ApiProblem(426, message, code="NONEXISTENT_VERSION")


def day_limit(counter: str) -> ApiProblem:
    """429 until 00:00 UTC; ``counter`` is ``APPLICATION`` or ``APPLICATION_AND_MEMBER``."""
    message = f"Resource level throttle {counter} DAY limit for calls to this resource is reached."
    return ApiProblem(429, message, code="TOO_MANY_REQUESTS", service_code=101)


def too_fast() -> ApiProblem:
    """429 that does not last the day; its text is [inferred]."""
    message = "Request is throttled to protect the infrastructure."
    return ApiProblem(429, message, code="TOO_MANY_REQUESTS", service_code=101)
