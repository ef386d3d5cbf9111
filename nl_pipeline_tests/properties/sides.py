"""A CRM and an audience in memory, as small as the port lets them be, that remember who did what.

Belongs here: what both services do with an act or a change, and what they show when read. They
stand in for the two adapters, so that the real sync runs over them. Must not be here: decisions.
"""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, Generic, TypeVar

import pandas as pd

from nl_pipeline.clients.onoffice import ActionOutcome, Activity, NewActivity
from nl_pipeline.domain.address import address_key
from nl_pipeline.domain.fields import ProfileField
from nl_pipeline.domain.least_calls import CrmLimits, ProviderLimits, ProviderWork
from nl_pipeline.domain.schemas import contacts_schema, members_schema, validate
from nl_pipeline.domain.states import Eligibility, Newsletter, ProviderState
from nl_pipeline.settings import Connection
from nl_pipeline.sync.crm_opt_outs import AddressHolder
from nl_pipeline.sync.providers.port import (
    OWNERSHIP_TAG,
    AudienceFound,
    ProviderHistory,
    ProviderHooks,
    ProviderTraits,
    Withdrawn,
)
from nl_pipeline.warehouse.observations import Evidence, naive
from nl_pipeline.warehouse.outcomes import DroppedField, Pending, Result
from nl_pipeline.warehouse.reasons import WhyLeft
from nl_pipeline_tests.providers import Provider

P = ProviderState
_OVERLAP = timedelta(minutes=1)
_PROFILES = ("update_member", "update_contact")
_ORDER = (
    "unsubscribe",
    "archive",
    "subscribe",
    "resubscribe",
    "confirm",
    "update_member",
    "change_address",
    "tag_member",
)


