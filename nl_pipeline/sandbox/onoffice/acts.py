"""What people do inside onOffice: staff in its windows, and contacts through its own links.

Belongs here: the actions of ``POST /_sandbox/onoffice/act``. Does not belong here: the API, which
only knows some of this; staff may also delete and merge, and an import skips checks.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from nl_pipeline.sandbox.onoffice.errors import ActionError
from nl_pipeline.sandbox.onoffice.newsletter import cancel
from nl_pipeline.sandbox.onoffice.state import USERS, Address, Entry, State, same_email
from nl_pipeline.sandbox.onoffice.values import accepted_values
from nl_pipeline.sandbox.onoffice.write import new_address, store_values
from nl_pipeline.sandbox.service import ActRefused

ACTORS = ("staff", "person", "import", "api")
_STAFF_USER = USERS[1][1]
_NOT_FIELDS = frozenset(
    {"actor", "action", "id", "ids", "email", "emails", "Email", "new_email", "fields", "visible"}
)

Act = Callable[[State, dict[str, Any]], dict[str, Any]]


def perform(state: State, payload: dict[str, Any]) -> dict[str, Any]:
    """Carry out one act and answer ``{"ids": [ids that were touched]}``.

    A contact is named by ``id``, ``ids``, ``email`` or ``emails``; an address that several
    contacts share means all of them. Fields stand in ``fields`` or beside the other keys. Raises
    :class:`ActRefused` with the reason.
    """
    actor, action = payload.get("actor", "staff"), payload.get("action")
    if actor not in ACTORS:
        raise ActRefused(f"actor {actor!r} unknown; allowed: {', '.join(ACTORS)}")
    allowed = _PERSON_ACTS if actor == "person" else _STAFF_ACTS
    act = allowed.get(action) if isinstance(action, str) else None
    if act is None:
        raise ActRefused(f"{actor} has no action {action!r}; allowed: {', '.join(allowed)}")
    try:
        return act(state, payload)
    except ActionError as refused:
        raise ActRefused(f"{action} refused with code {refused.code}: {refused.message}") from None


def _create(state: State, payload: dict[str, Any]) -> dict[str, Any]:
    """``email`` (main) and ``emails`` (all, main first) become e-mail entries."""
    fields = _fields(payload)
    given = {**payload, **fields}
    emails = [*_emails(given.get("email", given.get("Email"))), *_emails(given.get("emails"))]
    values = _values(state, payload, fields)
    entries = _email_entries(state, list(dict.fromkeys(emails)))
    return {"ids": [new_address(state, {"Benutzer": _STAFF_USER, **values}, entries).number]}


def _modify(state: State, payload: dict[str, Any]) -> dict[str, Any]:
    """``fields`` may also hold ``Email`` or ``email`` (new main e-mail) and ``emails`` (all)."""
    addresses, fields = _contacts(state, payload), _fields(payload)
    values = _values(state, payload, fields)
    main = _emails(fields.get("email", fields.get("Email", payload.get("Email"))))
    for address in addresses:
        if "emails" in fields:
            _replace_emails(state, address, _emails(fields["emails"]))
        if main:
            _change_main_email(state, address, main[0])
        store_values(state, address, dict(values))
    return _touched(addresses)


def _change_email(state: State, payload: dict[str, Any]) -> dict[str, Any]:
    """Replace the entry ``email`` by ``new_email``; with ``id`` alone, the main entry."""
    new = _emails(payload.get("new_email"))
    if len(new) != 1:
        raise ActRefused("change_email needs new_email, one address as text")
    addresses = _contacts(state, payload)
    for address in addresses:
        old = payload.get("email")
        if old is None:
            _change_main_email(state, address, new[0])
            continue
        entries = [
            _renamed(entry, new[0]) if _is_email(entry, str(old)) else entry
            for entry in address.entries
        ]
        state.change_entries(address, entries)
        state.touch(address, "email")
    return _touched(addresses)


def _archive(state: State, payload: dict[str, Any]) -> dict[str, Any]:
    addresses = _contacts(state, payload)
    for address in addresses:
        store_values(state, address, {"Status2Adr": "status2adr_archive"})
    return _touched(addresses)


def _delete(state: State, payload: dict[str, Any]) -> dict[str, Any]:
    """Gone without a tombstone, as a deletion in onOffice's window is for the API."""
    addresses = _contacts(state, payload)
    for address in addresses:
        state.remove_address(address.number)
    return _touched(addresses)


def _merge(state: State, payload: dict[str, Any]) -> dict[str, Any]:
    """The lowest id stays and gets the entries and activities of the others, which vanish."""
    addresses = sorted(_contacts(state, payload), key=lambda address: address.number)
    if len(addresses) < 2:
        raise ActRefused("merge needs at least two contacts; name them by ids or emails")
    kept, *others = addresses
    entries = list(kept.entries)
    known = {(entry.kind, same_email(entry.value)) for entry in entries}
    for other in others:
        for entry in other.entries:
            if (entry.kind, same_email(entry.value)) not in known:
                known.add((entry.kind, same_email(entry.value)))
                entry.is_default = False
                entries.append(entry)
        state.move_activities(other.number, kept.number)
        state.remove_address(other.number)
    state.change_entries(kept, entries)
    state.touch(kept, "fields", "email")
    return _touched([kept])


