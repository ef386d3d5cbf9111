"""Which answer goes into which field of the CRM: suggestion and check.

Belongs here: where a value may come from, the suggestion for a form, what is wrong with a mapping.
Must not be here: the values themselves (``answers``), whether the CRM has a field.

Question ids differ from form to form, LinkedIn's names of its own questions do not: a mapping
names a question by its predefined name where it has one, else by its id.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from nl_pipeline.domain.leads.forms import LeadForm, Question, QuestionKind

DEFAULT_KEY = "email"
"""The field of the CRM by which a lead finds its contact."""


LEAD_FACTS = (
    *("form_id", "form_name", "ad_account_name", "campaign_id", "campaign_name", "creative_id"),
)
"""Facts of a lead beside its answers that may be mapped as ``lead:<fact>``."""


@dataclass(frozen=True)
class FieldMapping:
    """One row: `source` goes into the field `crm`.

    `source` is a predefined name (``EMAIL``), a question id (``208120345``), ``hidden:<name>`` for
    a hidden field, ``consent:<id>`` for a consent box, or ``lead:<fact>`` for one of `LEAD_FACTS`.
    """

    source: str
    crm: str


class Because(StrEnum):
    """What a suggestion rests on."""

    PREDEFINED = "predefined"
    QUESTION = "question"


@dataclass(frozen=True)
class Suggestion:
    """A suggested row, and why."""

    mapping: FieldMapping
    because: Because


class MappingFlaw(StrEnum):
    """What is wrong with a mapping."""

    KEY_NOT_MAPPED = "key_not_mapped"
    KEY_NOT_ON_FORM = "key_not_on_form"
    KEY_OPTIONAL = "key_optional"
    FIELD_TWICE = "field_twice"
    SOURCE_NOT_ON_FORM = "source_not_on_form"
    SOURCE_UNCLEAR = "source_unclear"
    FIELD_NOT_IN_CRM = "field_not_in_crm"


@dataclass(frozen=True)
class MappingProblem:
    """One flaw. `stops` says whether nothing can be imported with this mapping."""

    flaw: MappingFlaw
    source: str
    crm: str
    text: str
    stops: bool


#: LinkedIn's own questions and the field of onOffice each fills by itself. Of two that fill one
#: field the earlier is suggested. JOB_FUNCTION, SENIORITY, INDUSTRY, COMPANY_SIZE and whatever
#: LinkedIn adds have no field that surely means the same, so a person chooses one.
PREDEFINED_FIELDS: Mapping[str, str] = {
    "EMAIL": "email",
    "WORK_EMAIL": "email",
    "FIRST_NAME": "Vorname",
    "LAST_NAME": "Name",
    "PHONE_NUMBER": "phone",
    "WORK_PHONE_NUMBER": "phone",
    "COMPANY_NAME": "Zusatz1",
    "JOB_TITLE": "jobTitle",
    "POSTAL_CODE": "Plz",
    "CITY": "Ort",
    "COUNTRY": "Land",
}

#: What people call such a question when they write it themselves, in the normal form of `_plain`.
_QUESTION_TEXTS: Mapping[str, tuple[str, ...]] = {
    "email": (
        *("email", "mail", "emailadresse", "mailadresse", "emailaddress", "geschäftlicheemail"),
        *("geschäftlicheemailadresse", "workemail", "businessemail", "indirizzoemail"),
        *("emailaziendale", "correoelectrónico", "adresseemail", "courriel"),
    ),
    "Vorname": ("vorname", "firstname", "nome", "nombre", "prénom"),
    "Name": ("nachname", "familienname", "lastname", "surname", "cognome", "apellidos", "apellido"),
    "phone": (
        *("telefon", "telefonnummer", "rufnummer", "phone", "phonenumber", "telephone", "telefono"),
        *("numeroditelefono", "teléfono", "númerodeteléfono", "téléphone", "numérodetéléphone"),
    ),
    "Zusatz1": (
        *("firma", "firmenname", "unternehmen", "unternehmensname", "company", "companyname"),
        *("azienda", "nomeazienda", "nomedellazienda", "empresa", "nombredelaempresa"),
        *("entreprise", "société", "nomdelentreprise"),
    ),
    "jobTitle": (
        *(
            "beruf",
            "berufsbezeichnung",
            "jobtitel",
            "jobtitle",
            "qualifica",
            "qualificaprofessionale",
        ),
        *("cargo", "puesto", "poste", "intitulédeposte"),
    ),
    "Strasse": ("strasse", "strasseundhausnummer", "street", "indirizzo", "rue"),
    "Plz": ("plz", "postleitzahl", "postalcode", "postcode", "zip", "zipcode", "cap", "codepostal"),
    "Ort": ("ort", "stadt", "wohnort", "city", "town", "città", "ciudad", "ville"),
    "Land": ("land", "country", "paese", "país", "pays"),
}
_FIELD_OF_TEXT = {text: crm for crm, texts in _QUESTION_TEXTS.items() for text in texts}
_ADDRESSED = re.compile(
    r"^(?:(?:wie lautet|bitte|please|what is|what's)\s+)?"
    r"(?:(?:ihre?|deine?|your|la tua|il tuo|la sua|il suo|su|tu|votre)\s+)?"
)
_PREDEFINED_NAME = re.compile(r"[A-Z][A-Z0-9_]*")
_QUESTION_ID = re.compile(r"[0-9]+")
_PREFIXED = re.compile(r"(hidden|consent|lead):(.+)")


@dataclass(frozen=True)
class Source:
    """A source taken apart; `kind` is predefined, question, hidden, consent, lead or "" (none)."""

    kind: str
    name: str


def source_of(text: str) -> Source:
    """Take a source apart; one that can't be understood has the kind ""."""
    text = text.strip()
    if prefixed := _PREFIXED.fullmatch(text):
        kind, name = prefixed[1], prefixed[2]
        is_known = {
            "hidden": True,
            "consent": _QUESTION_ID.fullmatch(name) is not None,
            "lead": name in LEAD_FACTS,
        }[kind]
        return Source(kind if is_known else "", name)
    if _QUESTION_ID.fullmatch(text):
        return Source("question", text)
    return Source("predefined" if _PREDEFINED_NAME.fullmatch(text) else "", text)


