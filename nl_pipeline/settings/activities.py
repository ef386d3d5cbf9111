"""Which events become activities at the contact in the CRM, and of which kind and type.

Belongs here: the settings of activities. Must not be here: which event happened (``sync``).
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from nl_pipeline.settings.closed import ClosedModel
from nl_pipeline.settings.problems import refusal
from nl_pipeline.settings.values import Allowed, Text


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
