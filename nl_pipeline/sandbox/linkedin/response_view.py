"""How a lead form response looks.

Belongs here: all fields of a response, those that come by projection only among them. Does not
belong here: which of them a call wants (``calls``).
"""

from __future__ import annotations

import random
from typing import Any

from nl_pipeline.sandbox.linkedin import errors, forms
from nl_pipeline.sandbox.linkedin.account import Account
from nl_pipeline.sandbox.linkedin.state import Answer, Lead
from nl_pipeline.sandbox.linkedin.urns import urn

ON_DEMAND = frozenset({"ownerInfo", "leadMetadataInfo", "associatedEntityInfo", "form"})


def record(account: Account, lead: Lead) -> dict[str, Any]:
    """Every field there is; a failed ``form`` is called ``form!``."""
    whole: dict[str, Any] = {
        "id": lead.id,
        "owner": lead.owner.union,
        "ownerInfo": _owner_info(account, lead),
        "leadType": lead.lead_type,
        "submitter": lead.submitter,
        "submittedAt": lead.submitted_at,
        "testLead": lead.test,
        "versionedLeadGenFormUrn": account.versioned_form_urn(
            lead.form_id, version_id=lead.version_id
        ),
        "formResponse": _form_response(lead),
    }
    if lead.campaign_id is not None:
        campaign = urn("sponsoredCampaign", lead.campaign_id)
        name = account.campaigns.get(lead.campaign_id, "")
        whole["leadMetadata"] = {"sponsoredLeadMetadata": {"campaign": campaign}}
        whole["leadMetadataInfo"] = {
            "sponsoredLeadMetadataInfo": {
                "campaign": {"id": campaign, "name": name, "type": "SPONSORED_UPDATES"}
            }
        }
    if lead.creative_id is not None:
        creative = urn("sponsoredCreative", lead.creative_id)
        whole["associatedEntity"] = {"associatedCreative": creative}
        whole["associatedEntityInfo"] = {"associatedCreative": {"id": creative}}
    if lead.event_id is not None:
        whole["associatedEntity"] = {"event": urn("event", lead.event_id)}
    return whole | _form(account, lead)


def _owner_info(account: Account, lead: Lead) -> dict[str, Any]:
    if lead.owner.kind == "sponsoredAccount":
        ad_account = account.ad_accounts.get(lead.owner.id)
        return {"sponsoredAccountInfo": {"name": ad_account.name if ad_account else ""}}
    organization = account.organizations.get(lead.owner.id)
    return {"organizationInfo": {"localizedName": organization.name if organization else ""}}


def _form(account: Account, lead: Lead) -> dict[str, Any]:
    """The version of the form that was filled in, or the error in its place."""
    form = account.forms[lead.form_id]
    if account.switches.form_decoration_fails:
        problem = errors.ApiProblem(500, "Internal Server Error", service_code=0)
        return {"form!": problem.document()}
    return {"form": forms.record(account, form, version=form.version(lead.version_id))}


def _form_response(lead: Lead) -> dict[str, Any]:
    # Answers come in no fixed order; that of one lead stays the same.
    answers = list(lead.answers)
    random.Random(lead.id).shuffle(answers)
    return {
        "answers": [_answer(one) for one in answers],
        "consentResponses": [
            {"consentId": consent_id, "accepted": accepted}
            for consent_id, accepted in lead.consents.items()
        ],
    }


def _answer(one: Answer) -> dict[str, Any]:
    details: dict[str, Any] = {"textQuestionAnswer": {"answer": one.text}}
    if one.is_choice:
        details = {"multipleChoiceAnswer": {"options": list(one.options)}}
    return {"questionId": one.question_id, "answerDetails": details}
