"""What happens to whom in the demo, and what must have come of it at the end.

Belongs here: who plays in which part of the day, and what happens in the CRM. Must not be here: how
the sync works; what happens at a provider (``mailchimp_stories``, ``brevo_stories``). Morning and
evening end with syncs, whose removals stay below the brake (2 % of the subscribers, never less than
5 rows); at noon webhooks tell what happens and nothing is synced; in the afternoon the receiver is
down.
"""

from __future__ import annotations

from nl_pipeline.cli.demo.audiences import ABSENT
from nl_pipeline.cli.demo.brevo_stories import brevo_stories
from nl_pipeline.cli.demo.cast import Cast
from nl_pipeline.cli.demo.mailchimp_stories import mailchimp_stories
from nl_pipeline.cli.demo.picture import CANCELLATION, NO, YES, Picture
from nl_pipeline.cli.demo.story import (
    EVENING,
    MORNING,
    Expectation,
    Story,
    at_brevo,
    at_mailchimp,
    in_crm,
    key_of,
    keys_of,
    newsletter,
    set_newsletter,
    story,
    subscribed_at_both,
    subscribed_nowhere,
)

#: The smallest sandbox in which there is somebody for every story, and no brake holds one up.
LEAST_CONTACTS = 1250


def write_stories(picture: Picture) -> list[Story]:
    """All stories that find their people in `picture`; more people in a larger sandbox."""
    cast = Cast(picture)
    size = max(1, min(4, len(picture.contacts) // 1250))
    written = [
        *mailchimp_stories(cast, size=size),
        *brevo_stories(cast, size=size),
        *_in_the_crm(cast, size=size),
    ]
    return [story for story in written if story.acts]


def _in_the_crm(cast: Cast, *, size: int) -> list[Story]:
    at_onoffice, renamed = cast.subscribers(size), cast.subscribers(size)
    refused, cancelled = cast.subscribers(size), cast.subscribers(size)
    archived, deleted = cast.subscribers(size), cast.subscribers(size)
    wanted, private = cast.unspecified(size), cast.private(1)
    return [
        story(
            "People follow onOffice's own cancellation link",
            people=at_onoffice,
            acts=in_crm(MORNING, "person", "unsubscribe", people=at_onoffice),
            expectations=[
                newsletter(at_onoffice, CANCELLATION),
                *subscribed_nowhere(keys_of(at_onoffice)),
            ],
        ),
        story(
            "Staff correct names in the CRM",
            people=renamed,
            acts=in_crm(EVENING, "staff", "modify", people=renamed, fields={"Name": "Neumann"}),
            expectations=[
                Expectation(
                    "last name at both providers",
                    2 * len(renamed),
                    lambda p: sum(
                        audience.members[key_of(c)].last_name == "Neumann"
                        for c in renamed
                        for audience in p.audiences
                    ),
                ),
            ],
        ),
        story(
            "Staff set contacts to No",
            people=refused,
            acts=set_newsletter(MORNING, refused, NO),
            expectations=[newsletter(refused, NO), *subscribed_nowhere(keys_of(refused))],
        ),
        story(
            "Staff set contacts to Cancellation",
            people=cancelled,
            acts=set_newsletter(EVENING, cancelled, CANCELLATION),
            expectations=[
                newsletter(cancelled, CANCELLATION),
                at_mailchimp(keys_of(cancelled), "unsubscribed"),
                at_brevo(keys_of(cancelled), "unsubscribed"),
            ],
        ),
        story(
            "Staff set contacts to Yes",
            people=wanted,
            acts=set_newsletter(MORNING, wanted, YES),
            expectations=[newsletter(wanted, YES), *subscribed_at_both(keys_of(wanted))],
        ),
        story(
            "Staff set a private contact to Yes",
            people=private,
            acts=set_newsletter(MORNING, private, YES),
            expectations=[
                at_mailchimp(keys_of(private), ABSENT),
                at_brevo(keys_of(private), ABSENT),
            ],
        ),
        story(
            "Staff archive contacts",
            people=archived,
            acts=in_crm(MORNING, "staff", "archive", people=archived),
            expectations=[
                newsletter(archived, YES),
                at_mailchimp(keys_of(archived), "archived"),
                at_brevo(keys_of(archived), "off the list"),
            ],
        ),
        story(
            "Staff delete contacts",
            people=deleted,
            acts=in_crm(EVENING, "staff", "delete", people=deleted),
            expectations=[
                at_mailchimp(keys_of(deleted), "archived"),
                at_brevo(keys_of(deleted), "off the list"),
            ],
        ),
    ]
