"""The endpoints of lists and segments.

Belongs here: these resources. Does not belong here: who is on a list (``memberships``) and folders
(``folders``). In collections the two totals are frozen at 0; only a single list tells them.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec

from nl_pipeline.sandbox.brevo import changes, errors, times
from nl_pipeline.sandbox.brevo.account import Account
from nl_pipeline.sandbox.brevo.calls import NO_CONTENT, Answer, ApiCall
from nl_pipeline.sandbox.brevo.notices import Cause
from nl_pipeline.sandbox.brevo.paging import page_of
from nl_pipeline.sandbox.brevo.state import ContactList

DEFAULT_ON_A_PAGE = 10
MOST_ON_A_PAGE = 50


class _ListBody(msgspec.Struct):
    name: str = ""
    folderId: int = 0


def list_lists(account: Account, call: ApiCall) -> Answer:
    """``GET /contacts/lists``."""
    shown = shown_lists(account, call, lists=list(account.lists.values()))
    for row in shown["lists"]:
        row["folderId"] = account.lists[row["id"]].folder_id
    return Answer(shown)


def shown_lists(account: Account, call: ApiCall, *, lists: list[ContactList]) -> dict[str, Any]:
    """A page of lists with their numbers, as shown where the folder is known."""
    page = page_of(lists, call=call, default=DEFAULT_ON_A_PAGE, most=MOST_ON_A_PAGE)
    members = Counter(n for contact in account.contacts.values() for n in contact.list_ids)
    return {
        "count": page.total,
        "lists": [
            {
                "id": one.id,
                "name": one.name,
                "totalSubscribers": 0,
                "totalBlacklisted": 0,
                "uniqueSubscribers": members[one.id],
            }
            for one in page.rows
        ],
    }


def read_list(account: Account, call: ApiCall) -> Answer:
    """``GET /contacts/lists/{listId}``, with the real totals."""
    one = account.list_of(call.id_of("list_id", what="List ID"))
    members = [contact for contact in account.contacts.values() if one.id in contact.list_ids]
    blocked = sum(contact.email_blacklisted for contact in members)
    shown: dict[str, Any] = {
        "id": one.id,
        "name": one.name,
        "folderId": one.folder_id,
        "totalSubscribers": len(members) - blocked,
        "totalBlacklisted": blocked,
        "uniqueSubscribers": len(members),
        "createdAt": times.shown(one.created_at, switches=account.switches),
        "dynamicList": False,
        "campaignStats": [],
    }
    return Answer(shown)


def create_list(account: Account, call: ApiCall) -> Answer:
    """``POST /contacts/lists``: name and folder are both required."""
    body = call.read(_ListBody)
    if not body.name:
        raise errors.missing("name is missing")
    if not body.folderId:
        raise errors.missing("folderId is missing")
    return Answer({"id": add_list(account, name=body.name, folder_id=body.folderId).id}, status=201)


def add_list(account: Account, *, name: str, folder_id: int) -> ContactList:
    """A new list; raises 400 for an unknown folder."""
    if folder_id not in account.folders:
        raise errors.invalid("Folder ID does not exist")
    one = ContactList(account.ids.number("list"), name, folder_id, account.now())
    account.lists[one.id] = one
    return one


def change_list(account: Account, call: ApiCall) -> Answer:
    """``PUT``: name or folder, one of them in a call."""
    one = account.list_of(call.id_of("list_id", what="List ID"))
    body = call.read(_ListBody)
    if bool(body.name) == bool(body.folderId):
        raise errors.invalid("Either name or folderId should be passed")
    if body.folderId and body.folderId not in account.folders:
        raise errors.invalid("Folder ID does not exist")
    one.name = body.name or one.name
    one.folder_id = body.folderId or one.folder_id
    return NO_CONTENT


def delete_list(account: Account, call: ApiCall) -> Answer:
    """``DELETE``: the contacts stay, only their membership goes."""
    remove_list(account, account.list_of(call.id_of("list_id", what="List ID")), cause=call.cause)
    return NO_CONTENT


def remove_list(account: Account, one: ContactList, *, cause: Cause) -> None:
    """Take everybody off a list and drop it."""
    for contact in account.contacts.values():
        changes.remove_from_lists(account, contact, (one.id,), cause=cause)
        if one.id in contact.list_unsubscribed:
            contact.list_unsubscribed.remove(one.id)
    del account.lists[one.id]


def list_segments(account: Account, call: ApiCall) -> Answer:
    """``GET /contacts/segments``."""
    page = page_of(
        account.segments.values(), call=call, default=DEFAULT_ON_A_PAGE, most=MOST_ON_A_PAGE
    )
    return Answer(
        {
            "count": page.total,
            "segments": [
                {
                    "id": one.id,
                    "segmentName": one.name,
                    "categoryName": one.category,
                    "updatedAt": times.shown(one.updated_at, switches=account.switches),
                }
                for one in page.rows
            ],
        }
    )
