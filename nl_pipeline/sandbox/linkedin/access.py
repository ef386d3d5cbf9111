"""Who may read what: scopes of the token, roles of the member, the product of the app.

Belongs here: the rules of LinkedIn's Lead Sync about permissions. Does not belong here: the 403
itself (``calls``), which names the endpoint and not what is missing.
"""

from __future__ import annotations

from nl_pipeline.sandbox.linkedin.account import Account
from nl_pipeline.sandbox.linkedin.state import Grant, LeadType
from nl_pipeline.sandbox.linkedin.urns import Owner

LEAD_SYNC = "r_marketing_leadgen_automation"
SCOPES = (LEAD_SYNC, "r_ads", "rw_ads", "r_organization_admin", "r_events")
"""All the app asks for can be among these."""

READS_ADS = frozenset({"r_ads", "rw_ads"})
READS_FORMS = READS_ADS | {LEAD_SYNC}
READS_LEADS = frozenset({LEAD_SYNC})
READS_PAGES = frozenset({"r_organization_admin"})

ACCOUNT_ROLES = (
    "ACCOUNT_BILLING_ADMIN",
    "ACCOUNT_MANAGER",
    "CAMPAIGN_MANAGER",
    "CREATIVE_MANAGER",
    "VIEWER",
)
PAGE_ROLES = (
    "ADMINISTRATOR",
    "LEAD_GEN_FORMS_MANAGER",
    "CURATOR",
    "CONTENT_ADMINISTRATOR",
    "ANALYST",
    "DIRECT_SPONSORED_CONTENT_POSTER",
    "RECRUITING_POSTER",
    "LEAD_CAPTURE_ADMINISTRATOR",
)
_PAGE_ROLES_FOR_LEADS = frozenset(PAGE_ROLES[:5])
_PAGE_ROLES_FOR_EVENTS = frozenset({"ADMINISTRATOR", "CONTENT_ADMINISTRATOR"})


def role_at(account: Account, owner: Owner) -> str:
    """The member's approved role; ``""`` for none."""
    role = account.roles.get(owner)
    return role.name if role is not None and role.state == "APPROVED" else ""


def has_scope(grant: Grant, *, any_of: frozenset[str]) -> bool:
    """Whether a consent covers one of the scopes."""
    return not any_of.isdisjoint(grant.scopes)


def may_read_forms(account: Account, owner: Owner) -> bool:
    """Forms need a role at their owner and nothing more."""
    return bool(role_at(account, owner))


def fits(account: Account, owner: Owner, *, lead_type: LeadType) -> bool:
    """Whether an owner can have leads of a type: ad accounts SPONSORED ones, pages all others."""
    if lead_type != "SPONSORED":
        return owner.kind == "organization"
    return owner.kind == "sponsoredAccount" or account.switches.sponsored_on_pages == "allowed"


def may_read_leads(account: Account, owner: Owner, *, lead_type: LeadType) -> bool:
    """Leads need the product, the role at the owner, and for an ad account one at its page."""
    if not account.switches.lead_sync_product or not role_at(account, owner):
        return False
    page = owner
    if owner.kind == "sponsoredAccount":
        ad_account = account.ad_accounts.get(owner.id)
        if ad_account is None or ad_account.organization_id is None:
            return False
        page = Owner("organization", ad_account.organization_id)
    allowed = _PAGE_ROLES_FOR_EVENTS if lead_type == "EVENT" else _PAGE_ROLES_FOR_LEADS
    return role_at(account, page) in allowed
