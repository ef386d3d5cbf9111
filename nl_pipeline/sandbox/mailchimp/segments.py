"""Endpoints of static segments: ``/lists/{list_id}/segments``.

Belongs here: making, filling, emptying, listing. Does not belong here: saved segments with
conditions, which the twin does not have.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from nl_pipeline.sandbox.mailchimp import errors, times
from nl_pipeline.sandbox.mailchimp.account import Account
from nl_pipeline.sandbox.mailchimp.calls import NO_CONTENT, Answer, ApiCall
from nl_pipeline.sandbox.mailchimp.member_view import older, rendered_all, rendered_in_bulk
from nl_pipeline.sandbox.mailchimp.paging import page_of
from nl_pipeline.sandbox.mailchimp.projection import Projection
from nl_pipeline.sandbox.mailchimp.state import Audience, Member, Segment
from nl_pipeline.sandbox.mailchimp.tagging import (
    delete_segment,
    find_segment,
    give_tag,
    rename_segment,
    segment_named,
    take_tag,
)

MEMBER_LIMIT = 500
"""Addresses in each of ``members_to_add`` and ``members_to_remove``."""

_NOT_ON_THE_LIST = "Email address not found in the audience, or not a member of the segment."


class _Definition(msgspec.Struct):
    name: str
    static_segment: list[str] | None = None


class _Changes(msgspec.Struct):
    members_to_add: list[str] = []
    members_to_remove: list[str] = []


def list_segments(account: Account, call: ApiCall) -> Answer:
    """``GET …/segments``: filters ``type`` and the four times."""
    audience = account.audience(call.parameters["list_id"])
    chosen = [
        segment
        for segment in audience.segments.values()
        if call.query.get("type", "static") == "static" and _within(segment, call=call)
    ]
    page = page_of(chosen, call=call)
    return Answer(
        {
            "segments": [_rendered(segment, audience=audience) for segment in page.rows],
            "list_id": audience.id,
            "total_items": page.total,
            "_links": [],
        }
    )


def create_segment(account: Account, call: ApiCall) -> Answer:
    """``POST …/segments``: addresses that are not on the list are ignored."""
    audience = account.audience(call.parameters["list_id"])
    definition = call.read(_Definition)
    if not definition.name.strip() or find_segment(audience, name=definition.name) is not None:
        raise errors.invalid_body(errors.FieldError("name", "This name is empty or taken."))
    segment = segment_named(account, audience, name=definition.name)
    for member in _members(audience, definition.static_segment or []):
        _give(account, audience, member, segment)
    return Answer(_rendered(segment, audience=audience))


def read_segment(account: Account, call: ApiCall) -> Answer:
    """``GET …/segments/{segment_id}``."""
    audience, segment = _find(account, call)
    return Answer(_rendered(segment, audience=audience))


def change_segment(account: Account, call: ApiCall) -> Answer:
    """``PATCH …/segments/{segment_id}``: needs the name; ``static_segment: []`` empties it."""
    audience, segment = _find(account, call)
    definition = call.read(_Definition)
    known = find_segment(audience, name=definition.name)
    if not definition.name.strip() or known not in (None, segment):
        raise errors.invalid_body(errors.FieldError("name", "This name is empty or taken."))
    rename_segment(audience, segment, name=definition.name)
    if definition.static_segment is not None:
        wanted = {
            member.contact_id: member for member in _members(audience, definition.static_segment)
        }
        for member in list(segment.members.values()):
            if member.contact_id not in wanted:
                _take(account, audience, member, segment)
        for member in wanted.values():
            _give(account, audience, member, segment)
    return Answer(_rendered(segment, audience=audience))


def remove_segment(account: Account, call: ApiCall) -> Answer:
    """``DELETE …/segments/{segment_id}``."""
    audience, segment = _find(account, call)
    delete_segment(account, audience, segment)
    return NO_CONTENT


def change_segment_members(account: Account, call: ApiCall) -> Answer:
    """``POST …/segments/{segment_id}``: add and remove up to 500 addresses each."""
    audience, segment = _find(account, call)
    body = call.read(_Changes)
    for name in ("members_to_add", "members_to_remove"):
        if len(getattr(body, name)) > MEMBER_LIMIT:
            raise errors.invalid_body(
                errors.FieldError(name, "This collection should contain 500 elements or less.")
            )
    added, removed, unknown = [], [], []
    for address in body.members_to_add:
        member = audience.find(address)
        if member is None or member.status == "archived":
            unknown.append(address)
        elif _give(account, audience, member, segment):
            added.append(member)
    for address in body.members_to_remove:
        member = audience.find(address)
        if member is None or not _take(account, audience, member, segment):
            unknown.append(address)
        else:
            removed.append(member)
    return Answer(
        {
            "members_added": [rendered_in_bulk(member, audience=audience) for member in added],
            "members_removed": [rendered_in_bulk(member, audience=audience) for member in removed],
            "errors": [{"email_addresses": unknown, "error": _NOT_ON_THE_LIST}] if unknown else [],
            "total_added": len(added),
            "total_removed": len(removed),
            "error_count": len(unknown),
            "_links": [],
        },
        items={"addresses": len(body.members_to_add) + len(body.members_to_remove)},
    )


def list_segment_members(account: Account, call: ApiCall) -> Answer:
    """``GET …/segments/{segment_id}/members``: without archived ones."""
    audience, segment = _find(account, call)
    present = [member for member in segment.members.values() if member.status != "archived"]
    page = page_of(present, call=call)
    projection = Projection.of(call.query).inside("members")
    rows = rendered_all(page.rows, audience=audience, projection=projection)
    return Answer(
        {
            "members": [older(row, without=("tags", "tags_count")) for row in rows],
            "total_items": page.total,
            "_links": [],
        }
    )


def _find(account: Account, call: ApiCall) -> tuple[Audience, Segment]:
    audience = account.audience(call.parameters["list_id"])
    text = call.parameters["segment_id"]
    segment = audience.segments.get(int(text)) if text.isdecimal() else None
    if segment is None:
        raise errors.not_found()
    return audience, segment


def _members(audience: Audience, addresses: Iterable[str]) -> list[Member]:
    return [member for address in addresses if (member := audience.find(address)) is not None]


def _give(account: Account, audience: Audience, member: Member, segment: Segment) -> bool:
    moves = account.switches.segment_change_moves_last_changed
    return give_tag(account, audience, member, segment=segment, moves_last_changed=moves)


def _take(account: Account, audience: Audience, member: Member, segment: Segment) -> bool:
    moves = account.switches.segment_change_moves_last_changed
    return take_tag(account, audience, member, segment=segment, moves_last_changed=moves)


def _within(segment: Segment, *, call: ApiCall) -> bool:
    for attribute in ("created_at", "updated_at"):
        at = getattr(segment, attribute)
        since = times.parse(call.query.get(f"since_{attribute}", ""))
        before = times.parse(call.query.get(f"before_{attribute}", ""))
        if (since is not None and at <= since) or (before is not None and at >= before):
            return False
    return True


def _rendered(segment: Segment, *, audience: Audience) -> dict[str, Any]:
    present = sum(1 for member in segment.members.values() if member.status != "archived")
    return {
        "id": segment.id,
        "name": segment.name,
        "member_count": present,
        "type": "static",
        "created_at": times.iso(segment.created_at),
        "updated_at": times.iso(segment.updated_at),
        "options": {"match": "any", "conditions": []},
        "list_id": audience.id,
        "_links": [],
    }
