"""Endpoints of the account itself: root, ping, exports and the search over members.

Belongs here: what hangs on no audience. Does not belong here: the stored account (``account``).
"""

from __future__ import annotations

from typing import Any

from nl_pipeline.sandbox.mailchimp import errors, times
from nl_pipeline.sandbox.mailchimp.account import Account, Export
from nl_pipeline.sandbox.mailchimp.calls import Answer, ApiCall
from nl_pipeline.sandbox.mailchimp.member_view import rendered
from nl_pipeline.sandbox.mailchimp.paging import page_of
from nl_pipeline.sandbox.mailchimp.projection import Projection
from nl_pipeline.sandbox.mailchimp.state import Audience, Member

_SEARCH_LIMIT = 30


def ping(_: Account, __: ApiCall) -> Answer:
    """``GET /ping``."""
    return Answer({"health_status": "Everything's Chimpy!"})


def read_account(account: Account, call: ApiCall) -> Answer:
    """``GET /``: whose key it is, and the role of its user."""
    subscribers = sum(audience.counts["subscribed"] for audience in account.audiences.values())
    content: dict[str, Any] = {
        "account_id": "5a6d0b0c6f0b0c6f5a6d0b0c6",
        "login_id": "1234567",
        "account_name": "Sandbox Immobilien GmbH",
        "email": "konto@sandbox-immobilien.example",
        "first_name": "",
        "last_name": "",
        "username": "sandbox",
        "role": account.switches.role,
        "member_since": "2019-01-01T00:00:00+00:00",
        "pricing_plan_type": "monthly",
        "account_timezone": "Europe/Berlin",
        "total_subscribers": subscribers,
        "_links": [],
    }
    return Answer(Projection.of(call.query).cut(content))


def search_members(account: Account, call: ApiCall) -> Answer:
    """``GET /search-members``: exact address, then names and addresses that contain the text."""
    wanted = call.query.get("query", "").strip().casefold()
    if not wanted:
        raise errors.bad_request("A query is required.")
    list_id = call.query.get("list_id", "")
    audiences = [account.audience(list_id)] if list_id else list(account.audiences.values())
    exact = [
        (audience, member)
        for audience in audiences
        if (member := audience.find(wanted)) is not None and member.status != "archived"
    ]
    full = [
        (audience, member)
        for audience in audiences
        for member in audience.members
        if member.status != "archived" and _mentions(member, wanted)
    ]
    return Answer(
        {
            "exact_matches": _matches(exact),
            "full_search": _matches(full),
            "_links": [],
        }
    )


def create_export(account: Account, _: ApiCall) -> Answer:
    """``POST /account-exports``: finished at once; the file itself is not served."""
    export = Export(account.ids.number("export"), account.now())
    account.exports[export.export_id] = export
    return Answer(_rendered(export))


def list_exports(account: Account, call: ApiCall) -> Answer:
    """``GET /account-exports``."""
    page = page_of(list(account.exports.values()), call=call)
    content = {"exports": [_rendered(export) for export in page.rows], "total_items": page.total}
    return Answer(content)


def read_export(account: Account, call: ApiCall) -> Answer:
    """``GET /account-exports/{export_id}``."""
    text = call.parameters["export_id"]
    export = account.exports.get(int(text)) if text.isdecimal() else None
    if export is None:
        raise errors.not_found()
    return Answer(_rendered(export))


def _mentions(member: Member, wanted: str) -> bool:
    names = (member.merge_fields.get("FNAME", ""), member.merge_fields.get("LNAME", ""))
    return any(wanted in str(text).casefold() for text in (member.email_address, *names))


def _matches(found: list[tuple[Audience, Member]]) -> dict[str, Any]:
    shown = found[:_SEARCH_LIMIT]
    return {
        "members": [rendered(member, audience=audience) for audience, member in shown],
        "total_items": len(found),
    }


def _rendered(export: Export) -> dict[str, Any]:
    return {
        "export_id": export.export_id,
        "started": times.iso(export.started),
        "finished": times.iso(export.started),
        "size_in_bytes": 0,
        "download_url": "",
        "_links": [],
    }
