"""What webhooks have told, and what they should have: the evidence that they are alive.

Belongs here: the questions of ``sync.webhook_watch``. Must not be here: what follows from them.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from nl_pipeline.domain.events import EventKind
from nl_pipeline.warehouse.connection import Warehouse
from nl_pipeline.warehouse.observations import naive

#: Two times of one opt-out: that of the notice, and that of the member's last change.
_APART = timedelta(hours=3)


def told_at(warehouse: Warehouse, *, since: datetime) -> list[datetime]:
    """When webhooks told us something since then, oldest first."""
    with warehouse.session() as db:
        rows = db.execute(
            "SELECT received_at FROM subscriber_events WHERE source = 'webhook' AND believed"
            " AND received_at >= ? ORDER BY received_at",
            [naive(since)],
        ).fetchall()
    return [row[0].replace(tzinfo=UTC) for row in rows]


def unheard_opt_outs(warehouse: Warehouse, *, since: datetime, until: datetime) -> int:
    """Opt-outs of persons in [since, until) that were found by reading and told by no webhook."""
    with warehouse.session() as db:
        rows = db.execute(
            "SELECT count(DISTINCT l.key) FROM consent_ledger AS l"
            " WHERE l.event = 'WITHDRAW' AND l.actor = 'person' AND l.source = 'provider_status'"
            "   AND l.happened_at >= $since AND l.happened_at < $until"
            "   AND NOT EXISTS (SELECT 1 FROM subscriber_events AS e"
            "     WHERE e.key = l.key AND e.source = 'webhook' AND e.kind IN ($left, $complained)"
            "       AND abs(epoch(e.happened_at) - epoch(l.happened_at)) <= $apart)",
            {
                "since": naive(since),
                "until": naive(until),
                "left": str(EventKind.UNSUBSCRIBE),
                "complained": str(EventKind.COMPLAINT),
                "apart": int(_APART.total_seconds()),
            },
        ).fetchall()
    return int(rows[0][0])