def _restrict_rights(state: State, payload: dict[str, Any]) -> dict[str, Any]:
    """What the API user may see and do from now on.

    ``visible``: a fraction (0.0 to 1.0), a whole number of contacts, a list of ids, or ``"all"``.
    ``write``: whether it may create and modify at all. Contacts created later are visible.
    """
    if "visible" not in payload and "write" not in payload:
        raise ActRefused("restrict_rights needs visible (fraction, count, ids, 'all') or write")
    if "write" in payload:
        state.may_write = bool(payload["write"])
    if "visible" in payload:
        state.hide_all_but(_visible_ids(state, payload["visible"]))
    return {"ids": [], "hidden": len(state.hidden), "write": state.may_write}


def _visible_ids(state: State, wanted: Any) -> set[int]:
    ids = list(state.addresses)
    if wanted == "all":
        return set(ids)
    if isinstance(wanted, list):
        return {int(number) for number in wanted}
    if isinstance(wanted, bool) or not isinstance(wanted, (int, float)) or wanted < 0:
        raise ActRefused("visible must be a fraction, a count, a list of ids or 'all'")
    count = round(wanted * len(ids)) if isinstance(wanted, float) and wanted <= 1 else int(wanted)
    return set(random.Random(count).sample(ids, k=min(count, len(ids))))


def _unsubscribe(state: State, payload: dict[str, Any]) -> dict[str, Any]:
    """The contact follows onOffice's own cancellation link."""
    addresses = _contacts(state, payload)
    for address in addresses:
        cancel(state, address, user="")
    return _touched(addresses)


_STAFF_ACTS: dict[str, Act] = {
    "create": _create,
    "modify": _modify,
    "change_email": _change_email,
    "archive": _archive,
    "delete": _delete,
    "merge": _merge,
    "restrict_rights": _restrict_rights,
}
_PERSON_ACTS: dict[str, Act] = {"unsubscribe": _unsubscribe}


def _contacts(state: State, payload: dict[str, Any]) -> list[Address]:
    """The contacts an act is about, each once; raises when one does not exist."""
    numbers: dict[int, None] = {}
    for number in [*_listed(payload.get("id")), *_listed(payload.get("ids"))]:
        if not str(number).isdigit() or int(number) not in state.addresses:
            raise ActRefused(f"onoffice has no contact with id {number}")
        numbers[int(number)] = None
    if not numbers:
        for email in [*_emails(payload.get("email")), *_emails(payload.get("emails"))]:
            found = state.ids_with_email(email)
            if not found:
                raise ActRefused("onoffice has no contact with that e-mail")
            numbers.update(dict.fromkeys(found))
    if not numbers:
        raise ActRefused("the act names no contact; give id, ids, email or emails")
    return [state.addresses[number] for number in numbers]


def _fields(payload: dict[str, Any]) -> dict[str, Any]:
    nested = payload.get("fields", {})
    if not isinstance(nested, dict):
        raise ActRefused("fields must be an object of onOffice field names")
    return {k: v for k, v in payload.items() if k not in _NOT_FIELDS} | nested


def _values(state: State, payload: dict[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
    """Checked as the API checks them; an import stores select values as they come."""
    raw = {name: value for name, value in fields.items() if name not in _NOT_FIELDS}
    unchecked: dict[str, Any] = {}
    if payload.get("actor") == "import":
        for name, value in raw.items():
            field = state.catalogue.active.get(name)
            if field is not None and field.type == "singleselect":
                unchecked[name] = str(value)
    checked = {name: value for name, value in raw.items() if name not in unchecked}
    return unchecked | accepted_values(checked, catalogue=state.catalogue, switches=state.switches)


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _emails(value: Any) -> list[str]:
    return [str(email) for email in _listed(value) if email not in (None, "")]


def _is_email(entry: Entry, email: str) -> bool:
    return entry.kind == "email" and same_email(entry.value) == same_email(email)


def _email_entries(state: State, emails: list[str]) -> list[Entry]:
    return [
        state.new_entry("email", email, is_default=place == 0) for place, email in enumerate(emails)
    ]


def _renamed(entry: Entry, value: str) -> Entry:
    return Entry(entry.number, entry.kind, entry.usage, value, entry.is_default)


def _change_main_email(state: State, address: Address, email: str) -> None:
    others = [
        entry for entry in address.entries if not (entry.kind == "email" and entry.is_default)
    ]
    main = [entry for entry in address.entries if entry not in others]
    new = _renamed(main[0], email) if main else _email_entries(state, [email])[0]
    state.change_entries(address, [new, *others])
    state.touch(address, "email")


def _replace_emails(state: State, address: Address, emails: list[str]) -> None:
    others = [entry for entry in address.entries if entry.kind != "email"]
    state.change_entries(address, [*_email_entries(state, emails), *others])
    state.touch(address, "email")


def _touched(addresses: list[Address]) -> dict[str, Any]:
    return {"ids": [address.number for address in addresses]}
