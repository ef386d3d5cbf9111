"""A story played with the real sync over both sides in memory, and what the warehouse holds.

Belongs here: playing, and reading pictures and plans out of the warehouse in the words of the
oracle. Must not be here: expectations.
"""

from __future__ import annotations

import contextlib
import json
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast

import duckdb

from nl_pipeline.domain.plan import Plan
from nl_pipeline.domain.states import Eligibility, Ledger, Newsletter, ProviderState
from nl_pipeline.settings import Connection, parse, sandbox_text
from nl_pipeline.sync.crm import CrmSide
from nl_pipeline.sync.link import Link
from nl_pipeline.sync.observe import Mode, read_contacts, read_members
from nl_pipeline.sync.options import planning_options
from nl_pipeline.sync.planning import make_plan
from nl_pipeline.sync.providers.port import OWNERSHIP_TAG
from nl_pipeline.sync.push import apply_plan
from nl_pipeline.warehouse import plans
from nl_pipeline.warehouse.connection import Warehouse, migrate
from nl_pipeline_tests import oracle
from nl_pipeline_tests.oracle import Answer, BaseRow, Consent, Picture
from nl_pipeline_tests.properties.brevo_side import ModelBrevo
from nl_pipeline_tests.properties.sides import ModelAudience, ModelCrm, World
from nl_pipeline_tests.properties.worlds import DEEP, FIELDS, Act, Round, Story, build, perform
from nl_pipeline_tests.providers import STAGES, Provider

_SETTINGS = parse(sandbox_text(port=1), file="connections.yaml", folder=Path())
_SIDES: dict[Provider, type[ModelAudience]] = {"mailchimp": ModelAudience, "brevo": ModelBrevo}


