"""Values of merge fields: what each type accepts, how it is stored, which error it gives.

Belongs here: checking one member's ``merge_fields`` against the audience's definitions. Does not
belong here: the definitions' endpoints (``merge_fields``). Unknown tags are ignored in silence,
as recorded. Messages but "Please enter a number" and "Please enter a value" are [inferred].
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from nl_pipeline.sandbox.mailchimp import errors
from nl_pipeline.sandbox.mailchimp.errors import FieldError
from nl_pipeline.sandbox.mailchimp.state import Audience, MergeField

TEXT_BYTES = 255
_DATE_FORMATS = ("%Y-%m-%d", "%Y/%m/%d", "%d-%m-%Y", "%m/%d/%Y")
_BIRTHDAY = re.compile(r"^(0[1-9]|1[0-2])/(0[1-9]|[12]\d|3[01])$")
_ZIP = re.compile(r"^\d{5}$")
_WEB_ADDRESS = re.compile(r"^https?://[^\s/]+\.[^\s]+$")


class _Refused(Exception):
    """A value its type does not accept; the message is the API's."""


def checked_values(
    audience: Audience,
    *,
    sent: Mapping[str, Any],
    stored: Mapping[str, Any],
    required_checked: bool,
) -> dict[str, Any]:
    """The sent values of known tags as they are stored; ``""`` clears.

    Raises ``Your merge fields were invalid.`` with one entry per tag, also for a required field
    that would stay empty (unless ``skip_merge_validation`` was sent).
    """
    values: dict[str, Any] = {}
    refused: list[FieldError] = []
    for merge_field in audience.merge_fields:
        tag = merge_field.tag
        if tag in sent and sent[tag] is not None:
            try:
                values[tag] = _stored(sent[tag], merge_field=merge_field)
            except _Refused as refusal:
                refused.append(FieldError(tag, str(refusal)))
                continue
        if required_checked and merge_field.required:
            resulting = values.get(tag, stored.get(tag, merge_field.default_value))
            if resulting == "":
                refused.append(FieldError(tag, "Please enter a value"))
    if refused:
        raise errors.invalid_merge_fields(tuple(refused))
    return values


def _stored(value: Any, *, merge_field: MergeField) -> Any:
    if value == "" and not isinstance(value, bool):
        return ""
    if isinstance(value, bool):
        raise _Refused("Please enter a value of the field's type, not a boolean")
    return _READERS[merge_field.type](value, merge_field)


def _text(value: Any, _: MergeField) -> str:
    if not isinstance(value, str | int | float):
        raise _Refused("Please enter a text")
    return str(value).encode()[:TEXT_BYTES].decode(errors="ignore")


def _number(value: Any, _: MergeField) -> int | float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise _Refused("Please enter a number") from None
    if number != number or number in (float("inf"), float("-inf")):
        raise _Refused("Please enter a number")
    return int(number) if number.is_integer() else number


def _choice(value: Any, merge_field: MergeField) -> str:
    if value not in merge_field.options.get("choices", []):
        raise _Refused("Please choose one of the configured choices")
    return str(value)


def _date(value: Any, _: MergeField) -> str:
    for date_format in _DATE_FORMATS:
        try:
            return datetime.strptime(str(value), date_format).strftime("%Y-%m-%d")
        except ValueError:
            continue
    raise _Refused("Please enter the date as YYYY-MM-DD")


def _matching(pattern: re.Pattern[str], message: str) -> Callable[[Any, MergeField], str]:
    def read(value: Any, _: MergeField) -> str:
        if pattern.match(str(value)) is None:
            raise _Refused(message)
        return str(value)

    return read


def _address(value: Any, merge_field: MergeField) -> dict[str, str]:
    if not isinstance(value, dict):
        raise _Refused("Please enter a complete address")
    if any(not isinstance(value.get(key), str) for key in ("addr1", "city", "state", "zip")):
        raise _Refused("Please enter a complete address")
    if any(not value[key].strip() for key in ("addr1", "city", "zip")):
        raise _Refused("Please enter a complete address")
    keys = ("addr1", "addr2", "city", "state", "zip", "country")
    address = {key: str(value.get(key, "")) for key in keys}
    address["country"] = address["country"] or "US"
    return address


_READERS: dict[str, Callable[[Any, MergeField], Any]] = {
    "text": _text,
    "phone": _text,
    "number": _number,
    "radio": _choice,
    "dropdown": _choice,
    "date": _date,
    "birthday": _matching(_BIRTHDAY, "Please enter the birthday as MM/DD"),
    "zip": _matching(_ZIP, "Please enter a 5-digit zip code"),
    "url": _matching(_WEB_ADDRESS, "Please enter a web address"),
    "imageurl": _matching(_WEB_ADDRESS, "Please enter the web address of an image"),
    "address": _address,
}

TYPES = frozenset(_READERS)
"""Types a merge field can have."""
