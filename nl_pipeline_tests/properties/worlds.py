"""Worlds of several people, and what happens in them: the cases Hypothesis draws.

Belongs here: how a world is set up from small numbers and what each act does to it. Acts name
people and addresses by number, modulo what there is, so that every drawn world is valid and
shrinks well. Must not be here: what a sync should do about it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import strategies as st

from nl_pipeline.domain.address import address_key
from nl_pipeline.domain.fields import Direction, ProfileField, comparable
from nl_pipeline.domain.states import Eligibility, Newsletter, ProviderState
from nl_pipeline_tests.properties.sides import Clock, Contact, Member, World
from nl_pipeline_tests.providers import Provider

P = ProviderState

FIELDS = (
    ProfileField("first", "Vorname", "FNAME"),
    ProfileField("last", "Name", "LNAME", propagates_blank=True),
    ProfileField("title", "Titel", "TITLE", direction=Direction.TO_PROVIDER),
    ProfileField("city", "Ort", "CITY", direction=Direction.TO_CRM),
    ProfileField("letter", "Anrede", "LETTER"),
)

DEEP = os.environ.get("NL_WORLDS") == "deep"
"""Whether many more worlds are drawn, other ones each time (`make worlds`)."""
LABELS = {"k1": "Kauf", "k2": "Miete", "k3": 'Größe "M"'}
PERMITTED = {"letter": ["Herr", "Frau", ""]}
VALUES = ("", "Ada", "Zoë O'Neil", '=1+1;"x"', comparable("ü" * 200), "Herr", "Frau")
NO_ADDRESS = ("", "nobody at all")

_ELIGIBLE = [Eligibility.ELIGIBLE] * 6 + [
    Eligibility.PRIVATE,
    Eligibility.ARCHIVED,
    Eligibility.REVOKED,
]
_WISHES = [Newsletter.YES] * 6 + [
    Newsletter.NO,
    Newsletter.CANCEL,
    Newsletter.NONE,
    Newsletter.NONE,
    Newsletter.DOI,
    Newsletter.UNDELIVERABLE,
    Newsletter.UNKNOWN,
]
_STATES = [P.SUB] * 6 + [P.UNSUB, P.UNSUB, P.ARCHIVED, P.PENDING, P.CLEANED, P.NONSUB]


#: Brevo shows nobody who waits for a confirmation, and has no customers without consent.
_AT_BREVO = {P.PENDING: P.ARCHIVED, P.NONSUB: P.ARCHIVED}


def address(number: int) -> str:
    """One of the addresses of a world, in one of the forms people write it."""
    plain = f"person{number}@kunde.example"
    forms = (plain, plain.title(), f" {plain}", f"person{number}@Bücher.example", plain, plain)
    return forms[number % len(forms)]


@dataclass(frozen=True)
class ContactSeed:
    """A contact at the start. ``others``: further addresses; ``main`` below 0: no usable one."""

    main: int
    others: tuple[int, ...]
    newsletter: Newsletter
    eligibility: Eligibility
    values: tuple[int, ...]
    tags: frozenset[str]


@dataclass(frozen=True)
class MemberSeed:
    """A member at the start."""

    where: int
    state: ProviderState
    by_person: bool
    values: tuple[int, ...]
    tags: frozenset[str]


@dataclass(frozen=True)
class Act:
    """One thing that happens: what, and three numbers that say to whom, where and how."""

    what: str
    who: int
    where: int
    how: int


@dataclass(frozen=True)
class Round:
    """What happens before one sync and while it runs, and how its reads and changes end."""

    acts: tuple[Act, ...]
    full: bool
    cut: frozenset[str]
    faults: tuple[str, ...]
    meanwhile: tuple[Act, ...]


@dataclass(frozen=True)
class Story:
    """A world and what becomes of it."""

    addresses: int
    contacts: tuple[ContactSeed, ...]
    members: tuple[MemberSeed, ...]
    adopt_existing: bool
    rounds: tuple[Round, ...]


# The cast --------------------------------------------------------------------------------------


def build(story: Story, *, provider: Provider = "mailchimp") -> World:
    """The world of a story before anything has happened; Brevo has no tags."""
    labels = dict(LABELS) if provider == "mailchimp" else {}
    world = World(Clock(), FIELDS, labels, dict(PERMITTED), provider)
    for seed in story.contacts:
        now = world.clock.now()
        others = [address(n % story.addresses) for n in seed.others]
        main = NO_ADDRESS[seed.main % 2] if seed.main < 0 else address(seed.main % story.addresses)
        contact = Contact(
            crm_id=world.next_number(),
            emails=[main, *(o for o in others if o != main)],
            newsletter=seed.newsletter,
            eligibility=seed.eligibility,
            tags=set(seed.tags),
            values=_values(seed.values),
            changed_at=now,
            decided_at=now,
        )
        world.contacts[contact.crm_id] = contact
    for start in story.members:
        email = address(start.where % story.addresses).strip()
        key = address_key(email)
        if key is not None and key not in world.members:
            state = start.state
            if provider == "brevo":
                state = _AT_BREVO.get(state, state)
            member = _new_member(world, email=email, state=state)
            member.values = _values(start.values)
            member.tags = {labels[t] for t in start.tags & labels.keys()}
            if state in (P.SUB, P.UNSUB) and start.by_person:
                member.feed.append((world.clock.now(), "PERSON"))
            if state is P.UNSUB:
                _leave(world, member, actor="person" if start.by_person else "staff")
    return world


def _values(numbers: tuple[int, ...]) -> dict[str, str]:
    return {f.name: VALUES[number % len(VALUES)] for f, number in zip(FIELDS, numbers, strict=True)}


def _new_member(world: World, *, email: str, state: ProviderState) -> Member:
    member = Member(
        provider_id=f"p{world.next_number()}",
        email=email,
        state=state,
        tags=set(),
        values=_values((0,) * len(FIELDS)),
        changed_at=world.clock.now(),
    )
    world.members[member.key] = member
    return member


def _leave(world: World, member: Member, *, actor: str) -> None:
    member.state, member.unsubscribed_by, member.left_by_us = P.UNSUB, actor, False
    member.left_at = member.changed_at = world.clock.now()
    member.feed.append((member.left_at, "unsub"))


# What happens ----------------------------------------------------------------------------------


def perform(act: Act, *, world: World, addresses: int) -> None:
    """Let an act happen; one that nobody can do here does nothing."""
    if act.what in _AT_PROVIDER:
        email = address(act.where % addresses).strip()
        _AT_PROVIDER[act.what](world, email, act)
    elif act.what == "create":
        _create(world, act, addresses=addresses)
    elif world.contacts:
        ids = sorted(world.contacts)
        contact = world.contacts[ids[act.who % len(ids)]]
        contact.changed_at = world.clock.now()
        _IN_CRM[act.what](world, contact, act, addresses)


def _subscribe(world: World, email: str, *, by: str | None) -> None:
    """``by`` None: through the API, which leaves nothing in the feed."""
    key = address_key(email)
    assert key is not None
    member = world.members.get(key)
    if member is None:
        if key in world.forgotten and by != "PERSON":
            return
        world.forgotten.discard(key)
        member = _new_member(world, email=email, state=P.SUB)
    if member.state is P.CLEANED or (member.complained and by != "PERSON"):
        return
    if world.provider == "brevo" and member.state is P.UNSUB and by not in ("PERSON", "STAFF"):
        # On the list again, and blocklisted all the same.
        return
    member.state, member.changed_at = P.SUB, world.clock.now()
    if by is not None:
        member.feed.append((member.changed_at, by))
    world.sign_up(key, by_person=by == "PERSON" and not member.complained)


def _unsubscribe(world: World, email: str, *, actor: str) -> None:
    member = world.members.get(address_key(email) or "")
    if member is not None and member.state in (P.SUB, P.PENDING):
        _leave(world, member, actor=actor)


def _archive(world: World, email: str) -> None:
    member = world.members.get(address_key(email) or "")
    # At Brevo who is taken off the list stays blocklisted.
    stays = (P.CLEANED,) if world.provider == "mailchimp" else (P.CLEANED, P.UNSUB)
    if member is not None and member.state not in stays:
        member.state, member.changed_at = P.ARCHIVED, world.clock.now()


def _delete_member(world: World, email: str) -> None:
    key = address_key(email) or ""
    if world.members.pop(key, None) is not None and world.provider == "mailchimp":
        world.forgotten.add(key)


def _complain(world: World, email: str) -> None:
    member = world.members.get(address_key(email) or "")
    if member is not None and member.state is P.SUB:
        member.complained = True
        _leave(world, member, actor="person")


def _bounce(world: World, email: str) -> None:
    member = world.members.get(address_key(email) or "")
    if member is not None and member.state is P.SUB:
        member.state, member.changed_at = P.CLEANED, world.clock.now()


def _move_member(world: World, email: str, act: Act) -> None:
    subscribed = sorted(m.key for m in world.members.values() if m.state is P.SUB)
    key = address_key(email) or ""
    if subscribed and key not in world.members:
        member = world.members.pop(subscribed[act.who % len(subscribed)])
        member.email, member.changed_at = email, world.clock.now()
        world.members[key] = member
        # Whoever takes an address over, consents to it being written to.
        world.sign_up(key, by_person=True)


def _edit_member(world: World, email: str, act: Act) -> None:
    member = world.members.get(address_key(email) or "")
    if member is not None:
        member.values[FIELDS[act.who % len(FIELDS)].name] = VALUES[act.how % len(VALUES)]
        member.changed_at = world.clock.now()


def _tag_member(world: World, email: str, act: Act) -> None:
    member = world.members.get(address_key(email) or "")
    if member is not None and world.labels:
        member.tags ^= {list(LABELS.values())[act.how % len(LABELS)]}
        member.changed_at = world.clock.now()


_AT_PROVIDER: dict[str, Callable[[World, str, Act], None]] = {
    "person subscribes": lambda w, e, a: _subscribe(w, e, by="PERSON"),
    "staff subscribes": lambda w, e, a: _subscribe(w, e, by="STAFF"),
    "import subscribes": lambda w, e, a: _subscribe(w, e, by="OTHER"),
    "api subscribes": lambda w, e, a: _subscribe(w, e, by=None),
    "person unsubscribes": lambda w, e, a: _unsubscribe(w, e, actor="person"),
    "staff unsubscribes": lambda w, e, a: _unsubscribe(w, e, actor="staff"),
    "archive": lambda w, e, a: _archive(w, e),
    "delete member": lambda w, e, a: _delete_member(w, e),
    "complain": lambda w, e, a: _complain(w, e),
    "bounce": lambda w, e, a: _bounce(w, e),
    "move member": _move_member,
    "edit member": _edit_member,
    "tag member": _tag_member,
}


def _create(world: World, act: Act, *, addresses: int) -> None:
    now = world.clock.now()
    contact = Contact(
        crm_id=world.next_number(),
        emails=[address(act.where % addresses)],
        newsletter=_WISHES[act.how % len(_WISHES)],
        eligibility=Eligibility.ELIGIBLE,
        tags=set(),
        values=_values((act.who,) * len(FIELDS)),
        changed_at=now,
        decided_at=now,
    )
    world.contacts[contact.crm_id] = contact


def _wish(world: World, contact: Contact, act: Act, _addresses: int) -> None:
    contact.newsletter = _WISHES[act.how % len(_WISHES)]
    contact.decided_at = world.clock.now()


def _move_contact(world: World, contact: Contact, act: Act, addresses: int) -> None:
    usable = address(act.where % addresses)
    email = NO_ADDRESS[act.where % 2] if act.how % 8 == 0 else usable
    contact.emails = [email, *(e for e in contact.emails[1:] if e != email)]
    contact.decided_at = world.clock.now()


def _add_address(world: World, contact: Contact, act: Act, addresses: int) -> None:
    email = address(act.where % addresses)
    if email not in contact.emails:
        contact.emails.append(email)
        contact.decided_at = world.clock.now()


def _remove_address(_world: World, contact: Contact, _act: Act, _addresses: int) -> None:
    if len(contact.emails) > 1:
        contact.emails.pop()


def _delete_contact(world: World, contact: Contact, _act: Act, _addresses: int) -> None:
    del world.contacts[contact.crm_id]


def _merge_contacts(world: World, contact: Contact, act: Act, _addresses: int) -> None:
    others = sorted(set(world.contacts) - {contact.crm_id})
    if others:
        kept = world.contacts[others[act.where % len(others)]]
        kept.emails += [e for e in contact.emails if e not in kept.emails]
        kept.changed_at = kept.decided_at = world.clock.now()
        del world.contacts[contact.crm_id]


def _judge_contact(_world: World, contact: Contact, act: Act, _addresses: int) -> None:
    contact.eligibility = _ELIGIBLE[act.how % len(_ELIGIBLE)]


def _edit_contact(_world: World, contact: Contact, act: Act, _addresses: int) -> None:
    contact.values[FIELDS[act.where % len(FIELDS)].name] = VALUES[act.how % len(VALUES)]


def _tag_contact(_world: World, contact: Contact, act: Act, _addresses: int) -> None:
    contact.tags ^= {list(LABELS)[act.how % len(LABELS)]}


_IN_CRM: dict[str, Callable[[World, Contact, Act, int], None]] = {
    "wish": _wish,
    "move contact": _move_contact,
    "add address": _add_address,
    "remove address": _remove_address,
    "delete contact": _delete_contact,
    "merge contacts": _merge_contacts,
    "judge contact": _judge_contact,
    "edit contact": _edit_contact,
    "tag contact": _tag_contact,
}

# What is drawn ---------------------------------------------------------------------------------

_OFTEN = ["person unsubscribes", "wish", "person subscribes", "move contact"]
_NUMBER = st.integers(0, 999)
_NUMBERS = st.tuples(*[st.integers(0, len(VALUES) - 1)] * len(FIELDS))
_TAGS = st.frozensets(st.sampled_from(sorted(LABELS)), max_size=2)


def acts() -> st.SearchStrategy[Act]:
    """One thing that may happen on either side."""
    return st.builds(
        Act,
        what=st.sampled_from([*_AT_PROVIDER, *_IN_CRM, "create", *_OFTEN]),
        who=_NUMBER,
        where=_NUMBER,
        how=_NUMBER,
    )


def _rounds(most_acts: int, *, unruly: bool) -> st.SearchStrategy[Round]:
    faults = st.sampled_from(
        ["ok"] * 3 + ["refused", "failed", "lost", "unheard", "ignored", "unfit", "unfit"]
    )
    never = st.just(())
    return st.builds(
        Round,
        acts=st.lists(acts(), max_size=most_acts).map(tuple),
        full=st.booleans(),
        cut=st.sampled_from([frozenset()] * 4 + [frozenset({"crm"}), frozenset({"provider"})]),
        faults=st.lists(faults, max_size=12).map(tuple) if unruly else never,
        meanwhile=st.lists(acts(), max_size=6).map(tuple) if unruly else never,
    )


def stories(*, fewest: int, most: int, rounds: int, unruly: bool) -> st.SearchStrategy[Story]:
    """Worlds of ``fewest`` to ``most`` contacts and as many members over up to ``rounds`` syncs.

    ``unruly``: changes may fail, and things happen while a push is under way.
    """
    contacts = st.builds(
        ContactSeed,
        main=st.integers(-1, 2 * most),
        others=st.lists(_NUMBER, max_size=1).map(tuple),
        newsletter=st.sampled_from(_WISHES),
        eligibility=st.sampled_from(_ELIGIBLE),
        values=_NUMBERS,
        tags=_TAGS,
    )
    members = st.builds(
        MemberSeed,
        where=st.integers(0, 2 * most),
        state=st.sampled_from(_STATES),
        by_person=st.booleans(),
        values=_NUMBERS,
        tags=_TAGS,
    )
    return st.builds(
        Story,
        addresses=st.just(most + most // 2),
        contacts=st.lists(contacts, min_size=fewest, max_size=most).map(tuple),
        members=st.lists(members, min_size=fewest, max_size=most).map(tuple),
        adopt_existing=st.booleans(),
        rounds=st.lists(_rounds(2 * most, unruly=unruly), min_size=rounds, max_size=rounds).map(
            tuple
        ),
    )
