"""From the answers of a lead to values for the CRM.

Belongs here: text and option ids to text, what is missing, what is not understood. Must not be
here: the mapping itself (``mapping``), whether a value fits a field of the CRM.

Answers come in any order, unanswered questions are missing, and options come as ids whose text
stands in the version of the form that was filled in.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from nl_pipeline.domain.leads.forms import Answer, Lead, LeadForm, Question
from nl_pipeline.domain.leads.mapping import DEFAULT_KEY, FieldMapping, Source, source_of


class AnswerFlaw(StrEnum):
    """Why an answer did not become a value, or not a good one."""

    UNKNOWN_OPTION = "unknown_option"
    FORM_UNKNOWN = "form_unknown"
    KEY_MISSING = "key_missing"


@dataclass(frozen=True)
class AnswerProblem:
    """One flaw of one lead; holds no answer."""

    flaw: AnswerFlaw
    source: str
    crm: str
    text: str


@dataclass(frozen=True)
class LeadValues:
    """Values by field of the CRM. A field without an answer is absent: it is never emptied."""

    values: Mapping[str, str] = field(repr=False)
    problems: tuple[AnswerProblem, ...]


_BETWEEN_OPTIONS = "; "
_JOINERS = "\u200c\u200d"
"""Characters of format that names in Persian or Hindi are misspelt without."""
_NEXT = {
    AnswerFlaw.UNKNOWN_OPTION: (
        "{source} was answered by an option the form does not have any more; {crm} says its number"
    ),
    AnswerFlaw.FORM_UNKNOWN: (
        "LinkedIn did not give the form this lead was filled in on, so {source} could not be told"
        " from the other questions; {crm} stays as it is"
    ),
    AnswerFlaw.KEY_MISSING: (
        "{source} was not answered, so the contact for {crm} can't be found or created"
    ),
}


def values_of(
    lead: Lead,
    *,
    form: LeadForm | None,
    rows: Sequence[FieldMapping],
    key: str = DEFAULT_KEY,
) -> LeadValues:
    """Return what the mapped answers of a lead say.

    `form` is the version it was filled in. Without it, questions that are mapped by their id still
    give their texts. KEY_MISSING is among the problems where nothing was said for the key.
    """
    values: dict[str, str] = {}
    problems: list[AnswerProblem] = []
    for row in rows:
        text, flaw = _value(lead, form=form, source=source_of(row.source))
        if text:
            values.setdefault(row.crm, text)
        if flaw is not None:
            problems.append(_problem(flaw, row))
    if not any(crm.casefold() == key.casefold() for crm in values):
        mapped = (row for row in rows if row.crm.casefold() == key.casefold())
        problems.append(_problem(AnswerFlaw.KEY_MISSING, next(mapped, FieldMapping("key", key))))
    return LeadValues(values, tuple(problems))


def text_answers(lead: Lead, *, form: LeadForm | None) -> tuple[tuple[str, str], ...]:
    """Return (question, answer) as a person reads them, in the order of the form.

    Answers to questions the form does not have come last, under the number of the question.
    """
    order = {question.id: place for place, question in enumerate(form.questions if form else ())}
    answers = sorted(lead.answers, key=lambda a: order.get(a.question_id, len(order)))
    told = []
    for answer in answers:
        question = form.question(answer.question_id) if form else None
        locale = form.locale if form else ""
        label = question.text.text(locale) if question else ""
        text, _ = _text_of(answer, question=question, locale=locale)
        if text:
            told.append((label or f"question {answer.question_id}", text))
    return tuple(told)


def _value(lead: Lead, *, form: LeadForm | None, source: Source) -> tuple[str, AnswerFlaw | None]:
    match source.kind:
        case "lead":
            return _fact(lead, name=source.name, form=form), None
        case "hidden":
            if form is None:
                return "", AnswerFlaw.FORM_UNKNOWN
            return _clean(form.hidden_fields.get(source.name, "")), None
        case "consent":
            said = [c.accepted for c in lead.consents if c.consent_id == int(source.name)]
            return ("1" if all(said) else "0") if said else "", None
        case "question":
            wanted = {int(source.name)}
        case "predefined":
            if form is None:
                return "", AnswerFlaw.FORM_UNKNOWN
            wanted = {q.id for q in form.questions if q.predefined == source.name}
        case _:
            return "", None
    for answer in lead.answers:
        if answer.question_id in wanted:
            question = form.question(answer.question_id) if form else None
            text, flaw = _text_of(answer, question=question, locale=form.locale if form else "")
            if text:
                return text, flaw
    return "", None


def _text_of(
    answer: Answer, *, question: Question | None, locale: str
) -> tuple[str, AnswerFlaw | None]:
    if not answer.options:
        return _clean(answer.text), None
    texts = []
    flaw = None
    for option in answer.options:
        known = question.options.get(option) if question else None
        text = _clean(known.text(locale)) if known else ""
        if not text:
            text, flaw = f"option {option}", AnswerFlaw.UNKNOWN_OPTION
        texts.append(text)
    return _BETWEEN_OPTIONS.join(texts), flaw


def _fact(lead: Lead, *, name: str, form: LeadForm | None) -> str:
    return {
        "form_id": str(lead.form_id),
        "form_name": form.name if form else "",
        "ad_account_name": lead.owner_name,
        "campaign_id": lead.campaign_id,
        "campaign_name": lead.campaign_name,
        "creative_id": lead.creative_id,
    }[name]


def _clean(text: str) -> str:
    """One line without control characters, which fields of the CRM have no use for."""
    kept = "".join(_visible(character) for character in unicodedata.normalize("NFC", text))
    return " ".join(kept.split())


def _visible(character: str) -> str:
    if character in _JOINERS:
        return character
    match unicodedata.category(character):
        case "Cc":
            return " "
        case "Cf" | "Cs":
            return ""
        case _:
            return character


def _problem(flaw: AnswerFlaw, row: FieldMapping) -> AnswerProblem:
    text = _NEXT[flaw].format(source=row.source, crm=row.crm)
    return AnswerProblem(flaw, row.source, row.crm, text)
