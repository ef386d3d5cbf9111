"""The plan: a set-based function of contacts, members, base and ledger.

``compute`` runs the SQL of the rule table over the whole warehouse and stores the result as one
plan. Nothing outside the warehouse is read or written here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from typing import Any

import duckdb
import pandas as pd

from nl_pipeline.domain.brakes import Brake, BrakeReading, Brakes, Verdict, read_brakes
from nl_pipeline.domain.fields import Direction, ProfileField
from nl_pipeline.domain.rules import CONDITIONS, RULES
from nl_pipeline.domain.states import (
    GROUP_ORDER,
    Eligibility,
    Newsletter,
    ProviderState,
    pair_agrees,
)
from nl_pipeline.warehouse.connection import Warehouse
from nl_pipeline.warehouse.observations import naive
from nl_pipeline.warehouse.templates import render


@dataclass(frozen=True)
class PlanningOptions:
    """What the plan depends on beside the warehouse itself."""

    mode: str
    brakes: Brakes
    adopt_existing: bool
    ownership_tag: str
    tags_known: bool


@dataclass(frozen=True)
class LookUps:
    """What must be asked before the plan can be decided.

    ``archived`` and ``signups``: (key, member id, changed at); ``missing``: (key, address id).
    """

    archived: list[tuple[str, str, datetime | None]]
    signups: list[tuple[str, str, datetime | None]]
    missing: list[tuple[str, int]]


#: What waits on a CRM picture that shrank: whatever would be decided otherwise if a contact that is
#: out of sight were there, be it the linked one or another one of the address with a No. Opt-outs
#: do not wait, and neither does what the provider shows by itself.
_ACTS_ON_ABSENCE = (
    "(side = 'provider' AND action <> 'unsubscribe') OR action IN ('create_contact',"
    " 'change_email')"
    " OR after->>'newsletter' = 'YES'"
    " OR code IN ('yes_with_newer_proof', 'storage_consent_revoked')"
)


def run_template(
    db: duckdb.DuckDBPyConnection,
    name: str,
    *,
    parameters: dict[str, Any] | None = None,
    **context: Any,
) -> None:
    """Run every statement of a template; ``parameters`` go to those that name them."""
    for statement in duckdb.extract_statements(render(name, **context)):
        wanted = statement.named_parameters
        db.execute(statement, {k: v for k, v in (parameters or {}).items() if k in wanted})


def _active(fields: Sequence[ProfileField]) -> list[ProfileField]:
    return [field for field in fields if field.direction is not Direction.OFF]


def _frame(rows: Sequence[tuple[Any, ...]], columns: list[str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=columns)


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
    rows = []
    for position, rule in enumerate(RULES):
        conditions = [
            sorted(x if isinstance(x, bool) else str(x) for x in getattr(rule, name))
            for name in CONDITIONS
        ]
        effects = (rule.provider_action, rule.crm_action, rule.ledger_entry, rule.listing)
        named = [None if effect is None else str(effect) for effect in effects]
        rows.append((position, rule.id, rule.code, *conditions, *named, rule.profile, rule.settles))
    names = [row[0] for row in db.execute("SELECT column_name FROM (DESCRIBE rules)").fetchall()]
    db.register("incoming", _frame(rows, names))
    db.execute("INSERT INTO rules SELECT * FROM incoming")
    db.unregister("incoming")


def _prepare(db: duckdb.DuckDBPyConnection, *, options: PlanningOptions) -> tuple[bool, bool]:
    """Temporary inputs of the people query; returns (first sync, complete)."""
    first = not db.execute(
        "SELECT 1 FROM connection_state WHERE name = 'first_sync_done'"
    ).fetchall()
    complete = len(_complete_sides(db)) == 2
    db.execute(
        "CREATE OR REPLACE TEMP TABLE settings AS SELECT ? AS first_sync_done, ? AS complete,"
        " ? AS adopt_existing, ? AS ownership_tag, ? AS tags_known, ? AS full_sync",
        [
            not first,
            complete,
            options.adopt_existing,
            options.ownership_tag,
            options.tags_known,
            options.mode == "full",
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
    db.execute(
        "CREATE OR REPLACE TEMP TABLE unconfirmed_subscriptions AS"
        " SELECT DISTINCT c.key FROM changes AS c JOIN outcome_now AS o USING (plan_id, seq)"
        " WHERE c.action IN ('subscribe', 'resubscribe') AND o.result IN ('sending', 'sent',"
        " 'unknown')"
    )
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


def decide(db: duckdb.DuckDBPyConnection, *, spreading: bool = True) -> None:
    """Fill the temporary tables ``people``, ``decided`` and ``cancel_targets``.

    ``spreading``: whether contacts count as cancelled that an opt-out of another of their
    addresses is going to cancel; not so for what *is*, only for what is to be done.
    """
    run_template(db, "people.sql.j2")
    run_template(db, "decide.sql.j2", conditions=CONDITIONS)
    run_template(db, "cancelled.sql.j2")
    if spreading and db.execute("SELECT 1 FROM cancelled LIMIT 1").fetchall():
        # The targets stay those of the first pass: the second only shows what follows from them.
        run_template(db, "people.sql.j2")
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
    _prepare(db, options=options)
    decide(db)


def find_look_ups(warehouse: Warehouse, *, options: PlanningOptions) -> LookUps:
    """Which members and contacts must be looked up before a plan is decided."""
    with warehouse.session() as db:
        _prepare(db, options=options)
        run_template(db, "people.sql.j2")
        archived = db.execute(
            "SELECT m.key, m.member_id, m.changed_at FROM people AS p"
            " JOIN members AS m ON m.member_id = p.member_id"
            " WHERE p.member_state = 'ARCHIVED' AND p.provider = 'UNKNOWN'"
        ).fetchall()
        signups = db.execute(
            "SELECT m.key, m.member_id, m.changed_at FROM people AS p"
            " JOIN members AS m ON m.member_id = p.member_id"
            " LEFT JOIN evidence AS e ON e.kind = 'signup' AND e.key = m.key"
            "   AND e.member_changed_at IS NOT DISTINCT FROM m.changed_at"
            " WHERE p.provider = 'SUB' AND e.key IS NULL AND ("
            "   p.ledger = 'WITHDRAW_PERSON'"
            "   OR (p.base NOT IN ('SUB', 'FIRST') AND p.newsletter <> 'YES')"
            "   OR (p.base = 'FIRST' AND p.adopt_existing AND p.newsletter IN ('NONE', 'MISSING'))"
            "   OR p.newsletter = 'DOI')"
        ).fetchall()
        missing = db.execute(
            "SELECT key, base_crm_id FROM people WHERE base = 'SUB' AND newsletter = 'MISSING'"
            " AND provider = 'SUB' AND base_crm_id IS NOT NULL"
            " AND NOT EXISTS (SELECT 1 FROM contacts AS c WHERE c.crm_id = base_crm_id)"
        ).fetchall()
    return LookUps(archived=archived, signups=signups, missing=[(k, int(i)) for k, i in missing])


def compute(warehouse: Warehouse, *, options: PlanningOptions, now: datetime) -> str:
    """Decide everyone, store the plan with its changes, brakes and verdict; returns its id.

    The id is a hash of the content and of the base version: the same plan over the same base is
    the same value, and keeps a release it was given.
    """
    with warehouse.transaction() as db:
        first, complete = _prepare(db, options=options)
        decide(db)
        run_template(db, "tags.sql.j2")
        run_template(db, "changes.sql.j2", fields=_active(warehouse.fields))
        readings = _apply_brakes(db, brakes=options.brakes, fields=_active(warehouse.fields))
        verdict = _verdict(db, first=first)
        return _store(
            db,
            options=options,
            first=first,
            complete=complete,
            verdict=verdict,
            readings=readings,
            now=now,
        )


def _count(db: duckdb.DuckDBPyConnection, query: str) -> int:
    return int(db.execute(query).fetchall()[0][0] or 0)


def _apply_brakes(
    db: duckdb.DuckDBPyConnection, *, brakes: Brakes, fields: Sequence[ProfileField]
) -> list[BrakeReading]:
    overwritten = {
        field.name: _count(
            db,
            "SELECT count(*) FROM planned WHERE action IN ('update_member', 'update_contact')"
            f" AND coalesce(before->>'{field.name}', '') <> ''",
        )
        for field in fields
    }
    snapshots = db.execute(
        "SELECT rows_read FROM snapshots WHERE side = 'crm' AND mode = 'full' AND complete AND"
        " accepted"
        " ORDER BY finished_at DESC LIMIT 1"
    ).fetchall()
    readings = read_brakes(
        brakes,
        removals=_count(
            db,
            "SELECT count(*) FROM planned WHERE side = 'provider' AND action IN ('unsubscribe',"
            " 'archive')",
        ),
        crm_blanked=_count(db, "SELECT count(*) FROM planned WHERE code = 'removed_at_provider'"),
        new_contacts=_count(db, "SELECT count(*) FROM planned WHERE action = 'create_contact'"),
        overwritten=overwritten,
        confirmations=_count(db, "SELECT count(*) FROM planned WHERE action = 'confirm'"),
        inbound_opt_outs=_count(
            db,
            "SELECT count(DISTINCT key) FROM planned WHERE side = 'crm' AND after->>'newsletter'"
            " = 'CANCEL'",
        ),
        contacts=_count(db, "SELECT count(*) FROM contacts"),
        contacts_before=int(snapshots[0][0]) if snapshots else 0,
        audience=_count(db, "SELECT count(*) FROM members WHERE state = 'SUB'"),
    )
    for reading in readings:
        if reading.tripped:
            _hold(db, reading=reading)
    # A subscriber whose contact waits is not tagged as ours meanwhile.
    db.execute(
        "UPDATE planned SET held_by = (SELECT min(h.held_by) FROM planned AS h"
        " WHERE h.key = planned.key AND h.action = 'create_contact')"
        " WHERE action = 'tag_member' AND key IN"
        " (SELECT key FROM planned WHERE action = 'create_contact' AND held_by IS NOT NULL)"
    )
    return readings


def _hold(db: duckdb.DuckDBPyConnection, *, reading: BrakeReading) -> None:
    condition, parameters = {
        Brake.REMOVALS: ("side = 'provider' AND action IN ('unsubscribe', 'archive')", []),
        Brake.CRM_BLANKED: ("code = 'removed_at_provider'", []),
        Brake.NEW_CONTACTS: ("action = 'create_contact'", []),
        Brake.CONFIRMATIONS: ("code = 'yes_with_newer_proof'", []),
        Brake.CRM_SHRINK: (_ACTS_ON_ABSENCE, []),
        Brake.OVERWRITTEN: (
            "action IN ('update_member', 'update_contact') AND json_exists(before, '$.' || ?)"
            " AND coalesce(json_extract_string(before, '$.' || ?), '') <> ''",
            [reading.subject, reading.subject],
        ),
        Brake.INBOUND_ALARM: ("false", []),
    }[reading.brake]
    db.execute(
        f"UPDATE planned SET held_by = ? WHERE held_by IS NULL AND ({condition})",
        [str(reading.brake), *parameters],
    )


def _verdict(db: duckdb.DuckDBPyConnection, *, first: bool) -> Verdict:
    if first:
        return Verdict.APPROVAL
    held = _count(db, "SELECT count(*) FROM planned WHERE held_by IS NOT NULL")
    return Verdict.HELD if held else Verdict.CLEAR


def _store(
    db: duckdb.DuckDBPyConnection,
    *,
    options: PlanningOptions,
    first: bool,
    complete: bool,
    verdict: Verdict,
    readings: list[BrakeReading],
    now: datetime,
) -> str:
    version = _count(
        db,
        "SELECT value::BIGINT FROM connection_state WHERE name = 'base_version' UNION ALL SELECT"
        " 0 LIMIT 1",
    )
    content = db.execute(
        "SELECT md5(coalesce(string_agg(concat_ws('|', key, side, action, record_id, code,"
        " before::VARCHAR,"
        " after::VARCHAR, held_by), '\n' ORDER BY seq), '')) FROM planned"
    ).fetchall()[0][0]
    listed = db.execute(
        "SELECT md5(coalesce(string_agg(key || code, '\n' ORDER BY key, code), '')) FROM decided"
        " WHERE listing IS NOT NULL"
    ).fetchall()[0][0]
    plan_id = db.execute(
        "SELECT left(md5(?), 12)", [f"{content}{listed}{version}{verdict}{complete}"]
    ).fetchall()[0][0]
    db.execute(
        "UPDATE plans SET status = 'expired' WHERE status IN ('open', 'partial') AND plan_id <> ?",
        [plan_id],
    )
    kept = db.execute(
        "SELECT released_by, release_reason, released_at FROM plans WHERE plan_id = ? AND status"
        " IN ('open', 'partial')",
        [plan_id],
    ).fetchall()
    for table in ("plans", "plan_brakes", "decisions", "changes", "outcomes", "field_notes"):
        db.execute(f"DELETE FROM {table} WHERE plan_id = ?", [plan_id])
    db.execute(
        "INSERT INTO plans VALUES (?, ?, ?, ?, ?, ?, ?, 'open', NULL, ?, ?, ?)",
        [
            plan_id,
            naive(now),
            options.mode,
            first,
            complete,
            str(verdict),
            version,
            *(kept[0] if kept else (None, None, None)),
        ],
    )
    for reading in readings:
        db.execute(
            "INSERT INTO plan_brakes VALUES (?, ?, ?, ?, ?, ?)",
            [
                plan_id,
                str(reading.brake),
                reading.subject,
                reading.rows,
                reading.allowed,
                reading.tripped,
            ],
        )
    db.execute("INSERT INTO changes BY NAME SELECT ? AS plan_id, * FROM planned", [plan_id])
    db.execute(
        "INSERT INTO field_notes BY NAME SELECT ? AS plan_id, * FROM planned_field_notes", [plan_id]
    )
    db.execute(
        "INSERT INTO decisions BY NAME SELECT ? AS plan_id, key, rule_id, code, listing,"
        " ledger_entry,"
        " signup, signed_up_at, base, newsletter, provider, ledger, eligibility, crm_id, member_id"
        " FROM decided"
        " WHERE listing IS NOT NULL OR ledger_entry IS NOT NULL OR settles"
        " OR key IN (SELECT key FROM planned) OR (base = 'FIRST' AND profile)",
        [plan_id],
    )
    return str(plan_id)


def settle(
    db: duckdb.DuckDBPyConnection,
    *,
    options: PlanningOptions,
    fields: Sequence[ProfileField],
    plan_id: str,
    now: datetime,
) -> int:
    """Move the base to every pair that now agrees; returns how many rows moved.

    Runs inside the transaction that recorded what was read back.
    """
    _prepare(db, options=options)
    db.execute(
        "CREATE OR REPLACE TEMP TABLE made_so AS SELECT DISTINCT d.key FROM decisions AS d"
        " JOIN changes AS c ON c.plan_id = d.plan_id AND c.key = d.key AND c.side = 'provider'"
        " JOIN outcome_now AS o ON o.plan_id = c.plan_id AND o.seq = c.seq"
        " JOIN rules AS r ON r.code = d.code AND r.settles"
        " WHERE d.plan_id = ? AND o.result = 'confirmed'",
        [plan_id],
    )
    db.execute(
        "CREATE OR REPLACE TEMP TABLE archived_by_us AS SELECT DISTINCT c.key FROM changes AS c"
        " JOIN outcome_now AS o ON o.plan_id = c.plan_id AND o.seq = c.seq"
        " WHERE c.plan_id = ? AND c.action = 'archive' AND o.result = 'confirmed'",
        [plan_id],
    )
    decide(db, spreading=False)
    run_template(db, "tags.sql.j2")
    run_template(db, "settle.sql.j2", fields=_active(fields), parameters={"now": naive(now)})
    moved = _count(db, "SELECT count(*) FROM moved_base")
    if moved:
        db.execute(
            "INSERT INTO connection_state VALUES ('base_version', '1') ON CONFLICT (name)"
            " DO UPDATE SET value = (connection_state.value::BIGINT + 1)::VARCHAR"
        )
    return moved


def close_first_sync(db: duckdb.DuckDBPyConnection, *, now: datetime) -> None:
    """Mark the first sync as done, and everyone who was there and is not in agreement as FIRST.

    Reads the temporary table ``people`` that ``settle`` left.
    """
    db.execute(
        "INSERT INTO base BY NAME SELECT key, 'first' AS kind, crm_id, member_id, provider_id,"
        " newsletter,"
        " eligibility, coalesce(member_state, 'ABSENT') AS provider_state, []::VARCHAR[] AS tags,"
        " ?::TIMESTAMP AS confirmed_at FROM people"
        " WHERE base = 'FIRST' AND key NOT IN (SELECT key FROM base) AND member_id IS NOT NULL",
        [naive(now)],
    )
    db.execute(
        "INSERT INTO connection_state VALUES ('first_sync_done', ?) ON CONFLICT (name) DO NOTHING",
        [str(naive(now))],
    )
