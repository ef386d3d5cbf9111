"""What a story of the demo is made of: acts in the twins, and what must have come of them.

Belongs here: acts, expectations and their words, which the stories share. Must not be here: who
does what (``stories`` and the modules beside it).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from nl_pipeline.cli.demo.audiences import SUBSCRIBED, Audience
from nl_pipeline.cli.demo.control import Service
from nl_pipeline.cli.demo.picture import (
    CANCELLATION,
    NO,
    NOT_SPECIFIED,
    SUBSCRIBE,
    UNSUBSCRIBE,
    YES,
    Contact,
    Picture,
)

FIRST_SYNC, MORNING, NOON, OUTAGE, EVENING = range(5)


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


def story(
    title: str,
    *,
    people: Sequence[Contact],
    acts: Sequence[Act],
    expectations: Sequence[Expectation],
    more_keys: Iterable[str] = (),
) -> Story:
    """A story about these people, and addresses that no contact has yet."""
    return Story(
        title=title,
        acts=tuple(acts),
        expectations=tuple(expectations),
        keys=frozenset([*keys_of(people), *more_keys]),
        ids=frozenset(contact.id for contact in people),
    )


# Acts ------------------------------------------------------------------------------------


def at_provider(
    service: Service, part: int, actor: str, action: str, *, keys: Sequence[str], **details: Any
) -> list[Act]:
    """The same act for each of these addresses."""
    return [
        Act(part, service, {"actor": actor, "action": action, "email": key, **details})
        for key in keys
    ]


def in_crm(
    part: int, actor: str, action: str, *, people: Sequence[Contact], **details: Any
) -> list[Act]:
    """The same act for each of these contacts."""
    return [
        Act(part, "onoffice", {"actor": actor, "action": action, "id": contact.id, **details})
        for contact in people
    ]


def set_newsletter(part: int, people: Sequence[Contact], value: str) -> list[Act]:
    """Staff set the newsletter field."""
    return in_crm(part, "staff", "modify", people=people, fields={"newsletter_aktiv": value})


# Expectations ----------------------------------------------------------------------------

_WORDS = {NO: "No", YES: "Yes", CANCELLATION: "Cancellation", NOT_SPECIFIED: "not specified"}
_Audience = Callable[[Picture], Audience]


def newsletter(people: Sequence[Contact], value: str, *, after: int | None = None) -> Expectation:
    """The contacts have this state in the CRM."""
    return Expectation(
        f"{_WORDS[value]} in the CRM",
        len(people),
        lambda p: sum(p.contacts[c.id].newsletter == value for c in people),
        after,
    )


def activities(people: Sequence[Contact], kind: str) -> Expectation:
    """The contacts have one activity of this type."""
    word = "subscribe" if kind == SUBSCRIBE else "unsubscribe"
    return Expectation(
        f"{word} activity, once",
        len(people),
        lambda p: sum(p.activities.get((c.id, kind), 0) == 1 for c in people),
    )


def at_mailchimp(keys: Sequence[str], status: str) -> Expectation:
    """The addresses have this status in the audience."""
    return Expectation(
        f"{status} at Mailchimp", len(keys), lambda p: p.mailchimp.count(keys, status=status)
    )


def at_brevo(keys: Sequence[str], status: str) -> Expectation:
    """The addresses have this status at Brevo."""
    return Expectation(
        f"{status} at Brevo", len(keys), lambda p: p.brevo.count(keys, status=status)
    )


def subscribed_nowhere(keys: Sequence[str]) -> list[Expectation]:
    """The addresses get no mail from either provider."""
    return [
        not_subscribed(keys, provider="Mailchimp", at=lambda p: p.mailchimp),
        not_subscribed(keys, provider="Brevo", at=lambda p: p.brevo),
    ]


def not_subscribed(keys: Sequence[str], *, provider: str, at: _Audience) -> Expectation:
    """The addresses get no mail from this provider."""
    return Expectation(
        f"not subscribed at {provider}",
        len(keys),
        lambda p: len(keys) - at(p).count(keys, status=SUBSCRIBED),
    )


def subscribed_at_both(keys: Sequence[str]) -> list[Expectation]:
    """The addresses get mail from both providers."""
    return [at_mailchimp(keys, SUBSCRIBED), at_brevo(keys, SUBSCRIBED)]


def opted_out(people: Sequence[Contact]) -> list[Expectation]:
    """What an opt-out at either provider leads to: all three know, and one note says so."""
    return [
        newsletter(people, CANCELLATION),
        activities(people, UNSUBSCRIBE),
        *subscribed_nowhere(keys_of(people)),
    ]


def opted_out_before_any_sync(people: Sequence[Contact], *, after: int) -> list[Expectation]:
    """The same, and the CRM knew it at once."""
    return [
        replace(newsletter(people, CANCELLATION), what="Cancellation before any sync", after=after),
        replace(activities(people, UNSUBSCRIBE), what="activity before any sync", after=after),
        *opted_out(people),
    ]


def keys_of(people: Sequence[Contact]) -> list[str]:
    """The addresses of these people."""
    return [key_of(contact) for contact in people]


def key_of(contact: Contact) -> str:
    """The address of somebody in a story."""
    if contact.key is None:
        raise ValueError("nobody without an address is in a story")
    return contact.key
