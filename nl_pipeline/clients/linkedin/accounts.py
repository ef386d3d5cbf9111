"""Ad accounts, and the member's roles on pages.

Belongs here: the two calls and which roles let a member read leads. Does not belong here: what is
told to whom when one is missing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import msgspec

from nl_pipeline.clients.linkedin.models import AdAccount, PageRole
from nl_pipeline.clients.linkedin.paging import collect, incomplete
from nl_pipeline.clients.linkedin.query import Literal, Value
from nl_pipeline.clients.linkedin.session import Path, Session
from nl_pipeline.clients.linkedin.urns import number_of
from nl_pipeline.domain.leads import LeadType

LEAD_ROLES = frozenset(
    {
        "ADMINISTRATOR",
        "LEAD_GEN_FORMS_MANAGER",
        "CURATOR",
        "CONTENT_ADMINISTRATOR",
        "ANALYST",
    }
)
"""Roles on the page that let a member read leads of its ad accounts."""

EVENT_ROLES = frozenset({"ADMINISTRATOR", "CONTENT_ADMINISTRATOR"})
"""Roles on the page for registrations to its events."""

_ACCOUNTS = Path("/adAccounts")
_ACLS = Path("/organizationAcls")
_PAGE = 1000
_MOST_PAGES = 100


class _Organization(msgspec.Struct, frozen=True, rename="camel"):
    id: int | str
    localized_name: str = ""


class _Reference(msgspec.Struct, frozen=True):
    organization: _Organization | None = None


class _Account(msgspec.Struct, frozen=True, rename="camel"):
    id: int | str
    name: str = ""
    test: bool = False
    status: str = ""
    reference_info: _Reference = _Reference()

    def account(self, number: int) -> AdAccount:
        organization = self.reference_info.organization
        return AdAccount(
            id=number,
            name=self.name,
            is_test=self.test,
            status=self.status,
            organization_id=number_of(organization.id) if organization else None,
            organization_name=organization.localized_name if organization else "",
        )


class _Metadata(msgspec.Struct, frozen=True, rename="camel"):
    next_page_token: str = ""


class _Accounts(msgspec.Struct, frozen=True):
    elements: list[_Account]
    metadata: _Metadata = _Metadata()


class _Acl(msgspec.Struct, frozen=True):
    organization: str = ""
    role: str = ""
    state: str = ""


def ad_accounts(session: Session) -> list[AdAccount]:
    """Return the active ad accounts the member sees, test accounts among them.

    `search` and `pageToken` exclude each other (a public connector), so later pages come without
    the search and are sifted here.
    """
    parameters: dict[str, Value] = {
        "q": "search",
        "search": {"status": {"values": ["ACTIVE"]}},
        "fields": Literal("id,name,test,status,referenceInfo"),
        "pageSize": _PAGE,
    }
    found: dict[int, AdAccount] = {}
    for _ in range(_MOST_PAGES):
        page = session.get(_ACCOUNTS, answer=_Accounts, parameters=parameters)
        for row in page.elements:
            number = number_of(row.id)
            if number is not None and row.status in ("", "ACTIVE"):
                found[number] = row.account(number)
        if not page.metadata.next_page_token:
            return list(found.values())
        parameters.pop("search", None)
        parameters["pageToken"] = page.metadata.next_page_token
    raise incomplete(_ACCOUNTS.template, rows=len(found))


def page_roles(session: Session) -> list[PageRole]:
    """Return the member's approved roles on pages.

    Asked for approved ones only: a single revoked role can make a list of all answer 403 (an issue
    of a public project).
    """
    parameters: dict[str, Value] = {"q": "roleAssignee", "state": "APPROVED"}
    rows = collect(session, _ACLS, row=_Acl, parameters=parameters)
    return [
        PageRole(number, row.role, row.state)
        for row in rows
        if (number := number_of(row.organization)) is not None
    ]


def may_read_leads(
    roles: Iterable[PageRole], *, organization_id: int, lead_type: LeadType = LeadType.SPONSORED
) -> bool:
    """Whether one of these roles is enough on this page. The ad account wants a role as well."""
    enough: Collection[str] = EVENT_ROLES if lead_type is LeadType.EVENT else LEAD_ROLES
    return any(role.organization_id == organization_id and role.role in enough for role in roles)
