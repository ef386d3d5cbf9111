"""What became of a plan: intents before sending, results after, confirmation by what is read back.

Belongs here: results, and the one transaction in which read-back,
ledger, activities and base move together. Must not be here: calls to a service.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb
import pandas as pd

from nl_pipeline.domain.events import SAME_WITHIN
from nl_pipeline.domain.plan import Change
from nl_pipeline.warehouse import quarantine
from nl_pipeline.warehouse.connection import Warehouse
from nl_pipeline.warehouse.deciding import PlanningOptions
from nl_pipeline.warehouse.observations import naive
from nl_pipeline.warehouse.quarantine import Refused
from nl_pipeline.warehouse.settling import close_first_sync, settle
from nl_pipeline.warehouse.templates import run_template
from nl_pipeline.warehouse.traits import shows


@dataclass(frozen=True)
class DroppedField:
    """A field that was left out of a change after the service had refused its value.

    ``at_fault``: whether it is known that it was this one. Where it is not, the field is planned
    again alone.
    """

    name: str
    cause: str
    at_fault: bool = True


@dataclass(frozen=True)
class Result:
    """The result of one change: sent, refused, failed, unknown or overtaken.

    ``record_id``: the id the service gave, where it created or re-keyed a record. ``dropped``: the
    fields without which it was sent, or, if it was refused, those it was refused for.
    """

    seq: int
    result: str
    cause: str = ""
    record_id: str = ""
    dropped: tuple[DroppedField, ...] = ()


@dataclass(frozen=True)
class Pending:
    """A change that may be sent now, with the address the services know the person by."""

    change: Change
    address: str


#: Addresses that have left since a plan was made, or of which an opt-out was told that nobody has
#: dealt with. Not by the last word of the ledger: whoever came back before the plan has left there.
_LEFT_SINCE = """
SELECT key FROM consent_ledger
WHERE event = 'WITHDRAW'
  AND recorded_at > (SELECT created_at FROM plans WHERE plan_id = $plan_id)
UNION
SELECT key FROM subscriber_events
WHERE kind IN ('UNSUBSCRIBE', 'COMPLAINT') AND (outcome = 'new'
    OR (believed AND applied_at > (SELECT created_at FROM plans WHERE plan_id = $plan_id)))
