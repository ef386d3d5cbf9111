"""Stored plans: reading them, listing their rows, releasing what a brake holds.

Belongs here: everything about a plan that exists. Must not be here: computing or pushing one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pandas as pd

from nl_pipeline.domain.brakes import Brake, BrakeReading, Verdict
from nl_pipeline.domain.plan import Plan
from nl_pipeline.warehouse.connection import Warehouse
from nl_pipeline.warehouse.observations import naive


class PlanNotFound(Exception):
    """There is no plan with this id in the warehouse of the connection."""


@dataclass(frozen=True)
class PlanCount:
    """How many rows of a plan share side, action, rule and hold."""

    side: str
    action: str
    rule_id: str
    code: str
    held_by: str | None
    rows: int


@dataclass(frozen=True)
class ListingCount:
    """How many addresses a plan lists for one reason without (or beside) changing them."""

    listing: str
    rule_id: str
    code: str
    rows: int


_HEAD = """
SELECT plan_id, created_at, mode, first_sync, complete, verdict, base_version, status, released_by,
    release_reason
FROM plans
"""


def load(warehouse: Warehouse, *, plan_id: str) -> Plan:
    """The plan with this id. Raises PlanNotFound."""
    found = _load(warehouse, where="WHERE plan_id = ?", parameters=[plan_id])
    if found is None:
        raise PlanNotFound(
            f"there is no plan {plan_id}; `nl-pipeline status` shows the open one, `nl-pipeline"
            f" plan`"
            " makes a new one"
        )
    return found


def latest(warehouse: Warehouse) -> Plan | None:
    """The newest plan, open or not.

    One that can still be pushed is the newest whatever its date: a new plan makes the others
    expire, and our clock may have been put back since.
    """
    newest = "ORDER BY status IN ('open', 'partial') DESC, created_at DESC LIMIT 1"
    return _load(warehouse, where=newest, parameters=[])


def _load(warehouse: Warehouse, *, where: str, parameters: Sequence[object]) -> Plan | None:
    with warehouse.session() as db:
        rows = db.execute(f"{_HEAD} {where}", list(parameters)).fetchall()
        if not rows:
            return None
        row = rows[0]
        brakes = db.execute(
            "SELECT brake, rows_counted, rows_allowed, subject FROM plan_brakes WHERE plan_id = ?",
            [row[0]],
        ).fetchall()
    return Plan(
        plan_id=row[0],
        created_at=row[1].replace(tzinfo=UTC),
        mode=row[2],
        first_sync=row[3],
        complete=row[4],
        verdict=Verdict(row[5]),
        base_version=row[6],
        status=row[7],
        released_by=row[8],
        release_reason=row[9],
        brakes=tuple(BrakeReading(Brake(b), int(n), int(a), s) for b, n, a, s in brakes),
    )


def current_base_version(warehouse: Warehouse) -> int:
    """The version of the base a new plan would be made over."""
    with warehouse.session() as db:
        rows = db.execute(
            "SELECT value::BIGINT FROM connection_state WHERE name = 'base_version'"
        ).fetchall()
    return int(rows[0][0]) if rows else 0


def count_changes(warehouse: Warehouse, *, plan_id: str) -> list[PlanCount]:
    """The plan in numbers, in the order of sending."""
    with warehouse.session() as db:
        rows = db.execute(
            "SELECT side, action, rule_id, code, held_by, count(*) FROM changes WHERE plan_id = ?"
            " GROUP BY ALL ORDER BY min(seq)",
            [plan_id],
        ).fetchall()
    return [PlanCount(*row) for row in rows]


def count_listings(warehouse: Warehouse, *, plan_id: str) -> list[ListingCount]:
    """What the plan lists for a person to look at, in numbers; field notes, and what is
    quarantined with its cause as the code, included."""
    with warehouse.session() as db:
        rows = db.execute(
            "SELECT listing, rule_id, code, count(*) FROM decisions"
            " WHERE plan_id = $plan AND listing IS NOT NULL GROUP BY ALL"
            " UNION ALL SELECT 'field', 'P03', code, count(*) FROM field_notes"
            " WHERE plan_id = $plan GROUP BY ALL"
            " UNION ALL SELECT 'quarantined', rule_id, cause, count(*) FROM quarantined"
            " WHERE plan_id = $plan GROUP BY ALL ORDER BY 1, 2, 3",
            {"plan": plan_id},
        ).fetchall()
    return [ListingCount(*row) for row in rows]


def count_classes(warehouse: Warehouse, *, plan_id: str) -> dict[str, int]:
    """The classes of a first sync: adopt, create, conflict, foreign, duplicate, excluded."""
    with warehouse.session() as db:
        rows = db.execute(
            """
            SELECT
                CASE
                    WHEN listing IN ('conflict', 'foreign', 'excluded') THEN listing
                    WHEN code = 'subscribe_yes' THEN 'create'
                    WHEN code IN ('in_step', 'adopted', 'adopted_new_contact') THEN 'adopt'
                    WHEN listing IS NOT NULL THEN 'listed'
                    ELSE 'opt-out'
                END AS class,
                count(*)
            FROM decisions WHERE plan_id = ? GROUP BY 1
            """,
            [plan_id],
        ).fetchall()
        duplicates = db.execute(
            "SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(*) AS n FROM contacts WHERE key IS"
            " NOT NULL"
            " GROUP BY key HAVING count(*) > 1)"
        ).fetchall()[0][0]
        unusable = db.execute(
            "SELECT count(*) FROM contacts WHERE key IS NULL AND newsletter = 'YES'"
        ).fetchall()[0][0]
    classes = {name: int(rows_) for name, rows_ in rows}
    classes["duplicate"] = int(duplicates)
    classes["excluded"] = classes.get("excluded", 0) + int(unusable)
    return classes


def change_heads(warehouse: Warehouse, *, plan_id: str) -> pd.DataFrame:
    """The plan's changes without their values, for validation."""
    with warehouse.session() as db:
        frame = db.execute(
            "SELECT seq, key, side, action, record_id, rule_id, code FROM changes WHERE plan_id ="
            " ? ORDER BY seq",
            [plan_id],
        ).df()
    return frame.astype({"seq": "int64", **{c: "str" for c in frame.columns if c != "seq"}})


