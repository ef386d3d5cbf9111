"""What the answers about fields, kinds and activities mean.

Belongs here: pure readings of records, with the shapes that PHP produces (`[]` for an empty map, a
list for a map with keys 0..n). Sources: apidoc, field configuration, action kinds and types, read
agents log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nl_pipeline.clients.onoffice.crm_time import CrmZone
from nl_pipeline.clients.onoffice.envelope import Record
from nl_pipeline.clients.onoffice.models import Activity, AddressField

_SELECTS = ("singleselect", "multiselect")


def fields_of(records: Sequence[Record], *, module: str) -> dict[str, AddressField]:
    """Return the fields of one module; text keys between them (`label`) are no fields."""
    found: dict[str, AddressField] = {}
    for record in records:
        if str(record.id) != module or not isinstance(record.elements, dict):
            continue
        for name, descriptor in record.elements.items():
            if isinstance(descriptor, Mapping):
                found[name] = _field_of(name, descriptor)
    return found


def action_kinds_of(records: Sequence[Record]) -> dict[str, tuple[str, ...]]:
    """Return kind key to its type keys; a kind without types has none."""
    kinds: dict[str, tuple[str, ...]] = {}
    for record in records:
        if isinstance(record.elements, dict) and "key" in record.elements:
            types = record.elements.get("types")
            kinds[str(record.elements["key"])] = tuple(_map_of(types)) if types else ()
    return kinds


def activities_of(records: Sequence[Record], *, zone: CrmZone) -> list[Activity]:
    """Return the entries of the activity log; created and read under different names."""
    entries = []
    for record in records:
        elements = record.elements if isinstance(record.elements, dict) else {}
        entries.append(
            Activity(
                id=int(record.id or 0),
                kind=str(elements.get("Aktionsart") or ""),
                type=str(elements.get("Aktionstyp") or ""),
                at=zone.moment(elements.get("Datum")),
                note=str(elements.get("Bemerkung") or ""),
            )
        )
    return entries


def _field_of(name: str, descriptor: Mapping[str, Any]) -> AddressField:
    kind = str(descriptor.get("type") or "")
    length = descriptor.get("length")
    default = descriptor.get("default")
    options = _map_of(descriptor.get("permittedvalues")) if kind in _SELECTS else None
    return AddressField(
        name=name,
        type=kind,
        label=str(descriptor.get("label") or name),
        length=int(str(length)) if str(length).isdigit() else None,
        options=options,
        default=None if default in (None, "") else str(default),
    )


def _map_of(value: object) -> dict[str, str]:
    if isinstance(value, Mapping):
        return {str(key): str(label) for key, label in value.items()}
    if isinstance(value, list):
        return {str(position): str(label) for position, label in enumerate(value)}
    return {}
