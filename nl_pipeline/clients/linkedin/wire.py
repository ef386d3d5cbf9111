"""From LinkedIn's answers to forms and leads.

Belongs here: the shapes as recorded (LinkedIn's Postman collection), and their reading. Does not
belong here: the calls they answer.

Absent optional fields are left out by LinkedIn, never null. What a form or lead does not need is
not read, so that an addition of LinkedIn's breaks nothing; a row that lacks what it needs is
reported by its id and the others go on. The submitter's id is not asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from nl_pipeline.clients.linkedin.models import UnreadableRow
from nl_pipeline.clients.linkedin.query import Literal
from nl_pipeline.clients.linkedin.urns import form_and_version, number_of, owner_of
from nl_pipeline.domain.leads import (
    Answer,
    Consent,
    ConsentAnswer,
    Lead,
    LeadForm,
    Question,
    QuestionKind,
    Translated,
)

LEAD_FIELDS = Literal(
    "ownerInfo,leadMetadataInfo,leadMetadata,associatedEntity,owner,leadType,"
    "versionedLeadGenFormUrn,id,submittedAt,testLead,formResponse,"
    "form:(hiddenFields,creationLocale,name,id,content)"
)
"""LinkedIn's own full projection, with campaign and creative, without what nobody here uses."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class _Localized(msgspec.Struct, frozen=True):
    localized: dict[str, str] = msgspec.field(default_factory=dict)

    def translated(self) -> Translated:
        return Translated(self.localized)


class _Option(msgspec.Struct, frozen=True):
    id: int
    text: _Localized = _Localized()


class _Choice(msgspec.Struct, frozen=True):
    options: list[_Option] = msgspec.field(default_factory=list)


class _Details(msgspec.Struct, frozen=True, rename="camel"):
    text_question_details: dict[str, Any] | None = None
    multiple_choice_question_details: _Choice | None = None


class _Question(msgspec.Struct, frozen=True, rename="camel"):
    question_id: int
    question: _Localized = _Localized()
    name: str = ""
    predefined_field: str = ""
    response_required: bool = False
    question_details: _Details = _Details()

    def question_value(self) -> Question:
        choice = self.question_details.multiple_choice_question_details
        kind = QuestionKind.OTHER
        if choice is not None:
            kind = QuestionKind.CHOICE
        elif self.question_details.text_question_details is not None:
            kind = QuestionKind.TEXT
        return Question(
            id=self.question_id,
            kind=kind,
            text=self.question.translated(),
            name=self.name,
            predefined=self.predefined_field,
            is_required=self.response_required,
            options={o.id: o.text.translated() for o in choice.options} if choice else {},
        )


class _Consent(msgspec.Struct, frozen=True, rename="camel"):
    id: int
    consent: _Localized = _Localized()
    check_required: bool = False


class _Legal(msgspec.Struct, frozen=True):
    consents: list[_Consent] = msgspec.field(default_factory=list)


class _Content(msgspec.Struct, frozen=True, rename="camel"):
    questions: list[_Question] = msgspec.field(default_factory=list)
    legal_info: _Legal = _Legal()


class _Locale(msgspec.Struct, frozen=True):
    country: str = ""
    language: str = ""


class _Hidden(msgspec.Struct, frozen=True):
    name: str
    value: str = ""


class _Review(msgspec.Struct, frozen=True, rename="camel"):
    review_status: str = ""


class _Form(msgspec.Struct, frozen=True, rename="camel"):
    id: int | str
    version_id: int = 0
    name: str = ""
    state: str = ""
    owner: dict[str, Any] | None = None
    created: int | None = None
    last_modified: int | None = None
    creation_locale: _Locale = _Locale()
    review_info: _Review = _Review()
    hidden_fields: list[_Hidden] = msgspec.field(default_factory=list)
    content: _Content = _Content()


class _Answer(msgspec.Struct, frozen=True, rename="camel"):
    question_id: int
    answer_details: dict[str, Any] = msgspec.field(default_factory=dict)

    def answer_value(self) -> Answer:
        text = _dig(self.answer_details, "textQuestionAnswer", "answer")
        options = _dig(self.answer_details, "multipleChoiceAnswer", "options")
        return Answer(
            self.question_id,
            text=text if isinstance(text, str) else "",
            options=tuple(o for o in options if isinstance(o, int))
            if isinstance(options, list)
            else (),
        )


class _ConsentResponse(msgspec.Struct, frozen=True, rename="camel"):
    consent_id: int
    accepted: bool = False


class _FormResponse(msgspec.Struct, frozen=True, rename="camel"):
    answers: list[_Answer] = msgspec.field(default_factory=list)
    consent_responses: list[_ConsentResponse] = msgspec.field(default_factory=list)


