"""Who is on a list: reading, adding, removing, emptying.

Belongs here: the endpoints below ``/contacts/lists/{listId}/contacts``. Does not belong here: the
lists themselves. A call in which nothing succeeds is refused with one of the exact texts seen in
traffic.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from nl_pipeline.sandbox.brevo import changes, contact_search, errors
from nl_pipeline.sandbox.brevo.account import Account
from nl_pipeline.sandbox.brevo.calls import Answer, ApiCall
from nl_pipeline.sandbox.brevo.contact_view import shown
from nl_pipeline.sandbox.brevo.notices import Cause
from nl_pipeline.sandbox.brevo.paging import page_of
from nl_pipeline.sandbox.brevo.processes import begin
from nl_pipeline.sandbox.brevo.state import Contact, Process

MOST_ENTRIES = 150
DEFAULT_ON_A_PAGE = 50
MOST_ON_A_PAGE = 500


class _EntriesBody(msgspec.Struct):
    emails: list[str] | None = None
    ids: list[int] | None = None
    extIds: list[str] | None = None
    all: bool = False


@dataclass(frozen=True, slots=True)
class Emptying:
    """Taking everybody off a list, in Brevo's own time."""

    list_id: int
    cause: Cause

    def carry_out(self, account: Account, process: Process) -> None:
        """Take off whoever is on the list by then."""
        for contact in account.contacts.values():
            changes.remove_from_lists(account, contact, (self.list_id,), cause=self.cause)


def list_members(account: Account, call: ApiCall) -> Answer:
    """``GET``: blocklisted members too."""
    list_id = account.list_of(call.id_of("list_id", what="List ID")).id
    members = [contact for contact in account.contacts.values() if list_id in contact.list_ids]
    found = contact_search.since(members, call=call)
    page = page_of(found, call=call, default=DEFAULT_ON_A_PAGE, most=MOST_ON_A_PAGE)
    rows = [shown(contact, account=account) for contact in page.rows]
    return Answer({"contacts": rows, "count": page.total}, items={"contacts": len(rows)})


def add_members(account: Account, call: ApiCall) -> Answer:
    """``POST .../add``: contacts that exist and are not on the list; a blocklisting stays."""
    list_id = account.list_of(call.id_of("list_id", what="List ID")).id
    return _each(
        account,
        call.read(_EntriesBody),
        change=lambda contact: changes.add_to_lists(account, contact, (list_id,), cause=call.cause),
        refusal="Contact already in list and/or does not exist",
    )


def remove_members(account: Account, call: ApiCall) -> Answer:
    """``POST .../remove``: single ones at once, all of them by a process."""
    list_id = account.list_of(call.id_of("list_id", what="List ID")).id
    body = call.read(_EntriesBody)
    if body.all:
        return _empty(account, call, list_id=list_id)
    return _each(
        account,
        body,
        change=lambda contact: changes.remove_from_lists(
            account, contact, (list_id,), cause=call.cause
        ),
        refusal="Contact already removed from list and/or does not exist",
    )


def _empty(account: Account, call: ApiCall, *, list_id: int) -> Answer:
    total = sum(list_id in contact.list_ids for contact in account.contacts.values())
    if not total:
        raise errors.invalid("Contacts already removed from list and/or does not exist")
    process = begin(
        account,
        call,
        name="LIST_EMPTYING",
        seconds=account.switches.export_seconds,
        work=Emptying(list_id, call.cause),
    )
    return Answer({"contacts": {"processId": process.id, "total": total}}, status=201)


def _each(
    account: Account,
    body: _EntriesBody,
    *,
    change: Callable[[Contact], tuple[int, ...]],
    refusal: str,
) -> Answer:
    """Change each entry's contact and tell which succeeded, in the form they were sent in."""
    kinds = [kind for kind in (body.emails, body.ids, body.extIds) if kind is not None]
    if len(kinds) != 1:
        raise errors.invalid("Exactly one of emails, ids or extIds should be passed")
    entries = kinds[0]
    if not entries:
        raise errors.missing("At least one contact should be passed")
    if len(entries) > MOST_ENTRIES:
        raise errors.out_of_range(f"Not more than {MOST_ENTRIES} contacts should be passed")
    success: list[str | int] = []
    failure: list[str | int] = []
    for entry in entries:
        contact = _contact(account, body, entry)
        done = contact is not None and bool(change(contact))
        (success if done else failure).append(entry)
    if not success:
        raise errors.invalid(refusal)
    told = {"success": success, "failure": failure}
    shape = account.switches.membership_answer
    if shape == "without_failure" and not failure:
        del told["failure"]
    content = told if shape == "bare" else {"contacts": told}
    return Answer(content, status=201, items={"contacts": len(entries)})


def _contact(account: Account, body: _EntriesBody, entry: str | int) -> Contact | None:
    if isinstance(entry, int):
        return account.contacts.get(entry)
    if body.extIds is not None:
        return account.holders.get(("ext_id", entry))
    return account.by_email(entry)
