"""Runs of the lead import, and what stood in the way of submissions.

Belongs here: the history of runs, counters, errors. Must not be here: submissions (``leads``).
"""

from __future__ import annotations

import json
import secrets
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import duckdb

from nl_pipeline.domain.leads import ManualOptions
from nl_pipeline.warehouse.connection import Warehouse
from nl_pipeline.warehouse.lead_forms import ToldBy
from nl_pipeline.warehouse.observations import naive


@dataclass(frozen=True)
class LeadError:
    """What stands in the way of a submission; holds no answer.

    ``field`` is a field of the CRM, "" where it is about the whole. ``stops``: nothing of the
    submission was imported.
    """

    response_id: str
    form_id: int
    reason: str
    text: str
    what_next: str
    field: str = ""
    stops: bool = True


@dataclass(frozen=True)
class KnownError:
    """An error with its time; `settled_at` None while it is still so."""

    error: LeadError
    since: datetime
    last_at: datetime
    settled_at: datetime | None


@dataclass(frozen=True)
class FormRun:
    """What a run came to at one form."""

    form_id: int
    created: int = 0
    updated: int = 0
    errors: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class PastRun:
    """A run as it stands in the history."""

    import_id: str
    told_by: str
    options: ManualOptions
    started_at: datetime
    finished_at: datetime | None
    stopped_by: str
    form: FormRun


def note_run(
    warehouse: Warehouse,
    *,
    runs: Sequence[FormRun],
    told_by: ToldBy,
    options: ManualOptions,
    started_at: datetime,
    now: datetime,
    stopped_by: str = "",
) -> str:
    """Enter a run into the history and add to the counters of its forms; returns its id."""
    import_id = f"{started_at:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
    with warehouse.transaction() as db:
        for run in runs:
            db.execute(
                "INSERT INTO lead_imports VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    *(import_id, run.form_id, told_by, options.existing),
                    *(options.restart_workflows, options.all, naive(started_at), naive(now)),
                    *(run.created, run.updated, run.errors, json.dumps(dict(run.left_out))),
                    stopped_by,
                ],
            )
            db.execute(
                "UPDATE lead_form_state SET imported = imported + ?, updated = updated + ?,"
                " errors = errors + ? WHERE form_id = ?",
                [run.created, run.updated, run.errors, run.form_id],
            )
    return import_id


def history(warehouse: Warehouse, *, form_id: int) -> list[PastRun]:
    """The runs of a form, the first one first."""
    with warehouse.session() as db:
        rows = db.execute(
            "SELECT import_id, told_by, existing, restart_workflows, all_submissions, started_at,"
            " finished_at, stopped_by, created, updated, errors, left_out FROM lead_imports"
            " WHERE form_id = ? ORDER BY started_at, import_id",
            [form_id],
        ).fetchall()
    return [
        PastRun(
            import_id=row[0],
            told_by=row[1],
            options=ManualOptions(existing=row[2], restart_workflows=row[3], all=row[4]),
            started_at=row[5].replace(tzinfo=UTC),
            finished_at=row[6].replace(tzinfo=UTC) if row[6] else None,
            stopped_by=row[7],
            form=FormRun(form_id, row[8], row[9], row[10], json.loads(row[11])),
        )
        for row in rows
    ]


def note_errors(
    warehouse: Warehouse,
    *,
    errors: Sequence[LeadError],
    tried: Collection[str],
    now: datetime,
) -> Counter[int]:
    """Note these errors, and that every other one of the submissions that were `tried` is settled.

    Returns how many are new, by form: one that comes up again with every try is one error.
    """
    new: Counter[int] = Counter()
    with warehouse.transaction() as db:
        standing = {(e.response_id, e.reason, e.field) for e in errors}
        open_before = db.execute(
            "SELECT response_id, reason, field FROM lead_errors WHERE settled_at IS NULL"
            " AND response_id IN (SELECT unnest($ids::VARCHAR[]))",
            {"ids": sorted({*tried, *(e.response_id for e in errors)})},
        ).fetchall()
        for place in set(open_before) - standing:
            if place[0] in tried:
                _settle(db, place=place, now=now)
        for error in {(e.response_id, e.reason, e.field): e for e in errors}.values():
            place = (error.response_id, error.reason, error.field)
            if place in open_before:
                db.execute(
                    "UPDATE lead_errors SET last_at = ?, text = ?, what_next = ?, stops = ?"
                    " WHERE (response_id, reason, field) = (?, ?, ?) AND settled_at IS NULL",
                    [naive(now), error.text, error.what_next, error.stops, *place],
                )
                continue
            new[error.form_id] += 1
            db.execute(
                "INSERT INTO lead_errors VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)",
                [
                    *(error.response_id, error.form_id, error.reason, error.field, error.text),
                    *(error.what_next, error.stops, naive(now), naive(now)),
                ],
            )
    return new


def _settle(db: duckdb.DuckDBPyConnection, *, place: tuple[str, str, str], now: datetime) -> None:
    db.execute(
        "UPDATE lead_errors SET settled_at = ?"
        " WHERE (response_id, reason, field) = (?, ?, ?) AND settled_at IS NULL",
        [naive(now), *place],
    )


def errors_of(warehouse: Warehouse, *, form_id: int | None = None) -> list[KnownError]:
    """The errors of a form, or of all; what is still so first, then the latest."""
    with warehouse.session() as db:
        rows = db.execute(
            "SELECT response_id, form_id, reason, text, what_next, field, stops, since, last_at,"
            " settled_at FROM lead_errors WHERE $form IS NULL OR form_id = $form"
            " ORDER BY settled_at IS NOT NULL, last_at DESC, response_id, reason, field",
            {"form": form_id},
        ).fetchall()
    return [
        KnownError(
            LeadError(*row[:7]),
            since=row[7].replace(tzinfo=UTC),
            last_at=row[8].replace(tzinfo=UTC),
            settled_at=row[9].replace(tzinfo=UTC) if row[9] else None,
        )
        for row in rows
    ]
