"""Whom we asked to confirm, at a provider that shows nobody waiting for an answer.

Belongs here: telling those who were asked and have not answered from those who have left. Must not
be here: asking (``sync``).

There somebody who was asked still looks as they did before: unsubscribed. They count as PENDING
from the request until there is any news: a subscription, a consent or a withdrawal. In doubt they
are unsubscribed, which nobody is mailed for.
"""

from __future__ import annotations

import duckdb

from nl_pipeline.warehouse.traits import shows

_ASKED = """
CREATE OR REPLACE TEMP TABLE asked AS
WITH requests AS (
    SELECT c.plan_id, c.key, min(o.recorded_at) AS asked_at,
        arg_max(o.result, o.entry) AS result
    FROM changes AS c JOIN outcomes AS o USING (plan_id, seq)
    WHERE c.action = 'confirm'
    GROUP BY c.plan_id, c.seq, c.key
),
latest AS (
    SELECT key, max(asked_at) AS asked_at, arg_max(plan_id, asked_at) AS plan_id FROM requests
    WHERE result IN ('sending', 'sent', 'unknown', 'confirmed')
    GROUP BY key
)
SELECT key FROM latest AS r
WHERE NOT EXISTS (
    SELECT 1 FROM consent_ledger AS l
    WHERE l.key = r.key AND l.recorded_at > r.asked_at
      AND (l.event = 'WITHDRAW' OR l.plan_id IS DISTINCT FROM r.plan_id)
)
AND NOT EXISTS (
    SELECT 1 FROM evidence AS e
    WHERE e.kind = 'why_left' AND e.key = r.key AND e.happened_at > r.asked_at
)
"""


def note_answers(db: duckdb.DuckDBPyConnection) -> None:
    """Remember who is subscribed in the picture that is about to go: they have answered."""
    if shows(db, what="pending"):
        return
    db.execute(
        "CREATE OR REPLACE TEMP TABLE have_answered AS SELECT key FROM members WHERE state = 'SUB'"
        " AND key IN (SELECT key FROM changes WHERE action = 'confirm')"
    )


def wait_for_answers(db: duckdb.DuckDBPyConnection) -> None:
    """Let those who were asked and have not answered be PENDING in the new picture."""
    if shows(db, what="pending"):
        return
    db.execute(_ASKED)
    db.execute(
        "UPDATE members SET state = 'PENDING', print = md5_number(print || '?')"
        " WHERE state = 'UNSUB' AND key IN (SELECT key FROM asked)"
        " AND key NOT IN (SELECT key FROM have_answered)"
    )
