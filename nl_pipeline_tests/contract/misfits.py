"""What does not fit a document, in words that are the same for every provider.

Belongs here: a misfit, the formats of texts, and telling a JSON Schema's errors as misfits. Not
here: any one document, and which misfits are accepted (`deviations`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec
from jsonschema import FormatChecker
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator

FORMATS = FormatChecker(formats=())
"""Checks the formats that say something; an `int64` of JSON has no limits to check."""


@FORMATS.checks("date-time", raises=ValueError)
def _is_date_time(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@FORMATS.checks("date", raises=ValueError)
def _is_date(value: object) -> bool:
    return not isinstance(value, str) or bool(date.fromisoformat(value))


@FORMATS.checks("uri", raises=ValueError)
@FORMATS.checks("url", raises=ValueError)
def _is_uri(value: object) -> bool:
    return not isinstance(value, str) or bool(urlsplit(value).scheme)


@FORMATS.checks("email")
def _is_email(value: object) -> bool:
    return not isinstance(value, str) or re.fullmatch(r"[^@\s]+@[^@\s]+", value) is not None


@dataclass(frozen=True)
class Misfit:
    """Something that does not fit: where, and what kind of misfit. `#` stands for any position.

    `seen` shows an example of it; two misfits are the same whatever was seen.
    """

    operation: str
    place: str
    problem: str
    seen: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"{self.operation} | {self.place} | {self.problem} (such as {self.seen})"


def body_misfits(
    operation: str, place: str, *, body: bytes, validator: Validator
) -> Iterator[Misfit]:
    """What of a JSON body does not fit its schema."""
    try:
        value = msgspec.json.decode(body)
    except msgspec.DecodeError:
        yield Misfit(operation, place, "not JSON", body[:60].decode(errors="replace"))
        return
    for error in validator.iter_errors(value):
        yield from told(operation, place, error)


def told(operation: str, place: str, error: ValidationError) -> Iterator[Misfit]:
    """An error of a schema as misfits."""
    steps = ["#" if isinstance(step, int) else str(step) for step in error.absolute_path]
    at = "/".join([place, *steps])
    value: Any = error.instance
    schema: Any = error.schema
    if error.validator == "required":
        for name in set(schema["required"]) - set(value):
            yield Misfit(operation, f"{at}/{name}", "missing")
    elif error.validator == "additionalProperties":
        for name in set(value) - set(schema["properties"]):
            yield Misfit(operation, f"{at}/{name}", "unknown", repr(value[name])[:60])
    else:
        yield Misfit(operation, at, str(error.validator), repr(value)[:60])
