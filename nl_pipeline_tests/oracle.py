"""What a plan should hold, worked out person by person in plain Python.

Belongs here: the derivation of every person's case from a picture of both sides, and the changes
that follow, written from the semantics. Must not be here: SQL, or anything imported from the
warehouse; only the rule table itself is shared with the code under test.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from nl_pipeline.domain.fields import Direction, ProfileField
from nl_pipeline.domain.rules import Case, CrmAction, ProviderAction, Rule, rule_for
from nl_pipeline.domain.states import (
    GROUP_ORDER,
    OPTED_OUT,
    Base,
    Eligibility,
    Ledger,
    Newsletter,
    ProviderState,
    Signup,
    SinceBase,
)

N, P = Newsletter, ProviderState
_WITHDRAWN = (N.NO, N.CANCEL)


@dataclass(frozen=True)
class Contact:
    """One contact. ``key``: of the main address; ``others``: keys of its further addresses."""

    crm_id: int
    key: str | None
    email: str
    newsletter: Newsletter
    eligibility: Eligibility
    tags: frozenset[str]
    changed_at: datetime | None
    values: Mapping[str, str]
    others: frozenset[str]


@dataclass(frozen=True)
class Member:
    """One member of the audience. ``tags``: names, without our own."""

    key: str
    member_id: str
    provider_id: str
    email: str
    state: ProviderState
    owned: bool
    tags: frozenset[str]
    changed_at: datetime | None
    values: Mapping[str, str]


@dataclass(frozen=True)
class BaseRow:
    """What was last confirmed equal (``is_pair``), or a mark that it never was."""

    key: str
    is_pair: bool
    crm_id: int | None
    provider_id: str
    newsletter: Newsletter
    eligibility: Eligibility
    state: ProviderState
    tags: frozenset[str]
    confirmed_at: datetime
    values: Mapping[str, str | None]


@dataclass(frozen=True)
class Consent:
    """The last consent event of an address."""

    ledger: Ledger
    happened_at: datetime | None


@dataclass(frozen=True)
class Answer:
    """The answer to a look-up, with the version of the member it was given for."""

    detail: str
    happened_at: datetime | None
    member_changed_at: datetime | None


@dataclass(frozen=True)
class Refusal:
    """What was refused as often as it may be, as it was sent; it is not sent again like that.

    ``field``: the field whose value ``sent`` is, or '' for the change of which ``sent`` is the
    outcome. ``about_address``: any change of this kind is meant that has the same address.
    """

    side: str
    key: str
    action: str
    record_id: str
    field: str
    about_address: bool
    sent: Any


@dataclass(frozen=True)
class Picture:
    """Everything a plan is made of."""

    contacts: tuple[Contact, ...]
    members: tuple[Member, ...]
    base: tuple[BaseRow, ...]
    consents: Mapping[str, Consent]
    answers: Mapping[tuple[str, str], Answer]
    subscribing: frozenset[str]
    first_sync_done: bool
    complete: bool
    adopt_existing: bool
    full: bool
    tags_known: bool
    ownership_tag: str
    labels: Mapping[str, str]
    permitted: Mapping[str, frozenset[str]]
    fields: tuple[ProfileField, ...]
    refused: tuple[Refusal, ...] = ()
    #: What the provider shows: whom it took off the list, and tags.
    shows_removed: bool = True
    has_tags: bool = True


@dataclass(frozen=True)
class Expected:
    """One expected change; ``after`` in a form that compares."""

    key: str
    side: str
    action: str
    record_id: str
    code: str
    after: tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class Decision:
    """How one person is decided: the case, the code, and what is done."""

    key: str
    case: Case
    code: str
    listing: str | None
    provider_action: ProviderAction | None
    crm_action: CrmAction | None
    profile: bool
    member: Member | None
    base: BaseRow | None
    contact: Contact | None


def change(
    key: str, side: str, action: str, record_id: str, code: str, after: Mapping[str, Any]
) -> Expected:
    """An expected change, lists as sorted tuples."""
    frozen = {
        name: tuple(sorted(value)) if isinstance(value, (list, tuple, set, frozenset)) else value
        for name, value in after.items()
    }
    return Expected(key, side, action, record_id, code, tuple(sorted(frozen.items())))


# Address changes ---------------------------------------------------------------------------


@dataclass
class Addresses:
    """How address changes tie a person's parts together, and what they decide by themselves."""

    contact_under: dict[int, str | None] = field(default_factory=dict)
    lost: set[int] = field(default_factory=set)
    member_under: dict[str, str] = field(default_factory=dict)
    base_under: dict[str, str] = field(default_factory=dict)
    renamed_in_crm: dict[str, int] = field(default_factory=dict)
    taken_by_crm: set[str] = field(default_factory=set)
    decided: dict[str, str] = field(default_factory=dict)

    def decide(self, keys: Iterable[str | None], code: str) -> None:
        """Let ``code`` decide these keys; of several the first in this order holds."""
        order = ["address_merged", "address_conflict", "address_changed_on_both_sides"]
        for key in keys:
            if key is not None:
                self.decided[key] = min(self.decided.get(key, code), code, key=order.index)


