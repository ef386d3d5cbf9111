"""Which submissions an import takes, what they say, and whom they are about.

Belongs here: putting rules, settings and form versions together. Must not be here: the rules
(``domain.leads``), the CRM's contacts.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from nl_pipeline.clients.errors import Permanent, SkipRecord
from nl_pipeline.domain.address import address_key
from nl_pipeline.domain.leads import (
    AnswerFlaw,
    FieldMapping,
    ImportMode,
    Lead,
    LeadForm,
    MappingFlaw,
    Submission,
    Verdict,
    current_of,
    mapping_problems,
    suggested_mapping,
    values_of,
    verdict_on,
)
from nl_pipeline.sync.leads.crm_fields import LeadFields
from nl_pipeline.sync.leads.wanted import FormWish, wish_of
from nl_pipeline.sync.link import Link
from nl_pipeline.warehouse import lead_forms, leads
from nl_pipeline.warehouse.lead_runs import LeadError
from nl_pipeline.warehouse.leads import StoredLead

#: Flaws of a mapping that are worth a line for each lead; the others are about the form alone.
_TOLD = (MappingFlaw.FIELD_NOT_IN_CRM,)


@dataclass(frozen=True)
class Judged:
    """A submission with the verdict on it.

    For one that is taken: `values` by field of the CRM, `contact` the normal form of the value of
    the key field, "" where nothing was said for it, and what is wrong with it.
    """

    stored: StoredLead
    verdict: Verdict
    wish: FormWish
    form: LeadForm | None = field(default=None, repr=False)
    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    contact: str = field(default="", repr=False)
    errors: tuple[LeadError, ...] = ()

    @property
    def lead(self) -> Lead:
        """The submission."""
        return self.stored.lead

    @property
    def is_stopped(self) -> bool:
        """Whether nothing of it can be imported."""
        return any(error.stops for error in self.errors)

    @property
    def address(self) -> str:
        """The e-mail address it was made with, as a key; "" where none was mapped or it is none."""
        return address_key(self.values.get("email")) or ""


def judge(
    link: Link,
    *,
    stored: Sequence[StoredLead],
    mode: ImportMode | None,
    since: Mapping[int, datetime | None],
    fields: LeadFields,
) -> list[Judged]:
    """Judge submissions, in their order. `mode` None is push or pull; `since` is by form when it
    was read last."""
    wishes = {
        form_id: wish_of(link, form_id=form_id) for form_id in {s.lead.form_id for s in stored}
    }
    first = [_judged(one, wish=wishes[one.lead.form_id], mode=mode, since=since) for one in stored]
    versions: dict[tuple[int, int], LeadForm | None] = {}
    told = [
        _understood(link, judged, fields=fields, versions=versions)
        if judged.verdict.takes
        else judged
        for judged in first
    ]
    leads.name_contacts(
        link.warehouse,
        keys={one.lead.response_id: one.contact for one in told if one.verdict.takes},
    )
    current = current_of(
        leads.rivals(
            link.warehouse,
            contacts={one.contact for one in told if one.contact},
            with_tests=[i for i, wish in wishes.items() if wish.gate.includes_tests],
        )
    )
    return [
        _judged(one.stored, wish=one.wish, mode=mode, since=since, is_current=False)
        if one.contact
        and current[(one.contact, one.lead.form_id)].response_id != one.lead.response_id
        else one
        for one in told
    ]


def _judged(
    stored: StoredLead,
    *,
    wish: FormWish,
    mode: ImportMode | None,
    since: Mapping[int, datetime | None],
    is_current: bool = True,
) -> Judged:
    submission = Submission(
        response_id=stored.lead.response_id,
        submitted_at=stored.lead.submitted_at,
        standing=stored.standing,
        is_test=stored.lead.is_test,
        is_current=is_current,
    )
    verdict = verdict_on(
        submission, gate=wish.gate, mode=mode, since=since.get(stored.lead.form_id)
    )
    return Judged(stored, verdict, wish)


def _understood(
    link: Link,
    judged: Judged,
    *,
    fields: LeadFields,
    versions: dict[tuple[int, int], LeadForm | None],
) -> Judged:
    lead, wish = judged.lead, judged.wish
    place = (lead.form_id, lead.form_version)
    if place not in versions:
        versions[place] = form_version(link, lead=lead)
    form = versions[place]
    rows = rows_of(wish, form=form, known=fields.names)
    if form is None and not rows:
        return replace(judged, errors=(_form_unknown(lead),))
    errors = [
        LeadError(
            lead.response_id,
            lead.form_id,
            str(problem.flaw),
            problem.text,
            "correct the mapping of the form and import it by hand",
            field=problem.crm,
            stops=problem.stops,
        )
        for problem in mapping_problems(rows, key=wish.key, form=form, crm_fields=fields.names)
        if problem.stops or problem.flaw in _TOLD
    ]
    told = values_of(lead, form=form, rows=rows, key=wish.key)
    values = {fields.name(crm): text for crm, text in told.values.items()}
    known = {name.casefold() for name in fields.names}
    values = {crm: text for crm, text in values.items() if crm.casefold() in known}
    errors += [
        LeadError(
            lead.response_id,
            lead.form_id,
            str(problem.flaw),
            problem.text,
            _NEXT[problem.flaw],
            field=problem.crm,
            stops=problem.flaw is AnswerFlaw.KEY_MISSING,
        )
        for problem in told.problems
    ]
    key = fields.name(wish.key)
    contact = contact_key(key, values.get(key, ""))
    if not contact and values.get(key):
        errors.append(
            LeadError(
                lead.response_id,
                lead.form_id,
                "key_unusable",
                f"what was answered for {key} is no e-mail address",
                "look the submission up at LinkedIn and enter the contact by hand",
                field=key,
            )
        )
    return replace(judged, form=form, values=values, contact=contact, errors=tuple(errors))


def rows_of(
    wish: FormWish, *, form: LeadForm | None, known: Collection[str]
) -> tuple[FieldMapping, ...]:
    """The mapping of a form version: that of the settings, else what can be told from the form and
    the CRM has a field for."""
    if wish.rows or form is None:
        return wish.rows
    names = {name.casefold() for name in known}
    suggested = (suggestion.mapping for suggestion in suggested_mapping(form))
    return tuple(row for row in suggested if row.crm.casefold() in names)


def contact_key(field_name: str, value: str) -> str:
    """The normal form by which two submissions are of the same contact; "" for none."""
    if field_name.startswith("email") or field_name == "Email":
        return address_key(value) or ""
    return " ".join(value.casefold().split())


def form_version(link: Link, *, lead: Lead) -> LeadForm | None:
    """The version a lead was submitted through: as it was seen before, else as LinkedIn has it."""
    known = lead_forms.version(link.warehouse, form_id=lead.form_id, version=lead.form_version)
    if known is not None or link.leads is None:
        return known
    try:
        found = link.leads.form_of(lead)
    except (SkipRecord, Permanent):
        return None
    if found is not None:
        keep_versions(link, leads=[replace(lead, form=found)])
    return found


def keep_versions(link: Link, *, leads: Sequence[Lead]) -> None:
    """Keep the form versions that came with these leads."""
    seen = {}
    for lead in leads:
        if lead.form is not None:
            owner = lead.form.owner or lead.owner
            version = replace(lead.form, version=lead.form_version, owner=owner)
            seen[(lead.form_id, lead.form_version)] = version
    if seen:
        lead_forms.store(link.warehouse, forms=list(seen.values()), now=link.now())


def _form_unknown(lead: Lead) -> LeadError:
    return LeadError(
        lead.response_id,
        lead.form_id,
        str(AnswerFlaw.FORM_UNKNOWN),
        f"LinkedIn did not give version {lead.form_version} of the form",
        "nothing, the next import tries again; or map its questions by their numbers",
    )


_NEXT = {
    AnswerFlaw.KEY_MISSING: "ask for it on the form as a required question, or choose another key",
    AnswerFlaw.UNKNOWN_OPTION: "correct the value at the contact by hand",
    AnswerFlaw.FORM_UNKNOWN: "import the form by hand with `existing` once LinkedIn gives it",
}
