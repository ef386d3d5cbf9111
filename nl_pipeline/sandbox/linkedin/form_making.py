"""Making forms, new versions of them and leads: what people do in LinkedIn's own interface.

Belongs here: ids of forms and questions, checks of what was filled in. Does not belong here: the
acts that ask for it (``acts``) and the API. A question keeps its id from version to version; ids
are unique within a form and not shared by forms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nl_pipeline.sandbox.linkedin.account import Account
from nl_pipeline.sandbox.linkedin.forms import MAX_ANSWER_LENGTH
from nl_pipeline.sandbox.linkedin.state import (
    Answer,
    Consent,
    Form,
    FormVersion,
    Lead,
    LeadType,
    Question,
)
from nl_pipeline.sandbox.linkedin.urns import Owner
from nl_pipeline.sandbox.service import ActRefused

LARGE_ID = 6_851_219_773_716_516_864
"""Where ids of forms begin that have 19 digits."""

_TEXTS = {
    "FIRST_NAME": ("Vorname", "First name"),
    "LAST_NAME": ("Nachname", "Last name"),
    "EMAIL": ("E-Mail-Adresse", "Email address"),
    "WORK_EMAIL": ("Geschäftliche E-Mail", "Work email"),
    "PHONE_NUMBER": ("Telefonnummer", "Phone number"),
    "COMPANY_NAME": ("Unternehmen", "Company name"),
    "JOB_TITLE": ("Jobbezeichnung", "Job title"),
    "JOB_FUNCTION": ("Tätigkeitsbereich", "Job function"),
    "SENIORITY": ("Karrierestufe", "Seniority"),
    "INDUSTRY": ("Branche", "Industry"),
    "COMPANY_SIZE": ("Unternehmensgröße", "Company size"),
    "CITY": ("Stadt", "City"),
    "POSTAL_CODE": ("Postleitzahl", "Postal code"),
    "COUNTRY": ("Land", "Country"),
}
"""Predefined field -> text of the form, name in the author's language."""

PREDEFINED = tuple(_TEXTS)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as somebody writes it into a form."""

    predefined: str | None = None
    text: str = ""
    required: bool = False
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ticked:
    """A consent as somebody writes it below a form."""

    text: str
    required: bool = False


def make_form(
    account: Account,
    *,
    name: str,
    owner: Owner,
    lead_type: LeadType,
    asked: Sequence[Asked],
    consents: Sequence[Ticked] = (),
    form_id: int = 0,
    event_id: int | None = None,
    at: int | None = None,
) -> Form:
    """A new published form in German."""
    moment = account.now() if at is None else at
    form = Form(
        id=form_id or account.number("form", first=LARGE_ID + 1000),
        owner=owner,
        lead_type=lead_type,
        country="DE",
        language="de",
        created_at=moment,
        versions=[],
        event_id=event_id,
    )
    publish(account, form, name=name, asked=asked, consents=consents, at=moment)
    account.forms[form.id] = form
    return form


def publish(
    account: Account,
    form: Form,
    *,
    name: str,
    asked: Sequence[Asked],
    consents: Sequence[Ticked],
    at: int | None = None,
) -> FormVersion:
    """A new version of a form."""
    known = {
        one.predefined or one.text: one.id for version in form.versions for one in version.questions
    }
    questions = []
    for place, one in enumerate(asked):
        text, title = _TEXTS.get(one.predefined or "", (one.text, f"Custom question {place}"))
        key = one.predefined or one.text
        known.setdefault(key, (len(known) + 1) * 100_000_000 + form.id % 100_000_000)
        questions.append(
            Question(
                id=known[key],
                name=title,
                text=one.text or text,
                predefined=one.predefined,
                required=one.required,
                options=one.options,
            )
        )
    version = FormVersion(
        id=len(form.versions) + 1,
        name=name,
        headline=name,
        description="Wir melden uns bei Ihnen.",
        questions=tuple(questions),
        consents=tuple(Consent(n, one.text, one.required) for n, one in enumerate(consents)),
        hidden_fields=(("utm_source", "linkedin"),),
        published_at=account.now() if at is None else at,
    )
    form.versions.append(version)
    return version


def answers_of(form: Form, given: dict[str, Any]) -> tuple[Answer, ...]:
    """What somebody fills in, by predefined field, question id or question text.

    A choice is given as text or list of texts or ids. Refused: a question the form does not have, a
    required one without answer, a text too long, an option that is none.
    """
    version = form.newest
    answers = []
    left = dict(given)
    for question in version.questions:
        keys = (question.predefined, str(question.id), question.text)
        key = next((one for one in keys if one is not None and one in left), None)
        value = left.pop(key) if key is not None else None
        if value is None or value == "" or value == []:
            if question.required:
                raise ActRefused(f"form {form.id}: question {question.id} needs an answer")
            continue
        answers.append(_answer(question, value))
    if left:
        raise ActRefused(
            f"form {form.id}: no question for {sorted(left)}; there are: "
            + ", ".join(one.predefined or str(one.id) for one in version.questions)
        )
    return tuple(answers)


def _answer(question: Question, value: Any) -> Answer:
    if not question.options:
        if not isinstance(value, str) or len(value) > MAX_ANSWER_LENGTH:
            raise ActRefused(f"question {question.id}: a text of at most {MAX_ANSWER_LENGTH}")
        return Answer(question.id, text=value)
    chosen = value if isinstance(value, list) else [value]
    numbers = []
    for one in chosen:
        if isinstance(one, int) and 0 <= one < len(question.options):
            numbers.append(one)
        elif one in question.options:
            numbers.append(question.options.index(one))
        else:
            raise ActRefused(f"question {question.id}: options are {list(question.options)}")
    return Answer(question.id, options=tuple(numbers), is_choice=True)


def consents_of(form: Form, given: dict[int, bool]) -> dict[int, bool]:
    """An answer to each checkbox of the form; those not given are not ticked."""
    consents = form.newest.consents
    unknown = set(given) - {one.id for one in consents}
    if unknown:
        raise ActRefused(f"form {form.id} has no consent {sorted(unknown)}")
    ticked = {one.id: given.get(one.id, False) for one in consents}
    if any(one.required and not ticked[one.id] for one in consents):
        raise ActRefused(f"form {form.id}: a consent is required")
    return ticked


def add_lead(
    account: Account,
    form: Form,
    *,
    answers: tuple[Answer, ...],
    consents: dict[int, bool],
    submitter: str,
    at: int,
    campaign_id: int | None,
    test: bool = False,
    lead_id: str = "",
) -> Lead:
    """A submission of the form's newest version."""
    sponsored = form.lead_type == "SPONSORED"
    lead = Lead(
        id=lead_id or f"{account.uuid()}-6",
        form_id=form.id,
        version_id=form.newest.id,
        owner=form.owner,
        lead_type=form.lead_type,
        submitter=submitter,
        submitted_at=at,
        test=test,
        answers=answers,
        consents=consents,
        campaign_id=campaign_id if sponsored else None,
        creative_id=241_000_333 if sponsored else None,
        event_id=form.event_id,
    )
    account.leads[lead.id] = lead
    return lead