def tie_addresses(picture: Picture) -> Addresses:
    """Section 5: who stays together under the old address, who goes by the new one."""
    ties = Addresses(
        contact_under={c.crm_id: c.key for c in picture.contacts},
        member_under={m.key: m.key for m in picture.members},
        base_under={b.key: b.key for b in picture.base},
    )
    contacts = {c.crm_id: c for c in picture.contacts}
    mains = [c.key for c in picture.contacts]
    at = {m.key: m for m in picture.members}
    moved_in_crm: set[str] = set()
    for crm_id, (last, *former) in _links(picture).items():
        contact = contacts.get(crm_id)
        if contact is None:
            continue
        for base in (last, *former):
            # Somebody else may have the former address: the member went along with this contact.
            went_along = any(
                m.provider_id == base.provider_id and m.key == contact.key
                for m in picture.members
                if base.provider_id
            )
            if contact.key == base.key or (base.key in mains and not went_along):
                continue
            moved_in_crm.add(base.key)
            old = at.get(base.key)
            if base.confirmed_at == last.confirmed_at:
                _tie_crm_change(picture, ties=ties, base=base, contact=contact, at=at)
            elif old is not None and old.state in (P.SUB, P.PENDING):
                # Nobody goes by the address before the last one; if it is still sent to, it ends.
                ties.decide([base.key], "address_merged")
    # A member is one person: the pair it was confirmed in last.
    confirmed = sorted(picture.base, key=lambda b: (b.confirmed_at, b.key))
    for base in {b.provider_id: b for b in confirmed if b.is_pair and b.provider_id}.values():
        moved = [m for m in picture.members if m.provider_id == base.provider_id]
        for member in moved:
            if member.key == base.key or base.key in moved_in_crm:
                continue
            _tie_provider_change(picture, ties=ties, base=base, member=member)
    return ties


def _tie_provider_change(
    picture: Picture, *, ties: Addresses, base: BaseRow, member: Member
) -> None:
    here = [c for c in picture.contacts if c.key == base.key]
    there = [c for c in picture.contacts if member.key in {c.key} | c.others and c not in here]
    if any(m.key == base.key for m in picture.members):
        ties.decide((base.key, member.key), "address_conflict")
    elif here and not there and len(here) == 1:
        ties.member_under[member.key] = base.key
        ties.taken_by_crm.add(base.key)
    elif here:
        # Whoever withdrew on either side is not left to wait for a person to look.
        withdrawn = any(c.newsletter in _WITHDRAWN for c in here)
        revoked = all(c.eligibility is Eligibility.REVOKED for c in here)
        if member.state in OPTED_OUT or withdrawn or revoked:
            ties.member_under[member.key] = base.key
        else:
            ties.decide((base.key, member.key), "address_conflict")
    elif not there:
        ties.member_under[member.key] = base.key
    elif (
        # The contact is no more, and the one that has the new address takes its place.
        base.state is P.SUB
        and member.state not in OPTED_OUT
        and base.crm_id is not None
        and base.crm_id not in {c.crm_id for c in picture.contacts}
        and any(c.key == member.key for c in there)
    ):
        ties.base_under[base.key] = member.key
    else:
        ties.decide((base.key, member.key), "address_conflict")