"""


def left_since(warehouse: Warehouse, *, plan_id: str, keys: Collection[str]) -> set[str]:
    """Of these keys, those who have left since the plan was made, as far as it was taken in."""
    if not keys:
        return set()
    with warehouse.session() as db:
        rows = db.execute(
            f"SELECT key FROM ({_LEFT_SINCE}) WHERE key IN (SELECT unnest($keys::VARCHAR[]))",
            {"plan_id": plan_id, "keys": sorted(keys)},
        ).fetchall()
    return {str(row[0]) for row in rows}


def drop_overtaken(warehouse: Warehouse, *, plan_id: str, now: datetime) -> int:
    """Mark changes whose subject has moved since the plan was made; returns how many.

    A change is overtaken when the member's state or the contact's newsletter field is no longer
    what the plan saw. Writing a cancellation is never overtaken by anything but a withdrawal; a Yes
    in the CRM rests on a subscription and falls with it, and the other way round; and with every
    opt-out since.
    """
    with warehouse.transaction() as db:
        db.execute(
            f"""
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
            LEFT JOIN ({_LEFT_SINCE}) AS gone ON c.side = 'crm' AND gone.key = c.key
            WHERE c.plan_id = $plan_id AND o.result IS NULL AND (
                (c.action IN ('subscribe', 'resubscribe', 'unsubscribe', 'archive', 'confirm')
                    AND coalesce(m.state, CASE WHEN c.before->>'state' = 'ARCHIVED'
                        AND NOT $shows_removed THEN 'ARCHIVED' ELSE 'ABSENT' END)
                        <> (c.before->>'state'))
                OR (c.action IN ('update_member', 'change_address')
                    AND coalesce(m.state, 'ABSENT') NOT IN ('SUB', 'PENDING'))
                OR (c.action = 'set_newsletter'
                    AND t.newsletter IS DISTINCT FROM (c.before->>'newsletter')
                    AND NOT (c.after->>'newsletter' = 'CANCEL'
                        AND t.newsletter NOT IN ('NO', 'CANCEL')))
                OR (c.side = 'crm' AND c.after->>'newsletter' = 'YES'
                    AND (coalesce(w.state, 'ABSENT') <> 'SUB' OR gone.key IS NOT NULL))
                OR (c.action IN ('subscribe', 'resubscribe') AND (veto.key IS NOT NULL
                    OR g.newsletter IS DISTINCT FROM 'YES' OR g.eligibility <> 'ELIGIBLE'))
            )
            """,
            {
                "plan_id": plan_id,
                "now": naive(now),
                "shows_removed": shows(db, what="removed"),
            },
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


def _rows(db: duckdb.DuckDBPyConnection, *, table: str, plan_id: str) -> int:
    rows = db.execute(f"SELECT count(*) FROM {table} WHERE plan_id = ?", [plan_id]).fetchall()
    return int(rows[0][0])


def record(warehouse: Warehouse, *, plan_id: str, results: Sequence[Result], now: datetime) -> None:
    """Append results; the latest of a change counts. Refusals go into the quarantine with them."""
    if not results:
        return
    dropped = [(r.seq, field) for r in results for field in r.dropped]
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
        for seq, field in dropped:
            db.execute(
                "INSERT INTO dropped_fields VALUES (?, ?, ?, ?)",
                [plan_id, seq, field.name, field.cause],
            )
        quarantine.note_refusals(
            db,
            plan_id=plan_id,
            refused=[
                # Where it was a field, the rest of the change is not to blame.
                *(
                    Refused(r.seq, r.cause)
                    for r in results
                    if r.result == "refused" and not any(f.at_fault for f in r.dropped)
                ),
                *(Refused(seq, f.cause, f.name) for seq, f in dropped if f.at_fault),
            ],
            now=now,
        )


def record_withdrawals(
    warehouse: Warehouse, *, plan_id: str, released: bool, happened_at: datetime, now: datetime
) -> None:
    """Append the withdrawals the plan itself decides (a No in the CRM), before anything is sent.

    ``happened_at``: now, by the provider's clock. It is compared with the times of sign-ups, which
    the provider gives: by ours, a sign-up of before the No could pass for one of after it.
    """
    with warehouse.transaction() as db:
        db.execute(
            """
            INSERT INTO consent_ledger BY NAME
            SELECT DISTINCT d.key, 'WITHDRAW' AS event,
                -- A Cancellation is the person's, also where this plan brings it into the CRM.
                CASE d.newsletter WHEN 'CANCEL' THEN 'person' ELSE 'staff' END AS actor,
                false AS proof,
                -- With a time, or no later sign-up of the person could be told to be later.
                $happened_at::TIMESTAMP AS happened_at, $now::TIMESTAMP AS recorded_at,
                CASE d.newsletter WHEN 'CANCEL' THEN 'crm_cancellation' ELSE d.code END AS source,
                d.plan_id
            FROM decisions AS d
            JOIN changes AS c ON c.plan_id = d.plan_id AND c.key = d.key
                AND c.action = 'unsubscribe'
            LEFT JOIN consent_now AS l ON l.key = d.key
            WHERE d.plan_id = $plan_id AND d.ledger_entry = 'withdraw_staff'
              AND (c.held_by IS NULL OR $released)
              AND coalesce(l.ledger, 'NONE') NOT LIKE 'WITHDRAW%'
            """,
            {
                "plan_id": plan_id,
                "now": naive(now),
                "happened_at": naive(happened_at),
                "released": released,
            },
        )


def count_overtaken_by_events(warehouse: Warehouse, *, plan_id: str) -> int:
    """Changes that fell because something else had changed, not because we did not get through."""
    with warehouse.session() as db:
        rows = db.execute(
            "SELECT count(*) FROM outcome_now WHERE plan_id = ? AND result = 'overtaken'"
            " AND cause <> 'not_subscribed'",
            [plan_id],
        ).fetchall()
    return int(rows[0][0])


def carry_over(warehouse: Warehouse, *, plan_id: str, after: str, now: datetime) -> None:
    """Give changes of a plan the results they had in the plan before it, where they had failed.

    A second plan in the same sync plans them again; sending them twice within moments would help
    nobody. Only an opt-out on its way into the CRM is tried again, unless the CRM said no.
    """
    with warehouse.transaction() as db:
        db.execute(
            """
            INSERT INTO outcomes BY NAME
            SELECT c.plan_id, c.seq, o.result, o.cause, '' AS record_id,
                $now::TIMESTAMP AS recorded_at
            FROM changes AS c
            JOIN changes AS b ON b.plan_id = $after AND b.side = c.side AND b.action = c.action
                AND b.key = c.key AND b.record_id = c.record_id
                AND b.after::VARCHAR = c.after::VARCHAR
            JOIN outcome_now AS o ON o.plan_id = b.plan_id AND o.seq = b.seq
            LEFT JOIN outcome_now AS own ON own.plan_id = c.plan_id AND own.seq = c.seq
            WHERE c.plan_id = $plan_id AND own.result IS NULL
              AND (o.result IN ('refused', 'no_effect')
                OR (o.result IN ('failed', 'unknown')
                    AND c.after->>'newsletter' IS DISTINCT FROM 'CANCEL'))
            """,
            {"plan_id": plan_id, "after": after, "now": naive(now)},
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


def has_unconfirmed(warehouse: Warehouse, *, plan_id: str) -> bool:
    """Whether a change of the plan was sent and not read back since."""
    with warehouse.session() as db:
        rows = db.execute(
            "SELECT 1 FROM outcome_now WHERE plan_id = ? AND (result IN ('sending', 'sent')"
            # What a read-back could not settle either has this cause.
            " OR (result = 'unknown' AND cause <> 'outcome_unknown')) LIMIT 1",
            [plan_id],
        ).fetchall()
    return bool(rows)


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
    """How many provider changes were sent and are not confirmed, whatever the answer was."""
    with warehouse.session() as db:
        rows = db.execute(
            "SELECT count(*) FROM changes AS c JOIN outcome_now AS o USING (plan_id, seq)"
            " WHERE c.plan_id = ? AND c.side = 'provider' AND o.result IN ('sending', 'sent',"
            " 'unknown', 'refused', 'failed')",
            [plan_id],
        ).fetchall()
    return int(rows[0][0])


@dataclass(frozen=True)
class Confirmation:
    """What the read-back showed: changes confirmed, accepted but without effect, base rows
    moved. ``fields_dropped``: fields that were left out of sent changes."""

    confirmed: int
    without_effect: int
    base_moved: int
    fields_dropped: int
    quarantined: int


def confirm(
    warehouse: Warehouse,
    *,
    plan_id: str,
    options: PlanningOptions,
    hard_bounces: bool,
    profiles: bool,
    provider_now: datetime,
    now: datetime,
) -> Confirmation:
    """Compare every sent change with what was read back and, in the same transaction, append the
    consents it proves, plan the activities, move the base and close the plan.

    ``hard_bounces``: whether an address that bounced for good becomes an activity too.
    ``profiles``: the same for profile values that were taken into the CRM.
    ``provider_now``: the provider's time, by which a consent is told from a later opt-out.
    """
    fields = warehouse.fields
    with warehouse.transaction() as db:
        run_template(
            db,
            "confirm.sql.j2",
            parameters={
                "plan_id": plan_id,
                "now": naive(now),
                "provider_now": naive(provider_now),
                "within": int(SAME_WITHIN.total_seconds()),
            },
            fields=fields,
            ownership_tag=options.ownership_tag,
            hard_bounces=hard_bounces,
            profiles=profiles,
            shows_removed=shows(db, what="removed"),
        )
        quarantine.note_read_back(db, plan_id=plan_id, fields=fields, now=now)
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
            fields_dropped=_rows(db, table="dropped_fields", plan_id=plan_id),
            quarantined=_rows(db, table="quarantined", plan_id=plan_id),
        )
