"""Filling a fresh account from the sandbox's population.

Belongs here: what an account holds before the connector first sees it: a list ``Kunden 2019`` of
another time, and on request a list ``onoffice`` that has been in use. Does not belong here: who
exists (``population``).
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass

from nl_pipeline.sandbox.brevo import changes
from nl_pipeline.sandbox.brevo.account import Account
from nl_pipeline.sandbox.brevo.attribute_values import address
from nl_pipeline.sandbox.brevo.folders import add_folder
from nl_pipeline.sandbox.brevo.lists import add_list
from nl_pipeline.sandbox.brevo.notices import Cause
from nl_pipeline.sandbox.brevo.state import Attribute, Contact
from nl_pipeline.sandbox.population import Person

FIRST_FOLDER = "Your first folder"
FIRST_LIST = "identified_contacts"
"""What a fresh account has (as in a live capture)."""
FOREIGN_LIST = "Kunden 2019"
OWN_LIST = "onoffice"

NAMES = {
    "de": ("VORNAME", "NACHNAME"),
    "en": ("FIRSTNAME", "LASTNAME"),
    "fr": ("PRENOM", "NOM"),
    "it": ("NOME", "COGNOME"),
}
"""First and last name by the account's language (German and Italian: expected, in no source)."""

_FOREIGN_SHARE = 0.08
_STRANGERS_SHARE = 0.03
_LEAST_STRANGERS = 5
_YEAR = 365 * 86_400
_MONTH = 30 * 86_400

_Weights = tuple[tuple[str, float], ...]
"""What becomes of how many in a hundred; "" is no contact."""

_FOREIGN_FATES: _Weights = (
    ("on", 70),
    ("left", 12),
    ("blocked", 4),
    ("bounced", 6),
    ("off", 8),
)
_FATES_OF_YES: _Weights = (
    ("", 20),
    ("on", 69),
    ("left", 4),
    ("left_list", 1.5),
    ("blocked", 1),
    ("off", 2),
    ("bounced", 2),
    ("complained", 0.5),
)
_FATES_OF_NO: _Weights = (("", 75), ("on", 12), ("blocked", 8), ("left", 5))
_FATES_OF_OTHERS: _Weights = (("", 92), ("on", 5), ("left", 2), ("off", 1))
_FATES_OF_STRANGERS: _Weights = (("on", 80), ("left", 15), ("bounced", 5))


@dataclass(slots=True)
class PastClock:
    """A clock that shows whatever second of the past is being filled in."""

    at: float

    def epoch(self) -> float:
        """The second set last."""
        return self.at


@dataclass(frozen=True, slots=True)
class _Joining:
    """Somebody who came onto a list, and what became of them."""

    at: float
    email: str
    list_id: int
    fate: str
    person: Person | None


def fill(account: Account, *, people: Iterable[Person], seed: int, now: float) -> None:
    """Fill an empty account; its clock shows the past meanwhile and ``now`` at the end."""
    past = PastClock(now - 6 * _YEAR)
    clock, account.clock = account.clock, past
    folder = add_folder(account, name=FIRST_FOLDER)
    add_list(account, name=FIRST_LIST, folder_id=folder.id)
    for attribute in _attributes(account.switches.language):
        account.attributes[attribute.name] = attribute
    foreign = add_list(account, name=FOREIGN_LIST, folder_id=folder.id).id
    own = 0
    if account.switches.existing_list:
        own = add_list(account, name=OWN_LIST, folder_id=folder.id).id
    draw = random.Random(f"brevo {seed}")
    joinings = _joinings(people, foreign=foreign, own=own, draw=draw, now=now)
    # In the order of time, which is the only order Brevo keeps contacts in.
    for joining in sorted(joinings, key=lambda one: one.at):
        past.at = joining.at
        _join(account, joining, past=past)
    account.clock = clock


def _attributes(language: str) -> list[Attribute]:
    """What a fresh account has; the calculated one is as in a live capture."""
    first, last = NAMES[language]
    counted = "COUNT[BLACKLISTED,BLACKLISTED,<,NOW()]"
    return [
        Attribute("BLACKLIST", "global", "float", calculated_value=counted),
        Attribute(last, "normal", "text"),
        Attribute(first, "normal", "text"),
        Attribute("SMS", "normal", "text"),
        Attribute("DOUBLE_OPT-IN", "category", enumeration={1: "Yes", 2: "No"}),
    ]


def _joinings(
    people: Iterable[Person], *, foreign: int, own: int, draw: random.Random, now: float
) -> list[_Joining]:
    found: list[_Joining] = []
    counted = 0
    for counted, person in enumerate(people, start=1):  # noqa: B007
        email = address(person.emails[0]) if person.emails else ""
        if not email:
            continue
        if draw.random() < _FOREIGN_SHARE:
            at = now - _YEAR - draw.randrange(4 * _YEAR)
            found.append(_Joining(at, email, foreign, _fate(_FOREIGN_FATES, draw), person))
        if own:
            at = now - _MONTH - draw.randrange(10 * _MONTH)
            found.append(_Joining(at, email, own, _fate(_fates_of(person), draw), person))
    if own:
        for number in range(max(_LEAST_STRANGERS, round(counted * _STRANGERS_SHARE))):
            at = now - _MONTH - draw.randrange(10 * _MONTH)
            email = f"gast-{number}@besucher-{number % 7}.example"
            found.append(_Joining(at, email, own, _fate(_FATES_OF_STRANGERS, draw), None))
    return [joining for joining in found if joining.fate]


def _fates_of(person: Person) -> _Weights:
    if person.newsletter == "1":
        return _FATES_OF_YES
    return _FATES_OF_NO if person.newsletter in ("0", "2") else _FATES_OF_OTHERS


def _fate(weights: _Weights, draw: random.Random) -> str:
    point = draw.random() * 100
    for fate, weight in weights:
        point -= weight
        if point < 0:
            return fate
    return weights[-1][0]


def _join(account: Account, joining: _Joining, *, past: PastClock) -> None:
    """Put somebody on a list and let their fate come true."""
    cause = Cause("import" if joining.person is not None else "person")
    contact = account.by_email(joining.email)
    if contact is None:
        values = _values(account, joining.person)
        contact = changes.create(account, email=joining.email, attributes=values, cause=cause)
    if joining.list_id in contact.list_ids:
        return
    changes.add_to_lists(account, contact, (joining.list_id,), cause=cause)
    past.at += _MONTH // 2
    _let_happen(account, contact, joining=joining)


def _values(account: Account, person: Person | None) -> dict[str, str]:
    if person is None:
        return {}
    first, last = NAMES[account.switches.language]
    values = {first: person.first_name.strip(), last: person.last_name.strip()}
    return {name: value for name, value in values.items() if value}


def _let_happen(account: Account, contact: Contact, *, joining: _Joining) -> None:
    lists = (joining.list_id,)
    if joining.fate == "left":
        changes.block(account, contact, cause=Cause("person"), told="unsubscribed")
    elif joining.fate == "left_list":
        changes.unsubscribe_from_lists(account, contact, lists, cause=Cause("person"))
    elif joining.fate == "blocked":
        changes.block(account, contact, cause=Cause("staff"), told=None)
    elif joining.fate == "bounced":
        changes.block(account, contact, cause=Cause("system"), told="hardBounce")
    elif joining.fate == "complained":
        changes.block(account, contact, cause=Cause("person"), told="spam")
    elif joining.fate == "off":
        changes.remove_from_lists(account, contact, lists, cause=Cause("staff"))
