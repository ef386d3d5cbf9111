"""Tags and static segments as state: a tag is a static segment, its id the segment's id.

Belongs here: finding, making, filling and emptying segments. Does not belong here: their
endpoints (``tags``, ``segments``). Names are compared without case and keep the case they were
made with [inferred from client code].
"""

from __future__ import annotations

from nl_pipeline.sandbox.mailchimp.account import Account
from nl_pipeline.sandbox.mailchimp.changes import touch
from nl_pipeline.sandbox.mailchimp.state import Audience, Member, Segment


def segment_named(account: Account, audience: Audience, *, name: str) -> Segment:
    """The segment of that name, made if there is none."""
    known = find_segment(audience, name=name)
    if known is not None:
        return known
    now = account.now()
    segment = Segment(account.ids.number("segment", start=6_289_601), name.strip(), now, now)
    audience.segments[segment.id] = segment
    audience.segment_ids[_folded(name)] = segment.id
    return segment


def find_segment(audience: Audience, *, name: str) -> Segment | None:
    """The segment of that name, whatever its case."""
    segment_id = audience.segment_ids.get(_folded(name))
    return None if segment_id is None else audience.segments[segment_id]


def rename_segment(audience: Audience, segment: Segment, *, name: str) -> None:
    """Give a segment another name; its id stays."""
    del audience.segment_ids[_folded(segment.name)]
    segment.name = name.strip()
    audience.segment_ids[_folded(name)] = segment.id
    audience.revision += 1


def delete_segment(account: Account, audience: Audience, segment: Segment) -> None:
    """Delete a segment, which takes the tag from all its members [inferred]."""
    for member in list(segment.members.values()):
        take_tag(account, audience, member, segment=segment, moves_last_changed=False)
    del audience.segments[segment.id]
    del audience.segment_ids[_folded(segment.name)]


def give_tag(
    account: Account,
    audience: Audience,
    member: Member,
    *,
    segment: Segment,
    moves_last_changed: bool = True,
) -> bool:
    """Add a member to a segment; false when it was in it already."""
    if segment.id in member.tags:
        return False
    member.tags[segment.id] = account.now()
    segment.members[member.contact_id] = member
    _changed(account, audience, member, segment, moves_last_changed)
    return True


def take_tag(
    account: Account,
    audience: Audience,
    member: Member,
    *,
    segment: Segment,
    moves_last_changed: bool = True,
) -> bool:
    """Take a member out of a segment; false when it was not in it."""
    if segment.id not in member.tags:
        return False
    del member.tags[segment.id]
    segment.members.pop(member.contact_id, None)
    _changed(account, audience, member, segment, moves_last_changed)
    return True


def _changed(
    account: Account, audience: Audience, member: Member, segment: Segment, moves: bool
) -> None:
    segment.updated_at = account.now()
    if moves:
        touch(account, audience, member)
    else:
        audience.revision += 1


def _folded(name: str) -> str:
    return name.strip().casefold()