def _links(picture: Picture) -> dict[int, list[BaseRow]]:
    """The pairs each contact was confirmed in, the last one first."""
    links: dict[int, list[BaseRow]] = {}
    for base in sorted(picture.base, key=lambda b: b.confirmed_at, reverse=True):
        if base.is_pair and base.crm_id is not None:
            links.setdefault(base.crm_id, []).append(base)
    return links


def _tie_crm_change(
    picture: Picture,
    *,
    ties: Addresses,
    base: BaseRow,
    contact: Contact,
    at: Mapping[str, Member],
) -> None:
    old, new = at.get(base.key), contact.key
    followers = [
        m
        for m in picture.members
        if base.provider_id
        and m.provider_id == base.provider_id
        and m.key != base.key
        and (old is None or any(c.key == base.key for c in picture.contacts))
    ]
    if followers:
        withdraws = contact.newsletter in _WITHDRAWN or contact.eligibility is Eligibility.REVOKED
        if followers[0].key == new:
            ties.base_under[base.key] = followers[0].key
        elif withdraws or followers[0].state in OPTED_OUT:
            # Whoever withdrew is not left to wait for the two addresses to agree.
            ties.base_under[base.key] = followers[0].key
            ties.contact_under[contact.crm_id] = followers[0].key
        else:
            ties.decide((base.key, new, followers[0].key), "address_changed_on_both_sides")
        return
    if new is None:
        ties.contact_under[contact.crm_id] = base.key
        ties.lost.add(contact.crm_id)
        return
    if new not in at and old is not None and old.state in OPTED_OUT:
        # The opt-out still has to reach the contact that has moved on.
        ties.contact_under[contact.crm_id] = base.key
        return
    consent = picture.consents.get(new)
    withdrawn_there = (consent is not None and consent.ledger.startswith("WITHDRAW")) or any(
        c.key == new and c.newsletter in _WITHDRAWN for c in picture.contacts
    )
    if new in at or (withdrawn_there and contact.newsletter not in _WITHDRAWN):
        if old is not None and old.state in (P.SUB, P.PENDING):
            ties.decide([base.key], "address_merged")
        return
    if old is None:
        return
    if old.state is P.SUB:
        ties.renamed_in_crm[base.key] = contact.crm_id
    hidden = old.state is P.ARCHIVED and base.state is P.SUB
    if old.state in (P.SUB, P.PENDING) or hidden:
        ties.contact_under[contact.crm_id] = base.key


# Cases -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Group:
    """All contacts of one address, speaking with one voice."""

    newsletter: Newsletter
    eligibility: Eligibility
    speaker: int
    #: By when all its cancellations had been made; None: that is not known.
    cancelled_by: datetime | None


def _base_rows(picture: Picture, *, ties: Addresses) -> dict[str, BaseRow]:
    """Where a base followed its person to an address with a base of its own, the one that came
    wins."""
    at_home_first = sorted(picture.base, key=lambda b: ties.base_under[b.key] != b.key)
    return {ties.base_under[b.key]: b for b in at_home_first}


