"""The list of REST resources and their methods.

Belongs here: which method is served by which function, with the parameters and scopes it has. Does
not belong here: any behaviour.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from nl_pipeline.sandbox.linkedin import ad_accounts, forms, notifications, responses
from nl_pipeline.sandbox.linkedin.access import READS_ADS, READS_FORMS, READS_LEADS, READS_PAGES
from nl_pipeline.sandbox.linkedin.account import Account
from nl_pipeline.sandbox.linkedin.calls import Answer, ApiCall

Handler = Callable[[Account, ApiCall], Answer | Awaitable[Answer]]
_PAGED = frozenset({"start", "count"})


@dataclass(frozen=True, slots=True)
class Method:
    """One method of a resource."""

    handler: Handler
    scopes: frozenset[str]
    parameters: frozenset[str] = frozenset()
    """Besides ``fields``, and ``q`` or ``ids`` where the method's name implies them."""


RESOURCES: dict[str, dict[str, Method]] = {
    "adAccounts": {
        "FINDER-search": Method(
            ad_accounts.search, READS_ADS, frozenset({"search", "pageSize", "pageToken"})
        ),
    },
    "organizationAcls": {
        "FINDER-roleAssignee": Method(
            ad_accounts.find_roles, READS_PAGES, _PAGED | {"state", "role"}
        ),
    },
    "leadForms": {
        "FINDER-owner": Method(forms.find_by_owner, READS_FORMS, _PAGED | {"owner"}),
        "GET": Method(forms.read, READS_FORMS),
        "BATCH_GET": Method(forms.read_several, READS_FORMS),
    },
    "leadFormResponses": {
        "FINDER-owner": Method(
            responses.find_by_owner,
            READS_LEADS,
            _PAGED
            | {
                "owner",
                "leadType",
                "versionedLeadGenFormUrn",
                "associatedEntity",
                "submittedAtTimeRange",
                "limitedToTestLeads",
            },
        ),
        "GET": Method(responses.read, READS_LEADS),
        "BATCH_GET": Method(responses.read_several, READS_LEADS),
    },
    "leadNotifications": {
        "FINDER-criteria": Method(notifications.find, READS_LEADS, _PAGED | {"owner", "leadType"}),
        "GET": Method(notifications.read, READS_LEADS),
        "CREATE": Method(notifications.create, READS_LEADS),
        "DELETE": Method(notifications.delete, READS_LEADS),
    },
}
