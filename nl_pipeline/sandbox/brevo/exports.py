"""``POST /contacts/export``: contacts of a list, segment or campaign as a CSV file.

Belongs here: choosing the contacts and writing the file. Does not belong here: the process around
it (``processes``). Beyond the names in the documentation the columns are unknown [open].
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from nl_pipeline.sandbox.brevo import errors, times
from nl_pipeline.sandbox.brevo.account import Account
from nl_pipeline.sandbox.brevo.calls import Answer, ApiCall
from nl_pipeline.sandbox.brevo.processes import begin
from nl_pipeline.sandbox.brevo.state import Contact, File, MailKind, Process

EXPORT = "SEARCH_EXPORT_USERS_API"

_EVENT_OF: dict[str, MailKind] = {
    "openers": "opened",
    "clickers": "clicked",
    "unsubscribed": "userUnsubscription",
    "hardBounces": "hardBounces",
    "softBounces": "softBounces",
}
_WITHOUT_CAMPAIGN = ("hardBounces", "softBounces")


class _Filter(msgspec.Struct):
    actionForContacts: (
        Literal["allContacts", "subscribed", "unsubscribed", "unsubscribedPerList"] | None
    ) = None
    actionForEmailCampaigns: (
        Literal[
            "openers",
            "nonOpeners",
            "clickers",
            "nonClickers",
            "unsubscribed",
            "hardBounces",
            "softBounces",
        ]
        | None
    ) = None
    actionForSmsCampaigns: Literal["hardBounces", "softBounces", "unsubscribed"] | None = None
    listId: int = 0
    segmentId: int = 0
    emailCampaignId: int = 0
    smsCampaignId: int = 0


class _ExportBody(msgspec.Struct):
    customContactFilter: _Filter
    exportAttributes: list[str] = []
    exportMandatoryAttributes: bool = True
    exportMetadata: list[str] = []
    exportSubscriptionStatus: list[str] = []
    exportDateInUTC: bool = False
    disableNotification: bool = False
    notifyUrl: str = ""


def export_contacts(account: Account, call: ApiCall) -> Answer:
    """202 with the id of the process; raises 400."""
    body = call.read(_ExportBody)
    _check(account, body)
    process = begin(
        account,
        call,
        name=EXPORT,
        seconds=account.switches.export_seconds,
        work=Export(body),
        notify_url=body.notifyUrl,
        notifies_account=not body.disableNotification,
    )
    return Answer({"processId": process.id}, status=202)


@dataclass(frozen=True, slots=True)
class Export:
    """An accepted export."""

    body: _ExportBody

    def carry_out(self, account: Account, process: Process) -> None:
        """Write who is meant by then into a file and give its link."""
        columns = _columns(account, self.body)
        text = io.StringIO()
        writer = csv.writer(text, delimiter=";", lineterminator="\n")
        writer.writerow(columns)
        for contact in account.contacts.values():
            if _is_meant(contact, wanted=self.body.customContactFilter):
                writer.writerow([column(contact) for column in columns.values()])
        file = File(f"export-{process.id}.csv", "text/csv", text.getvalue().encode())
        process.export_url = account.keep_file(file, base_url=process.base_url)


def _check(account: Account, body: _ExportBody) -> None:
    wanted = body.customContactFilter
    actions = (
        wanted.actionForContacts,
        wanted.actionForEmailCampaigns,
        wanted.actionForSmsCampaigns,
    )
    if sum(action is not None for action in actions) != 1:
        raise errors.invalid("Exactly one action should be passed in customContactFilter")
    if wanted.actionForContacts is not None:
        if bool(wanted.listId) == bool(wanted.segmentId):
            raise errors.missing("Either listId or segmentId should be passed")
        if wanted.listId and wanted.listId not in account.lists:
            raise errors.invalid("List ID does not exist")
        if wanted.segmentId and wanted.segmentId not in account.segments:
            raise errors.invalid("Segment ID does not exist")
    mail = wanted.actionForEmailCampaigns
    if mail is not None and mail not in _WITHOUT_CAMPAIGN and not wanted.emailCampaignId:
        raise errors.missing("emailCampaignId is missing")
    if wanted.emailCampaignId and wanted.emailCampaignId not in account.campaigns:
        raise errors.invalid("Campaign ID does not exist")
    if not body.exportMandatoryAttributes and not body.exportAttributes:
        raise errors.missing("exportAttributes is missing")


def _is_meant(contact: Contact, *, wanted: _Filter) -> bool:
    if wanted.actionForContacts is not None:
        return _is_meant_by_state(contact, wanted=wanted)
    action = wanted.actionForEmailCampaigns
    if action is None:
        return False
    kind = _EVENT_OF.get(action)
    happened = [
        event.kind
        for event in contact.events
        if not wanted.emailCampaignId or event.campaign_id == wanted.emailCampaignId
    ]
    if kind is not None:
        return kind in happened
    missed = "opened" if action == "nonOpeners" else "clicked"
    return "sent" in happened and missed not in happened


def _is_meant_by_state(contact: Contact, *, wanted: _Filter) -> bool:
    """``unsubscribed`` means blocklisted by any means, ``unsubscribedPerList`` that list only."""
    action = wanted.actionForContacts
    if action == "unsubscribedPerList":
        return wanted.listId in contact.list_unsubscribed
    if wanted.listId and wanted.listId not in contact.list_ids:
        return False
    if action == "allContacts":
        return True
    return contact.email_blacklisted == (action == "unsubscribed")


def _columns(account: Account, body: _ExportBody) -> dict[str, Callable[[Contact], Any]]:
    show = times.plain_utc if body.exportDateInUTC else times.plain_local
    known: dict[str, Callable[[Contact], Any]] = {
        "EMAIL": lambda contact: contact.email,
        "ADDED_TIME": lambda contact: show(contact.created_at),
        "MODIFIED_TIME": lambda contact: show(contact.modified_at),
        "_listIds": lambda contact: ",".join(map(str, contact.list_ids)),
        "email_marketing": lambda contact: _word(contact.email_blacklisted),
        "sms_marketing": lambda contact: _word(contact.sms_blacklisted),
    }
    names: list[str] = []
    if body.exportMandatoryAttributes:
        names += ["EMAIL", "ADDED_TIME", "MODIFIED_TIME"]
    names += body.exportAttributes + body.exportMetadata + body.exportSubscriptionStatus
    return {name: known.get(name) or _attribute(name) for name in names}


def _attribute(name: str) -> Callable[[Contact], Any]:
    return lambda contact: contact.attributes.get(name, "")


def _word(is_blocked: bool) -> str:
    return "unsubscribed" if is_blocked else "subscribed"
