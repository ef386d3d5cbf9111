"""What became of a plan: intents before sending, results after, confirmation by what is read back.

Belongs here: results, and the one transaction in which read-back,
ledger, activities and base move together. Must not be here: calls to a service.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb
import pandas as pd

from nl_pipeline.domain.plan import Change
from nl_pipeline.warehouse.connection import Warehouse
from nl_pipeline.warehouse.observations import naive
from nl_pipeline.warehouse.planning import PlanningOptions, close_first_sync, run_template, settle


@dataclass(frozen=True)
class Result:
    """The result of one change: sent, refused, failed, unknown or overtaken.

    ``record_id``: the id the service gave, where it created or re-keyed a record.
    """

    seq: int
    result: str
    cause: str = ""
    record_id: str = ""


@dataclass(frozen=True)
class Pending:
    """A change that may be sent now, with the address the services know the person by."""

    change: Change
    address: str


def drop_overtaken(warehouse: Warehouse, *, plan_id: str, now: datetime) -> int:
    """Mark changes whose subject has moved since the plan was made; returns how many.

    A change is overtaken when the member's state or the contact's newsletter field is no longer
    what the plan saw. Writing a cancellation is never overtaken by anything but a withdrawal; a Yes
    in the CRM rests on a subscription and falls with it, and the other way round.
    """
    with warehouse.transaction() as db:
        db.execute(
            """
            INSERT INTO outcomes BY NAME
            SELECT c.plan_id, c.seq, 'overtaken' AS result, 'changed_since_plan' AS cause,
                '' AS record_id, $now::TIMESTAMP AS recorded_at
            FROM changes AS c
            LEFT JOIN outcome_now AS o USING (plan_id, seq)
            LEFT JOIN members AS m ON c.side = 'provider'
                AND (m.member_id = c.record_id OR (c.record_id = '' AND m.key = c.key))
            LEFT JOIN contacts AS t ON c.side = 'crm' AND t.crm_id::VARCHAR = c.record_id
            LEFT JOIN decisions AS d ON d.plan_id = c.plan_id AND d.key = c.key
            LEFT JOIN members AS w ON c.side = 'crm' AND w.member_id = d.member_id
            LEFT JOIN contacts AS g
                ON c.action IN ('subscribe', 'resubscribe') AND g.crm_id = d.crm_id
            LEFT JOIN (
                SELECT DISTINCT key FROM contacts WHERE newsletter IN ('NO', 'CANCEL')
            ) AS veto
                ON c.action IN ('subscribe', 'resubscribe') AND veto.key = c.key
            WHERE c.plan_id = $plan_id AND o.result IS NULL AND (
                (c.action IN ('subscribe', 'resubscribe', 'unsubscribe', 'archive', 'confirm')
                    AND coalesce(m.state, 'ABSENT') <> (c.before->>'state'))
                OR (c.action IN ('update_member', 'change_address')
                    AND coalesce(m.state, 'ABSENT') NOT IN ('SUB', 'PENDING'))
                OR (c.action = 'set_newsletter'
                    AND t.newsletter IS DISTINCT FROM (c.before->>'newsletter')
                    AND NOT (c.after->>'newsletter' = 'CANCEL'
                        AND t.newsletter NOT IN ('NO', 'CANCEL')))
                OR (c.side = 'crm' AND c.after->>'newsletter' = 'YES'
                    AND coalesce(w.state, 'ABSENT') <> 'SUB')
                OR (c.action IN ('subscribe', 'resubscribe') AND (veto.key IS NOT NULL
                    OR g.newsletter IS DISTINCT FROM 'YES' OR g.eligibility <> 'ELIGIBLE'))
            )
            """,
            {"plan_id": plan_id, "now": naive(now)},
        )
        _drop_tags(db, plan_id=plan_id, now=now)
        return _count(db, plan_id=plan_id, result="overtaken")


def drop_tags_of_the_lost(warehouse: Warehouse, *, plan_id: str, now: datetime) -> None:
    """Mark the tags of those whose subscription was tried and did not come about."""
    with warehouse.transaction() as db:
        _drop_tags(db, plan_id=plan_id, now=now)


def _drop_tags(db: duckdb.DuckDBPyConnection, *, plan_id: str, now: datetime) -> None:
    """Whoever is not subscribed after all is not tagged either."""
    db.execute(
        """
        INSERT INTO outcomes BY NAME
        SELECT c.plan_id, c.seq, 'overtaken' AS result, 'not_subscribed' AS cause,
            '' AS record_id, $now::TIMESTAMP AS recorded_at
        FROM changes AS c
        LEFT JOIN outcome_now AS o USING (plan_id, seq)
        JOIN changes AS s ON s.plan_id = c.plan_id AND s.key = c.key AND s.action = 'subscribe'
        JOIN outcome_now AS r ON r.plan_id = s.plan_id AND r.seq = s.seq
        WHERE c.plan_id = $plan_id AND o.result IS NULL AND c.action = 'tag_member'
          AND r.result NOT IN ('sent', 'confirmed')
        """,
        {"plan_id": plan_id, "now": naive(now)},
    )


def _count(db: duckdb.DuckDBPyConnection, *, plan_id: str, result: str) -> int:
    rows = db.execute(
        "SELECT count(*) FROM outcome_now WHERE plan_id = ? AND result = ?", [plan_id, result]
    ).fetchall()
    return int(rows[0][0])


def withdrawn_keys(warehouse: Warehouse, *, keys: Iterable[str]) -> set[str]:
    """Of these keys, the ones whose last consent event is a withdrawal: the fence before a send."""
    frame = pd.DataFrame({"key": pd.Series(list(keys), dtype="str")})
    with warehouse.session() as db:
        db.register("wanted", frame)
        rows = db.execute(
            "SELECT key FROM consent_now WHERE ledger LIKE 'WITHDRAW%' AND key IN (SELECT key"
            " FROM wanted)"
        ).fetchall()
        db.unregister("wanted")
    return {str(row[0]) for row in rows}


def record(warehouse: Warehouse, *, plan_id: str, results: Sequence[Result], now: datetime) -> None:
    """Append results; the latest of a change counts."""
    if not results:
        return
    frame = pd.DataFrame(
        {
            "seq": [r.seq for r in results],
            "result": pd.Series([r.result for r in results], dtype="str"),
            "cause": pd.Series([r.cause for r in results], dtype="str"),
            "record_id": pd.Series([r.record_id for r in results], dtype="str"),
        }
    )
    frame["plan_id"] = plan_id
    frame["recorded_at"] = naive(now)
    with warehouse.transaction() as db:
        db.register("incoming", frame)
        db.execute("INSERT INTO outcomes BY NAME SELECT * FROM incoming")
        db.unregister("incoming")


def record_withdrawals(
    warehouse: Warehouse, *, plan_id: str, released: bool, now: datetime
) -> None:
    """Append the withdrawals the plan itself decides (a No in the CRM), before anything is sent."""
    with warehouse.transaction() as db:
        db.execute(
            """
            INSERT INTO consent_ledger BY NAME
            SELECT DISTINCT d.key, 'WITHDRAW' AS event, 'staff' AS actor, false AS proof,
                -- With a time, or no later sign-up of the person could be told to be later.
                $now::TIMESTAMP AS happened_at, $now::TIMESTAMP AS recorded_at,
                d.code AS source, d.plan_id
            FROM decisions AS d
            JOIN changes AS c ON c.plan_id = d.plan_id AND c.key = d.key
                AND c.action = 'unsubscribe'
            LEFT JOIN consent_now AS l ON l.key = d.key
            WHERE d.plan_id = $plan_id AND d.ledger_entry = 'withdraw_staff'
              AND (c.held_by IS NULL OR $released)
              AND coalesce(l.ledger, 'NONE') NOT LIKE 'WITHDRAW%'
            """,
            {"plan_id": plan_id, "now": naive(now), "released": released},
        )


def touched_contacts(warehouse: Warehouse, *, plan_id: str) -> list[int]:
    """Address ids to read back: every contact a change was sent to, and every created one."""
    with warehouse.session() as db:
        rows = db.execute(
            "SELECT DISTINCT coalesce(nullif(o.record_id, ''), c.record_id) FROM changes AS c"
            " JOIN outcome_now AS o USING (plan_id, seq) WHERE c.plan_id = ? AND c.side = 'crm'"
            " AND o.result IN ('sending', 'sent', 'unknown')"
            " AND coalesce(nullif(o.record_id, ''), c.record_id) <> ''",
            [plan_id],
        ).fetchall()
    return sorted(int(row[0]) for row in rows)


def lost_creations(warehouse: Warehouse, *, plan_id: str) -> list[tuple[int, str]]:
    """Contacts (number of the change, address) that may have been created without our hearing of
    it."""
    with warehouse.session() as db:
        rows = db.execute(
            "SELECT c.seq, c.after->>'email' FROM changes AS c JOIN outcome_now AS o"
            " USING (plan_id, seq) WHERE c.plan_id = ? AND c.action = 'create_contact'"
            " AND o.result IN ('sending', 'unknown') AND o.record_id = '' ORDER BY c.seq",
            [plan_id],
        ).fetchall()
    return [(int(seq), str(email)) for seq, email in rows]


def unconfirmed_since(warehouse: Warehouse, *, plan_id: str) -> datetime | None:
    """When the first change of the plan that was sent and not read back since was sent (aware
    UTC), if any."""
    with warehouse.session() as db:
        rows = db.execute(
            "SELECT min(o.recorded_at) FROM outcomes AS o JOIN outcome_now AS n USING (plan_id,"
            " seq)"
            " WHERE plan_id = ? AND (n.result IN ('sending', 'sent')"
            # What a read-back could not settle either has this cause.
            " OR (n.result = 'unknown' AND n.cause <> 'outcome_unknown'))",
            [plan_id],
        ).fetchall()
    return None if rows[0][0] is None else rows[0][0].replace(tzinfo=UTC)


def in_doubt_since(warehouse: Warehouse, *, plan_id: str) -> datetime | None:
    """When the first change to which the provider gave no answer was sent (aware UTC), if any."""
    with warehouse.session() as db:
        rows = db.execute(
            "SELECT min(s.recorded_at) FROM changes AS c JOIN outcome_now AS o USING (plan_id, seq)"
            " JOIN outcomes AS s USING (plan_id, seq)"
            " WHERE c.plan_id = ? AND c.side = 'provider' AND o.result IN ('sending', 'unknown')"
            " AND s.result = 'sending'",
            [plan_id],
        ).fetchall()
    return None if rows[0][0] is None else rows[0][0].replace(tzinfo=UTC)


def sent_to_provider(warehouse: Warehouse, *, plan_id: str) -> int:
    """How many provider changes wait for their read-back."""
    with warehouse.session() as db:
        rows = db.execute(
            "SELECT count(*) FROM changes AS c JOIN outcome_now AS o USING (plan_id, seq)"
            " WHERE c.plan_id = ? AND c.side = 'provider' AND o.result IN ('sending', 'sent',"
            " 'unknown')",
            [plan_id],
        ).fetchall()
    return int(rows[0][0])


@dataclass(frozen=True)
class Confirmation:
    """What the read-back showed: changes confirmed, accepted but without effect, base rows
    moved."""

    confirmed: int
    without_effect: int
    base_moved: int


def confirm(
    warehouse: Warehouse,
    *,
    plan_id: str,
    options: PlanningOptions,
    hard_bounces: bool,
    now: datetime,
) -> Confirmation:
    """Compare every sent change with what was read back and, in the same transaction, append the
    consents it proves, plan the activities, move the base and close the plan.

    ``hard_bounces``: whether an address that bounced for good becomes an activity too.
    """
    fields = warehouse.fields
    with warehouse.transaction() as db:
        run_template(
            db,
            "confirm.sql.j2",
            parameters={"plan_id": plan_id, "now": naive(now)},
            fields=fields,
            ownership_tag=options.ownership_tag,
            hard_bounces=hard_bounces,
        )
        moved = settle(db, options=options, fields=fields, plan_id=plan_id, now=now)
        # Over an incomplete picture nobody can say who was there first, and a first sync of which
        # something was never tried is not done.
        first = db.execute(
            "SELECT first_sync AND complete AND NOT EXISTS (SELECT 1 FROM changes AS c"
            " LEFT JOIN outcome_now AS o USING (plan_id, seq) WHERE c.plan_id = plans.plan_id"
            " AND c.held_by IS NULL AND o.result IS NULL) FROM plans WHERE plan_id = ?",
            [plan_id],
        ).fetchall()
        if first[0][0]:
            close_first_sync(db, now=now)
        db.execute(
            "UPDATE plans SET applied_at = ?, status = CASE WHEN EXISTS (SELECT 1 FROM changes AS c"
            " LEFT JOIN outcome_now AS o USING (plan_id, seq) WHERE c.plan_id = plans.plan_id"
            " AND coalesce(o.result, 'open') <> 'confirmed') THEN 'partial' ELSE 'applied' END"
            " WHERE plan_id = ?",
            [naive(now), plan_id],
        )
        # What was pushed is the measure for the next read; a shrunken CRM only after a release.
        db.execute(
            "UPDATE snapshots SET accepted = true WHERE side = 'crm' AND mode = 'full' AND complete"
            " AND finished_at <= (SELECT created_at FROM plans WHERE plan_id = $plan)"
            " AND ((SELECT released_by IS NOT NULL FROM plans WHERE plan_id = $plan) OR NOT EXISTS"
            " (SELECT 1 FROM plan_brakes WHERE plan_id = $plan AND brake = 'crm_shrink' AND"
            " tripped))"
            " AND finished_at = (SELECT max(finished_at) FROM snapshots WHERE side = 'crm'"
            "   AND mode = 'full' AND complete)",
            {"plan": plan_id},
        )
        return Confirmation(
            confirmed=_count(db, plan_id=plan_id, result="confirmed"),
            without_effect=_count(db, plan_id=plan_id, result="no_effect"),
            base_moved=moved,
        )
