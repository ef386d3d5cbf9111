"""What of a plan is still to be sent, in portions: a large plan never lies in memory as a whole.

Belongs here: reading the untried part of a plan. Must not be here: what became of it
(``outcomes``), calls to a service.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from enum import StrEnum

from nl_pipeline.domain.plan import Change
from nl_pipeline.warehouse.connection import Warehouse
from nl_pipeline.warehouse.outcomes import Pending

#: Changes in memory at a time, unless a provider takes more in one call. A push that dies has at
#: most these in doubt.
PORTION = 10_000


class Part(StrEnum):
    """A part of a plan; the value is its condition on ``changes AS c``."""

    CRM = "c.side = 'crm' AND c.after->>'newsletter' IS DISTINCT FROM 'DOI'"
    """Everything for the CRM but "confirmation pending", which is true only once it was asked."""
    CRM_CANCELLATIONS = "c.side = 'crm' AND c.after->>'newsletter' = 'CANCEL'"
    CRM_YES = "c.side = 'crm' AND c.after->>'newsletter' = 'YES'"
    CRM_ASKED = (
        "c.side = 'crm' AND c.after->>'newsletter' = 'DOI' AND c.key IN (SELECT a.key"
        " FROM changes AS a JOIN outcome_now AS n USING (plan_id, seq)"
        " WHERE a.plan_id = $plan_id AND a.action = 'confirm' AND n.result IN ('sent',"
        " 'confirmed'))"
    )
    """Contacts of those whom the provider was told to ask for a confirmation."""
    PROVIDER = "c.side = 'provider'"
    CONSENTS = "c.side = 'provider' AND c.action IN ('subscribe', 'resubscribe', 'confirm')"
    """What subscribes or mails a person."""


_UNTRIED = """
FROM changes AS c
WHERE c.plan_id = $plan_id AND c.seq > $after AND (c.held_by IS NULL OR $released) AND ({part})
  AND c.seq NOT IN (SELECT o.seq FROM outcomes AS o WHERE o.plan_id = $plan_id AND o.seq > $after)
"""

_PORTION = """
WITH portion AS (
    SELECT c.* {untried}
    ORDER BY c.seq LIMIT $most
),
moved AS (
    SELECT c.record_id, max(o.record_id) AS moved_to
    FROM changes AS c JOIN outcomes AS o ON o.plan_id = c.plan_id AND o.seq = c.seq
    WHERE c.plan_id = $plan_id AND c.action = 'change_address'
    GROUP BY c.record_id
)
SELECT c.seq, c.key, c.side, c.action,
    -- an address changed in an earlier portion gave the member another id
    coalesce(CASE WHEN c.side = 'provider' THEN nullif(v.moved_to, '') END, c.record_id),
    c.rule_id, c.code, c.before, c.after, c.held_by,
    coalesce(m.email, s.after->>'email', c.after->>'email', c.key) AS address
FROM portion AS c
LEFT JOIN moved AS v ON v.record_id = c.record_id AND c.side = 'provider'
LEFT JOIN members AS m ON m.member_id = c.record_id AND c.side = 'provider'
LEFT JOIN changes AS s ON s.plan_id = c.plan_id AND s.key = c.key AND s.action = 'subscribe'
    AND c.action = 'tag_member'
ORDER BY c.seq
"""


def portions(
    warehouse: Warehouse, *, plan_id: str, released: bool, part: Part, most: int | None = None
) -> Iterator[list[Pending]]:
    """Changes that were never tried and are not held, in the order of sending; at most ``most``.

    Each portion is read when it is asked for: what has got a result meanwhile is not in it.
    """
    query = _PORTION.format(untried=_UNTRIED.format(part=part))
    after = -1
    while True:
        with warehouse.session() as db:
            rows = db.execute(
                query,
                {
                    "plan_id": plan_id,
                    "released": released,
                    "after": after,
                    "most": most or PORTION,
                },
            ).fetchall()
        if not rows:
            return
        after = int(rows[-1][0])
        yield [
            Pending(
                Change(
                    seq=row[0],
                    key=row[1],
                    side=row[2],
                    action=row[3],
                    record_id=row[4],
                    rule_id=row[5],
                    code=row[6],
                    before=json.loads(row[7]),
                    after=json.loads(row[8]),
                    held_by=row[9],
                ),
                address=row[10],
            )
            for row in rows
        ]


def count(warehouse: Warehouse, *, plan_id: str, released: bool, part: Part) -> int:
    """How many changes of this part were never tried and are not held."""
    query = "SELECT count(*) " + _UNTRIED.format(part=part)
    with warehouse.session() as db:
        rows = db.execute(query, {"plan_id": plan_id, "released": released, "after": -1}).fetchall()
    return int(rows[0][0])


def contacts(warehouse: Warehouse, *, plan_id: str, released: bool, part: Part) -> list[int]:
    """The existing contacts that this part would change, ascending."""
    query = "SELECT DISTINCT c.record_id::BIGINT " + _UNTRIED.format(part=part)
    with warehouse.session() as db:
        rows = db.execute(
            query + " AND c.record_id <> ''",
            {"plan_id": plan_id, "released": released, "after": -1},
        ).fetchall()
    return sorted(int(row[0]) for row in rows)