def change_rows(warehouse: Warehouse, *, plan_id: str) -> pd.DataFrame:
    """Every change and every listed address of a plan as one table, values included.

    A first sync also lists every contact that shares its main address with another one.
    """
    with warehouse.session() as db:
        return db.execute(
            """
            SELECT c.seq, c.side, c.action, c.record_id, c.key AS address, c.rule_id, c.code,
                c.before::VARCHAR AS before, c.after::VARCHAR AS after,
                coalesce(c.held_by, '') AS held_by, coalesce(o.result, '') AS result,
                coalesce(o.cause, '') AS cause
            FROM changes AS c LEFT JOIN outcome_now AS o USING (plan_id, seq)
            WHERE c.plan_id = $plan
            UNION ALL
            SELECT NULL, 'list', listing, coalesce(crm_id::VARCHAR, member_id, ''), key, rule_id,
            code,
                '', '', '', '', ''
            FROM decisions WHERE plan_id = $plan AND listing IS NOT NULL
            UNION ALL
            SELECT NULL, 'list', 'field', coalesce(crm_id::VARCHAR, ''), key, 'P03', code,
                to_json({'field': field, 'crm': crm_value})::VARCHAR,
                to_json({'field': field, 'provider': provider_value})::VARCHAR, '', '', ''
            FROM field_notes WHERE plan_id = $plan
            UNION ALL
            SELECT NULL, 'list', 'duplicate', crm_id::VARCHAR, key, '', 'duplicate_address',
                to_json({'newsletter': newsletter})::VARCHAR, '', '', '', ''
            FROM contacts
            WHERE key IN (SELECT key FROM contacts GROUP BY key HAVING count(*) > 1)
                AND (SELECT first_sync FROM plans WHERE plan_id = $plan)
            UNION ALL
            SELECT NULL, 'list', 'quarantined',
                coalesce(nullif(record_id, ''), crm_id::VARCHAR, ''), key, rule_id, cause, '',
                to_json({'side': side, 'action': action, 'field': field})::VARCHAR, '', '', ''
            FROM quarantined WHERE plan_id = $plan
            ORDER BY 1 NULLS LAST, 5, 7, 4
            """,
            {"plan": plan_id},
        ).df()


def release(warehouse: Warehouse, *, plan_id: str, by: str, reason: str, now: datetime) -> Plan:
    """Let the held rows of an open plan go. Raises PlanNotFound, or ValueError if nothing is
    held."""
    plan = load(warehouse, plan_id=plan_id)
    if plan.status == "expired":
        raise ValueError(
            f"plan {plan_id} has expired, a newer one replaced it; release the newer one instead"
        )
    with warehouse.transaction() as db:
        held = db.execute(
            "SELECT count(*) FROM changes AS c LEFT JOIN outcome_now AS o USING (plan_id, seq)"
            " WHERE c.plan_id = ? AND c.held_by IS NOT NULL AND o.result IS NULL",
            [plan_id],
        ).fetchall()[0][0]
        if not held:
            raise ValueError(f"plan {plan_id} holds nothing back; there is nothing to release")
        db.execute(
            "UPDATE plans SET released_by = ?, release_reason = ?, released_at = ? WHERE plan_id"
            " = ?",
            [by, reason, naive(now), plan_id],
        )
    return load(warehouse, plan_id=plan_id)


def count_results(warehouse: Warehouse, *, plan_id: str) -> dict[str, int]:
    """Changes of a plan by their latest result; ``held`` and ``open`` were never tried."""
    with warehouse.session() as db:
        rows = db.execute(
            "SELECT coalesce(o.result, CASE WHEN c.held_by IS NULL THEN 'open' ELSE 'held' END),"
            " count(*)"
            " FROM changes AS c LEFT JOIN outcome_now AS o USING (plan_id, seq)"
            " WHERE c.plan_id = ? GROUP BY 1",
            [plan_id],
        ).fetchall()
    return {str(result): int(count) for result, count in rows}


def first_sync_is_done(warehouse: Warehouse) -> bool:
    """Whether a first plan was applied in full."""
    with warehouse.session() as db:
        rows = db.execute(
            "SELECT 1 FROM connection_state WHERE name = 'first_sync_done'"
        ).fetchall()
    return bool(rows)