class _Lead(msgspec.Struct, frozen=True, rename="camel"):
    id: str
    versioned_lead_gen_form_urn: str
    submitted_at: int
    lead_type: str = ""
    test_lead: bool = False
    owner: dict[str, Any] | None = None
    owner_info: dict[str, Any] | None = None
    lead_metadata: dict[str, Any] | None = None
    lead_metadata_info: dict[str, Any] | None = None
    associated_entity: dict[str, Any] | None = None
    form_response: _FormResponse = _FormResponse()
    # Decoded by itself: a form of an unknown shape must not cost the lead. Where LinkedIn could
    # not look it up, the key is `form!` and holds an error.
    form: msgspec.Raw = msgspec.Raw()


class _OnlyId(msgspec.Struct, frozen=True):
    id: Any = None


_forms = msgspec.json.Decoder(_Form)
_leads = msgspec.json.Decoder(_Lead)
_ids = msgspec.json.Decoder(_OnlyId)


def moment_of(milliseconds: int) -> datetime:
    """Return aware UTC for milliseconds since 1970, exactly."""
    return EPOCH + milliseconds * _MILLISECOND


def milliseconds_of(moment: datetime) -> int:
    """Return milliseconds since 1970, rounded down. ValueError when naive."""
    if moment.tzinfo is None:
        raise ValueError("a time for LinkedIn needs a zone; pass aware UTC")
    return (moment - EPOCH) // _MILLISECOND


def form_in(raw: bytes | msgspec.Raw) -> LeadForm | UnreadableRow:
    """Return the form in a row."""
    try:
        form = _forms.decode(raw)
    except msgspec.DecodeError:
        return _unreadable(raw)
    number = number_of(form.id)
    if number is None:
        return _unreadable(raw)
    locale = form.creation_locale
    return LeadForm(
        id=number,
        version=form.version_id,
        name=form.name,
        locale=f"{locale.language}_{locale.country}" if locale.country else locale.language,
        questions=tuple(q.question_value() for q in form.content.questions),
        consents=tuple(
            Consent(c.id, c.consent.translated(), c.check_required)
            for c in form.content.legal_info.consents
        ),
        hidden_fields={hidden.name: hidden.value for hidden in form.hidden_fields},
        owner=owner_of(form.owner),
        state=form.state,
        review_status=form.review_info.review_status,
        created_at=None if form.created is None else moment_of(form.created),
        changed_at=None if form.last_modified is None else moment_of(form.last_modified),
    )


def lead_in(raw: bytes | msgspec.Raw) -> Lead | UnreadableRow:
    """Return the lead in a row."""
    try:
        lead = _leads.decode(raw)
    except msgspec.DecodeError:
        return _unreadable(raw)
    versioned = form_and_version(lead.versioned_lead_gen_form_urn)
    if versioned is None:
        return _unreadable(raw)
    form = form_in(lead.form) if bytes(lead.form) else None
    campaign = _dig(lead.lead_metadata_info, "sponsoredLeadMetadataInfo", "campaign")
    named = campaign if isinstance(campaign, Mapping) else {}
    entity = lead.associated_entity or {}
    return Lead(
        response_id=lead.id,
        form_id=versioned[0],
        form_version=versioned[1],
        submitted_at=moment_of(lead.submitted_at),
        owner=owner_of(lead.owner),
        owner_name=_owner_name(lead.owner_info),
        lead_type=lead.lead_type,
        is_test=lead.test_lead,
        campaign_id=_number_text(
            named.get("id") or _dig(lead.lead_metadata, "sponsoredLeadMetadata", "campaign")
        ),
        campaign_name=str(named.get("name") or ""),
        # The key of a creative differs between sources.
        creative_id=next((_number_text(v) for k, v in entity.items() if k != "event"), ""),
        event_id=_number_text(entity.get("event")),
        answers=tuple(a.answer_value() for a in lead.form_response.answers),
        consents=tuple(
            ConsentAnswer(c.consent_id, c.accepted) for c in lead.form_response.consent_responses
        ),
        form=_of_version(form, versioned) if isinstance(form, LeadForm) else None,
    )


def _of_version(form: LeadForm, versioned: tuple[int, int], /) -> LeadForm | None:
    """The form that came with a lead, numbered as the lead says: it was not asked for its own."""
    if form.id != versioned[0] or form.version not in (0, versioned[1]):
        return None
    return replace(form, version=versioned[1])


def _owner_name(info: dict[str, Any] | None) -> str:
    for described in (info or {}).values():
        if isinstance(described, dict):
            name = described.get("name") or described.get("localizedName")
            if isinstance(name, str):
                return name
    return ""


def _number_text(value: object) -> str:
    number = number_of(value)
    return "" if number is None else str(number)


def _dig(value: object, *keys: str) -> object:
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _unreadable(raw: bytes | msgspec.Raw) -> UnreadableRow:
    """The row by its id, as far as even that can be read."""
    try:
        row_id = _ids.decode(raw).id
    except msgspec.DecodeError:
        row_id = ""
    return UnreadableRow(str(row_id) if isinstance(row_id, str | int) else "")
