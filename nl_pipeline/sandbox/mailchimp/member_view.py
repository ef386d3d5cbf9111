"""A member as the API shows it, built from the wanted properties only.

Belongs here: one function per property of the member object and the rule when it is absent. Does
not belong here: which members are shown. Pages of 1,000 are the common case: with ``fields`` only
those properties are built.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from itertools import islice
from operator import attrgetter
from typing import Any

from msgspec import UNSET

from nl_pipeline.sandbox.mailchimp.projection import Projection
from nl_pipeline.sandbox.mailchimp.state import Audience, Member, Segment
from nl_pipeline.sandbox.mailchimp.times import iso

SHOWN_TAGS = 50
"""``tags`` of a member holds at most so many; the full set is at ``/tags``."""

_ATTRIBUTES = (
    "id",
    "email_address",
    "unique_email_id",
    "contact_id",
    "web_id",
    "email_type",
    "status",
    "ip_signup",
    "ip_opt",
    "member_rating",
    "language",
    "vip",
    "source",
)
"""Properties that are stored as they are shown."""

_LOCATION = {
    "latitude": 0,
    "longitude": 0,
    "gmtoff": 0,
    "dstoff": 0,
    "country_code": "",
    "timezone": "",
    "region": "",
}


@dataclass(frozen=True, slots=True)
class _Context:
    """What all members of an audience share."""

    list_id: str
    merge_tags: list[str]
    segments: dict[int, Segment]


def _full_name(member: Member, _: _Context) -> str:
    first, last = member.merge_fields.get("FNAME", ""), member.merge_fields.get("LNAME", "")
    return f"{first} {last}".strip()


def _merge_fields(member: Member, context: _Context) -> dict[str, Any]:
    get = member.merge_fields.get
    return {tag: get(tag, "") for tag in context.merge_tags}


def _tags(member: Member, context: _Context) -> list[dict[str, Any]]:
    segments = context.segments
    return [
        {"id": segment_id, "name": segments[segment_id].name}
        for segment_id in islice(member.tags, SHOWN_TAGS)
    ]


def _last_note(member: Member, _: _Context) -> Any:
    if not member.notes:
        return UNSET
    note = member.notes[-1]
    return {
        "note_id": note.note_id,
        "created_at": iso(note.created_at),
        "created_by": "",
        "note": note.note,
    }


_BUILT: dict[str, Callable[[Member, _Context], Any]] = {
    "full_name": _full_name,
    "unsubscribe_reason": lambda member, _: (
        member.unsubscribe_reason if member.status == "unsubscribed" else UNSET
    ),
    "consents_to_one_to_one_messaging": lambda _, __: True,
    "merge_fields": _merge_fields,
    "stats": lambda _, __: {"avg_open_rate": 0, "avg_click_rate": 0},
    "timestamp_signup": lambda member, _: iso(member.timestamp_signup),
    "timestamp_opt": lambda member, _: iso(member.timestamp_opt),
    "last_changed": lambda member, _: iso(member.last_changed),
    "email_client": lambda _, __: "",
    "location": lambda _, __: _LOCATION,
    "last_note": _last_note,
    "tags_count": lambda member, _: len(member.tags),
    "tags": _tags,
    "list_id": lambda _, context: context.list_id,
    "_links": lambda _, __: [],
}
"""Properties that are built when asked for; ``UNSET`` is left out."""

_LATER = frozenset(
    {"consents_to_one_to_one_messaging", "contact_id", "source", "unsubscribe_reason", "web_id"}
)
"""Properties that Mailchimp's document does not give to members in bulk calls and segments."""

NAMES = frozenset(_ATTRIBUTES) | frozenset(_BUILT)
"""Every property a member can have."""


def rendered(member: Member, *, audience: Audience) -> dict[str, Any]:
    """The whole member object."""
    return rendered_all([member], audience=audience, projection=Projection.of({}))[0]


def older(row: dict[str, Any], *, without: Collection[str]) -> dict[str, Any]:
    """A member object as bulk calls and segments show it: documented there in an older form, and
    ``without`` some more."""
    row = {name: row[name] for name in row if name not in _LATER and name not in without}
    if "location" in row:
        row["location"] = {name: row["location"][name] for name in _LOCATION if name != "region"}
    return row


def rendered_in_bulk(member: Member, *, audience: Audience) -> dict[str, Any]:
    """The member object in the answer of a call for many members."""
    return older(rendered(member, audience=audience), without=("full_name",))


def rendered_all(
    members: Iterable[Member], *, audience: Audience, projection: Projection
) -> list[dict[str, Any]]:
    """Member objects with the properties the projection (of one member) wants."""
    context = _Context(audience.id, audience.merge_tags, audience.segments)
    attributes = [name for name in _ATTRIBUTES if projection.wants(name)]
    # Two names at least: with one, attrgetter would return the bare value.
    read = attrgetter(*attributes, "id", "id")
    built = [(name, of) for name, of in _BUILT.items() if projection.wants(name)]
    rows = []
    for member in members:
        row: dict[str, Any] = dict(zip(attributes, read(member), strict=False))
        for name, of in built:
            value = of(member, context)
            if value is not UNSET:
                row[name] = value
        rows.append(row)
    return rows if projection.is_flat else [projection.cut(row) for row in rows]
