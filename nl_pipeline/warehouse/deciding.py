"""Deciding: which row of the rule table decides each person who moves.

Belongs here: the inputs of the rules as tables, and the run of the SQL that joins them.
Must not be here: what a decision changes (``planning``), what is remembered of it (``settling``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import duckdb
import pandas as pd

from nl_pipeline.domain.brakes import Brakes
from nl_pipeline.domain.fields import Direction, ProfileField
from nl_pipeline.domain.rules import CONDITIONS, RULES
from nl_pipeline.domain.states import (
    GROUP_ORDER,
    Eligibility,
    Newsletter,
    ProviderState,
    pair_agrees,
)
from nl_pipeline.warehouse.moving import Moving, everybody_moves, find_moving
from nl_pipeline.warehouse.templates import run_template
from nl_pipeline.warehouse.traits import shows

#: People a statement joins at once where it needs several tables of them in memory.
PORTION = 100_000


@dataclass(frozen=True)
class PlanningOptions:
    """What the plan depends on beside the warehouse itself."""

    mode: str
    brakes: Brakes
    adopt_existing: bool
    ownership_tag: str
    tags_known: bool


def active_fields(fields: Sequence[ProfileField]) -> list[ProfileField]:
    return [field for field in fields if field.direction is not Direction.OFF]


def _frame(rows: Sequence[tuple[Any, ...]], columns: list[str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=columns)


def rule_rows() -> list[tuple[Any, ...]]:
    """The rule table as rows of text, the same in every process."""
    rows = []
    for position, rule in enumerate(RULES):
        conditions = [
            sorted(x if isinstance(x, bool) else str(x) for x in getattr(rule, name))
            for name in CONDITIONS
        ]
        effects = (rule.provider_action, rule.crm_action, rule.ledger_entry, rule.listing)
        named = [None if effect is None else str(effect) for effect in effects]
        rows.append((position, rule.id, rule.code, *conditions, *named, rule.profile, rule.settles))
    return rows


def load_rule_table(db: duckdb.DuckDBPyConnection) -> None:
    """Put the rule table of the domain into a temporary table ``rules``."""
    columns = ", ".join(
        f"{name} {'BOOLEAN' if name in ('complete', 'adopt_existing') else 'VARCHAR'}[]"
        for name in CONDITIONS
    )
    db.execute(
        "CREATE OR REPLACE TEMP TABLE rules (position INTEGER, rule_id VARCHAR, code VARCHAR, "
        f"{columns}, provider_action VARCHAR, crm_action VARCHAR, ledger_entry VARCHAR, "
        "listing VARCHAR, profile BOOLEAN, settles BOOLEAN)"
    )
    names = [row[0] for row in db.execute("SELECT column_name FROM (DESCRIBE rules)").fetchall()]
    db.register("incoming", _frame(rule_rows(), names))
    db.execute("INSERT INTO rules SELECT * FROM incoming")
    db.unregister("incoming")


@dataclass(frozen=True)
class Inputs:
    """What a decision starts from. ``first``: nothing was ever synced; ``complete``: both sides
    were read in full."""

    first: bool
    complete: bool
    moving: Moving


def prepare(
    db: duckdb.DuckDBPyConnection, *, options: PlanningOptions, fields: Sequence[ProfileField]
) -> Inputs:
    """Temporary inputs of the people query, for everybody who is not at rest."""
    depends_on = [
        rule_rows(),
        options.adopt_existing,
        options.ownership_tag,
        options.tags_known,
        shows(db, what="removed"),
        shows(db, what="tags"),
    ]
    moving = find_moving(db, fields=fields, options=depends_on)
    first, complete = _prepare(db, options=options)
    return Inputs(first, complete, moving)


def _prepare(db: duckdb.DuckDBPyConnection, *, options: PlanningOptions) -> tuple[bool, bool]:
    first = not db.execute(
        "SELECT 1 FROM connection_state WHERE name = 'first_sync_done'"
    ).fetchall()
    complete = len(_complete_sides(db)) == 2
    db.execute(
        "CREATE OR REPLACE TEMP TABLE settings AS SELECT ? AS first_sync_done, ? AS complete,"
        " ? AS adopt_existing, ? AS ownership_tag, ? AS tags_known, ? AS full_sync,"
        " ? AS shows_removed, ? AS has_tags",
        [
            not first,
            complete,
            options.adopt_existing,
            options.ownership_tag,
            options.tags_known,
            options.mode == "full",
            shows(db, what="removed"),
            shows(db, what="tags"),
        ],
    )
    order = _frame([(str(n), i) for i, n in enumerate(GROUP_ORDER)], ["newsletter", "position"])
    agreements = _frame(
        [
            (str(n), str(p), str(e))
            for n, p, e in product(Newsletter, ProviderState, Eligibility)
            if pair_agrees(n, provider=p, eligibility=e)
        ],
        ["newsletter", "provider", "eligibility"],
    )
    for name, frame in (("newsletter_order", order), ("agreements", agreements)):
        db.register("incoming", frame)
        db.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM incoming")
        db.unregister("incoming")
    db.execute("CREATE OR REPLACE TEMP TABLE cancelled (crm_id BIGINT)")
    run_template(db, "unconfirmed.sql.j2")
    load_rule_table(db)
    return first, complete


def _complete_sides(db: duckdb.DuckDBPyConnection) -> list[str]:
    """Sides whose last full read was complete; incremental reads add to it and take nothing
    away."""
    rows = db.execute(
        "SELECT side FROM (SELECT side, arg_max(complete, finished_at) AS complete FROM snapshots"
        " WHERE mode = 'full' GROUP BY side) WHERE complete"
    ).fetchall()
    return [str(row[0]) for row in rows]


def find_people(db: duckdb.DuckDBPyConnection) -> None:
    """Fill the temporary table ``people``: contacts, members and base under one key a person."""
    run_template(db, "people.sql.j2", portions=count_portions(db))


def count_portions(db: duckdb.DuckDBPyConnection) -> int:
    """In how many portions a statement that joins several tables of all who move is to run."""
    rows = db.execute(
        "SELECT greatest((SELECT count(*) FROM moving_contacts), (SELECT count(*) FROM"
        " moving_members), (SELECT count(*) FROM moving_base))"
    ).fetchall()
    return int(rows[0][0]) // PORTION + 1


def decide(
    db: duckdb.DuckDBPyConnection, *, spreading: bool = True, people_are_found: bool = False
) -> None:
    """Fill the temporary tables ``people``, ``decided`` and ``cancel_targets``.

    ``spreading``: whether contacts count as cancelled that an opt-out of another of their
    addresses is going to cancel; not so for what *is*, only for what is to be done.
    """
    if not people_are_found:
        find_people(db)
    run_template(db, "decide.sql.j2", conditions=CONDITIONS)
    run_template(db, "cancelled.sql.j2")
    if spreading and db.execute("SELECT 1 FROM cancelled LIMIT 1").fetchall():
        # The targets stay those of the first pass: the second only shows what follows from them.
        find_people(db)
        run_template(db, "decide.sql.j2", conditions=CONDITIONS)


def evaluate(db: duckdb.DuckDBPyConnection, *, adopt_existing: bool) -> None:
    """Fill the temporary tables of ``decide`` over the warehouse as it stands, for reports.

    Nothing is stored; of the options only ``adopt_existing`` has a say in what is decided.
    """
    options = PlanningOptions(
        mode="full",
        brakes=Brakes(),
        adopt_existing=adopt_existing,
        ownership_tag="",
        tags_known=False,
    )
    everybody_moves(db)
    _prepare(db, options=options)
    decide(db)
