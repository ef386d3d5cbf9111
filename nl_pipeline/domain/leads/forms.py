"""Lead forms and the leads that were submitted through them, as values.

Belongs here: the words of LinkedIn's forms (form, version, question, option, consent, answer) and
which text of a translated one counts. Must not be here: how LinkedIn encodes them
(``clients.linkedin``), what a lead means for a contact (the other modules of this package).

Reprs show ids only: answers are what a person wrote.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class OwnerKind(StrEnum):
    """Whose a form is."""

    AD_ACCOUNT = "ad_account"
    ORGANIZATION = "organization"


@dataclass(frozen=True)
class Owner:
    """The ad account or the page (organization) a form belongs to, by LinkedIn's number."""

    kind: OwnerKind
    id: int


class LeadType(StrEnum):
    """What a lead came from. LinkedIn may add values, so leads carry plain text."""

    SPONSORED = "SPONSORED"
    EVENT = "EVENT"
    COMPANY = "COMPANY"
    ORGANIZATION_PRODUCT = "ORGANIZATION_PRODUCT"


class QuestionKind(StrEnum):
    """How a question is answered."""

    TEXT = "text"
    CHOICE = "choice"
    OTHER = "other"


@dataclass(frozen=True)
class Translated:
    """A text by locale (``de_DE``), in the order LinkedIn sent them."""

    by_locale: Mapping[str, str]

    def text(self, locale: str) -> str:
        """The text in `locale`, else in its language, else the first one; "" when there is none."""
        return self.by_locale.get(self.locale(locale), "")

    def locale(self, wished: str) -> str:
        """The locale `text` takes its text from; "" when there is no text at all."""
        filled = [known for known, text in self.by_locale.items() if text.strip()]
        if wished in filled:
            return wished
        language = wished.partition("_")[0]
        same = (known for known in filled if known.partition("_")[0] == language)
        return next(same, filled[0] if filled else "")


@dataclass(frozen=True)
class Question:
    """One question of one form version.

    `id` is unique within its form only. `predefined` is LinkedIn's own name of the question
    (``EMAIL``), "" for one the advertiser made. `text` is what the person read; `name` is in the
    language of whoever made the form and says nothing reliable.
    """

    id: int
    kind: QuestionKind
    text: Translated
    name: str = ""
    predefined: str = ""
    is_required: bool = False
    options: Mapping[int, Translated] = field(default_factory=dict)


@dataclass(frozen=True)
class Consent:
    """One consent box of a form. LinkedIn counts them from 0 in each version."""

    id: int
    text: Translated
    is_required: bool = False


@dataclass(frozen=True)
class LeadForm:
    """One version of a form. `version` 0 means that LinkedIn did not say."""

    id: int
    version: int
    name: str
    locale: str
    questions: tuple[Question, ...]
    consents: tuple[Consent, ...] = ()
    hidden_fields: Mapping[str, str] = field(default_factory=dict)
    owner: Owner | None = None
    state: str = ""
    review_status: str = ""
    created_at: datetime | None = None
    changed_at: datetime | None = None

    def question(self, question_id: int) -> Question | None:
        """The question with this id."""
        return next((q for q in self.questions if q.id == question_id), None)

    def consent(self, consent_id: int) -> Consent | None:
        """The consent box with this id."""
        return next((c for c in self.consents if c.id == consent_id), None)


@dataclass(frozen=True)
class Answer:
    """What a person answered: a text, or the ids of the options they chose."""

    question_id: int
    text: str = field(default="", repr=False)
    options: tuple[int, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class ConsentAnswer:
    """Whether a consent box was ticked."""

    consent_id: int
    accepted: bool


@dataclass(frozen=True)
class Lead:
    """One submission of a form.

    `submitted_at` is aware UTC. `form` is the version it was submitted through, None where
    LinkedIn did not deliver it. Ids and names of campaign and creative are "" where LinkedIn gave
    none; `event_id` is set for registrations to an event. The submitter's own id is not kept.
    """

    response_id: str
    form_id: int
    form_version: int
    submitted_at: datetime
    owner: Owner | None = None
    owner_name: str = ""
    lead_type: str = LeadType.SPONSORED
    is_test: bool = False
    campaign_id: str = ""
    campaign_name: str = ""
    creative_id: str = ""
    event_id: str = ""
    answers: tuple[Answer, ...] = field(default=(), repr=False)
    consents: tuple[ConsentAnswer, ...] = field(default=(), repr=False)
    form: LeadForm | None = field(default=None, repr=False)