def questions_of(source: Source, *, form: LeadForm) -> list[Question]:
    """Return the questions of a form that a source means, nothing for other kinds of source."""
    if source.kind == "predefined":
        return [q for q in form.questions if q.predefined == source.name]
    if source.kind == "question":
        return [q for q in form.questions if q.id == int(source.name)]
    return []


def suggested_mapping(form: LeadForm) -> tuple[Suggestion, ...]:
    """Return rows for what can be told from the form; one row for a field of the CRM at most.

    LinkedIn's own questions first, then the text of the question as the person reads it. Consents
    and hidden fields are never suggested: what they mean is for a person to say.
    """
    found: dict[str, Suggestion] = {}
    asked = {question.predefined for question in form.questions}
    for name, crm in PREDEFINED_FIELDS.items():
        if name in asked and crm not in found:
            found[crm] = Suggestion(FieldMapping(name, crm), Because.PREDEFINED)
    for question in form.questions:
        crm_by_text = _field_of(question)
        if crm_by_text and crm_by_text not in found:
            row = FieldMapping(str(question.id), crm_by_text)
            found[crm_by_text] = Suggestion(row, Because.QUESTION)
    return tuple(found.values())


def mapping_problems(
    rows: Sequence[FieldMapping],
    *,
    key: str = DEFAULT_KEY,
    form: LeadForm | None = None,
    crm_fields: Collection[str] | None = None,
) -> tuple[MappingProblem, ...]:
    """Return what is wrong with a mapping, what stops the import first.

    Without `form` or `crm_fields` only what shows without them. Fields of the CRM are compared
    without regard to case: onOffice reads `Email` and writes `email`.
    """
    problems = [*_key_problems(rows, key=key, form=form)]
    known = None if crm_fields is None else {name.casefold() for name in crm_fields}
    seen: set[str] = set()
    for row in rows:
        crm = row.crm.casefold()
        is_key = crm == key.casefold()
        if crm in seen:
            problems.append(_problem(MappingFlaw.FIELD_TWICE, row, stops=True))
        seen.add(crm)
        if known is not None and crm not in known:
            problems.append(_problem(MappingFlaw.FIELD_NOT_IN_CRM, row, stops=is_key))
        flaw = _source_flaw(row, form=form)
        if flaw is not None and not is_key:
            problems.append(_problem(flaw, row, stops=False))
    return tuple(sorted(problems, key=lambda problem: not problem.stops))


