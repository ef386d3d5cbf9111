"""What a webhook is told, in Brevo's keys and spellings.

Belongs here: the JSON of each marketing event (Brevo docs, marketing webhooks, with their older
samples). Does not belong here: whether anybody is told (``teller``) and delivery (``sender``).
The ``id`` of a payload is that of the webhook, so the sender puts it in front.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from nl_pipeline.sandbox.brevo import times
from nl_pipeline.sandbox.brevo.state import Campaign
from nl_pipeline.sandbox.brevo.switches import Switches

SENDING_IP = "198.51.100.9"
"""Where the sandbox's mails come from (a documentation address; Brevo's own are real ones)."""

OF_CONTACTS = ("listAddition", "contactUpdated", "contactDeleted")
"""Events of contacts; all others are about a mail."""

_SPELLINGS: dict[str, dict[str, str]] = {
    "guide": {
        "hardBounce": "hard_bounce",
        "softBounce": "soft_bounce",
        "unsubscribed": "unsubscribe",
        "listAddition": "list_addition",
        "contactUpdated": "contact_updated",
        "contactDeleted": "contact_deleted",
    },
    "samples": {
        "hardBounce": "hard_bounced",
        "softBounce": "soft_bounced",
        "unsubscribed": "unsubscribed",
        "listAddition": "list_addition",
        "contactUpdated": "contact_updated",
        "contactDeleted": "contact_deleted",
    },
    "requests": {},
}
"""``payload_spelling`` -> the ``event`` of a payload where it differs from the requested name:
the table of the export guide, the older samples, the names of requests as seen in a connector."""


def of_mail(
    event: str,
    *,
    email: str,
    campaign: Campaign | None,
    at: int,
    switches: Switches,
    url: str = "",
    reason: str = "",
    list_ids: Sequence[int] = (),
) -> dict[str, Any]:
    """A campaign event; without a campaign, its keys are missing [inferred]."""
    content: dict[str, Any] = {}
    if campaign is not None:
        content["camp_id"] = campaign.id
    content["email"] = _address(email, switches=switches)
    if campaign is not None:
        # The key has a blank.
        content["campaign name"] = campaign.name
        content["date_sent"] = times.plain_local(campaign.sent_at)
    content["date_event"] = times.plain_local(at)
    content["event"] = spelled(event, switches=switches)
    content["tag"] = campaign.tag if campaign is not None else ""
    if event in ("delivered", "hardBounce", "softBounce", "unsubscribed"):
        content["sending_ip"] = SENDING_IP
    if event in ("hardBounce", "softBounce", "spam"):
        content["reason"] = reason
    if event == "unsubscribed" and (list_ids or switches.unsubscribed_lists != "missing"):
        content["list_id"] = list(list_ids)
    if event == "click":
        content["URL"] = url
    if campaign is not None:
        if campaign.segment_ids:
            content["segment_ids"] = list(campaign.segment_ids)
        content["ts_sent"] = campaign.sent_at // 1000
    content["ts_event"] = at // 1000
    content["ts"] = _local_as_utc(at)
    return content


def of_contact(
    event: str,
    *,
    email: str,
    at: int,
    key: str,
    switches: Switches,
    api_key_name: str = "",
    list_ids: Sequence[int] = (),
    attributes: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A change of a contact: no campaign, no ``ts_event``, and which API key caused it."""
    content: dict[str, Any] = {
        "email": _address(email, switches=switches),
        "event": spelled(event, switches=switches),
        "key": key,
    }
    if event in ("listAddition", "contactUpdated") and switches.api_key_name_told:
        content["api_key_name"] = api_key_name
    if event in ("listAddition", "contactDeleted"):
        content["list_id"] = list(list_ids)
    if event == "contactUpdated":
        values = dict(attributes or {})
        content["content"] = values if switches.content_shape == "object" else [values]
    content["date"] = times.plain_local(at)
    content["ts"] = at // 1000 if switches.contact_ts == "utc" else _local_as_utc(at)
    return content


def spelled(event: str, *, switches: Switches) -> str:
    """The ``event`` of a payload."""
    if event == "proxyOpen":
        return switches.proxy_open_event
    return _SPELLINGS[switches.payload_spelling].get(event, event)


def _local_as_utc(at: int) -> int:
    """The samples' ``ts`` of a campaign event: the local time read as if it were UTC."""
    moment = datetime.fromtimestamp(at // 1000, tz=times.ZONE)
    return at // 1000 + int((moment.utcoffset() or timedelta()).total_seconds())


def _address(email: str, *, switches: Switches) -> str | list[str]:
    return [email] if switches.payload_email == "list" else email
