"""What set-up says about the lead import: the fields to create, the mappings to correct.

Belongs here: comparing the account and the forms with the settings. Must not be here: changing
anything; onOffice creates no fields by API.
"""

from __future__ import annotations

from dataclasses import dataclass

from nl_pipeline.domain.leads import MappingProblem, mapping_problems
from nl_pipeline.sync.leads.crm_fields import LeadFields, Mark
from nl_pipeline.sync.leads.importing import lead_fields
from nl_pipeline.sync.leads.judging import rows_of
from nl_pipeline.sync.leads.wanted import wish_of
from nl_pipeline.sync.link import Link
from nl_pipeline.warehouse import lead_forms

_TYPES = {
    Mark.IMPORTED: "a checkbox (yes or no)",
    Mark.IMPORT_DATE: "a date",
    Mark.FORMS: "a text of several lines",
}


@dataclass(frozen=True)
class FormFlaw:
    """What is wrong with the mapping of a form."""

    form_id: int
    form_name: str
    problem: MappingProblem


@dataclass(frozen=True)
class LeadCheck:
    """``advice``: one sentence for each LinkedIn field to create. Leads are imported without them,
    and the same facts are kept in the warehouse. ``missing_tags``: newsletter tags that forms or
    audiences name and the account does not have."""

    advice: tuple[str, ...]
    flaws: tuple[FormFlaw, ...]
    missing_tags: tuple[str, ...]


def check(link: Link) -> LeadCheck:
    """Check the account against what the import would write there."""
    fields = lead_fields(link)
    flaws = []
    tags = {audience.tag for audience in link.settings.audiences}
    for form_id, form in lead_forms.known(link.warehouse).items():
        wish = wish_of(link, form_id=form_id)
        tags |= {wish.tag} - {""}
        rows = rows_of(wish, form=form.form, known=fields.names)
        flaws += [
            FormFlaw(form_id, form.form.name, problem)
            for problem in mapping_problems(
                rows, key=wish.key, form=form.form, crm_fields=fields.names
            )
        ]
    field = link.settings.tags.field
    missing = sorted(tag for tag in tags if fields.tag_key(tag, tag_field=field) is None)
    return LeadCheck(tuple(_advice(fields)), tuple(flaws), tuple(missing))


def _advice(fields: LeadFields) -> list[str]:
    return [
        f'the account has a field "{mark}" of another type; make it {_TYPES[mark]}'
        if mark in fields.misfits
        else f'create an address field "{mark}" in onOffice (administration, input fields):'
        f" {_TYPES[mark]}"
        for mark in fields.missing_marks
    ]
