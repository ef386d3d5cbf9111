"""Entries into workflows at the provider: wanted, waiting for the subscription, limited, done.

Belongs here: the entries and the entry limit. Must not be here: calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from nl_pipeline.warehouse.connection import Warehouse
from nl_pipeline.warehouse.observations import naive

State = Literal["waiting", "entering", "entered", "limited", "refused"]


@dataclass(frozen=True)
class WantedEntry:
    """An entry a submission asks for. `again`: also if the submission entered before."""

    response_id: str
    form_id: int
    key: str = field(repr=False)
    workflow: str
    again: bool = False


@dataclass(frozen=True)
class WaitingEntry:
    """An entry that may be carried out: its person is subscribed; `email` as the provider has it.

    `entered`: when the person entered this workflow.
    """

    response_id: str
    form_id: int
    key: str = field(repr=False)
    email: str = field(repr=False)
    workflow: str
    planned_at: datetime
    entered: tuple[datetime, ...]

    def is_limited(self, *, count: int, days: int, now: datetime) -> bool:
        """Whether the person has entered this often within the period."""
        since = naive(now - timedelta(days=days))
        return since is not None and sum(at > since for at in self.entered) >= count


def plan(warehouse: Warehouse, *, wanted: Sequence[WantedEntry], now: datetime) -> None:
    """Let these wait. A submission enters once, unless it is to enter again."""
    with warehouse.transaction() as db:
        for one in wanted:
            db.execute(
                "INSERT INTO lead_workflow_entries"
                " SELECT $id, $form, $key, $workflow, $now, 'waiting', NULL, ''"
                " WHERE NOT EXISTS (SELECT 1 FROM lead_workflow_entries WHERE response_id = $id"
                " AND workflow = $workflow AND (NOT $again OR state = 'waiting'))",
                {
                    "id": one.response_id,
                    "form": one.form_id,
                    "key": one.key,
                    "workflow": one.workflow,
                    "again": one.again,
                    "now": naive(now),
                },
            )


def waiting(warehouse: Warehouse) -> list[WaitingEntry]:
    """Entries of people who are subscribed by the last picture, the first planned first."""
    with warehouse.session() as db:
        rows = db.execute(
            "SELECT e.response_id, e.form_id, e.key, m.email, e.workflow, e.planned_at,"
            " coalesce((SELECT list(o.entered_at) FROM lead_workflow_entries AS o"
            "  WHERE o.key = e.key AND o.workflow = e.workflow"
            "  AND o.state IN ('entering', 'entered')), []::TIMESTAMP[])"
            " FROM lead_workflow_entries AS e JOIN members AS m ON m.key = e.key"
            " WHERE e.state = 'waiting' AND m.state = 'SUB' ORDER BY e.planned_at, e.response_id"
        ).fetchall()
    return [
        WaitingEntry(response_id, form_id, key, email, name, planned_at, tuple(entered))
        for response_id, form_id, key, email, name, planned_at, entered in rows
    ]


def note(
    warehouse: Warehouse, *, entry: WaitingEntry, state: State, now: datetime, cause: str = ""
) -> None:
    """Note what becomes of an entry. One that is being sent counts as entered: what was perhaps
    carried out is not sent twice."""
    entered = naive(now) if state in ("entering", "entered") else None
    with warehouse.transaction() as db:
        db.execute(
            "UPDATE lead_workflow_entries SET state = ?, entered_at = ?, cause = ?"
            " WHERE response_id = ? AND workflow = ? AND planned_at = ?"
            " AND state IN ('waiting', 'entering')",
            [state, entered, cause, entry.response_id, entry.workflow, entry.planned_at],
        )
