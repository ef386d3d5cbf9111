"""The status of every form: its light, its counters, when it was read and when it is next.

Belongs here: gathering the facts. Must not be here: the judgement (``domain.leads``), drawing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from nl_pipeline.domain.leads import (
    PREDEFINED_FIELDS,
    LeadForm,
    Light,
    light_of,
    mapping_problems,
)
from nl_pipeline.sync.leads.forms import blocked_by
from nl_pipeline.sync.leads.judging import rows_of
from nl_pipeline.sync.leads.pull import next_pull
from nl_pipeline.sync.leads.wanted import wish_of
from nl_pipeline.sync.link import Link
from nl_pipeline.warehouse import lead_forms, lead_runs, leads


@dataclass(frozen=True)
class FormStatus:
    """How a form stands. Counters count since `counted_since`; `open_errors` are still so."""

    form: LeadForm
    light: Light
    imported: int
    updated: int
    errors: int
    open_errors: int
    counted_since: datetime
    last_push_at: datetime | None
    last_pull_at: datetime | None
    next_pull_at: datetime | None
    last_submitted_at: datetime | None


def status(link: Link, *, push_works: bool = True) -> list[FormStatus]:
    """The status of every form that was seen. Nobody is called.

    `push_works`: whether notices of LinkedIn arrive as far as the caller knows.
    """
    submitted = leads.submitted_at(link.warehouse)
    open_errors = [
        known.error.form_id
        for known in lead_runs.errors_of(link.warehouse)
        if known.settled_at is None
    ]
    found = []
    for form_id, form in lead_forms.known(link.warehouse).items():
        gate = wish_of(link, form_id=form_id).gate
        moments = submitted.get(form_id, [])
        found.append(
            FormStatus(
                form=form.form,
                light=light_of(
                    moments,
                    import_on=gate.import_on,
                    form_enabled=gate.form_enabled,
                    now=link.now(),
                    blocked_by=blocked_by(link, owner=form.form.owner)
                    or _flaw(link, form=form.form),
                    push_works=push_works,
                ),
                imported=form.imported,
                updated=form.updated,
                errors=form.errors,
                open_errors=open_errors.count(form_id),
                counted_since=form.counted_since,
                last_push_at=form.last_push_at,
                last_pull_at=form.last_pull_at,
                next_pull_at=next_pull(link, form=form),
                last_submitted_at=max(moments, default=None),
            )
        )
    return found


def _flaw(link: Link, *, form: LeadForm) -> str:
    """Why nothing of the form can be imported by its mapping, "" if it can."""
    wish = wish_of(link, form_id=form.id)
    rows = rows_of(wish, form=form, known=PREDEFINED_FIELDS.values())
    problems = mapping_problems(rows, key=wish.key, form=form)
    return next((problem.text for problem in problems if problem.stops), "")
