"""What the warehouse knows about a connection, for people: reads, numbers that differ, problems.

Belongs here: read-only questions over the whole connection. Must not be here: one person
(``person``), the texts of advice (``sync.advice``), how anything is printed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from nl_pipeline.warehouse.connection import Warehouse
from nl_pipeline.warehouse.deciding import evaluate
from nl_pipeline.warehouse.templates import run_template


@dataclass(frozen=True)
class Read:
    """The last read of one side in one mode. ``announced`` is what the service said there is."""

    side: str
    mode: str
    finished_at: datetime
    announced: int
    rows: int
    complete: bool

    @property
    def unreadable(self) -> int:
        """Records the service counts and does not show: usually a read right that is missing."""
        return max(0, self.announced - self.rows) if self.mode == "full" else 0


@dataclass(frozen=True)
class DifferenceCount:
    """How many records of one side make a difference for one reason."""

    side: str
    reason: str
    cause: str
    rows: int


@dataclass(frozen=True)
class DifferingRecord:
    """One record that makes a difference. ``address`` is personal data."""

    side: str
    record_id: str
    reason: str
    cause: str
    address: str = field(repr=False)


@dataclass(frozen=True)
class Balance:
    """Subscribers on both sides and every reason for which they differ.

    ``yes_contacts`` less the reasons of the CRM, and ``subscribed`` less the reasons of the
    provider, are both ``in_both``.
    """

    yes_contacts: int
    yes_addresses: int
    subscribed: int
    in_both: int
    differences: tuple[DifferenceCount, ...]


@dataclass(frozen=True)
class Problem:
    """One thing a person should look at. ``address`` is personal data.

    ``kind``: change, quarantine, listed, field, activity or rejected. ``subject``: the action or
    the field.
    """

    kind: str
    side: str
    contact_id: str
    member_id: str
    rule_id: str
    code: str
    result: str
    cause: str
    subject: str
    happened_at: datetime
    address: str = field(repr=False)


@dataclass(frozen=True)
class PlanRow:
    """One change of a plan without its values: ids, rule, reason, and what became of it."""

    seq: int
    side: str
    action: str
    contact_id: str
    member_id: str
    rule_id: str
    code: str
    held_by: str
    result: str
    cause: str


def last_reads(warehouse: Warehouse) -> list[Read]:
    """The last full and the last incremental read of each side; never read: none."""
    with warehouse.session() as db:
        rows = db.execute(
            "SELECT side, mode, finished_at, announced_after, rows_read, complete FROM snapshots"
            " WHERE mode IN ('full', 'incremental')"
            " QUALIFY row_number() OVER (PARTITION BY side, mode ORDER BY finished_at DESC) = 1"
            " ORDER BY side, mode"
        ).fetchall()
    return [
        Read(side, mode, at.replace(tzinfo=UTC), int(announced), int(read), bool(complete))
        for side, mode, at, announced, read, complete in rows
    ]


def take_balance(warehouse: Warehouse, *, adopt_existing: bool) -> Balance:
    """Count both sides and name every reason, over what was observed last."""
    with warehouse.session() as db:
        evaluate(db, adopt_existing=adopt_existing)
        run_template(db, "difference.sql.j2")
        sides = {
            side: (int(total), int(paired))
            for side, total, paired in db.execute(
                "SELECT side, count(*), count(*) FILTER (WHERE reason = 'counted')"
                " FROM differences GROUP BY side"
            ).fetchall()
        }
        addresses = db.execute("SELECT count(DISTINCT person) FROM wishes").fetchall()[0][0]
        differences = db.execute(
            "SELECT side, reason, cause, count(*) FROM differences WHERE reason <> 'counted'"
            " GROUP BY ALL ORDER BY side, count(*) DESC, reason, cause"
        ).fetchall()
    yes_contacts, in_both = sides.get("crm", (0, 0))
    return Balance(
        yes_contacts=yes_contacts,
        yes_addresses=int(addresses),
        subscribed=sides.get("provider", (0, 0))[0],
        in_both=in_both,
        differences=tuple(DifferenceCount(*row) for row in differences),
    )


def list_differences(warehouse: Warehouse, *, adopt_existing: bool) -> list[DifferingRecord]:
    """Every record that makes a difference, by side, reason and record."""
    with warehouse.session() as db:
        evaluate(db, adopt_existing=adopt_existing)
        run_template(db, "difference.sql.j2")
        rows = db.execute(
            "SELECT side, record_id, reason, cause, address FROM differences"
            " WHERE reason <> 'counted' ORDER BY side, reason, cause, record_id"
        ).fetchall()
    return [DifferingRecord(*row) for row in rows]


def list_problems(warehouse: Warehouse) -> list[Problem]:
    """Every problem, changes that failed first."""
    with warehouse.session() as db:
        run_template(db, "problems.sql.j2")
        rows = db.execute(
            "SELECT kind, side, contact_id, member_id, rule_id, code, result, cause, subject,"
            " happened_at, address FROM problems"
            " ORDER BY list_position(['change', 'quarantine', 'activity', 'listed', 'field',"
            " 'rejected'], kind),"
            " code, cause, contact_id, member_id, subject"
        ).fetchall()
    return [
        Problem(
            kind=kind,
            side=side,
            contact_id=contact_id,
            member_id=member_id,
            rule_id=rule_id,
            code=code,
            result=result,
            cause=cause,
            subject=subject,
            happened_at=at.replace(tzinfo=UTC),
            address=address,
        )
        for (
            kind,
            side,
            contact_id,
            member_id,
            rule_id,
            code,
            result,
            cause,
            subject,
            at,
            address,
        ) in rows
    ]


def list_plan_rows(warehouse: Warehouse, *, plan_id: str, most: int) -> list[PlanRow]:
    """The first ``most`` changes of a plan in the order of sending."""
    with warehouse.session() as db:
        rows = db.execute(
            """
            SELECT c.seq, c.side, c.action,
                CASE WHEN c.side = 'crm' THEN c.record_id ELSE coalesce(d.crm_id::VARCHAR, '') END,
                CASE WHEN c.side = 'provider' THEN c.record_id ELSE coalesce(d.member_id, '') END,
                c.rule_id, c.code, coalesce(c.held_by, ''),
                coalesce(o.result, ''), coalesce(o.cause, '')
            FROM changes AS c
            LEFT JOIN decisions AS d ON d.plan_id = c.plan_id AND d.key = c.key
            LEFT JOIN outcome_now AS o ON o.plan_id = c.plan_id AND o.seq = c.seq
            WHERE c.plan_id = ? ORDER BY c.seq LIMIT ?
            """,
            [plan_id, most],
        ).fetchall()
    return [PlanRow(*row) for row in rows]
