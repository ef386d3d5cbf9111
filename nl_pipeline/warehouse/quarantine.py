"""The quarantine: what a service refused, so that no plan sends it again as it was.

Belongs here: noting refusals with the results they came with, what the read-back says about them,
listing and lifting. Must not be here: the exclusion from a plan (``sql/quarantine.sql.j2``), what a
cause means (``domain.refusals``).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb
import pandas as pd

from nl_pipeline.domain.address import address_key
from nl_pipeline.domain.fields import ProfileField
from nl_pipeline.domain.refusals import (
    NO_EFFECT,
    About,
    RefusalPolicy,
    policy_of,
    policy_of_field,
)
from nl_pipeline.warehouse.connection import Warehouse
from nl_pipeline.warehouse.observations import naive
from nl_pipeline.warehouse.templates import run_template


@dataclass(frozen=True)
class Refused:
    """One change of a plan that was refused (``field`` ''), or the field of one."""

    seq: int
    cause: str
    field: str = ""


@dataclass(frozen=True)
class QuarantinedRow:
    """One row of the quarantine. ``address`` is personal data.

    ``field`` '': the whole change. ``waiting``: the newest plan would hold it otherwise.
    ``next_try_at``: None where it is not tried again by itself.
    """

    side: str
    contact_id: str
    member_id: str
    action: str
    field: str
    cause: str
    since: datetime
    last_tried_at: datetime
    tries: int
    next_try_at: datetime | None
    waiting: bool
    address: str = dataclasses.field(repr=False)


def note_refusals(
    db: duckdb.DuckDBPyConnection, *, plan_id: str, refused: Sequence[Refused], now: datetime
) -> None:
    """Put refusals into the quarantine, and opt-outs they are evidence of into the ledger.

    Runs inside the transaction that records the results.
    """
    if not refused:
        return
    seqs = sorted({r.seq for r in refused})
    changes = {
        seq: (side, key, address_key(email or "") or key)
        for seq, side, key, email in db.execute(
            "SELECT c.seq, c.side, c.key, coalesce(c.after->>'email', m.email) FROM changes AS c"
            " LEFT JOIN members AS m ON c.side = 'provider' AND m.member_id = c.record_id"
            " WHERE c.plan_id = ? AND list_contains(?, c.seq)",
            [plan_id, seqs],
        ).fetchall()
    }
    rows = []
    for one in refused:
        side, _, withdrawn = changes[one.seq]
        policy = policy_of_field(one.cause) if one.field else policy_of(one.cause, side=side)
        rows.append(_policy_row(one, policy=policy, withdrawn=withdrawn))
    frame = pd.DataFrame(
        rows,
        columns=["seq", "field", "cause", "about", "tries_allowed", "again_after", "withdrawn"],
    ).astype({"again_after": "float64", "withdrawn": "str"})
    db.register("incoming", frame)
    db.execute(
        "CREATE OR REPLACE TEMP TABLE refusals AS SELECT * REPLACE"
        " (CASE WHEN isnan(again_after) THEN NULL ELSE again_after END AS again_after)"
        " FROM incoming"
    )
    db.unregister("incoming")
    run_template(db, "refused.sql.j2", parameters={"plan_id": plan_id, "now": naive(now)})


def _policy_row(
    one: Refused, *, policy: RefusalPolicy, withdrawn: str
) -> tuple[int, str, str, str, int, float | None, str]:
    again = None if policy.again_after is None else policy.again_after.total_seconds()
    return (
        one.seq,
        one.field,
        one.cause,
        str(policy.about if not one.field else About.FIELD),
        policy.tries,
        again,
        withdrawn if policy.withdraws else "",
    )


def note_read_back(
    db: duckdb.DuckDBPyConnection, *, plan_id: str, fields: Sequence[ProfileField], now: datetime
) -> None:
    """Note what was taken without effect, and forget what is there now.

    Reads the temporary tables of ``confirm.sql.j2``.
    """
    run_template(db, "without_effect.sql.j2", fields=fields)
    rows = db.execute("SELECT seq, field FROM without_effect").fetchall()
    note_refusals(
        db,
        plan_id=plan_id,
        refused=[Refused(int(seq), NO_EFFECT, name) for seq, name in rows],
        now=now,
    )


_WAITING = """
EXISTS (
    SELECT 1 FROM quarantined AS p
    WHERE p.plan_id = (SELECT plan_id FROM plans ORDER BY created_at DESC LIMIT 1)
      AND p.side = q.side AND p.key = q.key AND p.field = q.field AND p.cause = q.cause
      AND (q.field <> '' OR (p.action = q.action AND p.record_id = q.record_id))
)
"""
_ROWS = f"""
SELECT q.side, coalesce(c.crm_id::VARCHAR, ''), coalesce(m.member_id, ''), q.action, q.field,
    q.cause, q.since, q.last_tried_at, q.tries, q.next_try_at, {_WAITING}, q.key, q.record_id
FROM quarantine AS q
LEFT JOIN (SELECT key, min(crm_id) AS crm_id FROM contacts GROUP BY key) AS c ON c.key = q.key
LEFT JOIN members AS m ON m.key = q.key
WHERE q.tries >= q.tries_allowed
ORDER BY q.cause, q.since, q.key, q.field
"""


def list_rows(warehouse: Warehouse) -> list[QuarantinedRow]:
    """Everything that is quarantined, by cause and age."""
    with warehouse.session() as db:
        rows = db.execute(_ROWS).fetchall()
    return [
        QuarantinedRow(
            side=side,
            contact_id=record if side == "crm" and record else contact,
            member_id=record if side == "provider" and record else member,
            action=action,
            field=name,
            cause=cause,
            since=since.replace(tzinfo=UTC),
            last_tried_at=tried.replace(tzinfo=UTC),
            tries=int(tries),
            next_try_at=None if again is None else again.replace(tzinfo=UTC),
            waiting=bool(waiting),
            address=key,
        )
        for (
            side,
            contact,
            member,
            action,
            name,
            cause,
            since,
            tried,
            tries,
            again,
            waiting,
            key,
            record,
        ) in rows
    ]


def lift(
    warehouse: Warehouse, *, causes: Collection[str] = (), contact_id: int | None = None
) -> int:
    """Let the next plan try again: rows of these causes, of one contact, or all; returns how many.

    Nothing but the quarantine is lifted. A withdrawal in the ledger stands.
    """
    with warehouse.transaction() as db:
        rows = db.execute(
            "DELETE FROM quarantine WHERE (len($causes) = 0 OR list_contains($causes, cause))"
            " AND ($contact IS NULL OR (side = 'crm' AND record_id = $contact::VARCHAR)"
            " OR key IN (SELECT key FROM contacts WHERE crm_id = $contact))"
            " RETURNING 1",
            {"causes": sorted(causes), "contact": contact_id},
        ).fetchall()
    return len(rows)