class WarehouseInMemory(Warehouse):
    """The warehouse without its file: opening one costs more than everything else in a small world.

    Every session is a connection of its own, as with a file, so nothing temporary survives one.
    ``in_earnest``: plans of statements are made as outside of tests, see
    `_duckdb_for_small_tables`.
    """

    def __init__(self, *, in_earnest: bool) -> None:
        super().__init__(Path("in-memory"), fields=FIELDS)
        settings: dict[str, Any] = {"threads": 1, "enable_optimizer": in_earnest}
        self._memory = duckdb.connect(":memory:", config=settings)
        migrate(self._memory, fields=FIELDS)

    @contextlib.contextmanager
    def _opened(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with contextlib.closing(self._memory.cursor()) as db:
            db.execute("SET TimeZone = 'UTC'")
            yield db

    @contextlib.contextmanager
    def session_if_free(self, *, waits: bool) -> Iterator[duckdb.DuckDBPyConnection | None]:
        with self._opened() as db:
            yield db

    @contextlib.contextmanager
    def beside_the_file(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._opened() as db:
            yield db

    def close(self) -> None:
        """Give the memory back."""
        self._memory.close()


@dataclass(frozen=True)
class PlannedChange:
    """One change of a stored plan in the form of the oracle, with its number and its brake."""

    seq: int
    expected: oracle.Expected
    held_by: str | None


@dataclass(frozen=True)
class Observed:
    """One plan with everything it was made of."""

    plan: Plan
    picture: Picture
    changes: tuple[PlannedChange, ...]
    codes: dict[str, str]
    notes: frozenset[tuple[str, str, str]]


@dataclass
class Stage:
    """One connection at work over a world."""

    world: World
    link: Link
    addresses: int
    played: list[str] = field(default_factory=list)
    #: What was refused, by its place in the quarantine.
    refused: dict[tuple[str, ...], oracle.Refusal] = field(default_factory=dict)
    _observed: Observed | None = None

    def act(self, acts: tuple[Act, ...]) -> None:
        """Let acts happen, hours after what was before."""
        self.world.clock.wait(timedelta(hours=1))
        for one in acts:
            perform(one, world=self.world, addresses=self.addresses)
        self.world.clock.wait(timedelta(hours=1))

    def observe_and_plan(self, *, full: bool, cut: frozenset[str] = frozenset()) -> Observed:
        """Read both sides, look up, plan; returns the plan and what it was made of."""
        mode: Mode = "full" if full else "incremental"
        self.world.cut = set(cut)
        contacts = read_contacts(self.link, mode=mode)
        members = read_members(self.link, mode=mode)
        self.world.cut = set()
        whole = contacts.mode == "full" and members.mode == "full"
        subscribing = self._subscribing()
        plan = make_plan(self.link, mode="full" if whole else "incremental")
        self._observed = self._read(plan, subscribing=subscribing)
        return self._observed

    def apply(
        self,
        plan: Plan,
        *,
        faults: tuple[str, ...] = (),
        meanwhile: tuple[Act, ...] = (),
    ) -> list[tuple[int, str]]:
        """Push a plan; returns how each change that was sent ended, by its number."""
        self.world.faults = deque(faults)
        self.world.meanwhile = deque(
            partial(perform, act, world=self.world, addresses=self.addresses) for act in meanwhile
        )
        self.world.sent = []
        apply_plan(self.link, plan=plan, approved=True)
        self.world.meanwhile.clear()
        self.world.faults.clear()
        self._note_refusals(plan)
        return self.world.sent

    def _note_refusals(self, plan: Plan) -> None:
        """Keep what the changes were that this push put into the quarantine."""
        assert self._observed is not None
        changes = [c.expected for c in self._observed.changes]
        for side, key, action, record, name, about in self.rows(
            "SELECT side, key, action, record_id, field, about FROM quarantine"
            " WHERE last_tried_at > ?",
            [plan.created_at.replace(tzinfo=None)],
        ):
            sent: Any = None
            for one in changes:
                after = dict(one.after)
                if (one.side, one.key) != (side, key):
                    continue
                if name:
                    sent = after.get(name, after.get(f"field:{name}", sent))
                elif (one.action, one.record_id) == (action, record):
                    sent = after.get("email", key).lower() if about == "address" else one.after
            self.refused[side, key, action, record, name] = oracle.Refusal(
                side, key, action, record, name, about == "address", sent
            )

    def _in_quarantine(self, plan: Plan) -> tuple[oracle.Refusal, ...]:
        rows = self.rows(
            "SELECT side, key, action, record_id, field FROM quarantine"
            " WHERE tries >= tries_allowed AND (next_try_at IS NULL OR next_try_at > ?)",
            [plan.created_at.replace(tzinfo=None)],
        )
        return tuple(self.refused[row] for row in rows)

    def rows(self, query: str, parameters: list[Any] | None = None) -> list[tuple[Any, ...]]:
        """The answer of the warehouse to a query."""
        with self.link.warehouse.session() as db:
            return db.execute(query, parameters or []).fetchall()

    def _subscribing(self) -> frozenset[str]:
        rows = self.rows(
            "SELECT key FROM changes JOIN outcome_now USING (plan_id, seq)"
            " WHERE action IN ('subscribe', 'resubscribe')"
            " AND result IN ('sending', 'sent', 'unknown')"
        )
        return frozenset(row[0] for row in rows)

    def _read(self, plan: Plan, *, subscribing: frozenset[str]) -> Observed:
        changes = []
        for seq, key, side, action, record, code, after, held_by in self.rows(
            "SELECT seq, key, side, action, record_id, code, after, held_by FROM changes"
            " WHERE plan_id = ? ORDER BY seq",
            [plan.plan_id],
        ):
            expected = oracle.change(key, side, action, record, code, json.loads(after))
            changes.append(PlannedChange(seq, expected, held_by))
        codes = self.rows("SELECT key, code FROM decisions WHERE plan_id = ?", [plan.plan_id])
        notes = self.rows(
            "SELECT key, field, code FROM field_notes WHERE plan_id = ?", [plan.plan_id]
        )
        return Observed(
            plan=plan,
            picture=self._picture(plan, subscribing=subscribing),
            changes=tuple(changes),
            codes=dict(codes),
            notes=frozenset((k, f, c) for k, f, c in notes),
        )

    def _picture(self, plan: Plan, *, subscribing: frozenset[str]) -> Picture:
        options = planning_options(self.link, mode="full" if plan.mode == "full" else "incremental")
        columns = ", ".join(f.column for f in FIELDS)
        others: dict[int, set[str]] = {}
        for crm_id, key in self.rows("SELECT crm_id, key FROM contact_addresses WHERE NOT is_main"):
            others.setdefault(crm_id, set()).add(key)
        labels: list[tuple[str, str]] = self.rows("SELECT key, label FROM tag_options")
        permitted: dict[str, set[str]] = {}
        for name, value in self.rows("SELECT field, key FROM field_options"):
            permitted.setdefault(name, set()).add(value)
        return Picture(
            contacts=tuple(
                oracle.Contact(
                    crm_id=r[0],
                    key=r[1],
                    email=r[2],
                    newsletter=Newsletter(r[3]),
                    eligibility=Eligibility(r[4]),
                    tags=frozenset(r[5]),
                    changed_at=r[6],
                    values=_values(r[7:]),
                    others=frozenset(others.get(r[0], ())),
                )
                for r in self.rows(
                    "SELECT crm_id, key, email, newsletter, eligibility, tags, changed_at,"
                    f" {columns} FROM contacts"
                )
            ),
            members=tuple(
                oracle.Member(
                    key=r[0],
                    member_id=r[1],
                    provider_id=r[2],
                    email=r[3],
                    state=ProviderState(r[4]),
                    owned=r[5],
                    tags=frozenset(r[6]),
                    changed_at=r[7],
                    values=_values(r[8:]),
                )
                for r in self.rows(
                    "SELECT key, member_id, provider_id, email, state, owned, tags, changed_at,"
                    f" {columns} FROM members"
                )
            ),
            base=tuple(
                BaseRow(
                    key=r[0],
                    is_pair=r[1] == "pair",
                    crm_id=r[2],
                    provider_id=r[3] or "",
                    newsletter=Newsletter(r[4]),
                    eligibility=Eligibility(r[5]),
                    state=ProviderState(r[6]),
                    tags=frozenset(r[7]),
                    confirmed_at=r[8],
                    values=_values(r[9:]),
                )
                for r in self.rows(
                    "SELECT key, kind, crm_id, provider_id, newsletter, eligibility,"
                    f" provider_state, tags, confirmed_at, {columns} FROM base"
                )
            ),
            consents={
                key: Consent(Ledger(ledger), at)
                for key, ledger, at in self.rows("SELECT key, ledger, happened_at FROM consent_now")
            },
            answers={
                (r[0], r[1]): Answer(r[2], r[3], r[4])
                for r in self.rows(
                    "SELECT kind, key, detail, happened_at, member_changed_at FROM evidence"
                )
            },
            subscribing=subscribing,
            first_sync_done=not plan.first_sync,
            complete=plan.complete,
            adopt_existing=options.adopt_existing,
            full=plan.mode == "full",
            tags_known=options.tags_known,
            ownership_tag=OWNERSHIP_TAG,
            labels=dict(labels),
            permitted={name: frozenset(values) for name, values in permitted.items()},
            fields=FIELDS,
            refused=self._in_quarantine(plan),
            shows_removed=self.link.audience.traits.shows_removed,
            has_tags=self.link.audience.traits.has_tags,
        )


def _values(values: tuple[Any, ...]) -> dict[str, Any]:
    return {f.name: value for f, value in zip(FIELDS, values, strict=True)}


@contextlib.contextmanager
def open_stage(
    story: Story, *, provider: Provider = "mailchimp", in_earnest: bool = DEEP
) -> Iterator[Stage]:
    """An empty warehouse over the world of a story; ``in_earnest`` as for the warehouse."""
    world = build(story, provider=provider)
    connection: Connection = _SETTINGS.connections[STAGES[provider].connection]
    settings = connection.model_copy(update={"adopt_existing": story.adopt_existing})
    warehouse = WarehouseInMemory(in_earnest=in_earnest)
    link = Link(
        settings=settings,
        warehouse=warehouse,
        crm=cast("CrmSide", ModelCrm(world)),
        audience=_SIDES[provider](world),
        now=world.clock.now,
    )
    with contextlib.closing(warehouse):
        yield Stage(world, link, story.addresses)


def play(stage: Stage, *, one: Round) -> tuple[Observed, list[tuple[int, str]]]:
    """One round: acts, a sync with everything that goes wrong in it."""
    stage.act(one.acts)
    observed = stage.observe_and_plan(full=one.full, cut=one.cut)
    sent = stage.apply(observed.plan, faults=one.faults, meanwhile=one.meanwhile)
    return observed, sent


def release(stage: Stage, *, plan: Plan) -> Plan:
    """Let the held rows of a plan go, as a person would."""
    return plans.release(
        stage.link.warehouse,
        plan_id=plan.plan_id,
        by="a person",
        reason="checked",
        now=stage.link.now(),
    )
