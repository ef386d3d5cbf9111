"""What is quarantined, for people: listing it in words, and letting it be tried again.

Belongs here: reading and lifting over the warehouse; nothing is asked of a service. Must not be
here: printing, and what is quarantined when (``warehouse.quarantine``).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from nl_pipeline.settings import Settings
from nl_pipeline.sync import advice
from nl_pipeline.sync.report import existing_warehouse
from nl_pipeline.warehouse import quarantine
from nl_pipeline.warehouse.quarantine import QuarantinedRow


@dataclass(frozen=True)
class QuarantineReport:
    """One row of the quarantine, with what it means and what to do next."""

    row: QuarantinedRow
    meaning: str
    next_step: str


def list_quarantine(settings: Settings, *, connection: str) -> list[QuarantineReport]:
    """Everything a connection does not send because it was refused before. Raises NeverRead."""
    warehouse = existing_warehouse(settings, connection=connection)
    return [
        QuarantineReport(
            row=row,
            meaning=advice.meaning_of_cause(row.cause),
            next_step=advice.next_step_for_problem(code="", result="quarantined", cause=row.cause),
        )
        for row in quarantine.list_rows(warehouse)
    ]


def lift_quarantine(
    settings: Settings,
    *,
    connection: str,
    causes: Collection[str] = (),
    contact_id: int | None = None,
) -> int:
    """Let the next plan try again: rows of these causes, of one contact, or all. Raises NeverRead.

    Opt-outs are no part of the quarantine: what the ledger forbids stays forbidden.
    """
    warehouse = existing_warehouse(settings, connection=connection)
    return quarantine.lift(warehouse, causes=causes, contact_id=contact_id)
