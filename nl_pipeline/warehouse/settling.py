"""Settling: the base moves to every pair that agrees, and who has nothing left to do comes to rest.

Runs inside the transaction that recorded what was read back. Nothing outside the warehouse is read
or written here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import duckdb

from nl_pipeline.domain.fields import ProfileField
from nl_pipeline.warehouse.deciding import (
    PlanningOptions,
    active_fields,
    count_portions,
    decide,
    prepare,
)
from nl_pipeline.warehouse.moving import look_again, note_rest
from nl_pipeline.warehouse.observations import naive
from nl_pipeline.warehouse.templates import run_template


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
    inputs = prepare(db, options=options, fields=fields)
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
    moved = _agree(db, fields=fields)
    run_template(db, "settle.sql.j2", fields=active_fields(fields), parameters={"now": naive(now)})
    if moved:
        db.execute(
            "INSERT INTO connection_state VALUES ('base_version', '1') ON CONFLICT (name)"
            " DO UPDATE SET value = (connection_state.value::BIGINT + 1)::VARCHAR"
        )
        # Decided again over the base as it is now.
        look_again(db, moving=inputs.moving)
        _agree(db, fields=fields)
    if inputs.complete:
        # Nothing to do in a full sync is nothing to do in any.
        db.execute("UPDATE settings SET full_sync = true")
        run_template(
            db,
            "changes.sql.j2",
            fields=active_fields(fields),
            portions=count_portions(db),
        )
        note_rest(db, moving=inputs.moving)
    return moved


def _agree(db: duckdb.DuckDBPyConnection, *, fields: Sequence[ProfileField]) -> int:
    """Fill ``moved_base`` with the pairs that agree and differ from the base; returns how many."""
    decide(db, spreading=False)
    run_template(db, "tags.sql.j2")
    run_template(db, "agreed.sql.j2", fields=active_fields(fields), portions=count_portions(db))
    return int(db.execute("SELECT count(*) FROM moved_base").fetchall()[0][0])


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