def group_contacts(
    picture: Picture, *, ties: Addresses, cancelled: frozenset[int]
) -> dict[str, Group]:
    """Section 6. An address that is nobody's main one is spoken for by its other holders."""
    base_at = _base_rows(picture, ties=ties)

    def says(contact: Contact) -> Newsletter:
        return N.CANCEL if contact.crm_id in cancelled else contact.newsletter

    def may_be_written_to(contact: Contact) -> Eligibility:
        return Eligibility.UNUSABLE if contact.crm_id in ties.lost else contact.eligibility

    def cancelled_by(holders: list[Contact]) -> datetime | None:
        times = [
            None if contact.crm_id in cancelled else contact.changed_at
            for contact in holders
            if says(contact) is N.CANCEL
        ]
        known = [at for at in times if at is not None]
        return max(known) if known and len(known) == len(times) else None

    mains: dict[str, list[Contact]] = {}
    for contact in picture.contacts:
        key = ties.contact_under[contact.crm_id]
        if key is not None:
            mains.setdefault(key, []).append(contact)
    others: dict[str, list[Contact]] = {}
    for contact in picture.contacts:
        for key in contact.others:
            if key not in mains:
                others.setdefault(key, []).append(contact)
    groups: dict[str, Group] = {}
    for key, holders in mains.items():
        linked = base_at[key].crm_id if key in base_at else None

        def rank(
            contact: Contact, linked: int | None = linked
        ) -> tuple[bool, bool, bool, bool, int]:
            eligible = may_be_written_to(contact) is Eligibility.ELIGIBLE
            yes = says(contact) is N.YES
            return (
                not (yes and eligible),
                contact.crm_id != linked,
                not eligible,
                not yes,
                contact.crm_id,
            )

        word = min(map(says, holders), key=GROUP_ORDER.index)
        # Whether they may be written to is asked of those whose word it is.
        meant = min((c for c in holders if says(c) is word), key=rank)
        speaker = min(holders, key=rank)
        groups[key] = Group(word, may_be_written_to(meant), speaker.crm_id, cancelled_by(holders))
    for key, holders in others.items():
        groups[key] = Group(
            min(map(says, holders), key=GROUP_ORDER.index),
            Eligibility.UNUSABLE,
            min(c.crm_id for c in holders),
            cancelled_by(holders),
        )
    return groups


def decide_everyone(
    picture: Picture, *, ties: Addresses, cancelled: frozenset[int] = frozenset()
) -> dict[str, Decision]:
    """The decision of every person somebody knows something about."""
    groups = group_contacts(picture, ties=ties, cancelled=cancelled)
    members = {ties.member_under[m.key]: m for m in picture.members}
    base_rows = _base_rows(picture, ties=ties)
    contacts = {c.crm_id: c for c in picture.contacts}
    wanted = {key for key, group in groups.items() if group.newsletter is N.YES}
    decisions = {}
    for key in wanted | set(members) | set(base_rows):
        group, member, base = groups.get(key), members.get(key), base_rows.get(key)
        case = _case(picture, key=key, group=group, member=member, base=base)
        decisions[key] = _decide(
            key,
            case=case,
            address_code=ties.decided.get(key),
            member=member,
            base=base,
            contact=contacts[group.speaker] if group is not None else None,
        )
    return decisions


def _decide(
    key: str,
    *,
    case: Case,
    address_code: str | None,
    member: Member | None,
    base: BaseRow | None,
    contact: Contact | None,
) -> Decision:
    rule: Rule = rule_for(case)
    if (
        address_code is not None
        and case.complete
        and case.provider not in OPTED_OUT
        and rule.provider_action is not ProviderAction.UNSUBSCRIBE
    ):
        merged = address_code == "address_merged"
        return Decision(
            key=key,
            case=case,
            code=address_code,
            listing=None if merged else "conflict",
            provider_action=ProviderAction.ARCHIVE if merged else None,
            crm_action=None,
            profile=False,
            member=member,
            base=base,
            contact=contact,
        )
    return Decision(
        key=key,
        case=case,
        code=rule.code,
        listing=rule.listing,
        provider_action=rule.provider_action,
        crm_action=rule.crm_action,
        profile=rule.profile,
        member=member,
        base=base,
        contact=contact,
    )


def _case(
    picture: Picture,
    *,
    key: str,
    group: Group | None,
    member: Member | None,
    base: BaseRow | None,
) -> Case:
    newsletter = _newsletter(picture, key=key, group=group)
    pair = base if base is not None and base.is_pair else None
    consent = _consent(picture, key=key, member=member)
    return Case(
        base=_base(picture, key=key, member=member, base=base),
        newsletter=newsletter,
        provider=_provider(picture, newsletter=newsletter, member=member, base=base),
        ledger=_ledger(consent, newsletter=newsletter),
        eligibility=group.eligibility if group is not None else Eligibility.ELIGIBLE,
        since_base=_since_base(newsletter, group=group, pair=pair),
        signup=_signup(picture, member=member, group=group, consent=consent),
        complete=picture.complete,
        adopt_existing=picture.adopt_existing,
    )


