"""The endpoints that have to do with what is mailed and told: campaigns, events, webhooks.

Belongs here: which of these documented endpoints is served by which function. Does not belong here:
any behaviour, and the other endpoints (``routes``).
"""

from __future__ import annotations

from nl_pipeline.sandbox.brevo import campaign_exports, campaigns, custom_events, history, webhooks
from nl_pipeline.sandbox.brevo.router import Endpoint

_CAMPAIGN = "/emailCampaigns/{campaign_id}"
_WEBHOOK = "/webhooks/{webhook_id}"

MAIL_ENDPOINTS = (
    Endpoint("GET", "/emailCampaigns", campaigns.list_campaigns),
    Endpoint("GET", _CAMPAIGN, campaigns.read_campaign),
    Endpoint("POST", f"{_CAMPAIGN}/exportRecipients", campaign_exports.export_recipients),
    Endpoint("GET", "/events", custom_events.list_events),
    Endpoint("POST", "/events", custom_events.create_event),
    Endpoint("POST", "/events/batch", custom_events.create_events),
    Endpoint("GET", "/webhooks", webhooks.list_webhooks),
    Endpoint("POST", "/webhooks", webhooks.create_webhook),
    Endpoint("POST", "/webhooks/export", history.export_history),
    Endpoint("GET", _WEBHOOK, webhooks.read_webhook),
    Endpoint("PUT", _WEBHOOK, webhooks.change_webhook),
    Endpoint("DELETE", _WEBHOOK, webhooks.delete_webhook),
)
