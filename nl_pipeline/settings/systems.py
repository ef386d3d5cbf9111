"""The two sides of a connection: which account, and how it is talked to.

Belongs here: one model per product. Not here: what is kept in step between them (`options`).
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from nl_pipeline.settings.closed import ClosedModel
from nl_pipeline.settings.secrets import ALLOWED_REFERENCES, SecretReference
from nl_pipeline.settings.values import Allowed, BaseUrl, Country, Text, TimeZone

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


class CrmEntry(ClosedModel):
    """The CRM of a connection: one product, by its name."""

    onoffice: Crm = Field(description="onOffice.")


class ProviderEntry(ClosedModel):
    """The newsletter provider of a connection: exactly one product, by its name."""

    mailchimp: Mailchimp = Field(description="Mailchimp.")
