"""What happens to whom in the demo, and what must have come of it at the end.

Belongs here: acts in the twins and expectations about pictures of them. Must not be here: how the
sync works. The day has parts: morning and evening end with a sync, whose removals stay below the
brake (2 % of the subscribers, never less than 5 rows); at noon webhooks tell what happens and
nothing is synced; in the afternoon the receiver is down.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from nl_pipeline.cli.demo.cast import Cast
from nl_pipeline.cli.demo.control import Service
from nl_pipeline.cli.demo.picture import (
    CANCELLATION,
    NO,
    SUBSCRIBE,
    UNSUBSCRIBE,
    YES,
    Contact,
    Picture,
)

MORNING, NOON, OUTAGE, EVENING = range(1, 5)

#: The smallest sandbox in which there is somebody for every story.
LEAST_CONTACTS = 300


@dataclass(frozen=True)
class Act:
    """One act in a twin, in one part of the day."""

    part: int
    service: Service
    payload: dict[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Expectation:
    """What must be there: a number of something, counted in the picture after a part of the day,
    or in that of the end."""

    what: str
    expected: int
    count: Callable[[Picture], int] = field(repr=False)
    after: int | None = None


@dataclass(frozen=True)
class Story:
    """One thing that happens to some people. `keys` and `ids`: everybody it is about."""

    title: str
    acts: tuple[Act, ...]
    expectations: tuple[Expectation, ...]
    keys: frozenset[str] = field(repr=False)
    ids: frozenset[int]


def write_stories(picture: Picture) -> list[Story]:
    """All stories that find their people in `picture`; more people in a larger sandbox."""
    cast = Cast(picture)
    size = max(1, min(4, len(picture.contacts) // 1250))
    written = [
        *_opt_outs(cast, size=size),
        *_between_syncs(cast, size=size),
        *_at_mailchimp(cast, size=size),
        *_in_the_crm(cast, size=size),
        *_consent_that_does_not_count(cast, size=size),
    ]
    return [story for story in written if story.acts]


def _opt_outs(cast: Cast, *, size: int) -> list[Story]:
    leaving = cast.subscribers(3 * size)
    household = cast.household()
    complaining = cast.subscribers(1)
    archived = cast.subscribers(size)
    at_onoffice = cast.subscribers(size)
    home = sorted({_key(contact) for contact in household})
    return [
        _story(
            "People unsubscribe at Mailchimp",
            people=leaving,
            acts=_mailchimp(MORNING, "person", "unsubscribe", keys=_keys(leaving)),
            expectations=[
                _newsletter(leaving, CANCELLATION),
                _activities(leaving, UNSUBSCRIBE),
                _statuses(_keys(leaving), "unsubscribed"),
            ],
        ),
        _story(
            "One of a household unsubscribes from the address they share",
            people=household,
            acts=_mailchimp(MORNING, "person", "unsubscribe", keys=home),
            expectations=[_newsletter(household, CANCELLATION), _statuses(home, "unsubscribed")],
        ),
        _story(
            "Somebody reports the newsletter as spam",
            people=complaining,
            acts=_mailchimp(MORNING, "person", "complain", keys=_keys(complaining)),
            expectations=[
                _newsletter(complaining, CANCELLATION),
                _not_subscribed(_keys(complaining)),
            ],
        ),
        _story(
            "People unsubscribe, then staff archive them at Mailchimp",
            people=archived,
            acts=[
                *_mailchimp(MORNING, "person", "unsubscribe", keys=_keys(archived)),
                *_mailchimp(MORNING, "staff", "archive", keys=_keys(archived)),
            ],
            expectations=[
                _newsletter(archived, CANCELLATION),
                _statuses(_keys(archived), "archived"),
            ],
        ),
        _story(
            "People follow onOffice's own cancellation link",
            people=at_onoffice,
            acts=_onoffice(MORNING, "person", "unsubscribe", people=at_onoffice),
            expectations=[
                _newsletter(at_onoffice, CANCELLATION),
                _statuses(_keys(at_onoffice), "unsubscribed"),
            ],
        ),
    ]


def _between_syncs(cast: Cast, *, size: int) -> list[Story]:
    told, unheard = cast.subscribers(3 * size), cast.subscribers(2 * size)
    return [
        _story(
            "People unsubscribe at noon, and no sync runs",
            people=told,
            acts=_mailchimp(NOON, "person", "unsubscribe", keys=_keys(told)),
            expectations=[
                *_arrived(told, after=NOON),
                _activities(told, UNSUBSCRIBE),
                _statuses(_keys(told), "unsubscribed"),
            ],
        ),
        _story(
            "People unsubscribe while the receiver is down",
            people=unheard,
            acts=_mailchimp(OUTAGE, "person", "unsubscribe", keys=_keys(unheard)),
            expectations=[
                *_arrived(unheard, after=OUTAGE),
                _activities(unheard, UNSUBSCRIBE),
                _statuses(_keys(unheard), "unsubscribed"),
            ],
        ),
    ]


def _arrived(people: Sequence[Contact], *, after: int) -> list[Expectation]:
    return [
        replace(
            _newsletter(people, CANCELLATION), what="Cancellation before any sync", after=after
        ),
        replace(_activities(people, UNSUBSCRIBE), what="activity before any sync", after=after),
    ]


def _at_mailchimp(cast: Cast, *, size: int) -> list[Story]:
    renamed, moving, back = cast.subscribers(size), cast.subscribers(size), cast.subscribers(size)
    known = cast.unspecified(size)
    new = [f"neu-{number}@anmeldung.example" for number in range(2 * size)]
    moved = {_key(contact): f"umzug-{contact.id}@anmeldung.example" for contact in moving}
    return [
        _story(
            "People correct their names at Mailchimp",
            people=renamed,
            acts=_mailchimp(
                MORNING, "person", "update", keys=_keys(renamed), merge_fields={"FNAME": "Neuer"}
            ),
            expectations=[
                Expectation(
                    "first name taken into the CRM",
                    len(renamed),
                    lambda p: sum(p.contacts[c.id].first_name == "Neuer" for c in renamed),
                ),
            ],
        ),
        _story(
            "People change their address at Mailchimp",
            people=moving,
            acts=[
                act
                for old, new_address in moved.items()
                for act in _mailchimp(
                    MORNING, "person", "change_email", keys=[old], new_email=new_address
                )
            ],
            expectations=[
                Expectation(
                    "contact has the new address",
                    len(moving),
                    lambda p: sum(p.contacts[c.id].key == moved[_key(c)] for c in moving),
                ),
                _statuses(list(moved.values()), "subscribed"),
            ],
            more_keys=moved.values(),
        ),
        _story(
            "New people sign up",
            people=[],
            acts=_mailchimp(
                MORNING,
                "person",
                "subscribe",
                keys=new,
                merge_fields={"FNAME": "Eva", "LNAME": "Neu"},
            ),
            expectations=[
                Expectation(
                    "contact created with Yes and name",
                    len(new),
                    lambda p: sum(
                        (c.newsletter, c.last_name) == (YES, "Neu") for c in p.contacts_of(new)
                    ),
                ),
                Expectation(
                    "subscribe activity, once",
                    len(new),
                    lambda p: sum(
                        p.activities.get((c.id, SUBSCRIBE), 0) for c in p.contacts_of(new)
                    ),
                ),
            ],
            more_keys=new,
        ),
        _story(
            "Contacts that never said anything sign up",
            people=known,
            acts=_mailchimp(EVENING, "person", "subscribe", keys=_keys(known)),
            expectations=[_newsletter(known, YES), _activities(known, SUBSCRIBE)],
        ),
        _story(
            "People unsubscribe, and sign up again later",
            people=back,
            acts=[
                *_mailchimp(MORNING, "person", "unsubscribe", keys=_keys(back)),
                *_mailchimp(EVENING, "person", "subscribe", keys=_keys(back)),
            ],
            expectations=[_newsletter(back, YES), _statuses(_keys(back), "subscribed")],
        ),
    ]


def _in_the_crm(cast: Cast, *, size: int) -> list[Story]:
    renamed, refused, cancelled = (cast.subscribers(size) for _ in range(3))
    archived, deleted = cast.subscribers(size), cast.subscribers(size)
    wanted, private = cast.unspecified(size), cast.private(1)
    return [
        _story(
            "Staff correct names in the CRM",
            people=renamed,
            acts=_onoffice(EVENING, "staff", "modify", people=renamed, fields={"Name": "Neumann"}),
            expectations=[
                Expectation(
                    "last name at Mailchimp",
                    len(renamed),
                    lambda p: sum(p.members[_key(c)].last_name == "Neumann" for c in renamed),
                ),
            ],
        ),
        _story(
            "Staff set contacts to No",
            people=refused,
            acts=_set_newsletter(MORNING, refused, NO),
            expectations=[
                _newsletter(refused, NO),
                _statuses(_keys(refused), "unsubscribed"),
            ],
        ),
        _story(
            "Staff set contacts to Cancellation",
            people=cancelled,
            acts=_set_newsletter(EVENING, cancelled, CANCELLATION),
            expectations=[
                _newsletter(cancelled, CANCELLATION),
                _statuses(_keys(cancelled), "unsubscribed"),
            ],
        ),
        _story(
            "Staff set contacts to Yes",
            people=wanted,
            acts=_set_newsletter(MORNING, wanted, YES),
            expectations=[_newsletter(wanted, YES), _statuses(_keys(wanted), "subscribed")],
        ),
        _story(
            "Staff set a private contact to Yes",
            people=private,
            acts=_set_newsletter(MORNING, private, YES),
            expectations=[_statuses(_keys(private), "absent")],
        ),
        _story(
            "Staff archive contacts",
            people=archived,
            acts=_onoffice(MORNING, "staff", "archive", people=archived),
            expectations=[_newsletter(archived, YES), _statuses(_keys(archived), "archived")],
        ),
        _story(
            "Staff delete contacts",
            people=deleted,
            acts=_onoffice(EVENING, "staff", "delete", people=deleted),
            expectations=[_statuses(_keys(deleted), "archived")],
        ),
    ]


def _consent_that_does_not_count(cast: Cast, *, size: int) -> list[Story]:
    imported = cast.cancelled(size)
    keys = _keys(imported)
    return [
        _story(
            "An import subscribes people who had cancelled, and does so again",
            people=imported,
            acts=[
                *_mailchimp(MORNING, "import", "subscribe", keys=keys),
                *_mailchimp(EVENING, "import", "subscribe", keys=keys),
            ],
            expectations=[_newsletter(imported, CANCELLATION), _statuses(keys, "unsubscribed")],
        ),
    ]


def _story(
    title: str,
    *,
    people: Sequence[Contact],
    acts: Sequence[Act],
    expectations: Sequence[Expectation],
    more_keys: Sequence[str] | Any = (),
) -> Story:
    return Story(
        title=title,
        acts=tuple(acts),
        expectations=tuple(expectations),
        keys=frozenset([*_keys(people), *more_keys]),
        ids=frozenset(contact.id for contact in people),
    )


def _mailchimp(
    part: int, actor: str, action: str, *, keys: Sequence[str], **details: Any
) -> list[Act]:
    return [
        Act(part, "mailchimp", {"actor": actor, "action": action, "email": key, **details})
        for key in keys
    ]


def _onoffice(
    part: int, actor: str, action: str, *, people: Sequence[Contact], **details: Any
) -> list[Act]:
    return [
        Act(part, "onoffice", {"actor": actor, "action": action, "id": contact.id, **details})
        for contact in people
    ]


def _set_newsletter(part: int, people: Sequence[Contact], value: str) -> list[Act]:
    return _onoffice(part, "staff", "modify", people=people, fields={"newsletter_aktiv": value})


_WORDS = {NO: "No", YES: "Yes", CANCELLATION: "Cancellation"}


def _newsletter(people: Sequence[Contact], value: str) -> Expectation:
    return Expectation(
        f"{_WORDS[value]} in the CRM",
        len(people),
        lambda p: sum(p.contacts[c.id].newsletter == value for c in people),
    )


def _activities(people: Sequence[Contact], kind: str) -> Expectation:
    word = "subscribe" if kind == SUBSCRIBE else "unsubscribe"
    return Expectation(
        f"{word} activity, once",
        len(people),
        lambda p: sum(p.activities.get((c.id, kind), 0) == 1 for c in people),
    )


def _statuses(keys: Sequence[str], status: str) -> Expectation:
    word = "not in the audience" if status == "absent" else f"{status} at Mailchimp"
    return Expectation(word, len(keys), lambda p: sum(p.status_of(key) == status for key in keys))


def _not_subscribed(keys: Sequence[str]) -> Expectation:
    return Expectation(
        "not subscribed at Mailchimp",
        len(keys),
        lambda p: sum(p.status_of(key) != "subscribed" for key in keys),
    )


def _keys(people: Sequence[Contact]) -> list[str]:
    return [_key(contact) for contact in people]


def _key(contact: Contact) -> str:
    if contact.key is None:
        raise ValueError("nobody without an address is in a story")
    return contact.key
