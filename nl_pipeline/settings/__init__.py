"""The connections file: what can be set, how it is checked, where secrets are kept.

Belongs here: the settings models, reading and checking the file, references to secrets, the JSON
Schema and the description of every key. Not here: anything that talks to a vendor, opens the
warehouse or knows Dagster. Importing this package reads no file and no environment variable.
"""

from __future__ import annotations

from nl_pipeline.settings.documentation import SettingDoc, describe, json_schema
from nl_pipeline.settings.fields import BlankRule, Direction, FieldMapping, ProviderKind
from nl_pipeline.settings.leads import (
    EntryLimit,
    FormDefaults,
    FormSettings,
    LeadAudience,
    LeadConsent,
    LeadField,
    LeadFilter,
    LeadOwner,
    Leads,
    LeadWorkflow,
    LinkedIn,
)
from nl_pipeline.settings.loading import CONFIG_VARIABLE, DEFAULT_FILE, load, parse
from nl_pipeline.settings.models import Connection, Settings
from nl_pipeline.settings.options import (
    Activities,
    Brakes,
    KindType,
    Limit,
    Schedules,
    Tags,
)
from nl_pipeline.settings.problems import Problem, SettingsError
from nl_pipeline.settings.secrets import SecretReference, environment
from nl_pipeline.settings.systems import (
    AudienceDetails,
    Brevo,
    BrevoLimits,
    Crm,
    DoubleOptIn,
    Mailchimp,
)
from nl_pipeline.settings.templates import (
    SANDBOX_BREVO_CONNECTION,
    SANDBOX_CONNECTION,
    SANDBOX_PORT,
    example_text,
    sandbox_text,
)
from nl_pipeline.settings.webhooks import ReceiverLimits, Webhooks

__all__ = [
    "CONFIG_VARIABLE",
    "DEFAULT_FILE",
    "SANDBOX_BREVO_CONNECTION",
    "SANDBOX_CONNECTION",
    "SANDBOX_PORT",
    "Activities",
    "AudienceDetails",
    "BlankRule",
    "Brakes",
    "Brevo",
    "BrevoLimits",
    "Connection",
    "Crm",
    "Direction",
    "DoubleOptIn",
    "EntryLimit",
    "FieldMapping",
    "FormDefaults",
    "FormSettings",
    "KindType",
    "LeadAudience",
    "LeadConsent",
    "LeadField",
    "LeadFilter",
    "LeadOwner",
    "LeadWorkflow",
    "Leads",
    "Limit",
    "LinkedIn",
    "Mailchimp",
    "Problem",
    "ProviderKind",
    "ReceiverLimits",
    "Schedules",
    "SecretReference",
    "SettingDoc",
    "Settings",
    "SettingsError",
    "Tags",
    "Webhooks",
    "describe",
    "environment",
    "example_text",
    "json_schema",
    "load",
    "parse",
    "sandbox_text",
]
