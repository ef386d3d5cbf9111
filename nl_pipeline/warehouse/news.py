"""What has changed on either side since the newest plan, but for what that plan did itself.

Belongs here: counting such rows as they are read, before the picture takes them in. Must not be
here: what follows from them. The count only says whether another plan is worth making, so it is
enough that it is never 0 when somebody left or came, and seldom above 0 for nothing.
"""

from __future__ import annotations

import duckdb

from nl_pipeline.warehouse.connection import Warehouse

_STATE = "news_since_plan"

_OURS = """
CREATE OR REPLACE TEMP TABLE ours AS
SELECT c.key, c.action, c.after->>'newsletter' AS newsletter,
    coalesce(nullif(o.record_id, ''), c.record_id) AS record_id
FROM changes AS c
JOIN outcome_now AS o USING (plan_id, seq)
WHERE c.side = ?
  AND o.result IN ('sending', 'sent', 'unknown', 'confirmed', 'no_effect')
  AND c.plan_id = (
    SELECT plan_id FROM plans ORDER BY status IN ('open', 'partial') DESC, created_at DESC LIMIT 1
  )
"""

#: A contact we wrote to has news only if its newsletter field says what it did not say before and
#: we have not written; a member we wrote to only if it is subscribed no more and we did not end it.
_NEWS = {
    "crm": """
        SELECT count(*)
        FROM (
            SELECT * EXCLUDE (changed_at, observed_at, print) FROM staging_contacts
            EXCEPT
            SELECT * EXCLUDE (changed_at, observed_at, print) FROM contacts
        ) AS s
        LEFT JOIN contacts AS c USING (crm_id)
        WHERE s.crm_id::VARCHAR NOT IN (SELECT record_id FROM ours)
           OR (s.newsletter IS DISTINCT FROM c.newsletter
            AND (s.crm_id::VARCHAR, s.newsletter) NOT IN (
                SELECT record_id, newsletter FROM ours WHERE newsletter IS NOT NULL
            ))
    """,
    "provider": """
        SELECT count(*)
        FROM (
            SELECT * EXCLUDE (changed_at, observed_at, print) FROM staging_members
            EXCEPT
            SELECT * EXCLUDE (changed_at, observed_at, print) FROM members
        ) AS s
        WHERE (s.key NOT IN (SELECT key FROM ours)
            AND s.member_id NOT IN (SELECT record_id FROM ours))
           OR (s.state NOT IN ('SUB', 'PENDING')
            AND s.key NOT IN (SELECT key FROM ours WHERE action IN ('unsubscribe', 'archive')))
    """,
}


def note(db: duckdb.DuckDBPyConnection, *, side: str) -> None:
    """Add the news among the staged rows of a side to what came since the newest plan."""
    db.execute(_OURS, [side])
    db.execute(
        "INSERT INTO connection_state"
        f" SELECT '{_STATE}', n::VARCHAR FROM ({_NEWS[side]}) AS found(n)"
        " ON CONFLICT (name) DO UPDATE SET"
        " value = (connection_state.value::BIGINT + excluded.value::BIGINT)::VARCHAR"
    )


def count(warehouse: Warehouse) -> int:
    """How many rows have news since ``forget``."""
    with warehouse.session() as db:
        rows = db.execute("SELECT value FROM connection_state WHERE name = ?", [_STATE]).fetchall()
    return int(rows[0][0]) if rows else 0


def forget(warehouse: Warehouse) -> None:
    """Count from zero: a plan has been made over everything that was read."""
    with warehouse.transaction() as db:
        db.execute("DELETE FROM connection_state WHERE name = ?", [_STATE])
