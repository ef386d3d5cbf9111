"""How a contact is shown by the API.

Belongs here: rendering. Does not belong here: which contacts a call means (``contact_search``).
"""

from __future__ import annotations

from typing import Any

from nl_pipeline.sandbox.brevo import times
from nl_pipeline.sandbox.brevo.account import Account
from nl_pipeline.sandbox.brevo.state import Contact


def shown(contact: Contact, *, account: Account) -> dict[str, Any]:
    """The contact object as in a live capture: ``listUnsubscribed`` is null, not empty."""
    switches = account.switches
    view: dict[str, Any] = {
        "id": contact.id,
        "email": contact.email or f"{contact.attributes.get('SMS', '')}@mailin-sms.com",
        "emailBlacklisted": contact.email_blacklisted,
        "smsBlacklisted": contact.sms_blacklisted,
        "whatsappBlacklisted": contact.whatsapp_blacklisted,
        "createdAt": times.shown(contact.created_at, switches=switches),
        "modifiedAt": times.shown(contact.modified_at, switches=switches),
        "listIds": contact.list_ids,
        "listUnsubscribed": contact.list_unsubscribed or None,
        "attributes": contact.attributes,
        "subscriptions": {},
    }
    if switches.consent_groups:
        view["consentGroups"] = [
            {"id": group_id, "status": status}
            for group_id, status in contact.consent_groups.items()
        ]
    return view