def _newsletter(picture: Picture, *, key: str, group: Group | None) -> Newsletter:
    if group is not None:
        return group.newsletter
    return N.MISSING_CONFIRMED if ("contact_missing", key) in picture.answers else N.MISSING


def _base(picture: Picture, *, key: str, member: Member | None, base: BaseRow | None) -> Base:
    if base is not None:
        return Base(base.state) if base.is_pair else Base.FIRST
    if not picture.first_sync_done:
        return Base.FIRST
    # Subscribed by us, and only the confirmation is missing: not a sign-up of somebody else.
    if member is not None and member.state is P.SUB and key in picture.subscribing:
        return Base.SUB
    return Base.NEW


def _answer(picture: Picture, *, kind: str, member: Member) -> Answer | None:
    """The answer about this very version of the member."""
    answer = picture.answers.get((kind, member.key))
    if answer is not None and answer.member_changed_at == member.changed_at:
        return answer
    return None


def _provider(
    picture: Picture, *, newsletter: Newsletter, member: Member | None, base: BaseRow | None
) -> ProviderState:
    if member is None:
        if base is None:
            return P.ABSENT
        # Where nobody shows who is off the list, whoever was on it may be put back.
        return P.GONE if picture.shows_removed else P.ARCHIVED
    if member.state is not P.ARCHIVED:
        return member.state
    before = _answer(picture, kind="before_archiving", member=member)
    if before is not None and before.detail == "unsubscribed":
        return P.UNSUB
    in_question = (
        newsletter is N.YES
        and base is not None
        and base.is_pair
        and base.state in (P.SUB, P.ARCHIVED)
    )
    return P.UNKNOWN if before is None and in_question else P.ARCHIVED


def _consent(picture: Picture, *, key: str, member: Member | None) -> Consent | None:
    """The last consent event: of the person's key, or of the address the member has now if that
    one was withdrawn."""
    own = picture.consents.get(key)
    if member is None or (own is not None and own.ledger.startswith("WITHDRAW")):
        return own
    there = picture.consents.get(member.key)
    return there if there is not None and there.ledger.startswith("WITHDRAW") else own


def _ledger(consent: Consent | None, *, newsletter: Newsletter) -> Ledger:
    """Without any event, the CRM's own state stands for one."""
    if consent is not None:
        return consent.ledger
    if newsletter is N.CANCEL:
        return Ledger.WITHDRAW_PERSON
    return Ledger.WITHDRAW_STAFF if newsletter is N.NO else Ledger.NONE


def _since_base(newsletter: Newsletter, *, group: Group | None, pair: BaseRow | None) -> SinceBase:
    if pair is None:
        return SinceBase.UNCHANGED
    withdrawn = pair.state in OPTED_OUT or pair.newsletter in _WITHDRAWN
    if newsletter is N.YES and withdrawn:
        return SinceBase.SET_AGAIN
    # That a missing contact was looked up changes nothing about it.
    seen = N.MISSING if newsletter is N.MISSING_CONFIRMED else newsletter
    may_be_written_to = group is not None and group.eligibility is Eligibility.ELIGIBLE
    newly_eligible = may_be_written_to and pair.eligibility is not Eligibility.ELIGIBLE
    return (
        SinceBase.CHANGED if seen is not pair.newsletter or newly_eligible else SinceBase.UNCHANGED
    )


def _signup(
    picture: Picture, *, member: Member | None, group: Group | None, consent: Consent | None
) -> Signup:
    answer = None if member is None else _answer(picture, kind="signup", member=member)
    if answer is None:
        return Signup.OTHER
    if consent is not None and consent.ledger.startswith("WITHDRAW"):
        withdrawn_at, signed_up_at = consent.happened_at, answer.happened_at
        if withdrawn_at is None or signed_up_at is None or signed_up_at <= withdrawn_at:
            return Signup.OTHER
    # A No that only the CRM knows has no time, and all sign-ups are transferred; a cancellation
    # without an entry is the person's own, and the sign-up must be proven to be later.
    if consent is None and group is not None and group.newsletter is N.CANCEL:
        by, at = group.cancelled_by, answer.happened_at
        if by is None or at is None or at <= by:
            return Signup.OTHER
    return Signup(answer.detail)


