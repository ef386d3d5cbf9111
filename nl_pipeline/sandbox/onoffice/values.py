"""Values on their way in: checked by field type and turned into what the twin stores.

Belongs here: the rules for one field's value. Does not belong here: e-mail, phone and fax entries
(``entries.py``) and rights. Source: onOffice apidoc, create and modify addresses, and the list of
error codes.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from nl_pipeline.sandbox.onoffice.errors import ActionError
from nl_pipeline.sandbox.onoffice.fields import Catalogue, Field
from nl_pipeline.sandbox.onoffice.state import USERS
from nl_pipeline.sandbox.onoffice.switches import Switches

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}( \d{2}:\d{2}:\d{2})?")
_NO_DATE = ("", "0000-00-00", "0000-00-00 00:00:00")
_USER_NAMES = frozenset(name for _, name, _, _ in USERS)


def accepted_values(
    raw: dict[str, Any], *, catalogue: Catalogue, switches: Switches
) -> dict[str, Any]:
    """Flat parameters as stored values; nothing is stored yet, so an error changes nothing.

    Raises 75 for a name that is unknown, inactive or read-only (also for the nested ``data`` that
    other calls want), 76, 77, 92, 187, 228, 251, 255, 270.
    """
    values: dict[str, Any] = {}
    for name, value in raw.items():
        field = catalogue.active.get(name)
        if field is None or not field.is_writable:
            if switches.unknown_write_field == "ignore":
                continue
            raise ActionError(75, name)
        if name == "Status":
            values["Status2Adr"] = _status2adr(value)
        else:
            values[name] = _accepted(field, value, overlong=switches.overlong_text)
    return values


def _accepted(field: Field, value: Any, *, overlong: str) -> Any:
    if field.type == "multiselect":
        return _keys(field, value)
    if isinstance(value, (list, dict)):
        raise ActionError(187, field.name)
    if field.type == "boolean":
        return _boolean(field, value)
    if field.type == "integer":
        return _integer(field, value)
    text = "" if value is None else str(value)
    if field.type == "singleselect":
        if text and text not in (field.options or {}):
            raise ActionError(77, f"{field.name}: {text}")
    elif field.type in ("date", "datetime"):
        return _moment(field, text)
    elif field.name == "Benutzer" and text and text not in _USER_NAMES:
        raise ActionError(251)
    elif field.length is not None and len(text) > field.length:
        if overlong == "error":
            raise ActionError(255, field.name)
        return text[: field.length]
    return text


def _keys(field: Field, value: Any) -> tuple[str, ...]:
    """A multiselect replaces the whole set; ``""`` and null clear it as ``[]`` does."""
    if value in (None, ""):
        return ()
    if not isinstance(value, list):
        raise ActionError(74, field.name)
    for key in value:
        if str(key) not in (field.options or {}):
            raise ActionError(76, f"{field.name}: {key}")
    return tuple(dict.fromkeys(str(key) for key in value))


def _boolean(field: Field, value: Any) -> bool:
    if value in (None, ""):
        return False
    if str(value).lower() not in ("0", "1", "true", "false"):
        raise ActionError(270, field.name)
    return str(value).lower() in ("1", "true")


def _integer(field: Field, value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError) as refused:
        raise ActionError(228, field.name) from refused


def _status2adr(value: Any) -> str:
    """The older field ``Status``: 1 active, 0 archived (onOffice apidoc, create addresses)."""
    if str(value) not in ("0", "1"):
        raise ActionError(255, "Status")
    return "status2adr_active" if str(value) == "1" else "status2adr_archive"


def _moment(field: Field, text: str) -> str:
    if text in _NO_DATE:
        return ""
    moment = checked_moment(text, name=field.name)
    return moment if field.type == "datetime" else moment[:10]


def checked_moment(text: Any, *, name: str) -> str:
    """``YYYY-MM-DD hh:mm:ss`` of a date or datetime text; raises 92."""
    if not isinstance(text, str) or _DATE.fullmatch(text) is None:
        raise ActionError(92, name)
    try:
        datetime.fromisoformat(text)
    except ValueError as refused:
        raise ActionError(92, name) from refused
    return text if len(text) > 10 else f"{text} 00:00:00"
