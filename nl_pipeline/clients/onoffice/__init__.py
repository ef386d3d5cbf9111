"""The onOffice enterprise API: signed actions, several per request.

Belongs here: envelope, signature, error codes, addresses, activities, field configuration as
onOffice speaks them. Does not belong here: which contact is eligible or what a newsletter value
means for a sync.
"""

from nl_pipeline.clients.onoffice.client import Conditions, OnOfficeClient
from nl_pipeline.clients.onoffice.crm_time import CrmZone
from nl_pipeline.clients.onoffice.error_codes import RightMissing, ValueRefused
from nl_pipeline.clients.onoffice.models import (
    ActionOutcome,
    Activity,
    AddressChange,
    AddressField,
    AddressPage,
    AddressRecord,
    Condition,
    NewActivity,
    NewAddress,
    multiselect_keys,
)
from nl_pipeline.clients.onoffice.paging import AddressPages

__all__ = [
    "ActionOutcome",
    "Activity",
    "AddressChange",
    "AddressField",
    "AddressPage",
    "AddressPages",
    "AddressRecord",
    "Condition",
    "Conditions",
    "CrmZone",
    "NewActivity",
    "NewAddress",
    "OnOfficeClient",
    "RightMissing",
    "ValueRefused",
    "multiselect_keys",
]