# Changes -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class ExpectedPlan:
    """What the plan should say about everybody."""

    decisions: dict[str, Decision]
    changes: frozenset[Expected]
    notes: frozenset[tuple[str, str, str]]


def plan(picture: Picture) -> ExpectedPlan:
    """The plan over a picture, without brakes."""
    ties = tie_addresses(picture)
    first_look = decide_everyone(picture, ties=ties)
    cancelling, cancelled = _spread_cancellations(picture, ties=ties, decisions=first_look)
    decisions = first_look
    if cancelled:
        decisions = decide_everyone(picture, ties=ties, cancelled=cancelled)
    told = {crm_id for _, crm_id in ((e.key, int(e.record_id)) for e in cancelling)}
    changes = set(cancelling)
    notes: set[tuple[str, str, str]] = set()
    for decision in decisions.values():
        changes |= _status_changes(picture, ties=ties, decision=decision, told=told)
        changes |= _address_changes(picture, ties=ties, decision=decision)
        if decision.profile:
            profile, noted = _profile_changes(picture, decision=decision)
            changes |= profile
            notes |= noted
            changes |= _tag_changes(picture, decision=decision)
    changes = _without_refused(changes, refused=picture.refused)
    return ExpectedPlan(decisions, frozenset(changes), frozenset(notes))


def _without_refused(changes: set[Expected], *, refused: Iterable[Refusal]) -> set[Expected]:
    """What is left when nothing is sent again that was refused; opt-outs always are."""
    whole = {(r.side, r.key, r.action, r.record_id): r for r in refused if not r.field}
    values = {(r.side, r.key, r.field, r.sent) for r in refused if r.field}
    kept: set[Expected] = set()
    waiting: dict[str, set[str]] = {}
    for one in changes:
        known = whole.get((one.side, one.key, one.action, one.record_id))
        stops_mail = one.action in ("unsubscribe", "archive") or _sets(one, "CANCEL")
        if known is not None and not stops_mail and _as_refused(one, known=known):
            waiting.setdefault(one.key, set()).add(one.action)
        else:
            kept.add(one)
    found = set()
    for one in kept:
        held_back = waiting.get(one.key, set())
        if one.action == "tag_member" and held_back & {
            "subscribe",
            "resubscribe",
            "create_contact",
        }:
            continue
        if _sets(one, "DOI") and "confirm" in held_back:
            continue
        after = tuple(
            (name, value)
            for name, value in one.after
            if (one.side, one.key, name.removeprefix("field:"), value) not in values
        )
        if after:
            found.add(replace(one, after=after))
    return found


def _sets(one: Expected, newsletter: str) -> bool:
    return ("newsletter", newsletter) in one.after


def _as_refused(one: Expected, *, known: Refusal) -> bool:
    if known.about_address:
        return bool(dict(one.after).get("email", one.key).lower() == known.sent)
    return bool(one.after == known.sent)


def _spread_cancellations(
    picture: Picture, *, ties: Addresses, decisions: Mapping[str, Decision]
) -> tuple[set[Expected], frozenset[int]]:
    """An opt-out reaches every contact that holds the address; returns those writes, and the
    contacts whose own main address follows because of another address of theirs."""
    writes: set[Expected] = set()
    reached: dict[int, set[str]] = {}
    for decision in decisions.values():
        if decision.crm_action is not CrmAction.SET_CANCEL:
            continue
        addresses = {decision.key}
        if decision.member is not None:
            addresses.add(decision.member.key)
        for contact in picture.contacts:
            own = {ties.contact_under[contact.crm_id], contact.key} | contact.others
            if not own & addresses or contact.newsletter in _WITHDRAWN:
                continue
            reached.setdefault(contact.crm_id, set()).add(decision.key)
            writes.add(
                change(
                    decision.key,
                    "crm",
                    "set_newsletter",
                    str(contact.crm_id),
                    decision.code,
                    {"newsletter": "CANCEL"},
                )
            )
    elsewhere = {
        crm_id for crm_id, keys in reached.items() if ties.contact_under[crm_id] not in keys
    }
    return writes, frozenset(elsewhere)


