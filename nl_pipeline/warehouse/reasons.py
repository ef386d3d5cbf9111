"""Why somebody gets no mail, where the provider's list of members does not say it.

Belongs here: which staged members have to be asked about, and their answers as states. Must not be
here: asking (``sync.providers``), what follows from it (the rules).

An answer is kept as evidence for the member as it was, so that nobody is asked about twice; until
there is one, whoever gets no mail counts as having opted out. Only of a bounce the answer does not
last: whoever leaves after it, by a mail of before, may look the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from nl_pipeline.warehouse.connection import Warehouse
from nl_pipeline.warehouse.observations import Evidence, naive, store_answers

_KIND = "why_left"


@dataclass(frozen=True)
class WhyLeft:
    """The answer about one member: UNSUB, COMPLAINT or CLEANED.

    ``by``: person or staff, None where nothing is known. ``at``: when, if the provider tells.
    """

    key: str
    state: str
    by: str | None
    at: datetime | None
    member_changed_at: datetime | None


def unexplained(
    warehouse: Warehouse, *, bounced_before: datetime | None
) -> list[tuple[str, str, datetime | None]]:
    """Staged members of whom nobody knows yet why they get no mail: (key, member id, changed at).

    Also those who had bounced when they were asked about last, if that was before
    ``bounced_before`` (aware UTC; None: not those). Times are UTC without a zone.
    """
    with warehouse.session() as db:
        return db.execute(
            "SELECT s.key, s.member_id, s.changed_at FROM memory.staging_members AS s"
            " LEFT JOIN evidence AS e ON e.kind = ? AND e.key = s.key"
            " AND e.member_changed_at IS NOT DISTINCT FROM s.changed_at"
            " LEFT JOIN members AS m ON m.key = s.key"
            " WHERE s.state = 'UNSUB' AND s.unsubscribed_by IS NULL AND (e.key IS NULL"
            " OR (m.state = 'CLEANED' AND e.looked_up_at < ?::TIMESTAMP)"
            # The picture has learnt more since, from a look at this member alone.
            " OR (m.state IN ('UNSUB', 'COMPLAINT') AND e.detail = 'CLEANED '))",
            [_KIND, naive(bounced_before)],
        ).fetchall()


def keep(warehouse: Warehouse, *, answers: Sequence[WhyLeft], now: datetime) -> None:
    """Keep answers, so that a read that breaks off has not asked in vain."""
    store_answers(
        warehouse,
        answers=[
            Evidence(_KIND, a.key, f"{a.state} {a.by or ''}", a.at, a.member_changed_at)
            for a in answers
        ],
        now=now,
    )


def explain(warehouse: Warehouse) -> None:
    """Give staged members the states their answers mean.

    Nothing known of somebody who bounced or complained before leaves them as they were: what a
    provider tells of the past it forgets after a while.
    """
    with warehouse.session() as db:
        db.execute(
            """
            UPDATE memory.staging_members AS s SET
                state = CASE
                    WHEN e.detail = 'UNSUB ' AND m.state IN ('CLEANED', 'COMPLAINT') THEN m.state
                    ELSE split_part(e.detail, ' ', 1)
                END,
                unsubscribed_by = nullif(split_part(e.detail, ' ', 2), ''),
                changed_at = coalesce(e.happened_at, s.changed_at)
            FROM evidence AS e
            LEFT JOIN members AS m ON m.key = e.key
            WHERE e.kind = ? AND e.key = s.key AND s.state = 'UNSUB'
              AND s.unsubscribed_by IS NULL
              AND e.member_changed_at IS NOT DISTINCT FROM s.changed_at
            """,
            [_KIND],
        )
