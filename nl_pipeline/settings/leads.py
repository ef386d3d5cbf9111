"""Leads of LinkedIn: whose forms are read, what of a submission goes where, what follows from it.

Belongs here: the settings of the lead import of one connection and of audiences made of leads. Not
here: what a form really asks and which fields an account really has; both are looked up before
anything is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from nl_pipeline.domain.leads import DEFAULT_KEY, FieldMapping, MappingFlaw, mapping_problems
from nl_pipeline.domain.leads.mapping import source_of
from nl_pipeline.settings.closed import ClosedModel
from nl_pipeline.settings.problems import refusal
from nl_pipeline.settings.systems import Secret
from nl_pipeline.settings.values import Allowed, BaseUrl, KeyName, Text, Whole


def _as_text(value: Any) -> Any:
    """A number as it would stand in quotes; YAML has numbers where LinkedIn has names."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _check_some(values: tuple[Any, ...]) -> tuple[Any, ...]:
    # Not `min_length`, which would also complain of a list whose only item is refused.
    if not values:
        raise refusal("must not be empty", allowed="a list of at least one")
    return values


def _check_source(value: str) -> str:
    if not source_of(value).kind:
        raise refusal("this names nothing a lead could bring", allowed=_SOURCES)
    return value


_SOURCES = (
    "LinkedIn's own name of a question (EMAIL), the number of a question, hidden:<name>, "
    "consent:<number>, or lead: and one of form_id, form_name, ad_account_name, campaign_id, "
    "campaign_name, creative_id"
)
_VERSION = "year and month as LinkedIn's versions have them, for example 202607"

LeadType = Literal["SPONSORED", "EVENT", "COMPANY", "ORGANIZATION_PRODUCT"]
FormNumber = Annotated[
    str,
    Field(pattern=r"^[1-9][0-9]{0,18}$"),
    Allowed("the number of a form at LinkedIn, as `leads forms` shows it"),
    KeyName("form"),
]
Source = Annotated[str, BeforeValidator(_as_text), AfterValidator(_check_source), Allowed(_SOURCES)]
Version = Annotated[
    str,
    BeforeValidator(_as_text),
    Field(pattern=r"^20[0-9]{4}(\.[0-9]{2})?$"),
    Allowed(_VERSION),
]


class LeadOwner(ClosedModel):
    """Whose forms are read: an ad account or a page."""

    ad_account: Whole | None = Field(
        None, description="Number of the ad account, from its address in the Campaign Manager."
    )
    organization: Whole | None = Field(
        None, description="Number of the company page; needed for leads of events."
    )

    @model_validator(mode="after")
    def _is_exactly_one(self) -> LeadOwner:
        if (self.ad_account is None) == (self.organization is None):
            raise refusal(
                "an owner is one ad account or one page",
                allowed="exactly one of ad_account, organization",
                next_step="give each its own line",
            )
        return self


class LeadField(ClosedModel):
    """One answer and the field in the CRM it goes into."""

    question: Source = Field(description="Where the value comes from.")
    crm: Text = Field(description="Field name in onOffice, as its API calls it.")


class LeadConsent(ClosedModel):
    """The consent box of a form that is about the newsletter."""

    consent_id: Annotated[int, Field(ge=0), Allowed("a whole number, 0 or more")] = Field(
        description="Number of the box, as `leads forms` shows it."
    )
    newsletter: Literal["doi", "yes"] = Field(
        "doi",
        description="What an accepted box sets in the CRM: double opt-in, or Yes without a "
        "further question. A Cancellation stays one either way.",
    )
    text: str = Field(
        "",
        description="What the box says today. With it, a later version of the form that asks for "
        "something else under the same number is no consent.",
    )


class EntryLimit(ClosedModel):
    """How often one contact may enter a workflow."""

    count: Whole = Field(1, description="Entries of one contact within the period.")
    days: Whole = Field(30, description="Length of the period in days.")


class LeadWorkflow(ClosedModel):
    """What the provider is told for each imported lead, so that a workflow starts there."""

    journey: Whole | None = Field(None, description="Number of a customer journey at Mailchimp.")
    step: Whole | None = Field(
        None, description="Number of the step of that journey that starts by API."
    )
    event: Text | None = Field(None, description="Name of an event at Brevo.")
    entry_limit: EntryLimit = Field(
        EntryLimit(), description="Limit, also for workflows that are started anew."
    )


class FormDefaults(ClosedModel):
    """How the leads of a form are imported, as far as it holds for forms nobody has seen yet."""

    enabled: bool = Field(True, description="Whether leads of this form are imported.")
    interval_hours: Whole = Field(
        24, description="Hours between two pulls, which find what no notice told."
    )
    fields: Annotated[tuple[LeadField, ...], Field(strict=False)] = Field(
        (),
        description="Which answer goes into which field. Without any, what can be told from the "
        "form by itself.",
    )
    key: Text = Field(
        DEFAULT_KEY,
        description="Field in onOffice by which a lead finds its contact; one of the fields has "
        "to go into it.",
    )
    tag: Text | None = Field(
        None,
        description="Newsletter tag that every contact gets by a lead of this form. At Mailchimp "
        "a tag is a static segment.",
    )
    include_test_leads: bool = Field(
        False, description="Whether test leads go into the CRM. They are stored and marked always."
    )
    workflow: LeadWorkflow | None = Field(
        None, description="What the provider is told for each imported lead."
    )

    @model_validator(mode="after")
    def _has_the_key_mapped(self) -> FormDefaults:
        rows = [FieldMapping(field.question, field.crm) for field in self.fields]
        problems = mapping_problems(rows, key=self.key) if rows else ()
        for problem in problems:
            if problem.flaw is MappingFlaw.FIELD_TWICE:
                raise refusal(problem.text, at=("fields",))
            if problem.stops:
                raise refusal(
                    problem.text,
                    next_step="add a line for it, or remove `fields` for the suggested ones",
                    at=("fields",),
                )
        return self