def _status_changes(
    picture: Picture, *, ties: Addresses, decision: Decision, told: set[int]
) -> set[Expected]:
    key, code, member, contact = decision.key, decision.code, decision.member, decision.contact
    group = [c for c in picture.contacts if ties.contact_under[c.crm_id] == key]
    found: set[Expected] = set()

    def write(contact: Contact, value: Newsletter) -> None:
        after = {"newsletter": str(value)}
        found.add(change(key, "crm", "set_newsletter", str(contact.crm_id), code, after))

    if decision.crm_action is CrmAction.SET_YES:
        for one in group:
            stops = one.newsletter in (*_WITHDRAWN, N.UNKNOWN, N.UNDELIVERABLE)
            linked = contact is not None and one.crm_id == contact.crm_id
            if one.newsletter is not N.YES and (stops or linked) and one.crm_id not in told:
                write(one, N.YES)
    elif decision.crm_action in (CrmAction.SET_NONE, CrmAction.SET_DOI):
        value = N.NONE if decision.crm_action is CrmAction.SET_NONE else N.DOI
        for one in group:
            if one.newsletter is N.YES and one.crm_id not in told:
                write(one, value)
    elif decision.crm_action is CrmAction.CREATE:
        assert member is not None
        values = {
            f"field:{f.name}": member.values[f.name]
            for f in picture.fields
            if f.direction in (Direction.BOTH, Direction.TO_CRM)
            and member.values[f.name]
            and _is_permitted(picture, name=f.name, value=member.values[f.name])
        }
        after = {"email": member.email, "newsletter": "YES", **values}
        found.add(change(key, "crm", "create_contact", "", code, after))
    action = decision.provider_action
    if action is ProviderAction.SUBSCRIBE:
        assert contact is not None
        values = {
            f"field:{f.name}": contact.values[f.name]
            for f in picture.fields
            if f.direction in (Direction.BOTH, Direction.TO_PROVIDER) and contact.values[f.name]
        }
        name = "subscribe" if member is None else "resubscribe"
        record = "" if member is None else member.member_id
        after = {"state": "SUB", "email": contact.email.strip(), **values}
        found.add(change(key, "provider", name, record, code, after))
    elif action is not None and member is not None:
        state = {
            ProviderAction.UNSUBSCRIBE: "UNSUB",
            ProviderAction.ARCHIVE: "ARCHIVED",
            ProviderAction.CONFIRM: "PENDING",
        }[action]
        found.add(change(key, "provider", action, member.member_id, code, {"state": state}))
    return found


def _address_changes(picture: Picture, *, ties: Addresses, decision: Decision) -> set[Expected]:
    member = decision.member
    contacts = {c.crm_id: c for c in picture.contacts}
    if decision.key in ties.renamed_in_crm and decision.code == "in_step":
        assert member is not None
        contact = contacts[ties.renamed_in_crm[decision.key]]
        return {
            change(
                decision.key,
                "provider",
                "change_address",
                member.member_id,
                "address_changed_in_crm",
                {"email": contact.email.strip()},
            )
        }
    if decision.key in ties.taken_by_crm and picture.complete:
        assert member is not None
        assert decision.contact is not None
        return {
            change(
                decision.key,
                "crm",
                "change_email",
                str(decision.contact.crm_id),
                "address_changed_at_provider",
                {"email": member.email},
            )
        }
    return set()


def _is_permitted(picture: Picture, *, name: str, value: str) -> bool:
    return name not in picture.permitted or value in picture.permitted[name]


