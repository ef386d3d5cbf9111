"""Which attribute of a Brevo account holds which profile field.

Belongs here: finding attributes by explicit mapping and by names in five languages, and saying what
to map by hand. Must not be here: creating attributes (``set_up``).

The names of an account's own attributes depend on the language it was created in, and Brevo neither
tells that language nor refuses a name it does not know: it drops the value without a word. So
nothing is guessed: a field that is not found exactly once stops the connection.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from nl_pipeline.clients.brevo import Attribute, BrevoClient
from nl_pipeline.clients.errors import OperatorNeeded
from nl_pipeline.domain.fields import Direction, ProfileField

#: Names of the first and last name by the language of an account; the first is Brevo's own.
_LANGUAGES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "German": {"first_name": ("VORNAME",), "last_name": ("NACHNAME", "FAMILIENNAME")},
    "English": {
        "first_name": ("FIRSTNAME", "FIRST_NAME", "FNAME"),
        "last_name": ("LASTNAME", "LAST_NAME", "LNAME", "SURNAME"),
    },
    "French": {"first_name": ("PRENOM", "PRÉNOM"), "last_name": ("NOM",)},
    "Italian": {"first_name": ("NOME",), "last_name": ("COGNOME",)},
    "Spanish": {"first_name": ("NOMBRE",), "last_name": ("APELLIDOS", "APELLIDO")},
}
#: Brevo's own forms have no salutation: these are names people give it.
_SALUTATIONS = ("ANREDE", "SALUTATION", "CIVILITE", "CIVILITÉ", "TITOLO", "TRATAMIENTO")
#: ``NAME`` alone says neither: it is the first name beside SURNAME (English accounts of old), the
#: last name beside VORNAME.
_NAME_BESIDE = {"first_name": "SURNAME", "last_name": "VORNAME"}
#: A type may be missing in an answer. Days are texts, too; whoever maps one knows it.
_TEXTS, _TEXTS_BY_HAND = frozenset({"text", ""}), frozenset({"text", "", "date"})


@dataclass(frozen=True)
class Discovered:
    """Attribute by field, and the fields for which the account has none."""

    names: Mapping[str, str]
    missing: tuple[ProfileField, ...]


def discover(fields: Sequence[ProfileField], *, present: Collection[Attribute]) -> Discovered:
    """Find the attribute of each field. OperatorNeeded where several fit, or none of the right
    type."""
    by_name = {attribute.name.upper(): attribute for attribute in present}
    taken = {f.provider.upper() for f in fields if f.provider}
    names: dict[str, str] = {}
    missing: list[ProfileField] = []
    for f in fields:
        wanted = [f.provider.upper()] if f.provider else _aliases(f.name, present=by_name)
        found = [by_name[n] for n in wanted if n in by_name and (f.provider or n not in taken)]
        types = _TEXTS_BY_HAND if f.provider else _TEXTS
        fitting = [a for a in found if a.category == "normal" and a.type in types]
        if len(fitting) > 1:
            raise OperatorNeeded(
                f"several attributes of the account may be meant by the field {f.name}:"
                f" {_listed(fitting)}",
                system="brevo",
                code="attribute_ambiguous",
                what_next=_map_by_hand(f, name=fitting[0].name),
            )
        if found and not fitting:
            raise OperatorNeeded(
                f"the attribute {_listed(found)} for the field {f.name} holds no text"
                f" ({', '.join(a.type or a.category for a in found)}): Brevo would drop the values",
                system="brevo",
                code="attribute_type",
                what_next=_map_by_hand(f, name="an attribute of the type text"),
            )
        if fitting:
            names[f.name] = fitting[0].name
        else:
            missing.append(f)
    return Discovered(names, tuple(missing))


def name_to_create(field: ProfileField, *, present: Collection[Attribute]) -> str:
    """The name of the attribute that a missing field gets, in the language of the account as far
    as its other names tell it."""
    if field.provider:
        return field.provider.upper()
    if field.name == "salutation":
        return _SALUTATIONS[0]
    there = {attribute.name.upper() for attribute in present}
    for names in _LANGUAGES.values():
        if field.name in names and there & {n for known in names.values() for n in known}:
            return names[field.name][0]
    return _LANGUAGES["German"].get(field.name, (field.name.upper(),))[0]


def missing_attributes(fields: Sequence[ProfileField]) -> OperatorNeeded:
    """The error for fields the account has no attribute for."""
    return OperatorNeeded(
        f"the account has no attribute for the fields {', '.join(f.name for f in fields)}",
        system="brevo",
        code="attribute_missing",
        what_next="run `nl-pipeline setup`, which creates them, or name the attributes of the"
        f" account in the field mapping ({', '.join(f'{f.name}: provider: NAME' for f in fields)})",
    )


class AttributeNames:
    """The attribute of each field, asked for once; ``fields`` are all mapped ones."""

    def __init__(self, client: BrevoClient, *, fields: Sequence[ProfileField]) -> None:
        self._client = client
        self._synced = tuple(f for f in fields if f.direction is not Direction.OFF)
        self._names: Mapping[str, str] | None = None

    def look(self) -> tuple[Discovered, tuple[Attribute, ...]]:
        """Ask anew what there is."""
        present = self._client.attributes()
        discovered = discover(self._synced, present=present)
        self._names = None if discovered.missing else discovered.names
        return discovered, present

    def names(self) -> Mapping[str, str]:
        """Attribute by name of a synced field. OperatorNeeded where one is missing."""
        if self._names is None:
            discovered, _ = self.look()
            if discovered.missing:
                raise missing_attributes(discovered.missing)
            return discovered.names
        return self._names


def _aliases(field: str, *, present: Collection[str]) -> list[str]:
    if field == "salutation":
        return list(_SALUTATIONS)
    found = [name for names in _LANGUAGES.values() for name in names.get(field, ())]
    beside = _NAME_BESIDE.get(field)
    if beside is not None and beside in present and not set(found) & set(present):
        return ["NAME"]
    return found


def _listed(attributes: Sequence[Attribute]) -> str:
    return ", ".join(sorted(attribute.name for attribute in attributes))


def _map_by_hand(field: ProfileField, *, name: str) -> str:
    return (
        f"name the attribute in the field mapping of this connection: `provider: {name}` for the"
        f" field {field.name}"
    )
