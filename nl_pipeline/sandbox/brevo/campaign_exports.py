"""The export of a campaign's recipients.

Belongs here: ``POST /emailCampaigns/{campaignId}/exportRecipients`` and its file. Does not belong
here: processes as such (``processes``). Who complained of spam cannot be asked for, as at Brevo,
and who was deleted is in no file; its columns are [inferred].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import msgspec

from nl_pipeline.sandbox.brevo import errors, times
from nl_pipeline.sandbox.brevo.account import Account
from nl_pipeline.sandbox.brevo.calls import Answer, ApiCall
from nl_pipeline.sandbox.brevo.campaigns import find
from nl_pipeline.sandbox.brevo.csv_files import csv_file
from nl_pipeline.sandbox.brevo.processes import begin
from nl_pipeline.sandbox.brevo.state import Campaign, MailEvent, Process

RecipientsType = Literal[
    "all",
    "openers",
    "nonOpeners",
    "clickers",
    "nonClickers",
    "softBounces",
    "hardBounces",
    "unsubscribed",
]

_WITH: dict[RecipientsType, str] = {
    "all": "sent",
    "openers": "opened",
    "clickers": "clicked",
    "softBounces": "softBounces",
    "hardBounces": "hardBounces",
    "unsubscribed": "userUnsubscription",
}
"""Type -> kind of event a recipient must have."""

_WITHOUT: dict[RecipientsType, str] = {"nonOpeners": "opened", "nonClickers": "clicked"}
"""Type -> kind of event a recipient must lack, although the mail arrived."""

COLUMNS = ("Email_ID", "Send_Date", "Delivered_Date", "Opened_Date", "Clicked_Date",
           "Soft_Bounced_Date", "Hard_Bounced_Date", "Unsubscribe_Date")  # fmt: skip
_KINDS = ("sent", "delivered", "opened", "clicked", "softBounces", "hardBounces",
          "userUnsubscription")  # fmt: skip


class _Body(msgspec.Struct):
    recipientsType: RecipientsType
    notifyURL: str = ""


@dataclass(frozen=True, slots=True)
class _Export:
    """The work of the process."""

    campaign: Campaign
    recipients: RecipientsType

    def carry_out(self, account: Account, process: Process) -> None:
        """Write the file."""
        rows = []
        for delivery in self.campaign.deliveries:
            events = [
                event for event in delivery.contact.events if event.campaign_id == self.campaign.id
            ]
            is_there = delivery.contact.id in account.contacts
            if is_there and _is_wanted(events, self.recipients):
                rows.append([delivery.email, *_dates(events)])
        file = csv_file(f"recipients-{self.campaign.id}", columns=COLUMNS, rows=rows)
        process.export_url = account.keep_file(file, base_url=process.base_url)
        process.rows = len(rows)


def export_recipients(account: Account, call: ApiCall) -> Answer:
    """``POST /emailCampaigns/{campaignId}/exportRecipients``: sent campaigns only."""
    campaign = find(account, call)
    body = call.read(_Body)
    if campaign.status != "sent":
        raise errors.invalid("Campaign should be sent")
    process = begin(
        account,
        call,
        name="CAMPAIGN_USER_DETAILS",
        seconds=account.switches.export_seconds,
        work=_Export(campaign, body.recipientsType),
        notify_url=body.notifyURL,
    )
    return Answer({"processId": process.id}, status=202)


def _is_wanted(events: list[MailEvent], recipients: RecipientsType) -> bool:
    kinds = {event.kind for event in events}
    if recipients in _WITH:
        return _WITH[recipients] in kinds
    return "delivered" in kinds and _WITHOUT[recipients] not in kinds


def _dates(events: list[MailEvent]) -> list[str]:
    """When each kind happened first, ``""`` for what did not."""
    first: dict[str, int] = {}
    for event in events:
        first.setdefault(event.kind, event.at)
    return [times.plain_local(first[kind]) if kind in first else "" for kind in _KINDS]
