"""The dump: all state of the twin as JSON-ready records, for the sandbox's own readers.

Belongs here: what tests and demos judge results by, in the API's field names. Does not belong here:
the API's own views; deleted leads and leads past the retention appear too. Tokens do not.
"""

from __future__ import annotations

from typing import Any

from nl_pipeline.sandbox.linkedin import forms, notifications, response_view
from nl_pipeline.sandbox.linkedin.account import Account
from nl_pipeline.sandbox.linkedin.acting import address_of
from nl_pipeline.sandbox.linkedin.state import AccessToken, Form, Grant, Lead


def dumped(account: Account) -> dict[str, Any]:
    """Every kind of record; ``calls_today`` and ``refused``: quotas by endpoint."""
    return {
        "ad_accounts": [
            {"id": one.id, "name": one.name, "organization": one.organization_id}
            for one in account.ad_accounts.values()
        ],
        "roles": [
            {"owner": owner.urn, "role": role.name, "state": role.state}
            for owner, role in account.roles.items()
        ],
        "forms": [_form(account, form) for form in account.forms.values()],
        "leads": [_lead(account, lead) for lead in account.leads.values()],
        "subscriptions": [
            notifications.record(account, one) for one in account.subscriptions.values()
        ],
        "webhooks": [
            {
                "url": one.url,
                "state": one.state,
                "failures": one.failures,
                "warnings": one.warnings,
                "challenged_at": one.challenged_at,
                "due_at": one.due_at,
            }
            for one in account.endpoints.values()
        ],
        "grants": [_grant(account, grant) for grant in account.grants],
        "access_tokens": [_token(account, one) for one in account.access_tokens.values()],
        "calls_today": account.quotas.today(),
        "refused": dict(account.quotas.refused),
    }


def _form(account: Account, form: Form) -> dict[str, Any]:
    newest = forms.record(account, form)
    del newest["content"]
    return newest | {
        "leadType": form.lead_type,
        "versions": [
            {
                "versionId": version.id,
                "questions": {one.predefined or one.text: one.id for one in version.questions},
                "consents": [one.text for one in version.consents],
            }
            for version in form.versions
        ],
    }


def _lead(account: Account, lead: Lead) -> dict[str, Any]:
    whole = response_view.record(account, lead)
    for name in [*response_view.ON_DEMAND, "form!"]:
        whole.pop(name, None)
    form = account.forms[lead.form_id]
    return whole | {
        "email": address_of(form, lead),
        "formId": form.id,
        "versionId": lead.version_id,
        "deletedAt": lead.deleted_at,
        "readable": account.is_readable(lead),
    }


def _grant(account: Account, grant: Grant) -> dict[str, Any]:
    return {
        "authorized_at": grant.authorized_at,
        "ends_at": grant.ends_at,
        "revoked": grant.revoked,
        "scopes": grant.scopes,
    }


def _token(account: Account, one: AccessToken) -> dict[str, Any]:
    living = not one.revoked and account.now() < one.expires_at
    return {"created_at": one.created_at, "expires_at": one.expires_at, "living": living}
