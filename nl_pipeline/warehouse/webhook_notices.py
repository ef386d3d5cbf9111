"""What webhooks have told, and what they should have: the evidence that they are alive.

Belongs here: the questions of ``sync.webhook_watch``. Must not be here: what follows from them.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from nl_pipeline.domain.events import EventKind
from nl_pipeline.warehouse.connection import Warehouse
from nl_pipeline.warehouse.observations import naive

#: Two times of one opt-out: that of the notice, and that of the member's last change.
_APART = timedelta(hours=3)
#: Between our note that something is being sent and what the service does with it.
_SLACK = timedelta(minutes=2)


def told_at(warehouse: Warehouse, *, since: datetime) -> list[datetime]:
    """When webhooks told us something since then, oldest first."""
    with warehouse.session() as db:
        rows = db.execute(
            "SELECT received_at FROM subscriber_events WHERE source = 'webhook' AND believed"
            " AND received_at >= ? ORDER BY received_at",
            [naive(since)],
        ).fetchall()
    return [row[0].replace(tzinfo=UTC) for row in rows]


def unheard_opt_outs(
    warehouse: Warehouse,
    *,
    since: datetime,
    until: datetime,
    heard_by: Collection[EventKind],
    lost_during: Collection[str],
) -> int:
    """Opt-outs of persons in [since, until) that were found by reading and told by no webhook.

    ``heard_by``: the kinds of events that tell of one. Those of the time in which a push of ours
    did one of ``lost_during`` count for nothing.
    """
    with warehouse.session() as db:
        rows = db.execute(
            "SELECT count(DISTINCT l.key) FROM consent_ledger AS l"
            " WHERE l.event = 'WITHDRAW' AND l.actor = 'person' AND l.source = 'provider_status'"
            "   AND l.happened_at >= $since AND l.happened_at < $until"
            "   AND NOT EXISTS (SELECT 1 FROM subscriber_events AS e"
            "     WHERE e.key = l.key AND e.source = 'webhook' AND list_contains($heard_by, e.kind)"
            "       AND abs(epoch(e.happened_at) - epoch(l.happened_at)) <= $apart)"
            "   AND NOT EXISTS (SELECT 1 FROM (SELECT min(o.recorded_at) AS begun,"
            "       max(o.recorded_at) AS ended FROM changes AS c JOIN outcomes AS o"
            "       USING (plan_id, seq) WHERE c.side = 'provider'"
            "       AND list_contains($lost_during, c.action) GROUP BY c.plan_id) AS p"
            "     WHERE l.happened_at BETWEEN p.begun - to_seconds($slack)"
            "       AND p.ended + to_seconds($slack))",
            {
                "since": naive(since),
                "until": naive(until),
                "heard_by": [str(kind) for kind in heard_by],
                "lost_during": list(lost_during),
                # A notice without a time of its own has that of its last repetition.
                "apart": int(max(_APART, warehouse.same_within).total_seconds()),
                "slack": int(_SLACK.total_seconds()),
            },
        ).fetchall()
    return int(rows[0][0])
