"""LinkedIn's Lead Sync API: ad accounts, page roles, lead forms, leads, notifications.

Belongs here: the API as LinkedIn speaks it, tokens included. Does not belong here: what a lead
means for a contact.
"""

from nl_pipeline.clients.linkedin.accounts import EVENT_ROLES, LEAD_ROLES, may_read_leads
from nl_pipeline.clients.linkedin.client import LinkedInClient
from nl_pipeline.clients.linkedin.models import (
    AdAccount,
    FormPage,
    LeadPage,
    Notification,
    PageRole,
    UnreadableRow,
)
from nl_pipeline.clients.linkedin.notices import (
    LeadAction,
    LeadNotice,
    UnreadableNotice,
    notices_in,
)
from nl_pipeline.clients.linkedin.oauth import SCOPES, Introspection, OAuth
from nl_pipeline.clients.linkedin.problems import (
    DailyQuotaReached,
    LeadAbsent,
    TokenRefused,
    VersionSunset,
)
from nl_pipeline.clients.linkedin.responses import LeadPages
from nl_pipeline.clients.linkedin.tokens import (
    WARN_DAYS,
    TokenFile,
    TokenLife,
    Tokens,
    TokenStore,
    TokenWarning,
    configured_tokens,
)

__all__ = [
    "EVENT_ROLES",
    "LEAD_ROLES",
    "SCOPES",
    "WARN_DAYS",
    "AdAccount",
    "DailyQuotaReached",
    "FormPage",
    "Introspection",
    "LeadAbsent",
    "LeadAction",
    "LeadNotice",
    "LeadPage",
    "LeadPages",
    "LinkedInClient",
    "Notification",
    "OAuth",
    "PageRole",
    "TokenFile",
    "TokenLife",
    "TokenRefused",
    "TokenStore",
    "TokenWarning",
    "Tokens",
    "UnreadableNotice",
    "UnreadableRow",
    "VersionSunset",
    "configured_tokens",
    "may_read_leads",
    "notices_in",
]
