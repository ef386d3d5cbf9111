"""What the account holds after a reset: a foreign audience, and on request a used ``onoffice``.

Belongs here: which persons of the population are members and what happened to them in the past.
Does not belong here: the population itself. The same contacts and seed give the same account.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass

from nl_pipeline.sandbox.mailchimp import changes
from nl_pipeline.sandbox.mailchimp.account import Account, Cause
from nl_pipeline.sandbox.mailchimp.addresses import is_address, subscriber_hash
from nl_pipeline.sandbox.mailchimp.audiences import add_audience
from nl_pipeline.sandbox.mailchimp.reports import record_complaint
from nl_pipeline.sandbox.mailchimp.state import Audience, Member
from nl_pipeline.sandbox.mailchimp.tagging import give_tag, segment_named
from nl_pipeline.sandbox.population import TAG_OPTIONS, Person

FOREIGN_AUDIENCE = "Kunden 2019"
OWN_AUDIENCE = "onoffice"

_FOREIGN_SHARE = 0.08
_STRANGERS_SHARE = 0.03
_LEAST_STRANGERS = 5
_YEAR = 365 * 86_400
_MONTH = 30 * 86_400

_Weights = tuple[tuple[str, float], ...]
"""What becomes of how many in a hundred; "" is not a member."""

_FOREIGN_FATES: _Weights = (
    ("subscribed", 70),
    ("left", 12),
    ("removed", 4),
    ("cleaned", 6),
    ("archived", 8),
)
_FATES_OF_YES: _Weights = (
    ("", 20),
    ("subscribed", 69),
    ("left", 4),
    ("removed", 1),
    ("archived", 2),
    ("cleaned", 2),
    ("complained", 0.5),
    ("pending", 1.5),
)
_FATES_OF_NO: _Weights = (("", 75), ("subscribed", 12), ("removed", 8), ("left", 5))
_FATES_OF_OTHERS: _Weights = (("", 92), ("subscribed", 5), ("left", 2), ("archived", 1))
_FATES_OF_STRANGERS: _Weights = (("subscribed", 80), ("left", 15), ("cleaned", 5))


@dataclass(slots=True)
class PastClock:
    """A clock that shows whatever second of the past is being filled in."""

    at: float

    def epoch(self) -> float:
        """The second set last."""
        return self.at


def fill(account: Account, *, people: Iterable[Person], seed: int, now: float) -> None:
    """Fill an empty account; its clock shows the past meanwhile and ``now`` at the end."""
    past = PastClock(now - 6 * _YEAR)
    clock, account.clock = account.clock, past
    draw = random.Random(f"mailchimp {seed}")
    foreign = add_audience(account, details=_details(FOREIGN_AUDIENCE))
    own = None
    if account.switches.existing_audience:
        past.at = now - _YEAR
        own = add_audience(account, details=_details(OWN_AUDIENCE))
    counted = 0
    for counted, person in enumerate(people, start=1):  # noqa: B007
        address = person.emails[0].strip() if person.emails else ""
        if not is_address(address):
            continue
        if draw.random() < _FOREIGN_SHARE:
            past.at = now - _YEAR - draw.randrange(4 * _YEAR)
            _join(account, foreign, address, fate=_fate(_FOREIGN_FATES, draw), person=person)
        if own is not None:
            past.at = now - _MONTH - draw.randrange(10 * _MONTH)
            fate = _fate(_fates_of(person), draw)
            member = _join(account, own, address, fate=fate, person=person)
            if member is not None and draw.random() < 0.25:
                label = draw.choice(list(TAG_OPTIONS.values()))
                segment = segment_named(account, own, name=label)
                give_tag(account, own, member, segment=segment)
    if own is not None:
        for number in range(max(_LEAST_STRANGERS, round(counted * _STRANGERS_SHARE))):
            past.at = now - _MONTH - draw.randrange(10 * _MONTH)
            address = f"gast-{number}@besucher-{number % 7}.example"
            _join(account, own, address, fate=_fate(_FATES_OF_STRANGERS, draw), person=None)
    account.clock = clock


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


def _join(
    account: Account, audience: Audience, address: str, *, fate: str, person: Person | None
) -> Member | None:
    """Add one member and let its fate come true; nothing for an address that is in already."""
    if not fate or subscriber_hash(address) in audience.by_hash:
        return None
    values = {}
    if person is not None:
        values = {
            "FNAME": person.first_name.strip(),
            "LNAME": person.last_name.strip(),
            "PHONE": person.phone,
        }
    member = changes.create_member(
        account,
        audience,
        email_address=address,
        status="pending" if fate == "pending" else "subscribed",
        cause=Cause("import" if person is not None else "person"),
        merge_fields=values,
    )
    _let_happen(account, audience, member, fate=fate)
    return member


def _let_happen(account: Account, audience: Audience, member: Member, *, fate: str) -> None:
    if isinstance(account.clock, PastClock):
        account.clock.at += _MONTH // 2
    if fate == "left":
        cause = Cause("person", reason="No longer interested")
        changes.set_status(account, audience, member, status="unsubscribed", cause=cause)
    elif fate == "removed":
        changes.set_status(account, audience, member, status="unsubscribed", cause=Cause("staff"))
    elif fate == "cleaned":
        changes.set_status(account, audience, member, status="cleaned", cause=Cause("system"))
    elif fate == "archived":
        changes.set_status(account, audience, member, status="archived", cause=Cause("staff"))
    elif fate == "complained":
        record_complaint(account, audience, member, campaign_id="")
        cause = Cause("person", reason="Abuse complaint", complaint=True)
        status = account.switches.complaint_status
        changes.set_status(account, audience, member, status=status, cause=cause)


def _details(name: str) -> dict[str, object]:
    return {
        "name": name,
        "contact": {
            "company": "Sandbox Immobilien GmbH",
            "address1": "Hauptstr. 1",
            "address2": "",
            "city": "Aachen",
            "state": "",
            "zip": "52062",
            "country": "DE",
            "phone": "",
        },
        "permission_reminder": "Sie haben sich auf unserer Website angemeldet.",
        "campaign_defaults": {
            "from_name": "Sandbox Immobilien GmbH",
            "from_email": "konto@sandbox-immobilien.example",
            "subject": "",
            "language": "de",
        },
        "email_type_option": False,
    }
