"""The two sides of a connection: which account, and how it is talked to.

Belongs here: one model per product. Not here: what is kept in step between them (`options`).
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field, field_validator, model_validator

from nl_pipeline.settings.closed import ClosedModel
from nl_pipeline.settings.problems import refusal
from nl_pipeline.settings.secrets import ALLOWED_REFERENCES, SecretReference
from nl_pipeline.settings.values import Allowed, BaseUrl, Country, Text, TimeZone, Whole

Secret = Annotated[SecretReference, Allowed(ALLOWED_REFERENCES)]


class Crm(ClosedModel):
    """The onOffice account that is read and written."""

    token: Secret = Field(description="API token of the onOffice API user.")
    secret: Secret = Field(description="API secret that belongs to the token.")
    base_url: BaseUrl = Field(
        "https://api.onoffice.de/api/stable/api.php",
        description="Address of the onOffice API. Only a sandbox has another one.",
    )
    time_zone: TimeZone = Field(
        "Europe/Berlin",
        description="Time zone in which onOffice shows and stores date-times, and in which the "
        "schedules are read.",
    )
    actions_per_request: Annotated[int, Allowed("a whole number from 1 to 100")] = Field(
        50,
        ge=1,
        le=100,
        description="How many API actions are sent in one request. onOffice publishes no limit; "
        "lower it if large requests time out.",
    )


class AudienceDetails(ClosedModel):
    """What Mailchimp asks for when an audience is created. Not used once the audience exists."""

    company: Text = Field(description="Sender's company, shown in the footer of every mail.")
    address1: Text = Field(description="Street and number, shown in the footer of every mail.")
    city: Text = Field(description="City, shown in the footer of every mail.")
    zip: str = Field("", description="Postcode, in quotes.")
    state: str = Field("", description="State or province.")
    country: Country = Field(
        description="Country. Mailchimp silently takes US for a code it does not know."
    )
    from_name: Text = Field(description="Default sender name of campaigns.")
    from_email: Text = Field(description="Default sender address of campaigns.")
    subject: str = Field("", description="Default subject of campaigns.")
    language: Text = Field("de", description="Default language of campaigns.")
    permission_reminder: Text = Field(
        description="One sentence that tells people why they get this newsletter."
    )
    double_optin: bool = Field(
        False, description="Whether sign-up forms of the audience ask for a confirmation."
    )


class Mailchimp(ClosedModel):
    """The Mailchimp account that sends the newsletter."""

    kind: ClassVar[Literal["mailchimp"]] = "mailchimp"

    api_key: Secret = Field(description="API key of the Mailchimp account.")
    base_url: BaseUrl | None = Field(
        None,
        description="Address of the Mailchimp API; by default taken from the data centre at the "
        "end of the API key.",
    )
    max_connections: Annotated[int, Allowed("a whole number from 1 to 10")] = Field(
        8,
        ge=1,
        le=10,
        description="Connections used at the same time. Mailchimp allows 10 per account, shared "
        "with every other tool that uses it.",
    )
    webhook_time_zone: TimeZone = Field(
        "UTC",
        description="Time zone of the dates in webhooks, which name none. By all examples UTC.",
    )
    audience_details: AudienceDetails | None = Field(
        None,
        description="Needed only if the audience does not exist yet and `setup` should create it.",
    )


class BrevoLimits(ClosedModel):
    """How often the account may call Brevo, as its plan allows. Never exceeded."""

    contacts_per_second: Whole = Field(
        10,
        description="Calls in a second about contacts, lists and imports. Professional and "
        "Enterprise plans have 20.",
    )
    contacts_per_hour: Whole = Field(
        36_000, description="The same in an hour. Professional and Enterprise plans have 72,000."
    )
    other_per_hour: Whole = Field(
        100,
        description="Calls in an hour about everything else (imports in progress, webhooks, "
        "campaigns). Professional and Enterprise plans have 200.",
    )


class DoubleOptIn(ClosedModel):
    """The mail by which Brevo asks a person to confirm."""

    template_id: Whole = Field(
        description="Number of the double opt-in template at Brevo; its link has to be "
        "`{{ params.DOIurl }}`."
    )
    redirection_url: BaseUrl = Field(description="Page that is shown after the confirmation.")


class Brevo(ClosedModel):
    """The Brevo account that sends the newsletter."""

    kind: ClassVar[Literal["brevo"]] = "brevo"

    api_key: Secret = Field(description="API key of the Brevo account.")
    base_url: BaseUrl = Field(
        "https://api.brevo.com/v3",
        description="Address of the Brevo API. Only a sandbox has another one.",
    )
    key_name: Text = Field(
        "onoffice-connector",
        description="Name of the API key at Brevo. Webhooks tell by it which changes were ours; "
        "no other tool may use a key of this name.",
    )
    max_connections: Annotated[int, Allowed("a whole number from 1 to 10")] = Field(
        4, ge=1, le=10, description="Connections used at the same time."
    )
    folder: Text = Field(
        "onOffice", description="Folder in which `setup` creates the list that is the audience."
    )
    limits: BrevoLimits = Field(BrevoLimits(), description="Limits of the account's plan.")
    import_megabytes: Annotated[int, Allowed("a whole number from 1 to 10")] = Field(
        10,
        ge=1,
        le=10,
        description="Size of one import in megabytes. Brevo takes 10 and recommends 8 or less; "
        "lower it if imports are refused.",
    )
    double_opt_in: DoubleOptIn | None = Field(
        None,
        description="Without it nobody is asked to confirm: a Yes with proof after an "
        "unsubscription is listed.",
    )


class CrmEntry(ClosedModel):
    """The CRM of a connection: one product, by its name."""

    onoffice: Crm = Field(description="onOffice.")


def _as_exactly_one(schema: dict[str, Any]) -> None:
    """Tell the JSON Schema that one product has to be there, and no second one."""
    for described in schema["properties"].values():
        described |= described.pop("anyOf")[0]
        del described["default"]
    schema["oneOf"] = [{"required": [product]} for product in schema["properties"]]


class ProviderEntry(ClosedModel):
    """The newsletter provider of a connection: exactly one product, by its name."""

    # A default that is validated would be refused below like a key with nothing behind it.
    model_config = ConfigDict(validate_default=False, json_schema_extra=_as_exactly_one)

    mailchimp: Mailchimp | None = Field(None, description="Mailchimp.")
    brevo: Brevo | None = Field(None, description="Brevo.")

    @field_validator("mailchimp", "brevo", mode="before")
    @classmethod
    def _is_a_group(cls, value: Any) -> Any:
        if value is None:
            raise refusal("must be a group of keys", next_step="add its keys, or remove this line")
        return value

    @model_validator(mode="after")
    def _is_exactly_one(self) -> ProviderEntry:
        named = [product for product in type(self).model_fields if product in self.model_fields_set]
        if len(named) == 1:
            return self
        allowed = "exactly one of " + ", ".join(type(self).model_fields)
        if not named:
            raise refusal(
                "no newsletter provider is named", allowed=allowed, next_step="add one of them"
            )
        raise refusal(
            f"a connection has one newsletter provider, and {named[0]} stands here already",
            allowed=allowed,
            next_step="remove one of the two, or give it a connection of its own",
            at=(named[1],),
        )

    @property
    def only(self) -> Mailchimp | Brevo:
        """The one that is there."""
        chosen = self.mailchimp or self.brevo
        if chosen is None:
            raise TypeError("validated entries have a provider")
        return chosen
