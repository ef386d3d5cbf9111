"""Fields of an address as stored values and as onOffice puts them on the wire.

Belongs here: one function per field that reads it from an address. Does not belong here: which
fields a caller may ask for, and writing. Source: onOffice apidoc, read addresses, and the table of
data types in the facts.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from nl_pipeline.sandbox.onoffice.fields import Field
from nl_pipeline.sandbox.onoffice.state import Address, EntryKind
from nl_pipeline.sandbox.onoffice.switches import Switches

Column = Callable[[Address], Any]

ENTRY_KINDS: dict[str, tuple[EntryKind, ...]] = {
    "phone": ("phone",),
    "mobile": ("mobile",),
    "fax": ("fax",),
    "email": ("email",),
}
DEFAULT_KINDS: dict[str, tuple[EntryKind, ...]] = {
    "defaultphone": ("phone", "mobile"),
    "defaultfax": ("fax",),
    "defaultemail": ("email",),
}
MAIN_FIELDS: dict[str, tuple[EntryKind, ...]] = {
    "Email": ("email",),
    "Telefon1": ("phone", "mobile"),
    "Telefax1": ("fax",),
}
_UUID_SPACE = uuid.UUID("8d3f0c1e-6f0b-4f7e-9a55-0a4a9c3a7b11")
_BOOLEANS: dict[str, tuple[Any, Any]] = {
    "digit_string": ("1", "0"),
    "number": (1, 0),
    "bool": (True, False),
}
_NO_LINES = "Sehr geehrte Damen und Herren,"


def stored(field: Field) -> Column:
    """The field as the twin keeps it: text, int, bool, or a tuple of option keys; None if unset."""
    name = field.name
    if name == "ID":
        return lambda address: address.number
    if name == "uuid":
        return lambda address: str(uuid.uuid5(_UUID_SPACE, str(address.number)))
    if name in MAIN_FIELDS:
        kinds = MAIN_FIELDS[name]
        return lambda address: address.main(*kinds)
    if name == "Status":
        return lambda address: int(address.values.get("Status2Adr") != "status2adr_archive")
    if name == "Briefanrede":
        return lambda address: address.values.get("Briefanrede") or _letter_salutation(address)
    default = field.default or None
    return lambda address: address.values.get(name, default)


def on_the_wire(field: Field, *, switches: Switches) -> Column:
    """The field as a read without ``formatoutput`` gives it: integers as text, multiselects
    between pipes, booleans by switch, the field's own kind of empty."""
    read = stored(field)
    unset = field.unset
    if field.type == "integer":

        def integer(address: Address) -> Any:
            value = read(address)
            return unset if value is None else str(value)

        return integer
    if field.type == "boolean":
        yes, no = _BOOLEANS[switches.boolean_format]
        return lambda address: yes if read(address) else no
    if field.type == "multiselect":

        def multiselect(address: Address) -> Any:
            keys = read(address)
            return unset if keys is None else "".join(f"|{key}|" for key in keys)

        return multiselect

    def text(address: Address) -> Any:
        value = read(address)
        return unset if value is None else value

    return text


def formatted(field: Field, *, language: str) -> Column:
    """The field with ``formatoutput``: labels instead of keys."""
    read = stored(field)
    labels = field.option_labels(language)
    if field.type == "multiselect":
        return lambda address: [labels.get(key, key) for key in read(address) or ()]
    if field.type == "boolean":
        yes, no = ("Ja", "Nein") if language == "DEU" else ("Yes", "No")
        return lambda address: yes if read(address) else no

    def text(address: Address) -> Any:
        value = read(address)
        return "" if value is None else labels.get(str(value), str(value))

    return text


def add_entries(elements: dict[str, Any], address: Address, *, kind: str) -> None:
    """Put the entries of ``email``, ``defaultemail`` ... as ``<kind>__<entry id>`` keys."""
    if kind in DEFAULT_KINDS:
        for entry in address.of_kind(*DEFAULT_KINDS[kind]):
            if entry.is_default:
                elements[f"{kind}__{entry.number}"] = entry.value
        return
    for entry in address.of_kind(*ENTRY_KINDS[kind]):
        elements[f"{kind}__{entry.number}"] = entry.value
        elements[f"{kind}__{entry.number}__Comment"] = ""


def _letter_salutation(address: Address) -> str:
    values = address.values
    lead = {"Herr": "Sehr geehrter Herr", "Frau": "Sehr geehrte Frau"}.get(values.get("Anrede", ""))
    last_name = values.get("Name", "")
    if lead is None or not last_name:
        return _NO_LINES
    return " ".join(part for part in (lead, values.get("Titel", ""), last_name) if part) + ","
