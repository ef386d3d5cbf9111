"""Ad accounts and the member's page roles.

Belongs here: ``adAccounts`` (search, by cursor) and ``organizationAcls`` (by role assignee).
Does not belong here: what a role allows (``access``).
"""

from __future__ import annotations

import base64
from typing import Any

from nl_pipeline.sandbox.linkedin import errors
from nl_pipeline.sandbox.linkedin.access import role_at
from nl_pipeline.sandbox.linkedin.account import Account
from nl_pipeline.sandbox.linkedin.calls import Answer, ApiCall, page
from nl_pipeline.sandbox.linkedin.state import ROLE_STATES, AdAccount
from nl_pipeline.sandbox.linkedin.urns import Owner, urn

LARGEST_PAGE = 1000
_DEFAULT_PAGE = 100
_ON_DEMAND = frozenset({"referenceInfo"})
MEMBER_ID = "sAnDbOx01m"
"""The app-scoped id of the member who authorized the app."""


def search(account: Account, call: ApiCall) -> Answer:
    """``q=search``: the ad accounts the member has a role at, the oldest first."""
    token, query = call.text("pageToken"), call.members("search")
    if token and query is not None and account.switches.search_with_page_token == "refused":
        raise errors.bad_request("search and pageToken cannot be used together")
    size = call.whole_number("pageSize", default=_DEFAULT_PAGE)
    if not 1 <= size <= LARGEST_PAGE:
        raise errors.bad_parameter("pageSize", why=f"1 to {LARGEST_PAGE} is expected")
    found = [
        one
        for one in account.ad_accounts.values()
        if role_at(account, Owner("sponsoredAccount", one.id)) and _fits(one, query or {})
    ]
    start = _start_of(token)
    elements = [
        call.shown(_record(account, one), on_demand=_ON_DEMAND)
        for one in found[start : start + size]
    ]
    metadata = {}
    if start + size < len(found):
        metadata = {"nextPageToken": _token_of(start + size)}
    return Answer({"elements": elements, "metadata": metadata})


def _fits(one: AdAccount, query: dict[str, Any]) -> bool:
    for name, wanted in query.items():
        if name == "test":
            if wanted not in ("true", "false"):
                raise errors.bad_parameter("search", why="test must be true or false")
            if one.test != (wanted == "true"):
                return False
        elif name in ("status", "id", "reference"):
            values = wanted.get("values") if isinstance(wanted, dict) else None
            if not isinstance(values, list):
                raise errors.bad_parameter("search", why=f"{name}:(values:List(…)) is expected")
            if _value(one, name) not in values:
                return False
        else:
            raise errors.bad_parameter("search", why=f"unknown criterion {name}")
    return True


def _value(one: AdAccount, name: str) -> str:
    if name == "status":
        return one.status
    if name == "reference":
        return "" if one.organization_id is None else urn("organization", one.organization_id)
    return urn("sponsoredAccount", one.id)


def _record(account: Account, one: AdAccount) -> dict[str, Any]:
    as_urn = account.switches.account_ids == "urn"
    record: dict[str, Any] = {
        "id": urn("sponsoredAccount", one.id) if as_urn else one.id,
        "name": one.name,
        "status": one.status,
        "test": one.test,
        "type": "BUSINESS",
        "currency": "EUR",
        "referenceInfo": {},
    }
    if one.organization_id is not None:
        organization = account.organizations[one.organization_id]
        record["reference"] = urn("organization", organization.id)
        record["referenceInfo"] = {
            "organization": {
                "id": organization.id,
                "vanityName": organization.vanity_name,
                "localizedName": organization.name,
                "name": {
                    "localized": {"de_DE": organization.name},
                    "preferredLocale": {"country": "DE", "language": "de"},
                },
            }
        }
    return record


def _token_of(start: int) -> str:
    return base64.urlsafe_b64encode(f"start {start}".encode()).decode().rstrip("=")


def _start_of(token: str) -> int:
    if not token:
        return 0
    try:
        text = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
        return int(text.removeprefix("start "))
    except ValueError as error:
        raise errors.bad_parameter("pageToken", why="is none of a page") from error


def find_roles(account: Account, call: ApiCall) -> Answer:
    """``q=roleAssignee``: roles at pages. Without ``state`` a single revoked one makes it 403."""
    state, wanted_role = call.text("state"), call.text("role")
    if state and state not in ROLE_STATES:
        raise errors.bad_parameter("state", why=f"one of {', '.join(ROLE_STATES)} is expected")
    roles = [(owner, role) for owner, role in account.roles.items() if owner.kind == "organization"]
    if not state and any(role.state == "REVOKED" for _, role in roles):
        raise call.denied()
    records = [
        {
            "roleAssignee": urn("person", MEMBER_ID),
            "state": role.state,
            "role": role.name,
            "organization": owner.urn,
            "created": {"actor": urn("person", MEMBER_ID), "time": role.since},
            "lastModified": {"actor": urn("person", MEMBER_ID), "time": role.changed_at},
        }
        for owner, role in roles
        if (not state or role.state == state) and (not wanted_role or role.name == wanted_role)
    ]
    found, paging = page(call, records)
    return Answer(
        {
            "elements": [call.shown(record, on_demand=frozenset()) for record in found],
            "paging": paging,
        }
    )
