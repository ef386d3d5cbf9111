"""Pages of members as they were sent, kept until a member changes.

Belongs here: keeping and dropping of big rendered pages. Does not belong here: which members are on
a page and how one is rendered. A reader of a large audience asks for the same pages again and again
while little changes, and shall not wait for the twin's rendering; Mailchimp is not that slow.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

import msgspec

from nl_pipeline.sandbox.mailchimp.state import Audience, ShownPage

SMALLEST_KEPT = 500
"""Members of a page that is kept; smaller ones are rendered in no time."""

MOST_KEPT = 1000
"""Pages of an audience that are kept, about a gigabyte at the most."""


def shown(audience: Audience, *, key: Hashable, render: Callable[[], ShownPage]) -> ShownPage:
    """The page kept under ``key``, or what ``render`` makes of it now.

    ``key`` holds everything the page depends on but the members themselves, for which the
    audience's revision stands.
    """
    kept = audience.shown_pages.get(key)
    if kept is not None and kept[0] == audience.revision:
        audience.shown_pages.move_to_end(key)
        return kept[1]
    page = render()
    if page.rows >= SMALLEST_KEPT:
        audience.shown_pages[key] = (audience.revision, page)
        while len(audience.shown_pages) > MOST_KEPT:
            audience.shown_pages.popitem(last=False)
    return page


def as_json(members: list[dict[str, object]]) -> msgspec.Raw:
    """Rendered members in the form they are sent in."""
    return msgspec.Raw(msgspec.json.encode(members))
