"""Which fields of the CRM a lead may be written to, and the form of a value there.

Belongs here: the account's fields as leads see them, the three LinkedIn fields among them. Must not
be here: calls that write, which answer goes where.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from nl_pipeline.clients.onoffice import AddressField, AddressRecord, CrmZone, multiselect_keys

#: Parameters for entries of a contact, and the name under which a read gives the entries. A number
#: that looks like a mobile one is kept as such, whatever it was sent as (onOffice apidoc, create).
ENTRIES: Mapping[str, tuple[str, ...]] = {
    "email": ("email",),
    "email_private": ("email",),
    "email_business": ("email",),
    "phone": ("phone", "mobile"),
    "phone_private": ("phone", "mobile"),
    "phone_business": ("phone", "mobile"),
    "mobile": ("phone", "mobile"),
    "fax": ("fax",),
    "fax_private": ("fax",),
    "fax_business": ("fax",),
}
STATUS = "newsletter_aktiv"
_ALWAYS = ("Email", "email", STATUS)
_OPTIONAL = ("phone", "mobile", "fax", "DSGVOStatus")
_STEP = "; "


class Mark(StrEnum):
    """The fields an administrator may create so that contacts say what came from LinkedIn."""

    IMPORTED = "LinkedIn – imported"
    IMPORT_DATE = "LinkedIn – import date"
    FORMS = "LinkedIn – submitted forms"


#: What the labels may be, and which types of fields hold the values.
_MARKS: Mapping[Mark, tuple[tuple[str, ...], tuple[str, ...]]] = {
    Mark.IMPORTED: (("linkedinimported", "linkedinimportiert"), ("boolean",)),
    Mark.IMPORT_DATE: (("linkedinimportdate", "linkedinimportdatum"), ("date", "datetime")),
    Mark.FORMS: (
        ("linkedinsubmittedforms", "linkedinformulare", "linkedineingesendeteformulare"),
        ("text", "varchar", "freetext", "blob"),
    ),
}


@dataclass(frozen=True)
class Fit:
    """A value as the CRM takes it; `flaw` says what was wrong with it, "" for nothing. Without a
    value there is none that fits."""

    value: Any
    flaw: str = ""


class LeadFields:
    """The account's address fields, by their names without regard to case."""

    def __init__(self, known: Mapping[str, AddressField], *, zone: CrmZone) -> None:
        self._zone = zone
        self._by_name = {name.casefold(): field for name, field in known.items()}
        self.marks: dict[Mark, AddressField] = {}
        self.misfits: list[Mark] = []
        for mark, (labels, types) in _MARKS.items():
            named = [f for f in known.values() if _letters(f.label or f.name) in labels]
            fitting = [f for f in named if f.type in types]
            if fitting:
                self.marks[mark] = fitting[0]
            elif named:
                self.misfits.append(mark)

    @property
    def missing_marks(self) -> list[Mark]:
        """The LinkedIn fields the account does not have, or has with another type."""
        return [mark for mark in Mark if mark not in self.marks]

    @property
    def names(self) -> set[str]:
        """Every name that may be mapped."""
        return {field.name for field in self._by_name.values()} | set(ENTRIES)

    def name(self, wished: str) -> str:
        """The name as the CRM spells it; what is not known stays as it is."""
        if wished.casefold() in ENTRIES:
            return wished.casefold()
        field = self._by_name.get(wished.casefold())
        return field.name if field else wished

    def to_read(self, *, mapped: set[str], tag_field: str | None) -> list[str]:
        """The names a read has to ask for to compare with what a lead would write."""
        wanted = [*_ALWAYS, *_OPTIONAL[:3]]
        wanted += [name for name in ("DSGVOStatus",) if name.casefold() in self._by_name]
        wanted += [n for n in map(self.name, sorted(mapped)) if n not in ENTRIES]
        wanted += [field.name for field in self.marks.values()]
        if tag_field and tag_field.casefold() in self._by_name:
            wanted.append(tag_field)
        return list(dict.fromkeys(wanted))

    def fit(self, name: str, text: str) -> Fit:
        """The answer as a value of the field; a select takes the key of what was answered."""
        field = self._by_name.get(name.casefold())
        if name in ENTRIES or field is None:
            return Fit(text)
        if field.type == "multiselect":
            parts = [self._option(field, part) for part in text.split(_STEP)]
            found = [part for part in parts if part is not None]
            return Fit(found or None, "" if len(found) == len(parts) else "value_not_permitted")
        if field.options is not None:
            key = self._option(field, text)
            return Fit(key, "" if key is not None else "value_not_permitted")
        if field.type == "boolean":
            return Fit(
                text if text in ("0", "1") else None,
                "value_not_permitted" * (text not in ("0", "1")),
            )
        if field.length is not None and len(text) > field.length:
            return Fit(text[: field.length].rstrip(), "value_cut")
        return Fit(text)

    def _option(self, field: AddressField, text: str) -> str | None:
        """The key whose label, or which itself, is this text."""
        wanted = text.strip().casefold()
        for key, label in (field.options or {}).items():
            if wanted in (label.strip().casefold(), key.strip().casefold()):
                return key
        return None

    def day(self, mark: Mark, moment: datetime) -> str:
        """A moment as the date field of a mark takes it."""
        text = self._zone.wall_text(moment)
        return text if self.marks[mark].type == "datetime" else text[:10]

    def tag_key(self, label: str, *, tag_field: str | None) -> str | None:
        """The option key of a newsletter tag, by its label; None where the account has none."""
        field = self._by_name.get((tag_field or "").casefold())
        return self._option(field, label) if field is not None else None


def current(record: AddressRecord, name: str) -> str:
    """What a field of a contact says, in the form in which values are compared."""
    value = record.elements.get(name)
    if (isinstance(value, str) and value.startswith("|")) or isinstance(value, list):
        return comparable_value(list(multiselect_keys(value)))
    return comparable_value(value)


def comparable_value(value: Any) -> str:
    """A value to be written, or one that was read, in the form in which they are compared."""
    if value is None:
        return ""
    if isinstance(value, (list, tuple)):
        return "|".join(sorted(str(part) for part in value))
    text = str(value).strip()
    return {"True": "1", "False": "0"}.get(text, text)


def has_entry(record: AddressRecord, *, parameter: str, value: str) -> bool:
    """Whether the contact has this address or number already, however it is spelled."""
    wanted = _entry_form(parameter, value)
    return any(_entry_form(parameter, entry) == wanted for entry in entries(record, parameter))


def entries(record: AddressRecord, parameter: str) -> list[str]:
    """The entries of a contact that are of the kind of this parameter."""
    kinds = ENTRIES[parameter]
    return [
        str(value)
        for name, value in record.elements.items()
        if name.partition("__")[0] in kinds
        and "__" in name
        and not name.endswith("__Comment")
        and str(value or "").strip()
    ]


def _entry_form(parameter: str, value: str) -> str:
    if parameter.startswith("email"):
        return value.strip().casefold()
    digits = re.sub(r"\D", "", value.replace("(0)", ""))
    national = re.sub(r"^(00)?49", "", digits) if value.strip().startswith(("+", "00")) else digits
    return national.lstrip("0")


def _letters(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def is_entry(name: str) -> bool:
    """Whether this is a parameter for an entry (address or number) and no plain field."""
    return name in ENTRIES