def _key_problems(
    rows: Sequence[FieldMapping], *, key: str, form: LeadForm | None
) -> Iterable[MappingProblem]:
    mapped = [row for row in rows if row.crm.casefold() == key.casefold()]
    if not mapped:
        yield _problem(MappingFlaw.KEY_NOT_MAPPED, FieldMapping("", key), stops=True)
        return
    row = mapped[0]
    flaw = _source_flaw(row, form=form)
    if flaw is not None:
        unclear = flaw is MappingFlaw.SOURCE_UNCLEAR
        yield _problem(flaw if unclear else MappingFlaw.KEY_NOT_ON_FORM, row, stops=True)
    elif form is not None:
        questions = questions_of(source_of(row.source), form=form)
        if questions and not any(question.is_required for question in questions):
            yield _problem(MappingFlaw.KEY_OPTIONAL, row, stops=False)


def _source_flaw(row: FieldMapping, *, form: LeadForm | None) -> MappingFlaw | None:
    source = source_of(row.source)
    if source.kind == "":
        return MappingFlaw.SOURCE_UNCLEAR
    if form is None:
        return None
    is_there = {
        "lead": True,
        "hidden": source.name in form.hidden_fields,
        "consent": source.kind == "consent" and form.consent(int(source.name)) is not None,
    }.get(source.kind, bool(questions_of(source, form=form)))
    return None if is_there else MappingFlaw.SOURCE_NOT_ON_FORM


def _problem(flaw: MappingFlaw, row: FieldMapping, *, stops: bool) -> MappingProblem:
    text = _TEXTS[flaw].format(source=row.source, crm=row.crm)
    return MappingProblem(flaw, row.source, row.crm, text, stops)


_TEXTS = {
    MappingFlaw.KEY_NOT_MAPPED: (
        "no question is mapped to the key field {crm}, so no contact can be found;"
        " map the question that asks for it, or choose another key"
    ),
    MappingFlaw.KEY_NOT_ON_FORM: (
        "the form does not ask {source}, which is mapped to the key field {crm};"
        " map a question of this form"
    ),
    MappingFlaw.KEY_OPTIONAL: (
        "{source}, mapped to the key field {crm}, may be left empty on the form;"
        " such a lead is listed as an error"
    ),
    MappingFlaw.FIELD_TWICE: "two rows fill the field {crm}; keep one",
    MappingFlaw.SOURCE_NOT_ON_FORM: "the form does not ask {source}; {crm} stays as it is",
    MappingFlaw.SOURCE_UNCLEAR: (
        "{source} is no predefined name, question id, hidden:<name>, consent:<id> or lead:<fact>"
    ),
    MappingFlaw.FIELD_NOT_IN_CRM: (
        "the CRM has no field {crm}, which {source} is mapped to; create it or map another"
    ),
}


def _field_of(question: Question) -> str | None:
    """The field a question's own words mean; questions LinkedIn names are told by that name."""
    if question.predefined in PREDEFINED_FIELDS:
        return None
    for text in question.text.by_locale.values():
        crm = _FIELD_OF_TEXT.get(_plain(text))
        # An address is typed; a choice of addresses would be a question about something else.
        if crm is not None and (crm != "email" or question.kind is QuestionKind.TEXT):
            return crm
    return None


def _plain(text: str) -> str:
    """Letters and digits only, lower case, without the words a form addresses a person by."""
    words = _ADDRESSED.sub("", unicodedata.normalize("NFC", text).casefold().strip())
    return "".join(character for character in words if character.isalnum())
