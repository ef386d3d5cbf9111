"""The endpoints of folders.

Belongs here: this resource. Does not belong here: lists. A folder takes its lists with it.
"""

from __future__ import annotations

from typing import Any

import msgspec

from nl_pipeline.sandbox.brevo import errors
from nl_pipeline.sandbox.brevo.account import Account
from nl_pipeline.sandbox.brevo.calls import NO_CONTENT, Answer, ApiCall
from nl_pipeline.sandbox.brevo.lists import (
    DEFAULT_ON_A_PAGE,
    MOST_ON_A_PAGE,
    remove_list,
    shown_lists,
)
from nl_pipeline.sandbox.brevo.paging import page_of
from nl_pipeline.sandbox.brevo.state import Folder


class _FolderBody(msgspec.Struct):
    name: str = ""


def list_folders(account: Account, call: ApiCall) -> Answer:
    """``GET /contacts/folders``."""
    page = page_of(
        account.folders.values(), call=call, default=DEFAULT_ON_A_PAGE, most=MOST_ON_A_PAGE
    )
    return Answer(
        {"count": page.total, "folders": [_shown(account, folder) for folder in page.rows]}
    )


def read_folder(account: Account, call: ApiCall) -> Answer:
    """``GET /contacts/folders/{folderId}``."""
    return Answer(_shown(account, _named(account, call)))


def create_folder(account: Account, call: ApiCall) -> Answer:
    """``POST``."""
    name = call.read(_FolderBody).name
    if not name:
        raise errors.missing("name is missing")
    return Answer({"id": add_folder(account, name=name).id}, status=201)


def add_folder(account: Account, *, name: str) -> Folder:
    """A new folder."""
    folder = Folder(account.ids.number("folder"), name)
    account.folders[folder.id] = folder
    return folder


def change_folder(account: Account, call: ApiCall) -> Answer:
    """``PUT``: another name."""
    folder = _named(account, call)
    name = call.read(_FolderBody).name
    if not name:
        raise errors.missing("name is missing")
    folder.name = name
    return NO_CONTENT


def delete_folder(account: Account, call: ApiCall) -> Answer:
    """``DELETE``: its lists go with it, their contacts stay."""
    folder = _named(account, call)
    for one in [one for one in account.lists.values() if one.folder_id == folder.id]:
        remove_list(account, one, cause=call.cause)
    del account.folders[folder.id]
    return NO_CONTENT


def list_lists_of_folder(account: Account, call: ApiCall) -> Answer:
    """``GET /contacts/folders/{folderId}/lists``."""
    folder = _named(account, call)
    lists = [one for one in account.lists.values() if one.folder_id == folder.id]
    return Answer(shown_lists(account, call, lists=lists))


def _named(account: Account, call: ApiCall) -> Folder:
    return account.folder_of(call.id_of("folder_id", what="Folder ID"))


def _shown(account: Account, folder: Folder) -> dict[str, Any]:
    lists = {one.id for one in account.lists.values() if one.folder_id == folder.id}
    members = sum(
        1 for contact in account.contacts.values() if not lists.isdisjoint(contact.list_ids)
    )
    return {
        "id": folder.id,
        "name": folder.name,
        "totalSubscribers": 0,
        "totalBlacklisted": 0,
        "uniqueSubscribers": members,
    }
