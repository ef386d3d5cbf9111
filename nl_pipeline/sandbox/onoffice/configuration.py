"""What the account is configured with: fields, select values, activity types, filters, users.

Belongs here: the ``get`` calls of configuration and the read of users. Does not belong here: the
catalogue itself (``fields.py``). Source: onOffice apidoc, field configuration, multiselect
configuration, kind and type of action, users.
"""

from __future__ import annotations

from typing import Any

from nl_pipeline.sandbox.onoffice.action import Action, Outcome, array_parameter, flag_parameter
from nl_pipeline.sandbox.onoffice.action_kinds import action_kinds
from nl_pipeline.sandbox.onoffice.errors import ActionError
from nl_pipeline.sandbox.onoffice.fields import LANGUAGE_KEYS, Field
from nl_pipeline.sandbox.onoffice.read import SAVED_FILTERS
from nl_pipeline.sandbox.onoffice.state import USERS, State

_MODULES = frozenset(
    [
        "address",
        "estate",
        "agentsLog",
        "calendar",
        "email",
        "file",
        "news",
        "intranet",
        "project",
        "task",
        "user",
    ]
)


def get_fields(state: State, action: Action) -> Outcome:
    """Field configuration by module; the twin configures addresses only, other modules come
    empty. Raises 160 and 163."""
    language = _language(action.parameters.get("language", "DEU"))
    with_labels = flag_parameter(action, "labels")
    wanted = set(array_parameter(action, "fieldList"))
    records: list[dict[str, Any]] = []
    for module in array_parameter(action, "modules"):
        if module not in _MODULES:
            raise ActionError(163, str(module))
        elements: dict[str, Any] = {}
        if module == "address":
            catalogue = state.catalogue
            only_inactive = flag_parameter(action, "showOnlyInactive")
            fields = catalogue.inactive if only_inactive else catalogue.active
            if with_labels:
                elements["label"] = "Adressen" if language == "DEU" else "Addresses"
            elements |= {
                field.name: _descriptor(field, language=language, with_labels=with_labels)
                for field in fields.values()
                if field.is_listed and (not wanted or field.name in wanted)
            }
        records.append({"id": module, "type": "", "elements": elements or []})
    return Outcome(records, is_cacheable=True)


def get_multiselect_configuration(state: State, action: Action) -> Outcome:
    """Options of select fields, one record each; raises 141, 160, 163 and 171."""
    if action.parameters.get("module", "address") != "address":
        raise ActionError(163, str(action.parameters["module"]))
    language = _language(action.parameters.get("language", "DEU"))
    records: list[dict[str, Any]] = []
    for name in array_parameter(action, "fields"):
        field = state.catalogue.active.get(name) if isinstance(name, str) else None
        if field is None:
            raise ActionError(141, str(name))
        if field.options is None:
            raise ActionError(171, name)
        for position, (key, label) in enumerate(field.option_labels(language).items(), start=1):
            records.append(
                {
                    "id": key,
                    "type": "multiselectconfiguration",
                    "elements": {
                        "field": name,
                        "fieldcontent": label,
                        "multiselectfield": key,
                        "active": "1",
                        "fieldfilter": [],
                        "default": "1" if key == field.default else "0",
                        "position": str(position),
                        "level": "1",
                        "parent": "0",
                    },
                }
            )
    return Outcome(records, is_cacheable=True)


def get_action_kinds(state: State, action: Action) -> Outcome:
    """Kinds and their types; automatic types only for kinds that are asked for by name."""
    language = _language(action.parameters.get("lang", "DEU"))
    shown_in_full = array_parameter(action, "allowAutomaticTypesForActionKind")
    records: list[dict[str, Any]] = []
    for number, kind in enumerate(action_kinds(state.switches).values()):
        types = {
            key: key if language == "DEU" else label
            for key, label in kind.types.items()
            if kind.key in shown_in_full or key not in kind.automatic_types
        }
        label = kind.key if language == "DEU" else kind.label
        elements: dict[str, Any] = {
            "key": kind.key,
            "label": label,
            "types": types or [],
            "default": "",
        }
        records.append({"id": str(number), "type": "actionkind", "elements": elements})
    return Outcome(records, is_cacheable=True)


def get_filters(state: State, action: Action) -> Outcome:
    """Saved filters of addresses; raises 163 for another module."""
    if action.parameters.get("module", "address") != "address":
        raise ActionError(163, str(action.parameters["module"]))
    return Outcome(
        [
            {"id": number, "type": "filter", "elements": {"scope": "office", "name": name}}
            for number, (name, _) in SAVED_FILTERS.items()
        ],
        is_cacheable=True,
    )


def get_users(state: State, action: Action) -> Outcome:
    """Users with id, user name and names."""
    return Outcome(
        [
            {
                "id": number,
                "type": "user",
                "elements": {
                    "id": number,
                    "username": name,
                    "firstname": first,
                    "lastname": last,
                    "email": f"{name}@makler.example",
                },
            }
            for number, name, first, last in USERS
        ],
        is_cacheable=True,
    )


def read_users(state: State, action: Action) -> Outcome:
    """Users by ``data`` field; raises 141."""
    records: list[dict[str, Any]] = []
    for number, name, first, last in USERS:
        known = {
            "Nr": str(number),
            "Name": name,
            "Vorname": first,
            "Nachname": last,
            "email": f"{name}@makler.example",
        }
        wanted = array_parameter(action, "data")
        if unknown := [field for field in wanted if field not in known]:
            raise ActionError(141, str(unknown[0]))
        elements = {field: known[field] for field in wanted}
        records.append({"id": number, "type": "user", "elements": elements or []})
    return Outcome(records, len(records), True)


def _descriptor(field: Field, *, language: str, with_labels: bool) -> dict[str, Any]:
    descriptor: dict[str, Any] = {
        "type": field.type,
        "length": field.length,
        "permittedvalues": _permitted(field, language=language, with_labels=with_labels),
        "default": field.default or None,
        "filters": [],
        "dependencies": [],
        "compoundFields": [],
    }
    if with_labels:
        descriptor["label"] = field.label(language)
    return descriptor


def _permitted(field: Field, *, language: str, with_labels: bool) -> Any:
    """Keys, or a map of key to label. Numeric keys arrive as numbers in the list, and a map whose
    keys are 0, 1, 2 ... in order as a list, because the server is written in PHP."""
    if field.options is None:
        return None
    if not with_labels:
        return [int(key) if key.isdigit() else key for key in field.options]
    labels = field.option_labels(language)
    if list(labels) == [str(place) for place in range(len(labels))]:
        return list(labels.values())
    return labels


def _language(value: Any) -> str:
    if value not in LANGUAGE_KEYS:
        raise ActionError(160, str(value))
    return str(value)
