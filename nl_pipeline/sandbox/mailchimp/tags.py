"""Endpoints of tags: a member's tags and the search by name.

Belongs here: ``…/members/{subscriber_hash}/tags`` and ``/lists/{list_id}/tag-search``. Does not
belong here: segments, which are the same thing under another path (``segments``).
"""

from __future__ import annotations

from typing import Literal

import msgspec

from nl_pipeline.sandbox.mailchimp.account import Account
from nl_pipeline.sandbox.mailchimp.calls import NO_CONTENT, Answer, ApiCall
from nl_pipeline.sandbox.mailchimp.paging import page_of
from nl_pipeline.sandbox.mailchimp.tagging import (
    find_segment,
    give_tag,
    segment_named,
    take_tag,
)
from nl_pipeline.sandbox.mailchimp.times import iso


class _Tag(msgspec.Struct):
    name: str
    status: Literal["active", "inactive"]


class _Tags(msgspec.Struct):
    tags: list[_Tag]
    is_syncing: bool = False


def list_member_tags(account: Account, call: ApiCall) -> Answer:
    """``GET …/tags``: all tags of a member, paged."""
    audience, member = account.member(
        call.parameters["list_id"], call.parameters["subscriber_hash"]
    )
    page = page_of(list(member.tags.items()), call=call)
    tags = [
        {"id": segment_id, "name": audience.segments[segment_id].name, "date_added": iso(added)}
        for segment_id, added in page.rows
    ]
    return Answer({"tags": tags, "total_items": page.total, "_links": []})


def change_member_tags(account: Account, call: ApiCall) -> Answer:
    """``POST …/tags``: only the named tags change; an unknown active name makes the tag.

    ``is_syncing`` suppresses automations, of which the twin has none that tags start.
    """
    audience, member = account.member(
        call.parameters["list_id"], call.parameters["subscriber_hash"]
    )
    for tag in call.read(_Tags).tags:
        if tag.status == "active":
            segment = segment_named(account, audience, name=tag.name)
            give_tag(account, audience, member, segment=segment)
        elif (known := find_segment(audience, name=tag.name)) is not None:
            take_tag(account, audience, member, segment=known)
    return NO_CONTENT


def search_tags(account: Account, call: ApiCall) -> Answer:
    """``GET …/tag-search``: tags whose name begins with ``name``, all without it; not paged."""
    audience = account.audience(call.parameters["list_id"])
    prefix = call.query.get("name", "").casefold()
    tags = [
        {"id": segment.id, "name": segment.name}
        for segment in audience.segments.values()
        if segment.name.casefold().startswith(prefix)
    ]
    return Answer({"tags": tags, "total_items": len(tags)})
