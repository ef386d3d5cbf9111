"""The dump: all state of the twin as JSON-ready records, for the sandbox's own readers.

Belongs here: what tests and demos judge results by, in the API's field names plus ``history``.
Does not belong here: the API's own views. Deleted contacts appear with ``deleted: true``.
"""

from __future__ import annotations

from typing import Any

from nl_pipeline.sandbox.brevo import times
from nl_pipeline.sandbox.brevo.account import Account
from nl_pipeline.sandbox.brevo.processes import shown
from nl_pipeline.sandbox.brevo.state import Campaign, Confirmation, Contact, Process, Webhook
from nl_pipeline.sandbox.brevo.switches import Switches

_IN_UTC = Switches(times="utc")


def dumped(account: Account) -> dict[str, Any]:
    """Every kind of record; ``violations``: calls refused for a rate limit, by group;
    ``account_mails``: e-mails that processes sent to the account's user."""
    return {
        "contacts": [
            *(_contact(contact, deleted=False) for contact in account.contacts.values()),
            *(_contact(contact, deleted=True) for contact in account.gone),
        ],
        "lists": [
            {"id": one.id, "name": one.name, "folderId": one.folder_id}
            for one in account.lists.values()
        ],
        "folders": [{"id": one.id, "name": one.name} for one in account.folders.values()],
        "attributes": [
            {"name": one.name, "category": one.category, "type": one.type}
            for one in account.attributes.values()
        ],
        "processes": [_process(account, process) for process in account.processes.values()],
        "webhooks": [_webhook(webhook) for webhook in account.webhooks.values()],
        "campaigns": [_campaign(campaign) for campaign in account.campaigns.values()],
        "custom_events": [
            {"name": one.name, "at": iso(one.at), "contact_id": one.contact_id}
            for one in account.custom_events
        ],
        "confirmations": [_confirmation(one) for one in account.confirmations],
        "violations": dict(account.limiter.violations),
        "account_mails": sum(
            process.notifies_account and process.status == "completed"
            for process in account.processes.values()
        ),
    }


def iso(at: int) -> str:
    """A moment in UTC; ``""`` for never."""
    return times.shown(at, switches=_IN_UTC) if at else ""


def _contact(contact: Contact, *, deleted: bool) -> dict[str, Any]:
    return {
        "id": contact.id,
        "email": contact.email,
        "deleted": deleted,
        "emailBlacklisted": contact.email_blacklisted,
        "smsBlacklisted": contact.sms_blacklisted,
        "listIds": contact.list_ids,
        "listUnsubscribed": contact.list_unsubscribed,
        "consentGroups": [
            {"id": group_id, "status": status}
            for group_id, status in contact.consent_groups.items()
        ],
        "attributes": contact.attributes,
        "createdAt": iso(contact.created_at),
        "modifiedAt": iso(contact.modified_at),
        "events": [
            {"kind": event.kind, "at": iso(event.at), "campaignId": event.campaign_id}
            for event in contact.events
        ],
        "history": [
            {
                "at": iso(entry.at),
                "actor": entry.actor,
                "key_name": entry.key_name,
                "what": entry.what,
                "list_ids": entry.list_ids,
            }
            for entry in contact.history
        ],
    }


def _process(account: Account, process: Process) -> dict[str, Any]:
    return shown(account, process) | {"rows": process.rows, "key_name": process.key_name}


def _webhook(webhook: Webhook) -> dict[str, Any]:
    return {
        "id": webhook.id,
        "url": webhook.url,
        "type": webhook.type,
        "events": webhook.events,
        "batched": webhook.batched,
        "auth": webhook.auth,
    }


def _campaign(campaign: Campaign) -> dict[str, Any]:
    return {
        "id": campaign.id,
        "name": campaign.name,
        "subject": campaign.subject,
        "sentDate": iso(campaign.sent_at),
        "lists": campaign.list_ids,
        "recipients": [delivery.contact.id for delivery in campaign.deliveries],
    }


def _confirmation(one: Confirmation) -> dict[str, Any]:
    return {
        "email": one.email,
        "includeListIds": one.list_ids,
        "templateId": one.template_id,
        "redirectionUrl": one.redirection_url,
        "attributes": one.attributes,
        "asked_at": iso(one.asked_at),
        "confirmed_at": iso(one.confirmed_at),
    }
