"""The proof: what the stories expect beside what the twins hold, computed from their dumps alone.

Belongs here: comparisons of pictures. Must not be here: the warehouse, so that a mistake of ours
can't prove itself right.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from nl_pipeline.cli.demo.audiences import BOUNCED, Audience
from nl_pipeline.cli.demo.picture import CANCELLATION, NO, NOT_SPECIFIED, YES, Picture
from nl_pipeline.cli.demo.story import Story

#: Values of another contact with the same address that keep a Yes from being subscribed.
_LET_A_YES_BE = (YES, NOT_SPECIFIED, "3")
#: A Yes that was there before does not bring these back.
_REMOVED = ("archived", BOUNCED)


@dataclass(frozen=True)
class Comparison:
    """One line of the proof."""

    story: str
    what: str
    expected: int
    there: int

    @property
    def holds(self) -> bool:
        return self.expected == self.there


def compare(
    stories: Iterable[Story],
    *,
    before: Picture,
    after: Picture,
    between: Mapping[int, Picture] | None = None,
) -> list[Comparison]:
    """Every expectation of every story, everybody who is in none, and the invariants over all.

    `before`: after the first syncs, before anything happened; `between`: after parts of the day;
    `after`: at the end.
    """
    told = list(stories)
    lines = [
        Comparison(
            story.title,
            item.what,
            item.expected,
            item.count(after if item.after is None else (between or {})[item.after]),
        )
        for story in told
        for item in story.expectations
    ]
    keys = {key for story in told for key in story.keys}
    ids = {number for story in told for number in story.ids}
    return [*lines, *_bystanders(keys, ids, before=before, after=after), *_invariants(after)]


def _bystanders(
    keys: set[str], ids: set[int], *, before: Picture, after: Picture
) -> list[Comparison]:
    contacts = {i: c for i, c in before.contacts.items() if i not in ids}
    title = "Everybody else"
    return [
        *(
            _unchanged(keys, before=old, after=new)
            for old, new in zip(before.audiences, after.audiences, strict=True)
        ),
        Comparison(
            title,
            "contacts unchanged",
            len(contacts),
            sum(after.contacts.get(number) == contact for number, contact in contacts.items()),
        ),
    ]


def _unchanged(keys: set[str], *, before: Audience, after: Audience) -> Comparison:
    members = {k: m for k, m in before.members.items() if k not in keys}
    there = sum(after.members.get(key) == member for key, member in members.items())
    return Comparison(
        "Everybody else", f"members unchanged at {before.provider}", len(members), there
    )


def _invariants(picture: Picture) -> list[Comparison]:
    opted_out = picture.opted_out() | {
        contact.key
        for contact in picture.contacts.values()
        if contact.key is not None and contact.newsletter in (NO, CANCELLATION)
    }
    wanted = {
        contact.key
        for contact in picture.contacts.values()
        if contact.key is not None
        and contact.key not in opted_out
        and contact.newsletter == YES
        and contact.may_be_written_to
        and all(c.newsletter in _LET_A_YES_BE for c in picture.contacts_of([contact.key]))
    }
    return [
        line
        for audience in picture.audiences
        for line in _invariants_at(audience, opted_out=opted_out, wanted=wanted)
    ]


def _invariants_at(
    audience: Audience, *, opted_out: set[str], wanted: set[str]
) -> list[Comparison]:
    refusing = opted_out | audience.refusing()
    subscribed = audience.subscribed()
    entitled = {key for key in wanted - refusing if audience.status_of(key) not in _REMOVED}
    title = f"All members at {audience.provider}"
    return [
        Comparison(title, "subscribed despite an opt-out", 0, len(refusing & subscribed)),
        Comparison(
            title, "subscribed, of those entitled", len(entitled), len(entitled & subscribed)
        ),
        Comparison(title, "subscribed without entitlement", 0, len(subscribed - entitled)),
    ]
