"""Everything the warehouse holds about one address, and the case it makes for the rule table.

Belongs here: read-only questions about one person. Must not be here: the sentence of a rule
(``domain.rules``), numbers over many people (``reports``). What is returned names record ids and
states; the address itself stays with whoever asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import duckdb

from nl_pipeline.domain.rules import Case
from nl_pipeline.domain.states import (
    Base,
    Eligibility,
    Ledger,
    Newsletter,
    ProviderState,
    Signup,
    SinceBase,
)
from nl_pipeline.warehouse.connection import Warehouse
from nl_pipeline.warehouse.deciding import evaluate
from nl_pipeline.warehouse.templates import run_template


@dataclass(frozen=True)
class ContactState:
    """A contact that holds the address, as it was read last."""

    crm_id: int
    is_main_address: bool
    newsletter: str
    eligibility: str
    changed_at: datetime | None
    observed_at: datetime


@dataclass(frozen=True)
class MemberState:
    """The member at the provider, as it was read last. ``status`` is the provider's own word."""

    member_id: str
    provider_id: str
    state: str
    status: str
    owned: bool
    tags: tuple[str, ...]
    changed_at: datetime | None
    observed_at: datetime


@dataclass(frozen=True)
class BasePair:
    """The pair confirmed last; ``kind`` first: seen at the first sync and never equal since."""

    kind: str
    crm_id: int | None
    member_id: str | None
    newsletter: str
    provider_state: str
    confirmed_at: datetime


@dataclass(frozen=True)
class ConsentEvent:
    """One entry of the consent ledger, oldest first."""

    event: str
    actor: str
    proof: bool
    happened_at: datetime | None
    recorded_at: datetime
    source: str
    plan_id: str | None


@dataclass(frozen=True)
class PersonCase:
    """The case as the rules see it. ``overruled_by``: an address change decided instead.

    ``considered`` is false for an address no plan looks at: nobody wants to send to it and the
    provider has never seen it.
    """

    case: Case
    considered: bool
    overruled_by: tuple[str, str] | None
    listing: str | None
    provider_action: str | None


@dataclass(frozen=True)
class PersonChange:
    """One planned change of this person and what became of it. Values are not included."""

    plan_id: str
    planned_at: datetime
    plan_status: str
    released: bool
    side: str
    action: str
    record_id: str
    rule_id: str
    code: str
    held_by: str | None
    result: str | None
    cause: str | None


@dataclass(frozen=True)
class PersonActivity:
    """One activity of this person in the CRM: planned, sending, written or refused."""

    crm_id: int
    kind: str
    happened_at: datetime
    state: str
    cause: str


@dataclass(frozen=True)
class PersonQuarantine:
    """What is not sent for this person because it was refused before. ``field`` '': the change."""

    side: str
    action: str
    field: str
    cause: str
    since: datetime
    last_tried_at: datetime
    tries: int
    next_try_at: datetime | None


@dataclass(frozen=True)
class Person:
    """One address on both sides and in our own records."""

    contacts: tuple[ContactState, ...]
    members: tuple[MemberState, ...]
    base: tuple[BasePair, ...]
    ledger: tuple[ConsentEvent, ...]
    cases: tuple[PersonCase, ...]
    changes: tuple[PersonChange, ...]
    activities: tuple[PersonActivity, ...]
    quarantine: tuple[PersonQuarantine, ...]

    @property
    def known(self) -> bool:
        """Whether any record holds the address."""
        return bool(self.contacts or self.members or self.base or self.ledger or self.changes)


