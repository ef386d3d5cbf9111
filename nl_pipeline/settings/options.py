"""What is kept in step between the two sides, within which limits, and when.

Belongs here: the parts of a connection that name no product. Every one of them has a default.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from nl_pipeline.settings.closed import ClosedModel
from nl_pipeline.settings.fields import DEFAULT_FIELDS, FieldMapping, check_crm_sides
from nl_pipeline.settings.leads import LeadAudience, Leads, check_audiences
from nl_pipeline.settings.problems import refusal
from nl_pipeline.settings.values import (
    Allowed,
    Count,
    Cron,
    Percent,
    Text,
)


class Tags(ClosedModel):
    """Newsletter tags of the CRM as tags at the provider."""

    enabled: bool = Field(
        True, description="Whether tags are synced. Always off with Brevo, which has no tags."
    )
    field: Text = Field(
        "NewsletterTag", description="Multi-select field in onOffice with the tags."
    )


class KindType(ClosedModel):
    """Kind and type of an activity, as the onOffice account names them."""

    kind: Text = Field(description="Kind of the activity (key in onOffice, not the label).")
    type: Text = Field(description="Type of the activity (key in onOffice, not the label).")


class _OffAllowed:
    """Tells the JSON Schema that the file may say `off` where the settings say None."""

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        described = handler(schema)
        return {"anyOf": [*described["anyOf"], {"const": "off"}]}


def _off_to_none(value: Any) -> Any:
    if value == "off":
        return None
    if value is None or isinstance(value, (dict, KindType)):
        return value
    raise refusal("is neither an activity nor `off`", allowed="off, or kind and type")


OptionalActivity = Annotated[
    KindType | None,
    BeforeValidator(_off_to_none),
    _OffAllowed(),
    Allowed("off, or kind and type"),
]


class Activities(ClosedModel):
    """Which events at the provider become activities at the contact in the CRM."""

    subscribe: KindType = Field(
        KindType(kind="Newsletter", type="bestellt"),
        description="Activity written when someone subscribes.",
    )
    unsubscribe: KindType = Field(
        KindType(kind="Newsletter", type="nicht bestellt"),
        description="Activity written when someone unsubscribes.",
    )
    delivered: OptionalActivity = Field(
        None, description="Activity written for every delivered newsletter."
    )
    hard_bounce: OptionalActivity = Field(
        None, description="Activity written when an address turns out not to exist."
    )
    open: OptionalActivity = Field(
        None,
        description="Activity written for the first opening of each newsletter. With Brevo only.",
    )
    click: OptionalActivity = Field(
        None,
        description="Activity written for the first click on each link of each newsletter. With "
        "Brevo only.",
    )
    proxy_opens: bool = Field(
        False,
        description="Whether an opening by a mail scanner or proxy counts as one by the person.",
    )
    profile: OptionalActivity = Field(
        KindType(kind="Email", type="Eingang"),
        description="Activity written when a profile value that changed at the provider was taken "
        "into the CRM. It names the fields, not the values. Where the account has no such kind or "
        "type, the default writes none.",
    )
    lead: OptionalActivity = Field(
        KindType(kind="Email", type="Eingang"),
        description="Activity written when a lead was imported, with its form and campaign. Where "
        "the account has no such kind or type, the default writes none.",
    )


class Limit(ClosedModel):
    """A number of rows and a share of the audience; the smaller one counts."""

    count: Count = Field(description="Rows.")
    percent: Percent = Field(description="Share of the audience in percent.")


class Brakes(ClosedModel):
    """How much one plan may change before those rows are held until somebody releases them."""

    removals: Limit = Field(
        Limit(count=50, percent=2), description="Unsubscribed or archived at the provider."
    )
    crm_blanked: Limit = Field(
        Limit(count=50, percent=2), description='Contacts set to "not specified" in the CRM.'
    )
    new_contacts: Limit = Field(
        Limit(count=500, percent=10), description="Contacts created in the CRM."
    )
    overwritten_percent: Percent = Field(
        20, description="Members whose value of the same field is overwritten, in percent."
    )
    crm_shrink_percent: Percent = Field(
        5,
        description="How much smaller than the last good one a read of the CRM may be before "
        "nothing is concluded from absence, in percent.",
    )
    confirmations: Count = Field(20, description="Confirmation mails caused by one run.")
    inbound_alarm_percent: Percent = Field(
        2,
        description="Share of opt-outs in one run that raises an alarm, in percent. Opt-outs are "
        "always applied.",
    )
    at_least: Count = Field(
        5, description="Rows that a percentage always allows, so that small audiences can move."
    )


class Schedules(ClosedModel):
    """When syncs run by themselves, in the time zone of the CRM."""

    incremental: Cron = Field("*/15 * * * *", description="Sync of what changed.")
    full: Cron = Field("0 3 * * *", description="Sync over complete reads of both sides.")
    watch: Cron = Field(
        "20 * * * *", description="Look at the webhooks, and at reports of campaigns that are due."
    )
    leads: Cron = Field(
        "40 * * * *",
        description="Pull of the lead forms that are due, and look at the subscriptions to their "
        "notices. Each form has an interval of its own.",
    )


class ConnectionOptions(ClosedModel):
    """Everything about a connection except its two sides."""

    audience: Text = Field(
        "onoffice", description="Name of the audience at the provider, found by exactly this name."
    )
    fields: Annotated[
        tuple[FieldMapping, ...], Field(strict=False), AfterValidator(check_crm_sides)
    ] = Field(
        DEFAULT_FIELDS,
        description="Profile fields kept in step besides the e-mail address. A list given here "
        "replaces the default (salutation, first name, last name) as a whole.",
    )
    tags: Tags = Field(Tags(), description="Newsletter tags. Off with Brevo, which has none.")
    activities: Activities = Field(Activities(), description="Activities in the CRM.")
    brakes: Brakes = Field(Brakes(), description="Brakes on large changes.")
    schedules: Schedules = Field(Schedules(), description="When syncs run by themselves.")
    leads: Leads = Field(Leads(), description="Leads that become contacts in the CRM.")
    audiences: Annotated[
        tuple[LeadAudience, ...], Field(strict=False), AfterValidator(check_audiences)
    ] = Field(
        (),
        description="Saved filters over submissions of lead forms that set and remove a newsletter "
        "tag.",
    )
    adopt_existing: bool = Field(
        False,
        description="Whether the first sync imports subscribers of the audience who are not in "
        "the CRM. They are listed otherwise, and never removed.",
    )