def _profile_changes(
    picture: Picture, *, decision: Decision
) -> tuple[set[Expected], set[tuple[str, str, str]]]:
    """Section 4, field by field."""
    contact, member = decision.contact, decision.member
    push: dict[str, str] = {}
    take: dict[str, str] = {}
    notes: set[tuple[str, str, str]] = set()
    for one in picture.fields:
        if member is None:
            continue
        theirs = member.values[one.name]
        if contact is None:
            if theirs and not _is_permitted(picture, name=one.name, value=theirs):
                notes.add((decision.key, one.name, "not_permitted"))
            continue
        ours = contact.values[one.name]
        if ours == theirs:
            continue
        pair = decision.base if decision.base is not None and decision.base.is_pair else None
        before = None if pair is None else pair.values.get(one.name)
        pushed, taken, note = _merge(one, ours=ours, theirs=theirs, before=before)
        if taken is not None and not _is_permitted(picture, name=one.name, value=taken):
            taken, note = None, "not_permitted"
        if pushed is not None:
            push[one.name] = pushed
        if taken is not None:
            take[one.name] = taken
        if note is not None:
            notes.add((decision.key, one.name, note))
    found: set[Expected] = set()
    if take and contact is not None:
        found.add(
            change(
                decision.key,
                "crm",
                "update_contact",
                str(contact.crm_id),
                "changed_at_provider",
                take,
            )
        )
    if push and member is not None and decision.provider_action is None:
        found.add(
            change(
                decision.key, "provider", "update_member", member.member_id, "changed_in_crm", push
            )
        )
    return found, notes


def _merge(
    one: ProfileField, *, ours: str, theirs: str, before: str | None
) -> tuple[str | None, str | None, str | None]:
    """What is pushed, what is taken, what is noted, for two different values."""
    crm_changed = before is None or ours != before
    provider_changed = before is None or theirs != before
    if one.direction is Direction.TO_CRM:
        taken = theirs if theirs and provider_changed else None
        both = crm_changed and provider_changed and (before is not None or bool(ours and theirs))
        return None, taken, "both_changed" if both else None
    if before is None:
        note = "both_changed" if ours and theirs else None
        return (ours or None), None, note
    if crm_changed:
        emptied = ours == ""
        pushed = None if emptied and not one.propagates_blank else ours
        return pushed, None, "both_changed" if provider_changed else None
    if one.direction is Direction.TO_PROVIDER:
        return (ours if ours or one.propagates_blank else None), None, "drift"
    return None, (theirs or None), None


def _tag_changes(picture: Picture, *, decision: Decision) -> set[Expected]:
    """Section 7: three-way on option keys; our own tag beside them."""
    contact, member = decision.contact, decision.member
    name_of = {key: label.lower() for key, label in picture.labels.items()}
    shared = {key for key, name in name_of.items() if list(name_of.values()).count(name) > 1}
    names = {name.lower() for name in (member.tags if member else ())}
    there = frozenset(key for key, name in name_of.items() if name in names)
    here = contact.tags if contact is not None else frozenset()
    pair = decision.base if decision.base is not None and decision.base.is_pair else None
    before = pair.tags if pair is not None else frozenset()
    found: set[Expected] = set()
    owned = member is not None and member.owned
    add = {picture.labels[k] for k in here - before - there if k in picture.labels}
    still_meant = {name_of[k] for k in here if k in name_of}
    gone = {k for k in (there & before) - here if name_of[k] not in still_meant}
    drop = {picture.labels[k] for k in gone} if picture.tags_known else set()
    if picture.has_tags and (add or drop or not owned):
        after = {"add": add | (set() if owned else {picture.ownership_tag}), "remove": drop}
        record = "" if member is None else member.member_id
        found.add(change(decision.key, "provider", "tag_member", record, "tags_from_crm", after))
    if picture.full and picture.tags_known and contact is not None and member is not None:
        taken = there - here - before - shared
        lost = {k for k in (before & here) - there if k in name_of}
        if taken or lost:
            found.add(
                change(
                    decision.key,
                    "crm",
                    "set_tags",
                    str(contact.crm_id),
                    "tags_from_provider",
                    {"tags": (here - lost) | taken},
                )
            )
    return found
