"""What webhooks are told about a change: event type and ``data`` keys.

Belongs here: the payloads as documented and as seen in captures. Does not belong here: delivery
(``sender``) or which webhook wants what.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nl_pipeline.sandbox.mailchimp.account import Cause, Notice
from nl_pipeline.sandbox.mailchimp.state import Audience, Member
from nl_pipeline.sandbox.mailchimp.switches import Switches


def of_status(
    member: Member, *, audience: Audience, before: str, cause: Cause, switches: Switches
) -> Iterator[Notice]:
    """The notices of a status change; none for pending, transactional and unsubscribed from new."""
    after = member.status
    if after == "subscribed":
        yield Notice("subscribe", cause.actor, _contact(member, audience=audience))
    elif after == "cleaned":
        yield Notice(
            "cleaned",
            cause.actor,
            {
                "list_id": audience.id,
                "campaign_id": cause.campaign_id,
                "reason": "abuse" if cause.complaint else "hard",
                "email": member.email_address,
            },
        )
    elif after == "unsubscribed" and before:
        yield _unsubscribe(
            member, audience=audience, action="unsub", cause=cause, switches=switches
        )
    elif after in ("archived", "deleted") and before == "subscribed":
        action = switches.archive_webhook if after == "archived" else "delete"
        if action != "none":
            yield _unsubscribe(
                member, audience=audience, action=action, cause=cause, switches=switches
            )


def of_profile(member: Member, *, audience: Audience, cause: Cause) -> Notice:
    """``profile``: values changed; it carries no status."""
    return Notice("profile", cause.actor, _contact(member, audience=audience))


def of_address(member: Member, *, audience: Audience, old: str, cause: Cause) -> Notice:
    """``upemail``: neither ``email`` nor ``id``, only both addresses."""
    return Notice(
        "upemail",
        cause.actor,
        {"list_id": audience.id, "new_email": member.email_address, "old_email": old},
    )


def _unsubscribe(
    member: Member, *, audience: Audience, action: str, cause: Cause, switches: Switches
) -> Notice:
    data = _contact(member, audience=audience)
    data.pop("ip_signup")
    data |= {
        "reason": "abuse" if cause.complaint else "manual",
        "campaign_id": cause.campaign_id,
    }
    if switches.unsubscribe_action == "present":
        data["action"] = action
    return Notice("unsubscribe", cause.actor, data)


def _contact(member: Member, *, audience: Audience) -> dict[str, Any]:
    return {
        "id": member.unique_email_id,
        "list_id": audience.id,
        "email": member.email_address,
        "email_type": member.email_type,
        "ip_opt": member.ip_opt,
        "ip_signup": member.ip_signup,
        "web_id": str(member.web_id),
        "merges": {
            "EMAIL": member.email_address,
            **{tag: member.merge_fields.get(tag, "") for tag in audience.merge_tags},
        },
    }
