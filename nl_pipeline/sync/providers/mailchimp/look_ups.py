"""Looking single members up: who subscribed them, and what archiving hides.

Belongs here: the reading of activity feeds. Must not be here: what follows from it (the rules).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from nl_pipeline.clients.mailchimp import (
    FeedItem,
    MailchimpClient,
)
from nl_pipeline.warehouse.observations import Evidence

#: Feed entries a person causes at a form. A ``generic_signup`` tells by its category.
_SIGNUPS_BY_PERSON = ("signup", "landing_page_signup", "website_signup", "squatter_signup")
#: Filters of the feed that show every sign-up.
SIGNUP_FILTERS = (*_SIGNUPS_BY_PERSON, "generic_signup")
#: Category of a member added by hand in the web application [inferred]; every other category,
#: imports and API clients among them, proves nobody's act.
_CATEGORY_OF_STAFF = "admin add"


class LookUps:
    """Reads the activity feeds of single members."""

    def __init__(self, client: MailchimpClient) -> None:
        self._client = client

    def look_up_signups(
        self, audience_id: str, members: Sequence[tuple[str, str, datetime | None]]
    ) -> list[Evidence]:
        """The last sign-up in each member's feed; a member without one proves nobody's act.

        A sign-up that an unsubscribe followed is not why the member is subscribed now: what came
        after it leaves no entry (an API client), and would pass for an act of the person.
        """
        feeds = self._client.activity_feeds(
            audience_id,
            [m[1] for m in members],
            filters=["unsub", *SIGNUP_FILTERS],
        )
        found: list[Evidence] = []
        for key, member_id, changed_at in members:
            items = sorted(feeds.get(member_id, []), key=lambda item: item.at)
            who, at = "OTHER", None
            if items and items[-1].activity_type != "unsub":
                who, at = who_signed_up(items[-1]), items[-1].at
            found.append(Evidence("signup", key, who, at, _aware(changed_at)))
        return found

    def look_up_archived(
        self, audience_id: str, members: Sequence[tuple[str, str, datetime | None]]
    ) -> list[Evidence]:
        """Whether the feed of an archived member shows an unsubscribe after the last sign-up.

        Archiving hides an opt-out and setting any status un-archives, so this is looked at before
        anything is concluded from "archived".
        """
        feeds = self._client.activity_feeds(
            audience_id,
            [m[1] for m in members],
            filters=["unsub", *SIGNUP_FILTERS],
        )
        found: list[Evidence] = []
        for key, member_id, changed_at in members:
            if member_id not in feeds:
                continue
            left = [item.at for item in feeds[member_id] if item.activity_type == "unsub"]
            joined = [item.at for item in feeds[member_id] if item.activity_type != "unsub"]
            # Times are whole seconds and the order within one is not documented: a tie is an
            # opt-out.
            unsubscribed = bool(left) and (not joined or max(left) >= max(joined))
            found.append(
                Evidence(
                    "before_archiving",
                    key,
                    "unsubscribed" if unsubscribed else "subscribed",
                    max(left if unsubscribed else joined, default=None),
                    _aware(changed_at),
                )
            )
        return found


def who_signed_up(item: FeedItem) -> str:
    """PERSON, STAFF or OTHER for an entry that tells a sign-up."""
    if item.activity_type in _SIGNUPS_BY_PERSON:
        return "PERSON"
    return "STAFF" if item.signup_category.strip().lower() == _CATEGORY_OF_STAFF else "OTHER"


def _aware(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)