def find_person(
    warehouse: Warehouse, *, key: str, adopt_existing: bool, most_changes: int = 20
) -> Person:
    """The person with this address key; ``most_changes``: how many of the newest changes."""
    with warehouse.session() as db:
        evaluate(db, adopt_existing=adopt_existing)
        run_template(db, "person.sql.j2", parameters={"key": key})
        return Person(
            contacts=tuple(
                ContactState(int(i), bool(m), n, e, _aware(c), o.replace(tzinfo=UTC))
                for i, m, n, e, c, o in _rows(db, _CONTACTS)
            ),
            members=tuple(
                MemberState(
                    i, p, state, status, owned, tuple(tags), _aware(c), o.replace(tzinfo=UTC)
                )
                for i, p, state, status, owned, tags, c, o in _rows(db, _MEMBERS)
            ),
            base=tuple(
                BasePair(kind, crm_id, member_id, newsletter, state, at.replace(tzinfo=UTC))
                for kind, crm_id, member_id, newsletter, state, at in _rows(db, _BASE)
            ),
            ledger=tuple(
                ConsentEvent(e, a, bool(p), _aware(h), r.replace(tzinfo=UTC), s, plan)
                for e, a, p, h, r, s, plan in _rows(db, _LEDGER)
            ),
            cases=tuple(_case(row) for row in _rows(db, _CASES)),
            changes=tuple(
                PersonChange(row[0], row[1].replace(tzinfo=UTC), *row[2:])
                for row in _rows(db, _CHANGES, [most_changes])
            ),
            activities=tuple(
                PersonActivity(int(i), kind, h.replace(tzinfo=UTC), state, cause)
                for i, kind, h, state, cause in _rows(db, _ACTIVITIES)
            ),
            quarantine=tuple(
                PersonQuarantine(
                    side,
                    action,
                    name,
                    cause,
                    since.replace(tzinfo=UTC),
                    tried.replace(tzinfo=UTC),
                    int(tries),
                    _aware(again),
                )
                for side, action, name, cause, since, tried, tries, again in _rows(db, _QUARANTINE)
            ),
        )


_CONTACTS = """
SELECT c.crm_id, bool_or(c.key IN (SELECT key FROM person_keys)), c.newsletter, c.eligibility,
    c.changed_at, c.observed_at
FROM contacts AS c
WHERE c.crm_id IN (SELECT crm_id FROM person_contacts WHERE key IN (SELECT key FROM person_keys))
   OR c.crm_id IN (SELECT crm_id FROM contact_addresses WHERE key IN (SELECT key FROM person_keys))
GROUP BY ALL
ORDER BY c.crm_id
"""
_MEMBERS = """
SELECT member_id, provider_id, state, status, owned, tags, changed_at, observed_at
FROM members
WHERE key IN (SELECT address FROM person_members WHERE key IN (SELECT key FROM person_keys))
ORDER BY member_id
"""
_BASE = """
SELECT kind, crm_id, member_id, newsletter, provider_state, confirmed_at
FROM base WHERE key IN (SELECT key FROM person_keys) ORDER BY confirmed_at
"""
_LEDGER = """
SELECT event, actor, proof, happened_at, recorded_at, source, plan_id
FROM consent_ledger WHERE key IN (SELECT key FROM person_keys) ORDER BY entry
"""
_CASES = """
SELECT base, newsletter, provider, ledger, eligibility, since_base, signup, complete,
    adopt_existing, rule_id, code, listing, provider_action
FROM person_cases ORDER BY key
"""
_CHANGES = """
SELECT c.plan_id, p.created_at, p.status, p.released_by IS NOT NULL, c.side, c.action, c.record_id,
    c.rule_id, c.code, c.held_by, o.result, o.cause
FROM changes AS c
JOIN plans AS p ON p.plan_id = c.plan_id
LEFT JOIN outcome_now AS o ON o.plan_id = c.plan_id AND o.seq = c.seq
WHERE c.key IN (SELECT key FROM person_keys)
ORDER BY p.created_at DESC, c.seq
LIMIT ?
"""
_ACTIVITIES = """
SELECT crm_id, kind, happened_at, state, cause
FROM activities WHERE key IN (SELECT key FROM person_keys) ORDER BY happened_at, crm_id
"""

_QUARANTINE = """
SELECT side, action, field, cause, since, last_tried_at, tries, next_try_at
FROM quarantine WHERE tries >= tries_allowed AND key IN (SELECT key FROM person_keys)
ORDER BY since, side, action, field
"""


def _rows(
    db: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[object] = ()
) -> list[tuple[Any, ...]]:
    return db.execute(query, list(parameters)).fetchall()


def _case(row: tuple[Any, ...]) -> PersonCase:
    rule_id, code, listing, provider_action = row[9:13]
    base, newsletter, provider, ledger, eligibility, since_base, signup, complete, adopt = row[:9]
    return PersonCase(
        case=Case(
            base=Base(base),
            newsletter=Newsletter(newsletter),
            provider=ProviderState(provider),
            ledger=Ledger(ledger),
            eligibility=Eligibility(eligibility),
            since_base=SinceBase(since_base),
            signup=Signup(signup),
            complete=bool(complete),
            adopt_existing=bool(adopt),
        ),
        considered=rule_id is not None,
        overruled_by=(rule_id, code) if str(rule_id).startswith("E") else None,
        listing=listing,
        provider_action=provider_action,
    )


def _aware(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)
