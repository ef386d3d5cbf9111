"""The forms of a connection as a person sets them up: what each asks, and where it goes.

Belongs here: putting questions, boxes, mapping and its flaws together. Must not be here: rules of
the mapping (``domain.leads``), how forms are found (``forms``), drawing.
"""

from __future__ import annotations

from dataclasses import dataclass

from nl_pipeline.domain.leads import FieldMapping, LeadForm, MappingProblem, Question
from nl_pipeline.domain.leads import mapping_problems as problems_of
from nl_pipeline.domain.leads.mapping import questions_of, source_of
from nl_pipeline.sync.leads.importing import lead_fields
from nl_pipeline.sync.leads.judging import rows_of
from nl_pipeline.sync.leads.wanted import FormWish, wish_of
from nl_pipeline.sync.link import Link
from nl_pipeline.warehouse import lead_forms


@dataclass(frozen=True)
class FormOverview:
    """One form with the mapping that holds for it. `is_suggested`: nobody wrote one down."""

    form: LeadForm
    wish: FormWish
    rows: tuple[FieldMapping, ...]
    is_suggested: bool
    problems: tuple[MappingProblem, ...]

    def goes_to(self, question: Question) -> str:
        """The field of the CRM an answer goes to, "" for none."""
        return next(
            (
                row.crm
                for row in self.rows
                if question in questions_of(source_of(row.source), form=self.form)
            ),
            "",
        )


def form_overviews(link: Link) -> list[FormOverview]:
    """Every form that was seen, in its latest version. The CRM is asked for its fields."""
    fields = lead_fields(link)
    found = []
    for form_id, known in lead_forms.known(link.warehouse).items():
        wish = wish_of(link, form_id=form_id)
        rows = rows_of(wish, form=known.form, known=fields.names)
        problems = problems_of(rows, key=wish.key, form=known.form, crm_fields=fields.names)
        found.append(FormOverview(known.form, wish, rows, not wish.rows, problems))
    return found
