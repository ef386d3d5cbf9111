"""Values of attributes: which are stored, in what form, and which vanish in silence.

Belongs here: checking what was sent against the account's attributes. Does not belong here: the
attributes themselves (``attributes``). Unknown names and values of another type are dropped without
a word (Brevo docs; APIv3-php issue 170); a telephone number that is none refuses the whole call (as
seen in traffic).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from nl_pipeline.sandbox.brevo import errors, times
from nl_pipeline.sandbox.brevo.account import Account
from nl_pipeline.sandbox.brevo.changes import IDENTIFIERS
from nl_pipeline.sandbox.brevo.state import Attribute, Contact

DROPPED = object()
"""Stands for a value that is not stored."""

LONGEST_ADDRESS = 254

_NUMBER = re.compile(r"^\+?[0-9]{6,15}$")
_SEPARATORS = str.maketrans("", "", " -/()")
_ADDRESS = re.compile(r"^(?!\.)[^@\s\"(),:;<>\[\\\]]+@[^@\s\"(),:;<>\[\\\]]+\.[^@\s.]{2,}$")
_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def address(text: str) -> str:
    """An e-mail address as it is stored; ``""`` when it is not one."""
    clean = text.strip().lower()
    if len(clean) > LONGEST_ADDRESS or _ADDRESS.match(clean) is None:
        return ""
    return "" if ".." in clean or ".@" in clean else clean


def checked(account: Account, sent: Mapping[str, Any]) -> dict[str, Any]:
    """What of the attributes sent is stored, ``None`` for what is erased; raises 400."""
    stored: dict[str, Any] = {}
    attributes = account.attributes
    for name, value in sent.items():
        if name in IDENTIFIERS:
            stored[name] = _identifier(name, value)
            continue
        attribute = attributes.get(name)
        if attribute is None:
            continue
        kept = _value(attribute, value)
        if kept is not DROPPED:
            stored[name] = kept
    return stored


def read_text(account: Account, sent: Mapping[str, str]) -> dict[str, Any]:
    """Attributes of a CSV file, whose values are all text, as they would stand in JSON."""
    found: dict[str, Any] = {}
    for name, text in sent.items():
        attribute = account.attributes.get(name)
        kind = "" if attribute is None else attribute.type
        value: Any = text
        if kind == "float":
            try:
                value = float(text)
            except ValueError:
                value = text
        elif kind == "boolean":
            value = _TRUTHS.get(text.lower(), text)
        elif kind == "multiple-choice":
            value = [part.strip() for part in text.split(",")]
        found[name] = value if text else ""
    return found


def conflicts(
    account: Account, contact: Contact | None, *, email: str, attributes: Mapping[str, Any]
) -> dict[str, Contact]:
    """Identifiers that belong to somebody else, and to whom; ``contact`` is the one written."""
    found: dict[str, Contact] = {}
    holders = account.holders
    if email:
        holder = holders.get(("email", email))
        if holder is not None and holder is not contact:
            found["email"] = holder
    for name, kind in IDENTIFIERS.items():
        value = attributes.get(name)
        if value is None:
            continue
        holder = holders.get((kind, str(value)))
        if holder is not None and holder is not contact:
            found[kind] = holder
    return found


def telephone(text: str) -> str:
    """Digits with the country code; ``""`` when it is not a number."""
    clean = text.strip().translate(_SEPARATORS)
    if clean.startswith("00"):
        clean = clean[2:]
    return clean.lstrip("+") if _NUMBER.match(clean) else ""


def _identifier(name: str, value: Any) -> str | None:
    if value is None or value == "":
        return None
    text = str(value)
    if name == "EXT_ID":
        return text
    number = telephone(text)
    if not number:
        raise errors.invalid(f"Invalid {name} number")
    return number


def _value(attribute: Attribute, value: Any) -> Any:
    """The value as stored, ``None`` to erase, or :data:`DROPPED`."""
    if attribute.category not in ("normal", "category", "transactional"):
        return DROPPED
    if value is None or value == "" or value == []:
        return None
    if attribute.category == "category":
        return _option(attribute, value)
    kind = attribute.type
    if kind == "text" or kind == "user":
        return value if isinstance(value, str) else DROPPED
    if kind == "boolean":
        return value if isinstance(value, bool) else DROPPED
    if kind == "float":
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return float(value) if is_number else DROPPED
    if kind == "date":
        is_day = isinstance(value, str) and times.parse_day(value) is not None
        return value if is_day else DROPPED
    if kind == "multiple-choice":
        known = isinstance(value, list) and all(option in attribute.options for option in value)
        return list(value) if known else DROPPED
    return value if isinstance(value, (str, int)) else DROPPED


def _option(attribute: Attribute, value: Any) -> Any:
    """A category's value by number or label."""
    if isinstance(value, bool):
        return DROPPED
    if isinstance(value, int):
        return value if value in attribute.enumeration else DROPPED
    for number, label in attribute.enumeration.items():
        if label == value:
            return number
    return DROPPED
