"""What a notification says, and who wants it.

Belongs here: the payload of a lead event and the subscriptions it is for. Does not belong here:
sending (``sender``). A payload has no answers and does not tell a test lead from another.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from nl_pipeline.sandbox.linkedin.account import Account
from nl_pipeline.sandbox.linkedin.state import Lead, LeadAction, Subscription
from nl_pipeline.sandbox.linkedin.urns import urn


def payload(account: Account, lead: Lead, *, action: LeadAction) -> bytes:
    """The body of the POST."""
    told: dict[str, Any] = {
        "type": "LEAD_ACTION",
        "leadAction": action,
        "leadType": lead.lead_type,
        "occurredAt": account.now(),
        "leadGenFormResponse": urn("leadGenFormResponse", lead.id),
        "leadGenForm": account.versioned_form_urn(lead.form_id, version_id=lead.version_id),
        "owner": lead.owner.union,
    }
    if lead.creative_id is not None:
        creative = urn("sponsoredCreative", lead.creative_id)
        told["associatedEntity"] = {account.switches.associated_key: creative}
    if lead.event_id is not None:
        told["associatedEntity"] = {"event": urn("event", lead.event_id)}
    return msgspec.json.encode(told)


def wanting(account: Account, lead: Lead) -> Iterator[Subscription]:
    """The subscriptions that an event of the lead is told to."""
    entities = {
        urn("event", lead.event_id or 0),
        urn("sponsoredCreative", lead.creative_id or 0),
    }
    for one in account.subscriptions.values():
        if one.owner != lead.owner or one.lead_type != lead.lead_type:
            continue
        if one.versioned_form not in (None, (lead.form_id, lead.version_id)):
            continue
        if one.associated_entity is None or entities & set(one.associated_entity.values()):
            yield one
