"""What happens at Brevo in the demo.

Belongs here: stories that people, staff and mail servers begin there. Must not be here: how the
sync works.
"""

from __future__ import annotations

from functools import partial

from nl_pipeline.cli.demo.audiences import ABSENT, BOUNCED, SUBSCRIBED, UNSUBSCRIBED
from nl_pipeline.cli.demo.cast import Cast, is_simple
from nl_pipeline.cli.demo.picture import (
    CANCELLATION,
    NOT_SPECIFIED,
    UNSUBSCRIBE,
    YES,
    Picture,
)
from nl_pipeline.cli.demo.story import (
    EVENING,
    FIRST_SYNC,
    MORNING,
    NOON,
    OUTAGE,
    Expectation,
    Story,
    activities,
    at_brevo,
    at_mailchimp,
    at_provider,
    key_of,
    keys_of,
    newsletter,
    opted_out,
    opted_out_before_any_sync,
    story,
    subscribed_at_both,
    subscribed_nowhere,
)

_acts = partial(at_provider, "brevo")


def during_the_import(picture: Picture) -> Story:
    """What happens while the import of the first sync runs: readers of an old newsletter leave by
    its link, and no webhook tells of it. `picture`: before anything was synced."""
    readers = [
        contact
        for contact in picture.contacts.values()
        if contact.newsletter == YES
        and contact.may_be_written_to
        and is_simple(contact, picture=picture)
        and picture.brevo.status_of(key_of(contact)) == "off the list"
        and not picture.brevo.members[key_of(contact)].refuses
    ]
    leaving = readers[:3]
    return story(
        "People unsubscribe while Brevo imports, and webhooks are lost",
        people=leaving,
        acts=_acts(FIRST_SYNC, "person", "unsubscribe", keys=keys_of(leaving)),
        expectations=[
            newsletter(leaving, CANCELLATION, after=FIRST_SYNC),
            activities(leaving, UNSUBSCRIBE),
            at_brevo(keys_of(leaving), UNSUBSCRIBED),
            at_mailchimp(keys_of(leaving), ABSENT),
        ],
    )


def brevo_stories(cast: Cast, *, size: int) -> list[Story]:
    """All of the day; `size`: how many people play in one."""
    return [
        *_opt_outs(cast, size=size),
        *_between_syncs(cast, size=size),
        *_no_opt_outs(cast, size=size),
    ]


def _opt_outs(cast: Cast, *, size: int) -> list[Story]:
    leaving, list_only = cast.subscribers(2 * size), cast.subscribers(size)
    complaining = cast.subscribers(1)
    return [
        story(
            "People unsubscribe at Brevo",
            people=leaving,
            acts=_acts(MORNING, "person", "unsubscribe", keys=keys_of(leaving)),
            expectations=[*opted_out(leaving), at_mailchimp(keys_of(leaving), UNSUBSCRIBED)],
        ),
        story(
            "People leave our list at Brevo and no other",
            people=list_only,
            acts=_acts(MORNING, "person", "unsubscribe", keys=keys_of(list_only), list_only=True),
            expectations=[*opted_out(list_only), at_mailchimp(keys_of(list_only), UNSUBSCRIBED)],
        ),
        story(
            "Somebody reports a mail from Brevo as spam",
            people=complaining,
            acts=_acts(MORNING, "person", "complain", keys=keys_of(complaining)),
            expectations=[
                newsletter(complaining, CANCELLATION),
                *subscribed_nowhere(keys_of(complaining)),
            ],
        ),
    ]


def _between_syncs(cast: Cast, *, size: int) -> list[Story]:
    told, forgotten, unheard = (cast.subscribers(size) for _ in range(3))
    return [
        story(
            "People unsubscribe at Brevo at noon, and no sync runs",
            people=told,
            acts=_acts(NOON, "person", "unsubscribe", keys=keys_of(told)),
            expectations=opted_out_before_any_sync(told, after=NOON),
        ),
        story(
            "People unsubscribe at Brevo, and staff delete them there at once",
            people=forgotten,
            acts=[
                *_acts(NOON, "person", "unsubscribe", keys=keys_of(forgotten)),
                *_acts(NOON, "staff", "delete", keys=keys_of(forgotten)),
            ],
            expectations=[
                *opted_out_before_any_sync(forgotten, after=NOON),
                Expectation(
                    "not created again at Brevo",
                    len(forgotten),
                    lambda p: p.brevo.count(keys_of(forgotten), status=ABSENT),
                ),
            ],
        ),
        story(
            "People unsubscribe at Brevo while the receiver is down",
            people=unheard,
            acts=_acts(OUTAGE, "person", "unsubscribe", keys=keys_of(unheard)),
            expectations=opted_out_before_any_sync(unheard, after=OUTAGE),
        ),
    ]


def _no_opt_outs(cast: Cast, *, size: int) -> list[Story]:
    bouncing, renamed, taken_off = (cast.subscribers(size) for _ in range(3))
    new = [f"gast-{number}@anmeldung.example" for number in range(size)]
    return [
        story(
            "Mails from Brevo bounce for good",
            people=bouncing,
            acts=_acts(MORNING, "system", "bounce", keys=keys_of(bouncing)),
            expectations=[
                newsletter(bouncing, YES),
                at_brevo(keys_of(bouncing), BOUNCED),
                at_mailchimp(keys_of(bouncing), SUBSCRIBED),
            ],
        ),
        story(
            "People correct their names at Brevo",
            people=renamed,
            acts=_acts(MORNING, "person", "update", keys=keys_of(renamed), first_name="Neuer"),
            expectations=[
                Expectation(
                    "first name in the CRM and at Mailchimp",
                    2 * len(renamed),
                    lambda p: sum(
                        (p.contacts[c.id].first_name == "Neuer")
                        + (p.mailchimp.members[key_of(c)].first_name == "Neuer")
                        for c in renamed
                    ),
                ),
            ],
        ),
        story(
            "New people sign up at Brevo",
            people=[],
            acts=_acts(MORNING, "person", "subscribe", keys=new, first_name="Uwe", last_name="Neu"),
            expectations=[
                Expectation(
                    "contact created with Yes and name",
                    len(new),
                    lambda p: sum(
                        (c.newsletter, c.last_name) == (YES, "Neu") for c in p.contacts_of(new)
                    ),
                ),
                *subscribed_at_both(new),
            ],
            more_keys=new,
        ),
        story(
            "Staff take people off the list at Brevo",
            people=taken_off,
            acts=_acts(EVENING, "staff", "remove_from_list", keys=keys_of(taken_off)),
            expectations=[
                newsletter(taken_off, NOT_SPECIFIED),
                *subscribed_nowhere(keys_of(taken_off)),
            ],
        ),
    ]
