"""The plan: a set-based function of contacts, members, base and ledger.

``compute`` runs the SQL of the rule table over the whole warehouse and stores the result as one
plan. Nothing outside the warehouse is read or written here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb

from nl_pipeline.domain.brakes import Brake, BrakeReading, Brakes, Verdict, read_brakes
from nl_pipeline.domain.fields import ProfileField
from nl_pipeline.warehouse.connection import Warehouse
from nl_pipeline.warehouse.deciding import (
    Inputs,
    PlanningOptions,
    active_fields,
    count_portions,
    decide,
    find_people,
    prepare,
)
from nl_pipeline.warehouse.observations import naive
from nl_pipeline.warehouse.templates import run_template


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


def _find_look_ups(db: duckdb.DuckDBPyConnection) -> LookUps:
    """Which of the ``people`` must be looked up before a plan is decided."""
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


def compute_if_known(
    warehouse: Warehouse, *, options: PlanningOptions, now: datetime
) -> str | LookUps:
    """The plan as by ``compute``, unless something must be looked up before: then what, and
    nothing is stored."""
    with warehouse.transaction() as db:
        inputs = prepare(db, options=options, fields=warehouse.fields)
        find_people(db)
        wanted = _find_look_ups(db)
        if wanted.archived or wanted.signups or wanted.missing:
            return wanted
        decide(db, people_are_found=True)
        return _plan(db, inputs=inputs, options=options, fields=warehouse.fields, now=now)


def compute(warehouse: Warehouse, *, options: PlanningOptions, now: datetime) -> str:
    """Decide everyone, store the plan with its changes, brakes and verdict; returns its id.

    The id is a hash of the content and of the base version: the same plan over the same base is
    the same value, and keeps a release it was given.
    """
    with warehouse.transaction() as db:
        inputs = prepare(db, options=options, fields=warehouse.fields)
        decide(db)
        return _plan(db, inputs=inputs, options=options, fields=warehouse.fields, now=now)


def _plan(
    db: duckdb.DuckDBPyConnection,
    *,
    inputs: Inputs,
    options: PlanningOptions,
    fields: Sequence[ProfileField],
    now: datetime,
) -> str:
    active = active_fields(fields)
    run_template(db, "tags.sql.j2")
    run_template(db, "changes.sql.j2", fields=active, portions=count_portions(db))
    run_template(db, "quarantine.sql.j2", parameters={"now": naive(now)})
    readings = _apply_brakes(db, brakes=options.brakes, fields=active)
    return _store(
        db,
        options=options,
        first=inputs.first,
        complete=inputs.complete,
        verdict=_verdict(db, first=inputs.first),
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
    for table in (
        "plans",
        "plan_brakes",
        "decisions",
        "changes",
        "outcomes",
        "field_notes",
        "quarantined",
        "dropped_fields",
    ):
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
    # In one statement: nine of them cost as much as the largest of this function.
    db.execute(
        f"INSERT INTO plan_brakes VALUES {', '.join(['(?, ?, ?, ?, ?, ?)'] * len(readings))}",
        [
            value
            for reading in readings
            for value in (
                plan_id,
                str(reading.brake),
                reading.subject,
                reading.rows,
                reading.allowed,
                reading.tripped,
            )
        ],
    )
    db.execute("INSERT INTO changes BY NAME SELECT ? AS plan_id, * FROM planned", [plan_id])
    db.execute(
        "INSERT INTO field_notes BY NAME SELECT ? AS plan_id, * FROM planned_field_notes", [plan_id]
    )
    db.execute(
        "INSERT INTO quarantined BY NAME SELECT ? AS plan_id, * FROM planned_quarantined", [plan_id]
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
