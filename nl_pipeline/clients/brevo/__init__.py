"""The Brevo API v3: contacts, lists, attributes, imports, exports, webhooks, campaigns.

Belongs here: the API as Brevo speaks it, with its refusals as typed causes. Does not belong here:
whether someone may be put on a list.
"""

from nl_pipeline.clients.brevo.campaigns import Campaign, CampaignStatistics
from nl_pipeline.clients.brevo.client import BrevoClient
from nl_pipeline.clients.brevo.limits import Limits
from nl_pipeline.clients.brevo.models import (
    Account,
    Attribute,
    Budget,
    Choice,
    ConsentGroup,
    Contact,
    ContactDetails,
    ContactList,
    ContactPage,
    Folder,
    ImportedChunk,
    ImportOutcome,
    ImportRow,
    OperationOutcome,
    Process,
    Refusal,
    RemovalOutcome,
)
from nl_pipeline.clients.brevo.operations import (
    AskToConfirm,
    Block,
    ChangeAddress,
    Operation,
    UpdateProfile,
)
from nl_pipeline.clients.brevo.paging import ContactPages
from nl_pipeline.clients.brevo.problems import ContactAbsent, ContactRefused, RefusalCause
from nl_pipeline.clients.brevo.statistics import ContactStatistics, MailEvent
from nl_pipeline.clients.brevo.webhooks import Webhook

__all__ = [
    "Account",
    "AskToConfirm",
    "Attribute",
    "Block",
    "BrevoClient",
    "Budget",
    "Campaign",
    "CampaignStatistics",
    "ChangeAddress",
    "Choice",
    "ConsentGroup",
    "Contact",
    "ContactAbsent",
    "ContactDetails",
    "ContactList",
    "ContactPage",
    "ContactPages",
    "ContactRefused",
    "ContactStatistics",
    "Folder",
    "ImportOutcome",
    "ImportRow",
    "ImportedChunk",
    "Limits",
    "MailEvent",
    "Operation",
    "OperationOutcome",
    "Process",
    "Refusal",
    "RefusalCause",
    "RemovalOutcome",
    "UpdateProfile",
    "Webhook",
]
