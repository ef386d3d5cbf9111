"""What the recovery of events has to know: our own writes, and which campaigns were read.

Belongs here: the questions and notes of ``sync.history``. Must not be here: storing events
(``events``), calls.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pandas as pd

from nl_pipeline.domain.campaign_reports import report_is_due
from nl_pipeline.domain.events import EventKind
from nl_pipeline.warehouse.connection import Warehouse
from nl_pipeline.warehouse.observations import naive

#: Between our note that something is being sent and the service's time of the change.
_SLACK = timedelta(minutes=2)


def written_by_us(
    warehouse: Warehouse,
    *,
    changes: Sequence[tuple[str, datetime]],
    actions: Collection[str],
    ahead: timedelta,
) -> list[bool]:
    """For each change of a member, (key, when): whether it falls into the time in which a push of
    ours was changing this member, by one of these actions (by any when there are none).

    ``ahead``: how far the clock of the provider is ahead of ours.
    """
    if not changes:
        return []
    frame = pd.DataFrame(
        {
            "position": range(len(changes)),
            "key": pd.array([key for key, _ in changes], dtype="str"),
            "at": pd.Series([naive(at - ahead) for _, at in changes], dtype="datetime64[us]"),
        }
    )
    with warehouse.session() as db:
        db.register("in_question", frame)
        rows = db.execute(
            "SELECT DISTINCT a.position FROM in_question AS a"
            " JOIN (SELECT c.key, min(o.recorded_at) AS begun, max(o.recorded_at) AS ended"
            "   FROM changes AS c JOIN outcomes AS o USING (plan_id, seq)"
            "   WHERE c.side = 'provider' AND c.key IN (SELECT key FROM in_question)"
            "     AND (len($actions) = 0 OR list_contains($actions, c.action))"
            "     AND o.result IN ('sending', 'sent', 'confirmed', 'unknown', 'no_effect')"
            "   GROUP BY c.plan_id, c.seq, c.key) AS w"
            " ON w.key = a.key AND a.at BETWEEN w.begun - to_seconds($slack)"
            "   AND w.ended + to_seconds($slack)",
            {"slack": int(_SLACK.total_seconds()), "actions": sorted(actions)},
        ).fetchall()
        db.unregister("in_question")
    ours = {int(row[0]) for row in rows}
    return [position in ours for position in range(len(changes))]


@dataclass(frozen=True)
class ReadReport:
    """What the report of a campaign said when it was last read; ``sent_at`` None: none of ours."""

    campaign_id: str
    sent_at: datetime | None
    recipients: int
    hard_bounces: int


@dataclass(frozen=True)
class DueReport:
    """A campaign whose report is to be read; ``known`` is None the first time."""

    campaign_id: str
    known: ReadReport | None


def reports_to_read(
    warehouse: Warehouse, *, start: datetime, end: datetime, now: datetime, again: bool
) -> list[DueReport]:
    """Campaigns we were told of for [start, end), oldest first, whose report is due.

    ``again``: also those that are not due, so that nothing of the time between is missed.
    """
    with warehouse.session() as db:
        rows = db.execute(
            "SELECT e.campaign_id, min(e.happened_at), any_value(r.campaign_id),"
            " any_value(r.sent_at), any_value(r.recipients), any_value(r.hard_bounces),"
            " any_value(r.read_at)"
            " FROM subscriber_events AS e LEFT JOIN campaign_reports AS r USING (campaign_id)"
            " WHERE e.kind = $kind AND e.believed AND e.campaign_id <> ''"
            "   AND e.happened_at >= $start AND e.happened_at < $end"
            " GROUP BY e.campaign_id ORDER BY 2, 1",
            {"kind": str(EventKind.CAMPAIGN), "start": naive(start), "end": naive(end)},
        ).fetchall()
    due = []
    for campaign_id, told_at, known_id, sent_at, recipients, hard_bounces, read_at in rows:
        known = None
        if known_id is not None:
            known = ReadReport(campaign_id, _aware(sent_at), int(recipients), int(hard_bounces))
        moment = _aware(sent_at) or _aware(told_at)
        assert moment is not None
        if again or report_is_due(sent_at=moment, read_at=_aware(read_at), now=now):
            due.append(DueReport(campaign_id, known))
    return due


def note_report(warehouse: Warehouse, *, report: ReadReport, now: datetime) -> None:
    """Note that a report was read to its end, and what it said."""
    with warehouse.transaction() as db:
        db.execute(
            "INSERT OR REPLACE INTO campaign_reports VALUES (?, ?, ?, ?, ?)",
            [
                report.campaign_id,
                naive(report.sent_at),
                report.recipients,
                report.hard_bounces,
                naive(now),
            ],
        )


def _aware(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)