class Clock:
    """A clock that moves by itself: a second with every look, so that no two times are equal."""

    def __init__(self) -> None:
        self._now = datetime(2026, 3, 1, tzinfo=UTC)

    def now(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now

    def wait(self, span: timedelta) -> None:
        self._now += span


@dataclass
class Contact:
    """One address record of the CRM; ``emails``: the main one first."""

    crm_id: int
    emails: list[str]
    newsletter: Newsletter
    eligibility: Eligibility
    tags: set[str]
    values: dict[str, str]
    changed_at: datetime
    #: When somebody last gave it the newsletter value or an address it has.
    decided_at: datetime

    @property
    def key(self) -> str | None:
        return address_key(self.emails[0]) if self.emails else None

    @property
    def keys(self) -> set[str]:
        return {key for email in self.emails if (key := address_key(email)) is not None}


@dataclass
class Member:
    """One member of the audience; ``feed``: what its activity feed shows, oldest first."""

    provider_id: str
    email: str
    state: ProviderState
    tags: set[str]
    values: dict[str, str]
    changed_at: datetime
    unsubscribed_by: str | None = None
    left_at: datetime | None = None
    left_by_us: bool = False
    complained: bool = False
    feed: list[tuple[datetime, str]] = field(default_factory=list)

    @property
    def member_id(self) -> str:
        return hashlib.md5(self.email.strip().lower().encode(), usedforsecurity=False).hexdigest()

    @property
    def key(self) -> str:
        key = address_key(self.email)
        assert key is not None
        return key


@dataclass(frozen=True)
class Withdrawal:
    """A withdrawal of an address that a read has shown us, and since when we know."""

    actor: str
    seen_at: datetime


@dataclass
class World:
    """Both sides, their clock, what goes wrong, and what is true about consent.

    ``faults``: how the next changes end, in turn: ok, refused, failed, lost (unknown and not
    done), unheard (unknown and done), ignored (accepted without effect), unfit (the address or a
    value is refused, and will be as long as it stays). ``meanwhile``: acts that
    happen while a push is under way, one at each opportunity.
    """

    clock: Clock
    fields: tuple[ProfileField, ...]
    labels: dict[str, str]
    permitted: dict[str, list[str]]
    provider: Provider = "mailchimp"
    contacts: dict[int, Contact] = field(default_factory=dict)
    members: dict[str, Member] = field(default_factory=dict)
    forgotten: set[str] = field(default_factory=set)
    withdrawn: dict[str, Withdrawal] = field(default_factory=dict)
    signed_up_at: dict[str, datetime] = field(default_factory=dict)
    faults: deque[str] = field(default_factory=deque)
    meanwhile: deque[Callable[[], None]] = field(default_factory=deque)
    cut: set[str] = field(default_factory=set)
    sent: list[tuple[int, str]] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    born: int = 0

    def next_number(self) -> int:
        self.born += 1
        return self.born

    def happen(self) -> None:
        """Let the next act happen that comes between two steps of a push."""
        if self.meanwhile:
            self.meanwhile.popleft()()

    def end(self, item: Pending) -> str:
        """How the change ends; noted by its number."""
        end = self.faults.popleft() if self.faults else "ok"
        self.sent.append((item.change.seq, end))
        return end

    def member_by_id(self, member_id: str) -> Member | None:
        return next((m for m in self.members.values() if m.member_id == member_id), None)

    def show_withdrawal(self, key: str, *, actor: str, at: datetime, seen_at: datetime) -> None:
        """Note that a read showed a withdrawal, unless a later sign-up has overtaken it."""
        known = self.withdrawn.get(key)
        if known is not None and known.actor == "person" and actor != "person":
            return
        if known is not None and known.actor == actor and at <= known.seen_at:
            # The same one, read again: it was seen the first time.
            return
        if key not in self.signed_up_at or at > self.signed_up_at[key]:
            self.withdrawn[key] = Withdrawal(actor, seen_at)

    def sign_up(self, key: str, *, by_person: bool) -> None:
        """Note a sign-up at the provider: what staff does lifts only what staff did."""
        self.signed_up_at[key] = self.clock.now()
        known = self.withdrawn.get(key)
        if known is not None and (by_person or known.actor == "staff"):
            del self.withdrawn[key]

    def forbid(self, key: str, *, what: str) -> None:
        """Note a breach: a consent given to an address whose last event is a withdrawal."""
        standing = self.withdrawn.get(key)
        if standing is not None:
            self.broken.append(f"{what} after a withdrawal by {standing.actor}")


class ModelOptOuts:
    """The opt-out path's three calls over a world."""

    def __init__(self, world: World) -> None:
        self.world = world

    def find(self, emails: Sequence[str]) -> list[AddressHolder]:
        keys = {address_key(email) for email in emails}
        return [_holder(c) for c in self.world.contacts.values() if not keys.isdisjoint(c.keys)]

    def read(self, ids: Sequence[int]) -> list[AddressHolder]:
        return [_holder(self.world.contacts[i]) for i in ids if i in self.world.contacts]

    def cancel(self, ids: Sequence[int]) -> list[ActionOutcome]:
        for crm_id in ids:
            contact = self.world.contacts[crm_id]
            contact.newsletter = Newsletter.CANCEL
            contact.changed_at = self.world.clock.now()
        return [ActionOutcome(str(crm_id), ok=True) for crm_id in ids]


def _holder(contact: Contact) -> AddressHolder:
    return AddressHolder(
        contact.crm_id, contact.newsletter, contact.key or "", frozenset(contact.keys)
    )


class ModelCrm:
    """The CRM side of the sync over a world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.opt_outs = ModelOptOuts(world)
        self.client = SimpleNamespace(
            create_activities=self._create_activities,
            find_activities=self._find_activities,
            can_tell=lambda activity: True,
            read_action_kinds=lambda: {"Email": ("Eingang",)},
            calls=Counter(),
            limits=CrmLimits(page_rows=1, ids_per_request=1, actions_per_request=1),
        )

    def now(self) -> datetime:
        return self.world.clock.now()

    def options(self) -> tuple[dict[str, str], dict[str, list[str]], bool]:
        return self.world.labels, self.world.permitted, bool(self.world.labels)

    def read(
        self, *, since: datetime | None, observed_at: datetime
    ) -> _Read[dict[str, pd.DataFrame]]:
        rows = [
            c
            for c in self.world.contacts.values()
            if since is None or c.changed_at >= since - _OVERLAP
        ]
        announced = len(rows)
        if "crm" in self.world.cut:
            rows = rows[::2]
        return _Read(
            frames=iter([self._frames(rows, observed_at=observed_at)]),
            announced_before=announced,
            announced_after=announced,
            rows=len(rows),
            served_at=observed_at,
        )

    def read_ids(
        self, ids: Sequence[int], *, observed_at: datetime
    ) -> tuple[dict[str, pd.DataFrame], set[int]]:
        self.world.happen()
        rows = [self.world.contacts[i] for i in ids if i in self.world.contacts]
        return self._frames(rows, observed_at=observed_at), {c.crm_id for c in rows}

    def find_ids(self, emails: Sequence[str]) -> list[list[int]]:
        self.world.happen()
        keys = [address_key(email) for email in emails]
        contacts = sorted(self.world.contacts.values(), key=lambda c: c.crm_id)
        return [[c.crm_id for c in contacts if c.key == key] for key in keys]

    def _frames(
        self, contacts: Sequence[Contact], *, observed_at: datetime
    ) -> dict[str, pd.DataFrame]:
        seen = naive(observed_at)
        names = [f.name for f in self.world.fields]
        for contact in contacts:
            if contact.newsletter is Newsletter.CANCEL and contact.key is not None:
                self.world.show_withdrawal(
                    contact.key, actor="staff", at=contact.decided_at, seen_at=observed_at
                )
        rows = [
            {
                "crm_id": c.crm_id,
                "key": c.key,
                "email": c.emails[0] if c.emails else "",
                "newsletter": str(c.newsletter),
                "eligibility": str(c.eligibility),
                "tags": sorted(c.tags),
                "changed_at": naive(c.changed_at),
                "observed_at": seen,
                **{f"f_{name}": c.values[name] for name in names},
            }
            for c in contacts
        ]
        columns = ["crm_id", "key", "email", "newsletter", "eligibility", "tags"]
        columns += ["changed_at", "observed_at", *(f"f_{name}" for name in names)]
        frame = _frame(rows, columns=columns, numbers=["crm_id"])
        addresses = [
            {"crm_id": c.crm_id, "key": key, "is_main": key == c.key}
            for c in contacts
            for key in sorted(c.keys)
        ]
        held = pd.DataFrame(addresses, columns=["crm_id", "key", "is_main"])
        return {
            "contacts": validate(frame, schema=contacts_schema(self.world.fields), name="contacts"),
            "contact_addresses": held.astype({"crm_id": "int64", "key": "str", "is_main": "bool"}),
        }

    def push(
        self,
        pending: Sequence[Pending],
        *,
        on_results: Callable[[list[Result]], None],
        left: Withdrawn = lambda keys: (),
    ) -> None:
        for item in pending:
            if item.change.after.get("newsletter") == "YES" and left({item.change.key}):
                on_results([Result(item.change.seq, "overtaken", cause="withdrawn")])
                continue
            end = self.world.end(item)
            record = item.change.record_id
            dropped = _unfit_field(item) if end == "unfit" else ()
            item = _without(item, dropped=dropped)
            if end in ("ok", "unheard") or (dropped and item.change.after):
                record = self._apply(item)
            on_results([_result(item, end=end, record_id=record, dropped=dropped)])
        self.world.happen()

    def _apply(self, item: Pending) -> str:
        change, world = item.change, self.world
        now = world.clock.now()
        value = change.after.get("newsletter")
        standing = world.withdrawn.get(change.key)
        if value == "YES" and standing is not None and standing.actor == "person":
            world.forbid(change.key, what=f"{change.action} YES")
        if change.action == "create_contact":
            email = change.after["email"]
            for known in world.contacts.values():
                if known.emails and known.emails[0].lower() == email.lower():
                    return str(known.crm_id)
            contact = Contact(
                crm_id=world.next_number(),
                emails=[email],
                newsletter=Newsletter.YES,
                eligibility=Eligibility.ELIGIBLE,
                tags=set(),
                values={f.name: change.after.get(f"field:{f.name}", "") for f in world.fields},
                changed_at=now,
                decided_at=now,
            )
            world.contacts[contact.crm_id] = contact
            return str(contact.crm_id)
        found = world.contacts.get(int(change.record_id))
        if found is None:
            return change.record_id
        found.changed_at = now
        if change.action == "set_newsletter":
            found.newsletter = Newsletter(change.after["newsletter"])
        elif change.action == "update_contact":
            found.values |= change.after
        elif change.action == "set_tags":
            found.tags = set(change.after["tags"])
        elif change.action == "change_email":
            found.emails[0] = change.after["email"]
        return change.record_id

    def _create_activities(self, activities: Sequence[NewActivity]) -> list[ActionOutcome]:
        return [
            ActionOutcome(a.reference, ok=True, record_id=self.world.next_number())
            for a in activities
        ]

    def _find_activities(self, _address_id: int, *, marker: str) -> list[Activity]:
        return []


class ModelAudience:
    """The provider side of the sync over a world."""

    def __init__(self, world: World) -> None:
        self.world = world

    #: Nothing is called here, so nothing is counted.
    limits = ProviderLimits(
        page_rows=1, rows_per_bulk_call=1, operations_per_batch=1, calls_per_batch=1
    )
    passes: tuple[int, ...] = ()
    changes_at_once = None
    settings_calls: frozenset[str] = frozenset()
    traits = ProviderTraits(shows_pending=True, shows_removed=True, tells_why=True, has_tags=True)

    @property
    def calls(self) -> Counter[str]:
        return Counter()

    @property
    def past(self) -> ProviderHistory:
        raise AssertionError("no sync asks for the past")

    @property
    def hooks(self) -> ProviderHooks:
        raise AssertionError("no sync asks for webhooks")

    def now(self) -> datetime:
        return self.world.clock.now()

    def work_of(self, pending: Sequence[Pending]) -> ProviderWork:
        return ProviderWork()

    def why_left(
        self, audience_id: str, members: Sequence[tuple[str, str, datetime | None]]
    ) -> Iterator[Sequence[WhyLeft]]:
        raise AssertionError("every member of a world tells why it left")

    def check(self, *, name: str, audience_id: str | None) -> AudienceFound:
        return AudienceFound("audience", created=False, fields_created=())

    def prepare(self, connection: Connection, *, audience_id: str | None) -> AudienceFound:
        return self.check(name=connection.audience, audience_id=audience_id)

    def read(
        self, audience_id: str, *, since: datetime | None, observed_at: datetime
    ) -> _Read[pd.DataFrame]:
        self.world.happen()
        rows, announced = self._changed(since=since, observed_at=observed_at)
        return _Read(
            frames=iter([self._frame(self._with_rows(rows, since=since), observed_at=observed_at)]),
            announced_before=announced,
            announced_after=announced,
            rows=len(rows),
            served_at=observed_at,
        )

    def _with_rows(self, members: list[Member], *, since: datetime | None) -> list[Member]:
        """Of the members that were read, those the provider has rows of."""
        return members

    def _changed(
        self, *, since: datetime | None, observed_at: datetime
    ) -> tuple[list[Member], int]:
        """The members a read shows, and how many it announced."""
        rows = [
            m
            for m in self.world.members.values()
            if since is None or m.changed_at >= since - _OVERLAP
        ]
        announced = len(rows)
        if "provider" in self.world.cut:
            rows = rows[::2]
        for member in rows:
            if member.state is P.UNSUB and member.left_at is not None:
                actor = member.unsubscribed_by or "person"
                self.world.show_withdrawal(
                    member.key, actor=actor, at=member.left_at, seen_at=observed_at
                )
        return rows, announced

    def _frame(self, members: Sequence[Member], *, observed_at: datetime) -> pd.DataFrame:
        seen = naive(observed_at)
        names = [f.name for f in self.world.fields]
        rows = [
            {
                "key": m.key,
                "member_id": m.member_id,
                "provider_id": m.provider_id,
                "email": m.email,
                "state": str(m.state),
                "status": str(m.state).lower(),
                "unsubscribed_by": m.unsubscribed_by if m.state is P.UNSUB else None,
                "owned": OWNERSHIP_TAG in m.tags,
                "tags": sorted(m.tags - {OWNERSHIP_TAG}),
                "changed_at": naive(m.changed_at),
                "observed_at": seen,
                **{f"f_{name}": m.values[name] for name in names},
            }
            for m in members
        ]
        columns = ["key", "member_id", "provider_id", "email", "state", "status"]
        columns += ["unsubscribed_by", "owned", "tags", "changed_at", "observed_at"]
        columns += [f"f_{name}" for name in names]
        frame = _frame(rows, columns=columns, numbers=[]).astype({"owned": "bool"})
        return validate(frame, schema=members_schema(self.world.fields), name="members")

    def read_again(
        self, audience_id: str, people: Sequence[Sequence[str]], *, observed_at: datetime
    ) -> pd.DataFrame:
        found: dict[str, Member] = {}
        for references in people:
            for reference in references:
                by_id = [m for m in self.world.members.values() if m.provider_id == reference]
                member = by_id[0] if by_id else self.world.members.get(reference)
                if member is not None:
                    found[member.member_id] = member
                    break
        return self._frame(list(found.values()), observed_at=observed_at)

    def complaints(self, audience_id: str) -> list[str]:
        return [m.member_id for m in self.world.members.values() if m.complained]

    def look_up_signups(
        self, audience_id: str, members: Sequence[tuple[str, str, datetime | None]]
    ) -> list[Evidence]:
        """Whose act the membership is: the last sign-up, unless an unsubscribe came after it."""
        found = []
        for key, member_id, changed_at in members:
            feed = self._feed(member_id)
            who, at = "OTHER", None
            if feed and feed[-1][1] != "unsub":
                at, who = feed[-1]
            found.append(Evidence("signup", key, who, at, _aware(changed_at)))
        return found

    def look_up_archived(
        self, audience_id: str, members: Sequence[tuple[str, str, datetime | None]]
    ) -> list[Evidence]:
        found = []
        for key, member_id, changed_at in members:
            feed = self._feed(member_id)
            left = bool(feed) and feed[-1][1] == "unsub"
            at = feed[-1][0] if feed else None
            detail = "unsubscribed" if left else "subscribed"
            found.append(Evidence("before_archiving", key, detail, at, _aware(changed_at)))
        return found

    def _feed(self, member_id: str) -> list[tuple[datetime, str]]:
        member = self.world.member_by_id(member_id)
        return [] if member is None else member.feed

    def settle(self, *, since: datetime) -> int:
        return 0

    def push(
        self,
        audience_id: str,
        pending: Sequence[Pending],
        *,
        on_results: Callable[[list[Result]], None],
        withdrawn: Withdrawn,
    ) -> None:
        self.world.happen()
        for item in sorted(pending, key=lambda p: _ORDER.index(p.change.action)):
            asked = item.change.action in ("subscribe", "resubscribe", "confirm", "tag_member")
            if asked and withdrawn({item.change.key}):
                on_results([Result(item.change.seq, "overtaken", cause="withdrawn")])
                continue
            end = self.world.end(item)
            record: str | None = item.change.record_id
            dropped = _unfit_field(item) if end == "unfit" else ()
            item = _without(item, dropped=dropped)
            if end in ("ok", "unheard") or (dropped and item.change.after):
                record = self._apply(item)
                if record is None:
                    end = "refused"
                    self.world.sent[-1] = (item.change.seq, end)
                    on_results([Result(item.change.seq, end, cause=self._why_refused(item))])
                    continue
            on_results([_result(item, end=end, record_id=record or "", dropped=dropped)])
        self.world.happen()

    def _why_refused(self, item: Pending) -> str:
        key = address_key(item.change.after.get("email", "")) or item.change.key
        if key in self.world.members:
            return "exists"
        return "forgotten" if key in self.world.forgotten else "absent"

    def _apply(self, item: Pending) -> str | None:
        """The member's id afterwards; None if the service would refuse."""
        change, world = item.change, self.world
        now = world.clock.now()
        if change.action == "subscribe":
            return self._create(item, now=now)
        member = world.member_by_id(change.record_id)
        if member is None:
            member = world.members.get(address_key(item.address) or "")
        if member is None:
            return None
        if change.action in ("resubscribe", "confirm"):
            world.forbid(member.key, what=change.action)
            world.forbid(change.key, what=change.action)
            member.state = P.SUB if change.action == "resubscribe" else P.PENDING
        elif change.action == "unsubscribe":
            member.state, member.unsubscribed_by, member.left_at = P.UNSUB, "staff", now
            member.feed.append((now, "unsub"))
            member.left_by_us = True
        elif change.action == "archive":
            member.state = P.ARCHIVED
        elif change.action == "change_address":
            return self._change_address(member, email=change.after["email"], now=now)
        elif change.action == "update_member":
            member.values |= change.after
        elif change.action == "tag_member":
            member.tags = (member.tags | set(change.after["add"])) - set(change.after["remove"])
        member.changed_at = now
        return member.member_id

    def _create(self, item: Pending, *, now: datetime) -> str | None:
        world, after = self.world, item.change.after
        key = address_key(after["email"])
        assert key is not None
        world.forbid(key, what="subscribe")
        world.forbid(item.change.key, what="subscribe")
        if key in world.members or key in world.forgotten:
            return None
        values = {f.name: after.get(f"field:{f.name}", "") for f in world.fields}
        world.members[key] = Member(
            f"p{world.next_number()}", after["email"], P.SUB, set(), values, now
        )
        return world.members[key].member_id

    def _change_address(self, member: Member, *, email: str, now: datetime) -> str | None:
        key = address_key(email)
        assert key is not None
        if key in self.world.members:
            return None
        del self.world.members[member.key]
        member.email, member.changed_at = email, now
        self.world.members[key] = member
        return member.member_id


_Frame = TypeVar("_Frame")


@dataclass
class _Read(Generic[_Frame]):
    """One read of a side, whole from the start."""

    frames: Iterator[_Frame]
    announced_before: int
    announced_after: int
    rows: int
    served_at: datetime | None
    rejected: list[tuple[str, str]] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        return self.announced_before == self.rows


def _unfit_field(item: Pending) -> tuple[DroppedField, ...]:
    """The first field of a change that has some."""
    action, after = item.change.action, item.change.after
    names = [n for n in after if n.startswith("field:") or action in _PROFILES]
    return tuple(DroppedField(n.removeprefix("field:"), "merge_fields") for n in names[:1])


def _without(item: Pending, *, dropped: tuple[DroppedField, ...]) -> Pending:
    names = {f.name for f in dropped}
    after = {n: v for n, v in item.change.after.items() if n.removeprefix("field:") not in names}
    return replace(item, change=replace(item.change, after=after))


def _result(
    item: Pending, *, end: str, record_id: str, dropped: tuple[DroppedField, ...] = ()
) -> Result:
    seq = item.change.seq
    if end in ("ok", "ignored") or (dropped and item.change.after):
        return Result(seq, "sent", record_id=record_id, dropped=dropped)
    if end in ("lost", "unheard"):
        return Result(seq, "unknown", cause="no_answer")
    if end == "unfit":
        return Result(seq, "refused", cause="fake_or_invalid", dropped=dropped)
    return Result(seq, end, cause="model")


def _aware(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)


def _frame(
    rows: Sequence[Mapping[str, Any]], *, columns: list[str], numbers: list[str]
) -> pd.DataFrame:
    """A frame as the adapters build it: text columns, microseconds, lists as objects."""
    frame = pd.DataFrame(rows, columns=columns)
    other = {"tags", "owned", "changed_at", "observed_at", *numbers}
    times = dict.fromkeys(("changed_at", "observed_at"), "datetime64[us]")
    texts = dict.fromkeys((c for c in columns if c not in other), "str")
    frame = frame.astype({**texts, **times, **dict.fromkeys(numbers, "int64")})
    frame["tags"] = frame["tags"].astype(object)
    return frame
