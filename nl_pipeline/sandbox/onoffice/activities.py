"""The agents log: creating, reading and modifying activities.

Belongs here: ``create``, ``read`` and ``modify`` of ``agentslog``. Does not belong here: the
account's kinds and types (``action_kinds.py``). Source: onOffice apidoc, create activities, read
the agents log, modify activities. There is no delete.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nl_pipeline.sandbox.onoffice.action import (
    Action,
    Outcome,
    array_parameter,
    page_bounds,
    record_id,
)
from nl_pipeline.sandbox.onoffice.action_kinds import action_kinds
from nl_pipeline.sandbox.onoffice.errors import ActionError
from nl_pipeline.sandbox.onoffice.filters import Kind, conditions_of, predicate_of
from nl_pipeline.sandbox.onoffice.state import API_USER, USERS, Activity, State
from nl_pipeline.sandbox.onoffice.values import checked_moment

_CREATE_PARAMETERS = frozenset(
    [
        "addressids",
        "estateid",
        "projectid",
        "taskid",
        "appointmentid",
        "datetime",
        "actionkind",
        "actiontype",
        "note",
        "origincontact",
        "features",
        "cost",
        "duration",
        "advisorylevel",
        "reasoncancellation",
        "fileids",
        "userid",
        "extendedclaim",
    ]
)
_MODIFY_FIELDS = frozenset(
    [
        "actionkind",
        "actiontype",
        "origincontact",
        "cost",
        "note",
        "duration",
        "features",
        "datetime",
    ]
)
_USER_NUMBERS = {name: number for number, name, _, _ in USERS}
_NOT_FILTERABLE = ("Benutzer", "Adress_nr", "Objekt_nr", "dauer")
_COLUMNS: dict[str, Callable[[Activity], Any]] = {
    "Nr": lambda a: str(a.number),
    "Objekt_nr": lambda _: [],
    "Adress_nr": lambda a: [] if a.address_id is None else [str(a.address_id)],
    "Aktionsart": lambda a: a.kind,
    "Aktionstyp": lambda a: a.type,
    "Datum": lambda a: a.at,
    "created": lambda a: a.created,
    "Benutzer": lambda a: a.user,
    "Benutzer_nr": lambda a: str(_USER_NUMBERS.get(a.user, 0)),
    "Datum_bearb": lambda a: a.details.get("Datum_bearb", ""),
    "Benutzer_bearb": lambda a: a.details.get("Benutzer_bearb", ""),
    "Kosten": lambda a: a.details.get("Kosten", "0.00"),
    "Bemerkung": lambda a: a.note,
    "merkmal": lambda a: "".join(f"|{key}|" for key in a.details.get("merkmal", [])),
    "HerkunftKontakt": lambda a: a.details.get("HerkunftKontakt", ""),
    "dauer": lambda a: a.details.get("dauer", "0"),
    "Beratungsebene": lambda a: a.details.get("Beratungsebene", ""),
    "Absagegrund": lambda _: "",
    "mailDate": lambda _: "",
    "Aktionsmerkmale": lambda _: "",
    "Angeboten_fuer": lambda _: "",
}


def create_activities(state: State, action: Action) -> Outcome:
    """One entry for each of ``addressids``; raises 96, 98 to 101, 113, 144, 220 to 224, 292."""
    parameters = action.parameters
    for name in parameters:
        if name not in _CREATE_PARAMETERS:
            raise ActionError(144, name)
    ids = _address_ids(state, parameters)
    kind, type_ = _kind_and_type(state, parameters)
    note = str(parameters.get("note") or "")
    if state.switches.note_required and not note:
        raise ActionError(113)
    details = _details(state, parameters)
    at = parameters.get("datetime")
    moment = None if at in (None, "") else checked_moment(at, name="datetime")
    created = [
        state.add_activity(number, kind=kind, type=type_, note=note, at=moment, details={**details})
        for number in ids
    ]
    return Outcome([{"id": a.number, "type": "agentsLog", "elements": []} for a in created])


def read_activities(state: State, action: Action) -> Outcome:
    """Entries of the addresses in ``addressid``, newest first unless sorted otherwise.

    A read without any scope is refused with 98 ([inferred]: sources disagree whether it works).
    Raises 74, 141, 212, 257.
    """
    names = array_parameter(action, "data")
    for name in names:
        if name not in _COLUMNS:
            raise ActionError(141, str(name))
    scope = array_parameter(action, "addressid")
    if not scope:
        raise ActionError(98)
    numbers = [record_id(value) for value in scope]
    found = list(
        state.activities_about(number for number in dict.fromkeys(numbers) if state.visible(number))
    )
    for name, operator, value in conditions_of(action.parameters.get("filter")):
        if name not in _COLUMNS or name in _NOT_FILTERABLE:
            raise ActionError(257, name)
        found = _kept(found, name, operator, value)
    found = _in_order(found, action)
    offset, limit = page_bounds(action, over_500=state.switches.listlimit_over_500)
    records: list[dict[str, Any]] = [
        {
            "id": activity.number,
            "type": "agentslog",
            "elements": {name: _COLUMNS[name](activity) for name in names} or [],
        }
        for activity in found[offset : offset + limit]
    ]
    return Outcome(records, len(found), True)


def modify_activity(state: State, action: Action) -> Outcome:
    """Change an entry; here, unlike on create, fields are nested in ``data``. Raises 79, 80,
    100, 101, 144, 167."""
    if action.resource_id == "":
        raise ActionError(79)
    activity = state.activities.get(record_id(action.resource_id, code=80))
    if activity is None or (activity.address_id in state.hidden):
        raise ActionError(80, action.resource_id)
    data = action.parameters.get("data")
    if not isinstance(data, dict):
        raise ActionError(167, "data")
    for name in data:
        if name not in _MODIFY_FIELDS:
            raise ActionError(144, name)
    current = {"actionkind": activity.kind, "actiontype": activity.type}
    kind, type_ = _kind_and_type(state, current | data)
    details = _details(state, data)
    at = checked_moment(data["datetime"], name="datetime") if "datetime" in data else activity.at
    activity.kind, activity.type, activity.at = kind, type_, at
    activity.note = str(data.get("note", activity.note))
    activity.details |= details | {"Datum_bearb": state.wall_time(), "Benutzer_bearb": API_USER}
    elements = {
        name: _COLUMNS[name](activity)
        for name in ("Aktionsart", "Aktionstyp", "Bemerkung", "merkmal")
    }
    elements |= {"Datum": activity.at[:10], "Uhrzeit": activity.at[11:]}
    return Outcome([{"id": activity.number, "type": "agentsLog", "elements": elements}])


def _address_ids(state: State, parameters: dict[str, Any]) -> list[int | None]:
    raw = parameters.get("addressids")
    if raw in (None, "", []):
        if parameters.get("estateid") in (None, ""):
            raise ActionError(98)
        return [None]
    if not isinstance(raw, list):
        raise ActionError(99)
    ids: list[int | None] = []
    for value in raw:
        number = record_id(value, code=96)
        if state.visible(number) is None:
            raise ActionError(292, str(number))
        ids.append(number)
    return ids


def _kind_and_type(state: State, parameters: dict[str, Any]) -> tuple[str, str]:
    kinds = action_kinds(state.switches)
    kind = str(parameters.get("actionkind") or "")
    if kind not in kinds:
        raise ActionError(100, kind)
    type_ = str(parameters.get("actiontype") or "")
    if type_ and type_ not in kinds[kind].types:
        raise ActionError(101, type_)
    return kind, type_


def _details(state: State, parameters: dict[str, Any]) -> dict[str, Any]:
    """Further fields under the names a read gives them."""
    details: dict[str, Any] = {}
    origin = parameters.get("origincontact")
    if origin not in (None, ""):
        field = state.catalogue.active.get("HerkunftKontakt")
        if field is None or origin not in (field.options or {}):
            raise ActionError(220, str(origin))
        details["HerkunftKontakt"] = origin
    for name, column, code in (("cost", "Kosten", 222), ("duration", "dauer", 223)):
        if parameters.get(name) not in (None, ""):
            try:
                details[column] = str(float(parameters[name]))
            except (TypeError, ValueError) as refused:
                raise ActionError(code) from refused
    level = parameters.get("advisorylevel")
    if level not in (None, ""):
        if level not in tuple("ABCDEFG"):
            raise ActionError(224)
        details["Beratungsebene"] = level
    if isinstance(parameters.get("features"), list):
        details["merkmal"] = [str(key) for key in parameters["features"]]
    return details


def _kept(found: list[Activity], name: str, operator: str, value: Any) -> list[Activity]:
    kind: Kind = "number" if name in ("Nr", "Benutzer_nr", "Kosten") else "text"
    check = predicate_of(kind, operator, value)
    column = _COLUMNS[name]
    return [activity for activity in found if check(column(activity))]


def _in_order(found: list[Activity], action: Action) -> list[Activity]:
    """By ``{field: direction}`` or a field and ``sortorder``; newest first by default."""
    sort_by = action.parameters.get("sortby")
    if sort_by in (None, "", []):
        return sorted(found, key=lambda activity: (activity.at, activity.number), reverse=True)
    direction = action.parameters.get("sortorder", "ASC")
    if isinstance(sort_by, dict):
        sort_by, direction = next(iter(sort_by.items()))
    if sort_by == "Nr":
        return sorted(found, key=lambda a: a.number, reverse=str(direction).upper() == "DESC")
    if sort_by not in _COLUMNS:
        raise ActionError(212, str(sort_by))
    column = _COLUMNS[sort_by]
    return sorted(found, key=lambda a: str(column(a)), reverse=str(direction).upper() == "DESC")
