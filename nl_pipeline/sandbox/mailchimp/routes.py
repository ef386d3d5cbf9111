"""The list of endpoints of the twin, below ``/3.0``.

Belongs here: which documented endpoint is served by which function. Does not belong here: any
behaviour.
"""

from __future__ import annotations

from nl_pipeline.sandbox.mailchimp import (
    account_routes,
    audiences,
    batches,
    bulk,
    campaigns,
    feed,
    member_notes,
    members,
    merge_fields,
    reports,
    segments,
    tags,
    webhooks,
)
from nl_pipeline.sandbox.mailchimp.router import Endpoint, Router

_LIST = "/lists/{list_id}"
_MERGE_FIELD = f"{_LIST}/merge-fields/{{merge_id}}"
_MEMBER = f"{_LIST}/members/{{subscriber_hash}}"
_NOTE = f"{_MEMBER}/notes/{{note_id}}"
_SEGMENT = f"{_LIST}/segments/{{segment_id}}"
_WEBHOOK = f"{_LIST}/webhooks/{{webhook_id}}"
_BATCH = "/batches/{batch_id}"
_BATCH_WEBHOOK = "/batch-webhooks/{batch_webhook_id}"
_REPORT = "/reports/{campaign_id}"
_JOURNEY = "/customer-journeys/journeys/{journey_id}/steps/{step_id}/actions/trigger"

ENDPOINTS = (
    Endpoint("GET", "/", account_routes.read_account),
    Endpoint("GET", "/ping", account_routes.ping),
    Endpoint("GET", "/search-members", account_routes.search_members),
    Endpoint("GET", "/account-exports", account_routes.list_exports),
    Endpoint("POST", "/account-exports", account_routes.create_export),
    Endpoint("GET", "/account-exports/{export_id}", account_routes.read_export),
    Endpoint("GET", "/lists", audiences.list_audiences),
    Endpoint("POST", "/lists", audiences.create_audience),
    Endpoint("GET", _LIST, audiences.read_audience),
    Endpoint("PATCH", _LIST, audiences.change_audience),
    Endpoint("DELETE", _LIST, audiences.delete_audience),
    Endpoint("POST", _LIST, bulk.write_members),
    Endpoint("GET", f"{_LIST}/activity", audiences.list_activity),
    Endpoint("GET", f"{_LIST}/abuse-reports", audiences.list_abuse_reports),
    Endpoint("GET", f"{_LIST}/merge-fields", merge_fields.list_merge_fields),
    Endpoint("POST", f"{_LIST}/merge-fields", merge_fields.create_merge_field),
    Endpoint("GET", _MERGE_FIELD, merge_fields.read_merge_field),
    Endpoint("PATCH", _MERGE_FIELD, merge_fields.change_merge_field),
    Endpoint("DELETE", _MERGE_FIELD, merge_fields.delete_merge_field),
    Endpoint("GET", f"{_LIST}/members", members.list_members),
    Endpoint("POST", f"{_LIST}/members", members.add_member),
    Endpoint("GET", _MEMBER, members.read_member),
    Endpoint("PUT", _MEMBER, members.put_member),
    Endpoint("PATCH", _MEMBER, members.patch_member),
    Endpoint("DELETE", _MEMBER, members.archive_member),
    Endpoint("POST", f"{_MEMBER}/actions/delete-permanent", members.delete_permanently),
    Endpoint("GET", f"{_MEMBER}/tags", tags.list_member_tags),
    Endpoint("POST", f"{_MEMBER}/tags", tags.change_member_tags),
    Endpoint("GET", f"{_MEMBER}/activity", feed.list_activity),
    Endpoint("GET", f"{_MEMBER}/activity-feed", feed.list_feed),
    Endpoint("GET", f"{_MEMBER}/notes", member_notes.list_notes),
    Endpoint("POST", f"{_MEMBER}/notes", member_notes.create_note),
    Endpoint("GET", _NOTE, member_notes.read_note),
    Endpoint("PATCH", _NOTE, member_notes.change_note),
    Endpoint("DELETE", _NOTE, member_notes.delete_note),
    Endpoint("GET", f"{_MEMBER}/events", member_notes.list_events),
    Endpoint("POST", f"{_MEMBER}/events", member_notes.create_event),
    Endpoint("GET", f"{_LIST}/tag-search", tags.search_tags),
    Endpoint("GET", f"{_LIST}/segments", segments.list_segments),
    Endpoint("POST", f"{_LIST}/segments", segments.create_segment),
    Endpoint("GET", _SEGMENT, segments.read_segment),
    Endpoint("PATCH", _SEGMENT, segments.change_segment),
    Endpoint("DELETE", _SEGMENT, segments.remove_segment),
    Endpoint("POST", _SEGMENT, segments.change_segment_members),
    Endpoint("GET", f"{_SEGMENT}/members", segments.list_segment_members),
    Endpoint("GET", f"{_LIST}/webhooks", webhooks.list_webhooks),
    Endpoint("POST", f"{_LIST}/webhooks", webhooks.create_webhook),
    Endpoint("GET", _WEBHOOK, webhooks.read_webhook),
    Endpoint("PATCH", _WEBHOOK, webhooks.change_webhook),
    Endpoint("DELETE", _WEBHOOK, webhooks.delete_webhook),
    Endpoint("GET", "/batches", batches.list_batches),
    Endpoint("POST", "/batches", batches.create_batch),
    Endpoint("GET", _BATCH, batches.read_batch),
    Endpoint("DELETE", _BATCH, batches.delete_batch),
    Endpoint("GET", "/batch-webhooks", webhooks.list_batch_webhooks),
    Endpoint("POST", "/batch-webhooks", webhooks.create_batch_webhook),
    Endpoint("GET", _BATCH_WEBHOOK, webhooks.read_batch_webhook),
    Endpoint("PATCH", _BATCH_WEBHOOK, webhooks.change_batch_webhook),
    Endpoint("DELETE", _BATCH_WEBHOOK, webhooks.delete_batch_webhook),
    Endpoint("GET", "/campaigns", campaigns.list_campaigns),
    Endpoint("GET", "/campaigns/{campaign_id}", campaigns.read_campaign),
    Endpoint("GET", "/reports", reports.list_reports),
    Endpoint("GET", _REPORT, reports.read_report),
    Endpoint("GET", f"{_REPORT}/sent-to", reports.list_recipients),
    Endpoint("GET", f"{_REPORT}/sent-to/{{subscriber_hash}}", reports.read_recipient),
    Endpoint("GET", f"{_REPORT}/email-activity", reports.list_email_activity),
    Endpoint("GET", f"{_REPORT}/email-activity/{{subscriber_hash}}", reports.read_email_activity),
    Endpoint("GET", f"{_REPORT}/unsubscribed", reports.list_unsubscribed),
    Endpoint("GET", f"{_REPORT}/abuse-reports", reports.list_abuse_reports),
    Endpoint("POST", _JOURNEY, member_notes.trigger_journey),
)


def build_router() -> Router:
    """A router over all endpoints."""
    return Router(ENDPOINTS)
