"""Reading addresses: fields, filters, order and pages.

Belongs here: the action ``read`` of ``address``. Does not belong here: writing, and the agents
log. The ids of a query are kept until the data changes, so that reading 250,000 addresses page by
page filters and sorts once. Source: onOffice apidoc, read addresses.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from nl_pipeline.sandbox.onoffice.action import (
    Action,
    Outcome,
    array_parameter,
    flag_parameter,
    page_bounds,
    record_id,
)
from nl_pipeline.sandbox.onoffice.columns import (
    DEFAULT_KINDS,
    ENTRY_KINDS,
    Column,
    add_entries,
    formatted,
    on_the_wire,
    stored,
)
from nl_pipeline.sandbox.onoffice.errors import ActionError
from nl_pipeline.sandbox.onoffice.fields import LANGUAGE_KEYS, Field
from nl_pipeline.sandbox.onoffice.filters import Kind, conditions_of, predicate_of
from nl_pipeline.sandbox.onoffice.state import Address, State

SAVED_FILTERS: dict[int, tuple[str, dict[str, Any]]] = {
    41: ("Newsletter-Versand", {"newsletter_aktiv": [{"op": "=", "val": "1"}]}),
    47: ("Archivierte", {"Status2Adr": [{"op": "=", "val": "status2adr_archive"}]}),
}
"""Filters saved in the account: id to name and conditions."""
_KEPT_QUERIES = 8
_KINDS: dict[str, Kind] = {
    "integer": "number",
    "boolean": "boolean",
    "multiselect": "keys",
    "date": "moment",
    "datetime": "moment",
}
_ALL_ENTRIES = ("email", "phone", "fax")


class AddressReader:
    """Answers address reads and remembers the ids of recent queries."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._version = -1
        self._queries: OrderedDict[bytes, list[int]] = OrderedDict()

    def read(self, action: Action) -> Outcome:
        """The page asked for, with the total before the limit.

        Raises 141 (unknown name in ``data`` or ``filter``), 142, 212, 232, 257, 284, 302. An
        address the user may not see is simply not there: success with fewer rows.
        """
        row = self._row_of(action)
        if action.resource_id:
            address = self._state.visible(record_id(action.resource_id))
            return Outcome([row(address)] if address else [], int(address is not None), True)
        ids = self._ids_of(action)
        offset, limit = page_bounds(action, over_500=self._state.switches.listlimit_over_500)
        page, total = _page(ids, offset=offset, limit=limit, fault=action.fault)
        addresses = self._state.addresses
        return Outcome([row(addresses[number]) for number in page], total, True)

    def _row_of(self, action: Action) -> Callable[[Address], dict[str, Any]]:
        names = array_parameter(action, "data")
        columns: list[tuple[str, Column]] = []
        entries: list[str] = []
        for name in names:
            if name in ENTRY_KINDS or name in DEFAULT_KINDS:
                entries.append(name)
            elif name not in ("id", "imageUrl"):
                columns.append((name, self._column(name, action)))
        id_type = self._state.switches.element_id_type

        def row(address: Address) -> dict[str, Any]:
            number = address.number
            as_text = id_type == "string" or (id_type == "mixed" and number % 3 == 0)
            elements: dict[str, Any] = {"id": str(number) if as_text else number}
            for name, column in columns:
                elements[name] = column(address)
            for kind in entries:
                add_entries(elements, address, kind=kind)
            return {"id": number, "type": "address", "elements": elements}

        return row

    def _column(self, name: Any, action: Action) -> Column:
        field = self._state.catalogue.readable(name) if isinstance(name, str) else None
        if field is None:
            raise ActionError(141, str(name))
        if flag_parameter(action, "formatoutput"):
            language = action.parameters.get("outputlanguage", "DEU")
            if language not in LANGUAGE_KEYS:
                raise ActionError(160, str(language))
            return formatted(field, language=language)
        return on_the_wire(field, switches=self._state.switches)

    def _ids_of(self, action: Action) -> list[int]:
        """Ids of the whole result in order, from the recent queries where possible."""
        if self._version != self._state.version:
            self._queries.clear()
            self._version = self._state.version
        asked = {
            name: action.parameters.get(name)
            for name in ("filter", "filterid", "recordids", "sortby", "sortorder")
        }
        key = msgspec.json.encode(asked)
        if key in self._queries:
            self._queries.move_to_end(key)
            return self._queries[key]
        ids = self._select(action)
        self._queries[key] = ids
        if len(self._queries) > _KEPT_QUERIES:
            self._queries.popitem(last=False)
        return ids

    def _select(self, action: Action) -> list[int]:
        conditions = conditions_of(action.parameters.get("filter"))
        conditions += self._saved_conditions(action)
        checks = [self._check(name, operator, value) for name, operator, value in conditions]
        found = self._candidates(action, conditions)
        for check in checks:
            found = [address for address in found if check(address)]
        hidden = self._state.hidden
        visible = [a for a in found if a.number not in hidden] if hidden else list(found)
        return self._in_order(visible, action)

    def _saved_conditions(self, action: Action) -> list[tuple[str, str, Any]]:
        asked = action.parameters.get("filterid")
        if asked in (None, ""):
            return []
        saved = SAVED_FILTERS.get(record_id(asked, code=284))
        if saved is None:
            raise ActionError(284, str(asked))
        return conditions_of(saved[1])

    def _candidates(
        self, action: Action, conditions: list[tuple[str, str, Any]]
    ) -> Iterable[Address]:
        """The addresses that can meet the conditions; all of them, unless ids or e-mails narrow
        them down."""
        addresses = self._state.addresses
        ids = array_parameter(action, "recordids")
        if len(ids) > 500:
            raise ActionError(302)
        if ids:
            wanted = sorted({record_id(value) for value in ids})
            return [addresses[number] for number in wanted if number in addresses]
        for name, operator, value in conditions:
            if name in ("email", "Email") and operator in ("=", "in"):
                emails = value if isinstance(value, list) else [value]
                numbers = {n for email in emails for n in self._state.ids_with_email(str(email))}
                return [addresses[number] for number in sorted(numbers)]
        return addresses.values()

    def _check(self, name: str, operator: str, value: Any) -> Callable[[Address], bool]:
        """One condition on an address. ``email``, ``phone`` and ``fax`` look at all entries,
        the main fields at the main entry alone (onOffice apidoc, read addresses)."""
        exact = self._state.switches.email_compare == "exact"
        if name in _ALL_ENTRIES:
            kinds = ("phone", "mobile") if name == "phone" else ENTRY_KINDS[name]
            inner = _entry_check(operator, value, exact=exact)
            negative = operator in ("!=", "not like", "not in")
            every = all if negative else any
            return lambda address: every(inner(e.value) for e in address.of_kind(*kinds))
        field = self._state.catalogue.active.get(name)
        if field is None:
            raise ActionError(141, name)
        if name == "Email":
            main = _entry_check(operator, value, exact=exact)
            return lambda address: main(address.main("email"))
        return _field_check(field, operator, value)

    def _in_order(self, found: list[Address], action: Action) -> list[int]:
        sort_by = action.parameters.get("sortby")
        if sort_by in (None, "", []):
            # No order is documented; rising ids are what clients have seen.
            return [address.number for address in found]
        field = self._state.catalogue.readable(sort_by) if isinstance(sort_by, str) else None
        if field is None:
            raise ActionError(212, str(sort_by))
        order = str(action.parameters.get("sortorder", "ASC")).upper()
        if order not in ("ASC", "DESC"):
            raise ActionError(255, "sortorder")
        read = stored(field)
        numeric = field.type in ("integer", "boolean")

        def key(address: Address) -> Any:
            value = read(address)
            if numeric:
                return value or 0
            return "" if value is None else str(value).casefold()

        return [a.number for a in sorted(found, key=key, reverse=order == "DESC")]


