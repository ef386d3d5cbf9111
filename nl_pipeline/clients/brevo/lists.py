"""Account, folders and lists: what is looked up or set up once.

Belongs here: the small calls. Does not belong here: who is on a list.
Creates are never repeated blindly: after a lost answer the object is looked up by its name.
"""

from __future__ import annotations

import msgspec

from nl_pipeline.clients.brevo.models import Account, ContactList, Folder
from nl_pipeline.clients.brevo.paging import collect
from nl_pipeline.clients.brevo.session import Path, Session
from nl_pipeline.clients.errors import OperatorNeeded, OutcomeUnknown

LARGEST_PAGE = 50
"""Lists and folders of a page at most (Brevo)."""


class _Plan(msgspec.Struct, frozen=True):
    type: str = ""


class _Account(msgspec.Struct, frozen=True):
    organization_id: str = ""
    company_name: str = msgspec.field(name="companyName", default="")
    enterprise: bool = False
    plan: list[_Plan] = msgspec.field(default_factory=list)


class _Lists(msgspec.Struct, frozen=True):
    count: int = 0
    lists: list[ContactList] | None = None


class _Folders(msgspec.Struct, frozen=True):
    count: int = 0
    folders: list[Folder] | None = None


class _Created(msgspec.Struct, frozen=True):
    id: int


def account(session: Session) -> Account:
    """Return the account behind the key."""
    shown = session.get(Path("/account"), answer=_Account)
    return Account(
        organization_id=shown.organization_id,
        company_name=shown.company_name,
        is_enterprise=shown.enterprise,
        plan_types=tuple(plan.type for plan in shown.plan),
    )


def all_lists(session: Session) -> tuple[ContactList, ...]:
    """Return all lists of the account, oldest first."""
    pages = collect(
        session,
        Path("/contacts/lists"),
        answer=_Lists,
        rows_of=lambda page: page.lists,
        total_of=lambda page: page.count,
        page_size=LARGEST_PAGE,
        params={"sort": "asc"},
    )
    return tuple(found for page in pages for found in page.lists or ())


def list_by_id(session: Session, *, list_id: int) -> ContactList | None:
    """Return one list; None when there is none."""
    try:
        return session.get(Path("/contacts/lists/{listId}", [list_id]), answer=ContactList)
    except OperatorNeeded as error:
        if error.status != 404:
            raise
        return None


def create_list(session: Session, *, name: str, folder_id: int) -> ContactList:
    """Create a list in a folder."""
    try:
        created = session.send(
            "POST",
            Path("/contacts/lists"),
            answer=_Created,
            body={"name": name, "folderId": folder_id},
            repeatable=False,
        )
    except OutcomeUnknown:
        found = [x for x in all_lists(session) if x.name == name and x.folder_id == folder_id]
        if len(found) != 1:
            raise
        return found[0]
    return ContactList(created.id, name, folder_id)


def all_folders(session: Session) -> tuple[Folder, ...]:
    """Return all folders, oldest first."""
    pages = collect(
        session,
        Path("/contacts/folders"),
        answer=_Folders,
        rows_of=lambda page: page.folders,
        total_of=lambda page: page.count,
        page_size=LARGEST_PAGE,
        params={"sort": "asc"},
    )
    return tuple(found for page in pages for found in page.folders or ())


def create_folder(session: Session, *, name: str) -> Folder:
    """Create a folder."""
    try:
        created = session.send(
            "POST",
            Path("/contacts/folders"),
            answer=_Created,
            body={"name": name},
            repeatable=False,
        )
    except OutcomeUnknown:
        found = [x for x in all_folders(session) if x.name == name]
        if len(found) != 1:
            raise
        return found[0]
    return Folder(created.id, name)
