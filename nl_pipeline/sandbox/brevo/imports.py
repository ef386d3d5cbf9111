"""``POST /contacts/import``: many contacts at once, written in Brevo's own time.

Belongs here: reading the rows and writing them when the process falls due. Does not belong here:
the process around it (``processes``). Facts: it returns no counters, only links to reports of rows
that failed; their columns are unknown [open]. It knows no status but "blocklist all rows".
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from nl_pipeline.sandbox.brevo import changes, errors
from nl_pipeline.sandbox.brevo.account import Account
from nl_pipeline.sandbox.brevo.attribute_values import address, checked, conflicts, read_text
from nl_pipeline.sandbox.brevo.calls import Answer, ApiCall
from nl_pipeline.sandbox.brevo.lists import add_list
from nl_pipeline.sandbox.brevo.notices import Cause
from nl_pipeline.sandbox.brevo.processes import IMPORT, begin
from nl_pipeline.sandbox.brevo.state import Contact, File, Process
from nl_pipeline.sandbox.collector import collector_paused

MOST_BYTES = 10_000_000
"""The documented 10 MB in the stricter reading, of the whole body."""

REPORTS = {
    "invalid_emails": "",
    "duplicate_contact_id": "",
    "duplicate_ext_id": "ext_id",
    "duplicate_email_id": "email",
    "duplicate_phone_id": "sms",
    "duplicate_whatsapp_id": "whatsapp",
    "duplicate_landline_number_id": "landline_number",
}
"""Reports of a completed import, and the identifier whose conflicts one lists."""

_REPORT_OF = {identifier: name for name, identifier in REPORTS.items() if identifier}


class Row(msgspec.Struct):
    """One contact of an import."""

    email: str = ""
    attributes: dict[str, Any] = {}


class _NewList(msgspec.Struct):
    listName: str
    folderId: int


class _ImportBody(msgspec.Struct):
    fileUrl: str = ""
    fileBody: str = ""
    jsonBody: list[Row] = []
    listIds: list[int] = []
    newList: _NewList | None = None
    emailBlacklist: bool = False
    smsBlacklist: bool = False
    disableNotification: bool = False
    updateExistingContacts: bool = True
    emptyContactsAttributes: bool = False
    notifyUrl: str = ""
    consentGroupIds: list[int] = []


def import_contacts(account: Account, call: ApiCall) -> Answer:
    """202 with the id of the process; raises 400, or 413 for too much."""
    if len(call.body) > MOST_BYTES:
        raise errors.ApiProblem(
            account.switches.too_large_status, "invalid_parameter", "Body size exceeds 10 MB"
        )
    body = call.read(_ImportBody)
    if sum(map(bool, (body.fileUrl, body.fileBody, body.jsonBody))) != 1:
        raise errors.missing("Exactly one of fileUrl, fileBody or jsonBody should be passed")
    if body.fileUrl:
        raise errors.invalid("fileUrl is not reachable: the sandbox fetches nothing")
    if not body.listIds and body.newList is None:
        raise errors.missing("listIds or newList is missing")
    if any(list_id not in account.lists for list_id in body.listIds):
        raise errors.invalid("List ID does not exist")
    list_ids = list(body.listIds)
    rows = body.jsonBody or _rows_of_csv(account, body.fileBody)
    if body.newList is not None:
        new = add_list(account, name=body.newList.listName, folder_id=body.newList.folderId)
        list_ids.append(new.id)
    process = begin(
        account,
        call,
        name=IMPORT,
        seconds=account.switches.import_seconds,
        work=Import(
            rows=rows,
            list_ids=tuple(list_ids),
            cause=Cause("api", key_name=call.key_name, by_import=True),
            updates=body.updateExistingContacts,
            empties=body.emptyContactsAttributes,
            blocks=body.emailBlacklist,
            blocks_sms=body.smsBlacklist,
        ),
        notify_url=body.notifyUrl,
        notifies_account=not body.disableNotification,
    )
    process.rows = len(rows)
    return Answer({"processId": process.id}, status=202, items={"contacts": len(rows)})


@dataclass(slots=True)
class Import:
    """An accepted import."""

    rows: list[Row]
    list_ids: tuple[int, ...]
    cause: Cause
    updates: bool
    empties: bool
    blocks: bool
    blocks_sms: bool
    _failed: dict[str, list[Row]] = field(default_factory=dict)

    def carry_out(self, account: Account, process: Process) -> None:
        """Write all rows; one that fails stands in a report and stops no other."""
        # All of it happens in one moment, which also spares a million looks at the clock.
        with account.time_stopped(), collector_paused():
            self._write_all(account)
        process.reports = {
            name: self._report(account, process, name=name) if name in self._failed else None
            for name in REPORTS
        }

    def _write_all(self, account: Account) -> None:
        for row in self.rows:
            email = address(row.email) if row.email else ""
            values = self._values(account, row)
            if not email and (row.email or not any(map(values.get, changes.IDENTIFIERS))):
                self._failed.setdefault("invalid_emails", []).append(row)
                continue
            contact = _found(account, email=email, values=values)
            others = conflicts(account, contact, email=email, attributes=values)
            if others:
                self._failed.setdefault(_REPORT_OF[next(iter(others))], []).append(row)
                continue
            self._write(account, contact, email=email, values=values)

    def _values(self, account: Account, row: Row) -> dict[str, Any]:
        """What of a row is stored; empty values erase nothing unless the import was told to."""
        try:
            values = checked(account, row.attributes)
        except errors.ApiProblem:
            # A number that is none is left out; of what else may be told nothing is known.
            sent = {k: v for k, v in row.attributes.items() if k not in changes.IDENTIFIERS}
            values = checked(account, sent)
        if (self.empties and self.updates) or None not in values.values():
            return values
        return {name: value for name, value in values.items() if value is not None}

    def _write(
        self, account: Account, contact: Contact | None, *, email: str, values: Mapping[str, Any]
    ) -> None:
        switches, cause = account.switches, self.cause
        if contact is None:
            contact = changes.create(account, email=email, attributes=values, cause=cause)
        elif self.updates:
            changes.change_values(account, contact, attributes=values, cause=cause)
        if not switches.import_keeps_blocklist:
            changes.allow(account, contact, cause=cause)
        if not switches.import_keeps_list_unsubscribed:
            changes.resubscribe_to_lists(account, contact, self.list_ids, cause=cause)
        changes.add_to_lists(account, contact, self.list_ids, cause=cause)
        if self.blocks:
            changes.block(account, contact, cause=cause, told=None)
        if self.blocks_sms:
            contact.sms_blacklisted = True

    def _report(self, account: Account, process: Process, *, name: str) -> str:
        identifier = REPORTS[name]
        column = identifier.upper() if identifier not in ("", "email") else ""
        text = io.StringIO()
        writer = csv.writer(text, delimiter=";", lineterminator="\n")
        writer.writerow(["EMAIL", column] if column else ["EMAIL"])
        for row in self._failed[name]:
            value = row.attributes.get(column, "")
            writer.writerow([row.email, value] if column else [row.email])
        file = File(f"import-{process.id}-{name}.csv", "text/csv", text.getvalue().encode())
        return account.keep_file(file, base_url=process.base_url)


def _found(account: Account, *, email: str, values: Mapping[str, Any]) -> Contact | None:
    """Whom a row means: the address decides, then the other identifiers."""
    if email:
        return account.holders.get(("email", email))
    for name, kind in changes.IDENTIFIERS.items():
        if values.get(name):
            holder = account.holders.get((kind, values[name]))
            if holder is not None:
                return holder
    return None


def _rows_of_csv(account: Account, text: str) -> list[Row]:
    """Rows of a CSV text with a header row; the address is in ``EMAIL``."""
    reader = csv.DictReader(io.StringIO(text), delimiter=";")
    rows = []
    for record in reader:
        values = {str(name).strip().upper(): value or "" for name, value in record.items() if name}
        email = values.pop("EMAIL", "")
        rows.append(Row(email=email, attributes=read_text(account, values)))
    return rows