def _entry_check(operator: str, value: Any, *, exact: bool) -> Callable[[Any], bool]:
    """A condition on an e-mail or number; stray blanks never make a difference ([inferred])."""
    stripped = [str(v).strip() for v in value] if isinstance(value, list) else str(value).strip()
    check = predicate_of("text", operator, stripped, exact=exact)
    return lambda stored: check(str(stored).strip())


def _field_check(field: Field, operator: str, value: Any) -> Callable[[Address], bool]:
    read = stored(field)
    check = predicate_of(_KINDS.get(field.type, "text"), operator, value)
    return lambda address: check(read(address))


def _page(
    ids: list[int], *, offset: int, limit: int, fault: dict[str, Any] | None
) -> tuple[list[int], int]:
    """Ids of one page and the total, spoilt when a fault says so.

    ``short_page``: fewer rows than asked for. ``page_drift``: as if the order moved between two
    calls, one row before the page went elsewhere and the page starts one row late; with
    ``vanish`` its first row is gone and the total one less.
    """
    page, total = ids[offset : offset + limit], len(ids)
    if fault is None:
        return page, total
    if fault["kind"] == "short_page":
        rows = fault.get("rows")
        return page[: len(page) // 2 if rows is None else rows], total
    if fault.get("vanish", False):
        return page[1:], total - 1
    return ids[offset + 1 : offset + 1 + limit], total
