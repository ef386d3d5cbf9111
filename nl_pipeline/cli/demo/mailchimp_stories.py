"""What happens at Mailchimp in the demo.

Belongs here: stories that people, staff and programs begin there. Must not be here: how the sync
works.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from nl_pipeline.cli.demo.audiences import UNSUBSCRIBED
from nl_pipeline.cli.demo.cast import Cast
from nl_pipeline.cli.demo.picture import CANCELLATION, SUBSCRIBE, YES
from nl_pipeline.cli.demo.story import (
    EVENING,
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
    not_subscribed,
    opted_out,
    opted_out_before_any_sync,
    story,
    subscribed_at_both,
    subscribed_nowhere,
)

_acts = partial(at_provider, "mailchimp")


def mailchimp_stories(cast: Cast, *, size: int) -> list[Story]:
    """All of them; `size`: how many people play in one."""
    return [
        *_opt_outs(cast, size=size),
        *_between_syncs(cast, size=size),
        *_changes(cast, size=size),
        *_sign_ups(cast, size=size),
    ]


def _opt_outs(cast: Cast, *, size: int) -> list[Story]:
    leaving, household, complaining = (
        cast.subscribers(3 * size),
        cast.household(),
        cast.subscribers(1),
    )
    archived, imported = cast.subscribers(size), cast.cancelled(size)
    home = sorted({key_of(contact) for contact in household})
    return [
        story(
            "People unsubscribe at Mailchimp",
            people=leaving,
            acts=_acts(MORNING, "person", "unsubscribe", keys=keys_of(leaving)),
            expectations=[*opted_out(leaving), at_mailchimp(keys_of(leaving), UNSUBSCRIBED)],
        ),
        story(
            "One of a household unsubscribes from the address they share",
            people=household,
            acts=_acts(MORNING, "person", "unsubscribe", keys=home),
            expectations=[newsletter(household, CANCELLATION), *subscribed_nowhere(home)],
        ),
        story(
            "Somebody reports a mail from Mailchimp as spam",
            people=complaining,
            acts=_acts(MORNING, "person", "complain", keys=keys_of(complaining)),
            expectations=[
                newsletter(complaining, CANCELLATION),
                *subscribed_nowhere(keys_of(complaining)),
            ],
        ),
        story(
            "People unsubscribe, then staff archive them at Mailchimp",
            people=archived,
            acts=[
                *_acts(MORNING, "person", "unsubscribe", keys=keys_of(archived)),
                *_acts(MORNING, "staff", "archive", keys=keys_of(archived)),
            ],
            expectations=[
                newsletter(archived, CANCELLATION),
                at_mailchimp(keys_of(archived), "archived"),
                at_brevo(keys_of(archived), UNSUBSCRIBED),
            ],
        ),
        story(
            "An import subscribes people who had cancelled, and does so again",
            people=imported,
            acts=[
                *_acts(MORNING, "import", "subscribe", keys=keys_of(imported)),
                *_acts(EVENING, "import", "subscribe", keys=keys_of(imported)),
            ],
            expectations=[
                newsletter(imported, CANCELLATION),
                *subscribed_nowhere(keys_of(imported)),
            ],
        ),
    ]


def _between_syncs(cast: Cast, *, size: int) -> list[Story]:
    told, unheard = cast.subscribers(2 * size), cast.subscribers(size)
    return [
        story(
            "People unsubscribe at Mailchimp at noon, and no sync runs",
            people=told,
            acts=_acts(NOON, "person", "unsubscribe", keys=keys_of(told)),
            expectations=opted_out_before_any_sync(told, after=NOON),
        ),
        story(
            "People unsubscribe at Mailchimp while the receiver is down",
            people=unheard,
            acts=_acts(OUTAGE, "person", "unsubscribe", keys=keys_of(unheard)),
            expectations=opted_out_before_any_sync(unheard, after=OUTAGE),
        ),
    ]


def _changes(cast: Cast, *, size: int) -> list[Story]:
    renamed, moving = cast.subscribers(size), cast.subscribers(size)
    moved = {key_of(contact): f"umzug-{contact.id}@anmeldung.example" for contact in moving}
    return [
        story(
            "People correct their names at Mailchimp",
            people=renamed,
            acts=_acts(
                MORNING, "person", "update", keys=keys_of(renamed), merge_fields={"FNAME": "Neuer"}
            ),
            expectations=[
                Expectation(
                    "first name in the CRM and at Brevo",
                    2 * len(renamed),
                    lambda p: sum(
                        (p.contacts[c.id].first_name == "Neuer")
                        + (p.brevo.members[key_of(c)].first_name == "Neuer")
                        for c in renamed
                    ),
                ),
            ],
        ),
        story(
            "People change their address at Mailchimp",
            people=moving,
            acts=[
                act
                for old, new_address in moved.items()
                for act in _acts(
                    MORNING, "person", "change_email", keys=[old], new_email=new_address
                )
            ],
            expectations=[
                Expectation(
                    "contact has the new address",
                    len(moving),
                    lambda p: sum(p.contacts[c.id].key == moved[key_of(c)] for c in moving),
                ),
                *subscribed_at_both(list(moved.values())),
                *subscribed_nowhere(keys_of(moving)),
            ],
            more_keys=moved.values(),
        ),
    ]


def _sign_ups(cast: Cast, *, size: int) -> list[Story]:
    known, back = cast.unspecified(size), cast.subscribers(size)
    new = [f"neu-{number}@anmeldung.example" for number in range(2 * size)]
    return [
        story(
            "New people sign up at Mailchimp",
            people=[],
            acts=_acts(
                MORNING,
                "person",
                "subscribe",
                keys=new,
                merge_fields={"FNAME": "Eva", "LNAME": "Neu"},
            ),
            expectations=[*_created(new), *subscribed_at_both(new)],
            more_keys=new,
        ),
        story(
            "Contacts that never said anything sign up at Mailchimp",
            people=known,
            acts=_acts(EVENING, "person", "subscribe", keys=keys_of(known)),
            expectations=[
                newsletter(known, YES),
                activities(known, SUBSCRIBE),
                *subscribed_at_both(keys_of(known)),
            ],
        ),
        story(
            "People unsubscribe at Mailchimp, and sign up there again later",
            people=back,
            acts=[
                *_acts(MORNING, "person", "unsubscribe", keys=keys_of(back)),
                *_acts(EVENING, "person", "subscribe", keys=keys_of(back)),
            ],
            expectations=[
                newsletter(back, YES),
                at_mailchimp(keys_of(back), "subscribed"),
                # Brevo knows of the opt-out, and the person has not signed up there.
                not_subscribed(keys_of(back), provider="Brevo", at=lambda p: p.brevo),
            ],
        ),
    ]


def _created(new: Sequence[str]) -> list[Expectation]:
    return [
        Expectation(
            "contact created with Yes and name",
            len(new),
            lambda p: sum((c.newsletter, c.last_name) == (YES, "Neu") for c in p.contacts_of(new)),
        ),
        Expectation(
            "subscribe activity, once",
            len(new),
            lambda p: sum(p.activities.get((c.id, SUBSCRIBE), 0) for c in p.contacts_of(new)),
        ),
    ]
