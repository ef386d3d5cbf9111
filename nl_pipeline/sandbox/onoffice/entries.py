"""E-mail, phone and fax entries on their way in.

Belongs here: the entries of a create and the instructions of a modify. Does not belong here: other
fields. Source: onOffice apidoc, create addresses (``default_email`` ...) and modify addresses
(instruction objects and their uniqueness rule).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from nl_pipeline.sandbox.onoffice.errors import ActionError
from nl_pipeline.sandbox.onoffice.state import Address, Entry, EntryKind, State, same_email


@dataclass(frozen=True, slots=True)
class _Key:
    """What a parameter such as ``email_private`` stands for."""

    kind: EntryKind
    usage: str = ""


ENTRY_KEYS: dict[str, _Key] = {
    "email": _Key("email"),
    "email_private": _Key("email", "private"),
    "email_business": _Key("email", "business"),
    "phone": _Key("phone"),
    "phone_private": _Key("phone", "private"),
    "phone_business": _Key("phone", "business"),
    "mobile": _Key("mobile"),
    "fax": _Key("fax"),
    "fax_private": _Key("fax", "private"),
    "fax_business": _Key("fax", "business"),
}
DEFAULT_KEYS: dict[str, tuple[tuple[EntryKind, ...], int]] = {
    "default_email": (("email",), 258),
    "default_phone": (("phone", "mobile"), 260),
    "default_fax": (("fax",), 259),
}
"""Parameter to the kinds it speaks of and the error when its value was not also passed."""
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_MOBILE = re.compile(r"(\+49|0049|0)\s?1[567]")


def split_entries(parameters: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """(entry parameters, all others)."""
    own = {k: v for k, v in parameters.items() if k in ENTRY_KEYS or k in DEFAULT_KEYS}
    return own, {k: v for k, v in parameters.items() if k not in own}


def created_entries(raw: dict[str, Any], *, state: State) -> list[Entry]:
    """Entries of a new address; raises 187, 258, 259, 260 and 300.

    Without a default the first entry of a kind becomes the main one.
    """
    entries = [
        state.new_entry(_kind_of(key, value), _value(value), usage=ENTRY_KEYS[key].usage)
        for key, value in raw.items()
        if key in ENTRY_KEYS and value not in (None, "")
    ]
    for key, (kinds, code) in DEFAULT_KEYS.items():
        group = [entry for entry in entries if entry.kind in kinds]
        wanted = raw.get(key)
        if wanted not in (None, ""):
            main = [entry for entry in group if entry.value == str(wanted).strip()]
            if not main:
                raise ActionError(code)
            main[0].is_default = True
        elif group:
            group[0].is_default = True
    return entries


def instructed_entries(address: Address, raw: dict[str, Any], *, state: State) -> list[Entry]:
    """All entries of the address after the instructions; the address itself is left as it is.

    Raises 81 to 87 and 300, and 75 for a ``default_...`` key, which only create knows.
    """
    entries = [replace(entry) for entry in address.entries]
    for key, instruction in raw.items():
        if key in DEFAULT_KEYS:
            raise ActionError(75, key)
        if not isinstance(instruction, dict):
            if isinstance(instruction, str) and state.switches.plain_email_on_modify == "add":
                instruction = {"action": "add", "newvalue": instruction}
            else:
                raise ActionError(84, key)
        entries = _instructed(entries, key, instruction, state=state)
    return entries


def _instructed(
    entries: list[Entry], key: str, instruction: dict[str, Any], *, state: State
) -> list[Entry]:
    verb = instruction.get("action")
    if verb in (None, ""):
        raise ActionError(81, key)
    if verb not in ("add", "modify", "delete"):
        raise ActionError(82, key)
    if verb == "delete":
        gone = _the_one(entries, key, instruction)
        return [entry for entry in entries if entry is not gone]
    if instruction.get("newvalue") in (None, ""):
        raise ActionError(85, key)
    value = _value(instruction["newvalue"])
    kind = _kind_of(key, value)
    if verb == "add":
        entry = state.new_entry(kind, value, usage=ENTRY_KEYS[key].usage)
        entries = [*entries, entry]
    else:
        entry = _the_one(entries, key, instruction)
        entry.value, entry.kind = value, kind
    if instruction.get("default") in (True, 1, "1", "true"):
        kinds = next(kinds for kinds, _ in DEFAULT_KEYS.values() if kind in kinds)
        for other in entries:
            if other.kind in kinds:
                other.is_default = other is entry
    return entries


def _the_one(entries: list[Entry], key: str, instruction: dict[str, Any]) -> Entry:
    """The entry that ``oldvalue`` names; it must be exactly one (onOffice apidoc, modify)."""
    old = instruction.get("oldvalue")
    if old in (None, ""):
        raise ActionError(86, key)
    meant = ENTRY_KEYS[key]
    found = [
        entry
        for entry in entries
        if entry.kind == meant.kind
        and meant.usage in ("", entry.usage)
        and same_email(entry.value) == same_email(str(old))
    ]
    if not found:
        raise ActionError(83, key)
    if len(found) > 1:
        raise ActionError(87, key)
    return found[0]


def _value(value: Any) -> str:
    if isinstance(value, (list, dict)):
        raise ActionError(187)
    return str(value).strip()


def _kind_of(key: str, value: Any) -> EntryKind:
    """The kind an entry is stored as: mobile numbers become mobile by themselves; raises 300."""
    kind = ENTRY_KEYS[key].kind
    text = _value(value)
    if kind == "email" and _EMAIL.fullmatch(text) is None:
        raise ActionError(300, key)
    if kind == "phone" and _MOBILE.match(text) is not None:
        return "mobile"
    return kind
