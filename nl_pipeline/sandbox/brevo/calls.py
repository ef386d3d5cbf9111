"""One API call and its answer, as every endpoint sees them.

Belongs here: the request without its transport, typed reading of body and query, and the answer.
Does not belong here: routing and rendering.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from nl_pipeline.sandbox.brevo import errors
from nl_pipeline.sandbox.brevo.notices import Cause

Body = TypeVar("Body")


@dataclass(frozen=True, slots=True)
class ApiCall:
    """A request below ``/v3``."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    """All values of each name, for a name can be repeated."""
    body: bytes
    key_name: str
    """Name of the API key it came with."""
    base_url: str
    """Where the twin is mounted, without a trailing slash; its files live below it."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Values of the path's placeholders, decoded."""
    fault: Mapping[str, Any] | None = None
    """A ``short_page`` or ``page_drift`` that the call was chosen for."""

    @property
    def cause(self) -> Cause:
        """The call as the cause of a change."""
        return Cause("api", key_name=self.key_name)

    def read(self, body_type: type[Body]) -> Body:
        """The JSON body as a struct; raises 400 with the field that does not fit."""
        try:
            return msgspec.json.decode(self.body or b"{}", type=body_type)
        except msgspec.ValidationError as error:
            raise _unfit(error) from error
        except msgspec.DecodeError as error:
            raise errors.ApiProblem(
                400, "bad_request", "Input must be a valid JSON object"
            ) from error

    def text(self, name: str, default: str = "") -> str:
        """A query parameter; the last of several."""
        values = self.query.get(name)
        return values[-1] if values else default

    def whole_number(self, name: str, *, default: int) -> int:
        """A query parameter that is a whole number from 0 on; raises 400."""
        text = self.text(name)
        if not text:
            return default
        if not text.isdecimal():
            raise errors.invalid(f"{name} should be a valid integer")
        return int(text)

    def id_of(self, name: str, *, what: str) -> int:
        """A placeholder that is a number; raises 400."""
        text = self.parameters[name]
        if not text.isdecimal():
            raise errors.invalid(f"{what} is invalid")
        return int(text)


def _unfit(error: msgspec.ValidationError) -> errors.ApiProblem:
    message, _, path = str(error).partition(" - at `$")
    name = path.rstrip("`").lstrip(".")
    if message.startswith("Object missing required field"):
        return errors.missing(f"{message.partition('`')[2].rstrip('`')} is missing")
    return errors.invalid(f"Invalid {name or 'body'}: {message}")


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer; ``content`` ``None`` is an empty body."""

    content: Any
    status: int = 200
    items: Mapping[str, int] | None = None
    """How many records the call brought, for the call log."""


NO_CONTENT = Answer(None, status=204)
"""Changes that succeeded and have nothing to tell."""
