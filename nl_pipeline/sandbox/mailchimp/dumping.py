"""The dump: all state of the twin as JSON-ready records, for the sandbox's own readers.

Belongs here: what tests and demos judge results by, in the API's field names plus ``history``.
Does not belong here: the API's own views. Deleted members and those of deleted audiences appear
with the status ``deleted``.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from nl_pipeline.sandbox.mailchimp.account import Account
from nl_pipeline.sandbox.mailchimp.state import Audience, Member
from nl_pipeline.sandbox.mailchimp.times import iso
from nl_pipeline.sandbox.mailchimp.webhooks import rendered


def dumped(account: Account) -> dict[str, Any]:
    """``audiences``, ``members``, ``webhooks``, ``campaigns`` and ``journey_entries``."""
    living = list(account.audiences.values())
    members: list[dict[str, Any]] = []
    for audience in living:
        members += [_member(audience, member, deleted=False) for member in audience.members]
        members += [_member(audience, member, deleted=True) for member in audience.gone]
    for audience in account.deleted_audiences:
        gone = audience.members + audience.gone
        members += [_member(audience, member, deleted=True) for member in gone]
    return {
        "audiences": [_audience(audience) for audience in living],
        "members": members,
        "webhooks": [
            rendered(webhook, audience=audience)
            for audience in living
            for webhook in audience.webhooks.values()
        ],
        "campaigns": [
            {
                "id": campaign.id,
                "list_id": campaign.list_id,
                "subject": campaign.subject,
                "send_time": iso(campaign.sent_at),
                "sent_to": [
                    {
                        "email_address": delivery.email_address,
                        "status": delivery.outcome,
                        "open_count": delivery.opens,
                        "click_count": delivery.clicks,
                    }
                    for delivery in campaign.deliveries
                ],
            }
            for campaign in account.campaigns.values()
        ],
        "journey_entries": [
            asdict(entry) | {"at": iso(entry.at)} for entry in account.journey_entries
        ],
    }


def _audience(audience: Audience) -> dict[str, Any]:
    return {
        "id": audience.id,
        **audience.details,
        "date_created": iso(audience.date_created),
        "merge_fields": [
            {"merge_id": field.merge_id, "tag": field.tag, "name": field.name, "type": field.type}
            for field in audience.merge_fields
        ],
        "tags": [
            {"id": segment.id, "name": segment.name} for segment in audience.segments.values()
        ],
        "abuse_reports": [
            {"email_address": report.email_address, "date": iso(report.at)}
            for report in audience.abuse_reports
        ],
    }


def _member(audience: Audience, member: Member, *, deleted: bool) -> dict[str, Any]:
    get = member.merge_fields.get
    segments = audience.segments
    return {
        "list_id": audience.id,
        "id": member.id,
        "contact_id": member.contact_id,
        "email_address": member.email_address,
        "status": "deleted" if deleted else member.status,
        "unsubscribe_reason": member.unsubscribe_reason,
        "merge_fields": {tag: get(tag, "") for tag in audience.merge_tags},
        "tags": [segments[tag].name for tag in member.tags if tag in segments],
        "timestamp_opt": iso(member.timestamp_opt),
        "last_changed": iso(member.last_changed),
        "source": member.source,
        "history": [
            {
                "at": iso(entry.at),
                "actor": entry.actor,
                "from": entry.before,
                "to": entry.after,
                "email_address": entry.email_address,
            }
            for entry in member.history
        ],
    }
