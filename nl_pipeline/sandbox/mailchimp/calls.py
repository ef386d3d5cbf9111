"""One API call and its answer, as every endpoint sees them.

Belongs here: the request without its transport (a batch operation is the same call without HTTP),
typed reading of body and query, and the answer. Does not belong here: routing and rendering.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from nl_pipeline.sandbox.mailchimp import errors

Body = TypeVar("Body")


@dataclass(frozen=True, slots=True)
class ApiCall:
    """A request below ``/3.0``: ``query`` holds the last value of each name."""

    method: str
    path: str
    query: Mapping[str, str]
    body: bytes
    client_ip: str
    base_url: str
    """Where the twin is mounted, without a trailing slash; result archives live below it."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Values of the path's placeholders."""
    fault: Mapping[str, Any] | None = None
    """A ``short_page`` or ``page_drift`` that the call was chosen for."""

    def read(self, body_type: type[Body]) -> Body:
        """The JSON body as a struct; raises 400 with the field that does not fit."""
        try:
            content = msgspec.json.decode(self.body or b"{}")
        except msgspec.DecodeError as error:
            raise errors.ApiProblem(
                400, "JSON Parse Exception", "We encountered an unspecified JSON parsing error."
            ) from error
        return converted(content, body_type)

    def flag(self, name: str) -> bool:
        """A boolean query parameter; absent is false."""
        return self.query.get(name, "").lower() in ("true", "1")


def converted(content: Any, body_type: type[Body]) -> Body:
    """Decoded JSON as a struct; raises 400 with the field that does not fit."""
    try:
        return msgspec.convert(content, body_type)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$.")
        raise errors.invalid_body(
            errors.FieldError(field=path.rstrip("`"), message=message)
        ) from error


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer; ``content`` ``None`` is an empty body."""

    content: Any
    status: int = 200
    items: Mapping[str, int] | None = None
    """How many records the call brought, for the call log."""


NO_CONTENT = Answer(None, status=204)
"""DELETE and similar calls: an empty body (still labelled JSON, as recorded)."""
