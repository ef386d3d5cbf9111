"""Records of the LinkedIn twin.

Belongs here: plain data, all moments in milliseconds since 1970. Does not belong here: rules about
it (``account``), the API's views of it and the URNs (``urns``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from nl_pipeline.sandbox.linkedin.urns import Owner

LeadType = Literal["SPONSORED", "EVENT", "COMPANY", "ORGANIZATION_PRODUCT"]
LEAD_TYPES: tuple[LeadType, ...] = ("SPONSORED", "EVENT", "COMPANY", "ORGANIZATION_PRODUCT")
RoleState = Literal["APPROVED", "REQUESTED", "REJECTED", "REVOKED"]
LeadAction = Literal["CREATED", "DELETED"]
ROLE_STATES: tuple[RoleState, ...] = ("APPROVED", "REQUESTED", "REJECTED", "REVOKED")


@dataclass(slots=True)
class Organization:
    """A company page."""

    id: int
    name: str
    vanity_name: str


@dataclass(slots=True)
class AdAccount:
    """An ad account; without a page its leads cannot be read."""

    id: int
    name: str
    organization_id: int | None
    created_at: int
    test: bool = False
    status: str = "ACTIVE"


@dataclass(slots=True)
class Role:
    """The member's role at an ad account or page."""

    name: str
    state: RoleState
    since: int
    changed_at: int


@dataclass(frozen=True, slots=True)
class Question:
    """A question of one form version."""

    id: int
    name: str
    """In the language of the form's author."""
    text: str
    """In the form's language."""
    predefined: str | None
    required: bool
    options: tuple[str, ...] = ()
    """Of a multiple choice question; an option's id is its place."""


@dataclass(frozen=True, slots=True)
class Consent:
    """A checkbox below a form."""

    id: int
    text: str
    required: bool


@dataclass(frozen=True, slots=True)
class FormVersion:
    """What a form asks, as it was published once."""

    id: int
    name: str
    headline: str
    description: str
    questions: tuple[Question, ...]
    consents: tuple[Consent, ...]
    hidden_fields: tuple[tuple[str, str], ...]
    published_at: int

    def question(self, question_id: int) -> Question | None:
        """The question of an id."""
        return next((one for one in self.questions if one.id == question_id), None)


@dataclass(slots=True)
class Form:
    """A lead form with all its versions, the newest last."""

    id: int
    owner: Owner
    lead_type: LeadType
    country: str
    language: str
    created_at: int
    versions: list[FormVersion]
    state: Literal["PUBLISHED", "DRAFT", "ARCHIVED"] = "PUBLISHED"
    event_id: int | None = None
    """Of a form with lead type EVENT."""

    @property
    def newest(self) -> FormVersion:
        """The version people see now."""
        return self.versions[-1]

    @property
    def locale(self) -> str:
        """Such as ``de_DE``."""
        return f"{self.language}_{self.country}"

    def version(self, version_id: int) -> FormVersion | None:
        """The version of an id."""
        return next((one for one in self.versions if one.id == version_id), None)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: text, or ids of options."""

    question_id: int
    text: str = ""
    options: tuple[int, ...] = ()
    is_choice: bool = False


@dataclass(slots=True)
class Lead:
    """A lead form response."""

    id: str
    form_id: int
    version_id: int
    owner: Owner
    lead_type: LeadType
    submitter: str
    submitted_at: int
    test: bool
    answers: tuple[Answer, ...]
    consents: dict[int, bool]
    campaign_id: int | None = None
    creative_id: int | None = None
    event_id: int | None = None
    deleted_at: int | None = None


@dataclass(slots=True)
class Subscription:
    """A lead notification: where to tell of whose leads."""

    id: int
    webhook: str
    owner: Owner
    lead_type: LeadType
    versioned_form: tuple[int, int] | None = None
    associated_entity: dict[str, str] | None = None


@dataclass(slots=True)
class Endpoint:
    """A webhook URL as the app's developer portal knows it."""

    url: str
    challenged_at: int
    """When it last was."""
    due_at: int
    """When it is challenged next."""
    state: Literal["validated", "restarted", "blocked"] = "validated"
    failures: int = 0
    """Failed challenges in a row."""
    warnings: int = 0
    """E-mails about failures to the app's developers."""


@dataclass(slots=True)
class Grant:
    """A member's consent: the refresh token and the access tokens that came of it."""

    refresh_token: str
    scopes: tuple[str, ...]
    authorized_at: int
    ends_at: int
    """Fixed when the member authorized; a refresh does not move it."""
    revoked: bool = False


@dataclass(slots=True)
class AccessToken:
    """A bearer token."""

    token: str
    grant: Grant
    created_at: int
    expires_at: int
    works_from: int
    revoked: bool = False


@dataclass(slots=True)
class Code:
    """An authorization code that waits to be exchanged."""

    code: str
    redirect_uri: str
    scopes: tuple[str, ...]
    expires_at: int