class FormSettings(FormDefaults):
    """How the leads of one form are imported. What is not said holds as in `new_forms`."""

    consent: LeadConsent | None = Field(
        None, description="The box about the newsletter. Without it no lead is a consent."
    )


class LinkedIn(ClosedModel):
    """The app and the member's access by which leads are read, and the forms."""

    import_leads: bool = Field(
        False,
        description="Whether leads are imported at all. As long as it is off, forms are listed "
        "and nothing else happens.",
    )
    client_id: Secret = Field(description="Client id of the app at LinkedIn.")
    client_secret: Secret = Field(
        description="Client secret of the app. LinkedIn signs its notices with it."
    )
    access_token: Secret = Field(description="Access token of the member who gave consent.")
    refresh_token: Secret | None = Field(
        None,
        description="Refresh token, where the app has been granted them. Without one a person has "
        "to give consent anew every 60 days, with one every 365.",
    )
    owners: Annotated[tuple[LeadOwner, ...], Field(strict=False), AfterValidator(_check_some)] = (
        Field(description="Ad accounts and pages whose forms are read.")
    )
    lead_types: Annotated[
        tuple[LeadType, ...],
        Field(strict=False),
        AfterValidator(_check_some),
        Allowed("a list of SPONSORED, EVENT, COMPANY, ORGANIZATION_PRODUCT"),
    ] = Field(
        ("SPONSORED",),
        description="Kinds of leads that are read. Leads of events belong to a page.",
    )
    version: Version = Field(
        "202607",
        description="Version of LinkedIn's API. Each is supported for a year; when it ends, "
        "LinkedIn answers 426.",
    )
    base_url: BaseUrl = Field(
        "https://api.linkedin.com/rest",
        description="Address of the LinkedIn API. Only a sandbox has another one.",
    )
    oauth_url: BaseUrl = Field(
        "https://www.linkedin.com/oauth/v2",
        description="Address at which tokens are renewed. Only a sandbox has another one.",
    )
    forms: dict[FormNumber, FormSettings] = Field(
        {}, description="Forms that are imported in a way of their own, by their number."
    )
    new_forms: FormDefaults = Field(
        FormDefaults(), description="What holds for every form as far as nothing else is said."
    )

    @model_validator(mode="after")
    def _has_forms_that_hold(self) -> LinkedIn:
        for index, row in enumerate(self.new_forms.fields):
            # Numbers of questions and boxes mean something else on each form.
            if source_of(row.question).kind in ("question", "consent"):
                raise refusal(
                    "this number means something else on each form",
                    allowed="LinkedIn's own name of a question, hidden:<name> or lead:<fact>",
                    next_step="map it below `forms`, at the form it belongs to",
                    at=("new_forms", "fields", index, "question"),
                )
        return self

    def form(self, form_id: int | str) -> FormSettings:
        """How the leads of this form are imported."""
        own = self.forms.get(str(form_id))
        said: Mapping[str, Any] = {}
        if own is not None:
            said = {name: getattr(own, name) for name in own.model_fields_set}
        return FormSettings(**{**_values(self.new_forms), **said})


def _values(defaults: FormDefaults) -> dict[str, Any]:
    return {name: getattr(defaults, name) for name in FormDefaults.model_fields}


class Leads(ClosedModel):
    """Where leads come from."""

    linkedin: LinkedIn | None = Field(None, description="Lead forms at LinkedIn.")


class LeadFilter(ClosedModel):
    """Which submissions count; whatever is named has to fit."""

    form: Whole | None = Field(None, description="Number of the form.")
    test: bool | None = Field(
        None, description="Test leads only (true) or none of them (false). Left out: both."
    )
    campaign: Whole | None = Field(None, description="Number of the campaign.")
    owner: LeadOwner | None = Field(None, description="Ad account or page.")

    @model_validator(mode="after")
    def _names_something(self) -> LeadFilter:
        if not self.model_fields_set:
            raise refusal(
                "this filter would take every submission",
                allowed="at least one of " + ", ".join(type(self).model_fields),
            )
        return self


class LeadAudience(ClosedModel):
    """A saved filter over submissions: whoever has one that fits gets the tag, others lose it."""

    name: Text = Field(description="Name in plans and reports.")
    tag: Text = Field(
        description="Newsletter tag that is set and removed. No other tool should use it."
    )
    where: LeadFilter = Field(description="Which submissions count.")


def check_audiences(audiences: tuple[LeadAudience, ...]) -> tuple[LeadAudience, ...]:
    """The same audiences; refused is a name or a tag that stands twice."""
    for index, audience in enumerate(audiences):
        for key in ("name", "tag"):
            if getattr(audience, key) in (getattr(one, key) for one in audiences[:index]):
                raise refusal(
                    "another audience has the same value here",
                    allowed=f"each {key} once",
                    next_step="give each audience its own",
                    at=(index, key),
                )
    return audiences
