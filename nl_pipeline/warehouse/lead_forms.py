"""Lead forms as they were seen, and the state of each: counters, last push, last pull.

Belongs here: versions of forms, and counters since they began anew. Must not be here: submissions
(``leads``), when a form is due (``sync.leads``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

import msgspec

from nl_pipeline.domain.leads import LeadForm, Owner, OwnerKind
from nl_pipeline.warehouse.connection import Warehouse
from nl_pipeline.warehouse.observations import naive

ToldBy = Literal["push", "pull", "manual"]

_decoder = msgspec.json.Decoder(LeadForm)


@dataclass(frozen=True)
class KnownForm:
    """A form in the latest version that was seen, and its state.

    Counters count since `counted_since`; `last_pull_at` is the end of the last window that was read
    as a whole. Times are aware UTC.
    """

    form: LeadForm
    discovered_at: datetime
    last_push_at: datetime | None
    last_pull_at: datetime | None
    last_manual_at: datetime | None
    counted_since: datetime
    imported: int
    updated: int
    errors: int

    @property
    def last_run_at(self) -> datetime | None:
        """When the form was read last, by schedule or by hand."""
        runs = [at for at in (self.last_pull_at, self.last_manual_at) if at is not None]
        return max(runs, default=None)


def store(warehouse: Warehouse, *, forms: Sequence[LeadForm], now: datetime) -> list[int]:
    """Keep these versions; returns the ids of forms that were never seen before."""
    new: list[int] = []
    with warehouse.transaction() as db:
        for form in forms:
            owner = form.owner
            known = db.execute(
                "SELECT 1 FROM lead_forms WHERE form_id = ? AND version = ?",
                [form.id, form.version],
            ).fetchone()
            if known:
                db.execute(
                    "UPDATE lead_forms SET name = ?, state = ?, seen_at = ?"
                    " WHERE form_id = ? AND version = ? AND (name, state) IS DISTINCT FROM (?, ?)",
                    [
                        form.name,
                        form.state,
                        naive(now),
                        form.id,
                        form.version,
                        form.name,
                        form.state,
                    ],
                )
            else:
                db.execute(
                    "INSERT INTO lead_forms VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    [
                        form.id,
                        form.version,
                        form.name,
                        str(owner.kind) if owner else "",
                        owner.id if owner else 0,
                        form.state,
                        msgspec.json.encode(form).decode(),
                        naive(form.created_at),
                        naive(now),
                    ],
                )
            begun = db.execute(
                "INSERT OR IGNORE INTO lead_form_state VALUES (?, ?, NULL, NULL, NULL, ?, 0, 0, 0)"
                " RETURNING form_id",
                [form.id, naive(now), naive(now)],
            ).fetchall()
            new += [row[0] for row in begun]
    return new


def known(warehouse: Warehouse) -> dict[int, KnownForm]:
    """Every form by its id, in the latest version that was seen."""
    with warehouse.session() as db:
        rows = db.execute(
            "SELECT s.form_id, arg_max(f.document, f.version), arg_max(f.state, f.version),"
            " arg_max(f.name, f.version), arg_max(f.owner_kind, f.version),"
            " arg_max(f.owner_id, f.version), s.discovered_at, s.last_push_at, s.last_pull_at,"
            " s.last_manual_at, s.counted_since, s.imported, s.updated, s.errors"
            " FROM lead_form_state AS s JOIN lead_forms AS f USING (form_id)"
            " GROUP BY ALL ORDER BY s.form_id"
        ).fetchall()
    found = {}
    for form_id, document, state, name, kind, owner_id, began, *rest in rows:
        *read_at, since, imported, updated, errors = rest
        form = replace(
            _decoder.decode(document),
            state=state,
            name=name,
            owner=Owner(OwnerKind(kind), owner_id) if kind else None,
        )
        pushed, pulled, by_hand = (_aware(moment) for moment in read_at)
        found[form_id] = KnownForm(
            form=form,
            discovered_at=began.replace(tzinfo=UTC),
            last_push_at=pushed,
            last_pull_at=pulled,
            last_manual_at=by_hand,
            counted_since=since.replace(tzinfo=UTC),
            imported=imported,
            updated=updated,
            errors=errors,
        )
    return found


def version(warehouse: Warehouse, *, form_id: int, version: int) -> LeadForm | None:
    """One version of a form, None if it was never seen."""
    with warehouse.session() as db:
        row = db.execute(
            "SELECT document FROM lead_forms WHERE form_id = ? AND version = ?", [form_id, version]
        ).fetchone()
    return _decoder.decode(row[0]) if row else None


def note_read(
    warehouse: Warehouse, *, form_ids: Sequence[int], told_by: ToldBy, at: datetime
) -> None:
    """Note that everything up to `at` was read of these forms, or that a notice came then."""
    column = {"push": "last_push_at", "pull": "last_pull_at", "manual": "last_manual_at"}[told_by]
    with warehouse.transaction() as db:
        db.execute(
            f"UPDATE lead_form_state SET {column} = greatest(coalesce({column}, $at), $at)"
            " WHERE form_id IN (SELECT unnest($ids::BIGINT[]))",
            {"at": naive(at), "ids": list(form_ids)},
        )


def count_anew(warehouse: Warehouse, *, form_id: int, now: datetime) -> None:
    """Let the counters of a form begin anew; errors that are still open count again when they
    come up again. The history of runs stays."""
    with warehouse.transaction() as db:
        db.execute(
            "UPDATE lead_form_state SET counted_since = ?, imported = 0, updated = 0, errors = 0"
            " WHERE form_id = ?",
            [naive(now), form_id],
        )
        db.execute(
            "UPDATE lead_errors SET settled_at = ? WHERE form_id = ? AND settled_at IS NULL",
            [naive(now), form_id],
        )


def _aware(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment is not None else None
