"""Creating and modifying addresses.

Belongs here: the actions ``create`` and ``modify`` of ``address``, rights and the duplicate check.
Does not belong here: the rules for a single value (``values.py``) or entry (``entries.py``).
Source: onOffice apidoc, create and modify addresses.
"""

from __future__ import annotations

from typing import Any

from nl_pipeline.sandbox.onoffice.action import Action, Outcome, done, flag_parameter, record_id
from nl_pipeline.sandbox.onoffice.entries import created_entries, instructed_entries, split_entries
from nl_pipeline.sandbox.onoffice.errors import ActionError
from nl_pipeline.sandbox.onoffice.state import API_USER, Address, Entry, State, same_email
from nl_pipeline.sandbox.onoffice.values import accepted_values

_OPTIONS = ("checkDuplicate", "noOverrideByDuplicate", "extendedclaim")


def create_address(state: State, action: Action) -> Outcome:
    """Create from flat parameters; answers the id of the new or, with ``checkDuplicate``, of the
    existing address, without saying which. Raises 78, 131 and what values and entries raise."""
    if not state.may_write:
        raise ActionError(131)
    raw_entries, raw_fields = split_entries(
        {name: value for name, value in action.parameters.items() if name not in _OPTIONS}
    )
    if not raw_entries and not raw_fields:
        raise ActionError(78)
    values = accepted_values(raw_fields, catalogue=state.catalogue, switches=state.switches)
    entries = created_entries(raw_entries, state=state)
    if flag_parameter(action, "checkDuplicate"):
        existing = _duplicate(state, [entry.value for entry in entries if entry.kind == "email"])
        if existing is not None:
            if not flag_parameter(action, "noOverrideByDuplicate"):
                store_values(state, existing, values)
            return _created(existing)
    return _created(new_address(state, values, entries))


def modify_address(state: State, action: Action) -> Outcome:
    """Partial update of one address; all of the parameters or, on an error, none of them.

    Raises what :func:`writable_address`, values and entries raise.
    """
    address = writable_address(state, action.resource_id)
    raw_entries, raw_fields = split_entries(
        {name: value for name, value in action.parameters.items() if name not in _OPTIONS}
    )
    values = accepted_values(raw_fields, catalogue=state.catalogue, switches=state.switches)
    entries = instructed_entries(address, raw_entries, state=state)
    if raw_entries:
        state.change_entries(address, entries)
        state.touch(address, "email")
    store_values(state, address, values)
    return done("address")


def writable_address(state: State, resource_id: str) -> Address:
    """The address a write is meant for.

    Raises 79 (no id), 80 (no such address), 174 (no right to write), 261 (another's address).
    """
    if resource_id == "":
        raise ActionError(79)
    number = record_id(resource_id, code=80)
    if not state.may_write:
        raise ActionError(174)
    address = state.addresses.get(number)
    if address is None:
        raise ActionError(80, str(number))
    if number in state.hidden:
        raise ActionError(261, str(number))
    return address


def new_address(state: State, values: dict[str, Any], entries: list[Entry]) -> Address:
    """Store a new address with the fields that onOffice fills in itself."""
    now = state.wall_time()
    filled = {"Eintragsdatum": now[:10], "Aenderung": now, "Benutzer": API_USER, **values}
    return state.add_address(filled, entries)


def store_values(state: State, address: Address, values: dict[str, Any]) -> None:
    """Overwrite the given values of an address and move its ``Aenderung``."""
    address.values.update(values)
    causes = {"newsletter" if name == "newsletter_aktiv" else "fields" for name in values}
    state.touch(address, *causes)


def _duplicate(state: State, emails: list[str]) -> Address | None:
    """The existing address with one of the e-mails, the lowest id where there are several."""
    ignore_case = state.switches.email_compare == "ignore_case"
    wanted = {same_email(email) if ignore_case else email for email in emails}
    for number in sorted({n for email in emails for n in state.ids_with_email(email)}):
        existing = [e.value.strip() for e in state.addresses[number].of_kind("email")]
        if state.switches.duplicate_check == "main":
            existing = existing[:1]
        if wanted & {same_email(email) if ignore_case else email for email in existing}:
            return state.addresses[number]
    return None


def _created(address: Address) -> Outcome:
    return Outcome([{"id": address.number, "type": "address", "elements": []}])
