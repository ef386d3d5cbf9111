"""Errors of the Brevo API: status and envelope ``{"code", "message", "metadata"?}``.

Belongs here: the documented errors and those seen in traffic, word for word. Does not belong here:
the decision when one is due.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class ApiProblem(Exception):
    """An answer that refuses a call."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message
        self.metadata = metadata

    def document(self) -> dict[str, Any]:
        """The envelope."""
        document: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.metadata is not None:
            document["metadata"] = dict(self.metadata)
        return document


def invalid(message: str) -> ApiProblem:
    """400 ``invalid_parameter``."""
    return ApiProblem(400, "invalid_parameter", message)


def missing(message: str) -> ApiProblem:
    """400 ``missing_parameter``."""
    return ApiProblem(400, "missing_parameter", message)


def out_of_range(message: str) -> ApiProblem:
    """400 ``out_of_range``, for a limit above the most a page holds [inferred]."""
    return ApiProblem(400, "out_of_range", message)


def not_found(message: str) -> ApiProblem:
    """404 ``document_not_found``."""
    return ApiProblem(404, "document_not_found", message)


def contact_not_found() -> ApiProblem:
    """404 of an unknown contact, as seen in traffic."""
    return not_found("Contact does not exist")


def key_missing() -> ApiProblem:
    """401 without the header ``api-key``, as seen in traffic."""
    return ApiProblem(401, "unauthorized", "authentication not found in headers")


def key_unknown() -> ApiProblem:
    """401 for a wrong key; the text is known from another stand-in only."""
    return ApiProblem(401, "unauthorized", "Key not found")


def unknown_path() -> ApiProblem:
    """404 of a path the API does not have [inferred]."""
    return not_found("Path not found")


def method_not_allowed() -> ApiProblem:
    """405 for a method a path does not have."""
    return ApiProblem(405, "method_not_allowed", "Method not allowed")


def too_many_requests() -> ApiProblem:
    """429; the code is unknown [inferred]."""
    return ApiProblem(429, "too_many_requests", "Too many requests, please try again later")


def taken(identifiers: Sequence[str], *, verb: str, code: str) -> ApiProblem:
    """400 when another contact has one of the identifiers; text and metadata as in traffic."""
    name = identifiers[0] if identifiers[0] == "email" else identifiers[0].upper()
    return ApiProblem(
        400,
        code,
        f"Unable to {verb} contact, {name} is already associated with another Contact",
        metadata={"duplicate_identifiers": list(identifiers)},
    )
