"""The error log of a form as a file for a spreadsheet.

Belongs here: columns and their form. Must not be here: where the file goes.
"""

from __future__ import annotations

import csv
import io

from nl_pipeline.domain.spreadsheet import formula_safe
from nl_pipeline.sync.link import Link
from nl_pipeline.warehouse import lead_runs
from nl_pipeline.warehouse.connection import Warehouse
from nl_pipeline.warehouse.lead_runs import KnownError

COLUMNS = (
    *("submission_id", "form_id", "reason", "field", "what_happened", "what_to_do"),
    *("nothing_imported", "since", "last_seen", "settled"),
)


def error_rows(warehouse: Warehouse, *, form_id: int | None = None) -> list[list[object]]:
    """The errors of a form, or of all, in the order of the columns. They hold ids and field names,
    and no answer."""
    return [_row(known) for known in lead_runs.errors_of(warehouse, form_id=form_id)]


def error_log(link: Link, *, form_id: int | None = None) -> str:
    """The errors of a form, or of all, as CSV. It holds ids and field names, and no answer; a cell
    that a spreadsheet could take for a formula is made safe."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in error_rows(link.warehouse, form_id=form_id):
        writer.writerow([formula_safe(cell) for cell in row])
    return file.getvalue()


def _row(known: KnownError) -> list[object]:
    error = known.error
    return [
        *(error.response_id, error.form_id, error.reason, error.field, error.text),
        *(error.what_next, "yes" if error.stops else "no"),
        *(known.since.isoformat(), known.last_at.isoformat()),
        known.settled_at.isoformat() if known.settled_at else None,
    ]
