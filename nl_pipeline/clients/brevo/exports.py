"""Exports: files Brevo writes, and the reports of imports.

Belongs here: asking for a file, fetching and reading one. Does not belong here: waiting for it
(`processes`). Files are CSV with a header; which separator and which further columns they have is
documented nowhere, so both are read off the file.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from nl_pipeline.clients.brevo.models import Process, Refusal
from nl_pipeline.clients.brevo.problems import SYSTEM, RefusalCause
from nl_pipeline.clients.brevo.session import Path, Session
from nl_pipeline.clients.errors import Retryable

Selection = Literal["allContacts", "subscribed", "unsubscribed", "unsubscribedPerList"]

_CAUSES = {
    "invalid_emails": RefusalCause.INVALID_EMAIL,
    "duplicate_email_id": RefusalCause.EXISTS,
}


class Started(msgspec.Struct, frozen=True, rename="camel"):
    """The answer to what Brevo will do later."""

    process_id: int


def export_contacts(
    session: Session, *, list_id: int, selection: Selection, attribute_names: Sequence[str]
) -> int:
    """Ask for a file of contacts; asking twice only makes two files."""
    return session.send(
        "POST",
        Path("/contacts/export"),
        answer=Started,
        body={
            "customContactFilter": {"actionForContacts": selection, "listId": list_id},
            "exportAttributes": list(attribute_names),
            "exportMandatoryAttributes": True,
            "exportDateInUTC": True,
            "disableNotification": True,
        },
        repeatable=True,
    ).process_id


def rows_of(session: Session, process: Process) -> list[Mapping[str, str]]:
    """Return the rows of the file a process made. Raises `Retryable` without one."""
    if not process.export_url:
        raise Retryable(
            f"process {process.id} ({process.status}): there is no file to fetch",
            system=SYSTEM,
            code="no-file",
            what_next="nothing; the next run asks for the file again",
        )
    return _rows(session.download(process.export_url, template="(export file)"))


def refusals(session: Session, process: Process) -> list[Refusal]:
    """Return what an import did not take, by its reports; rows without an address are left out."""
    return [
        Refusal(email, _CAUSES.get(kind, RefusalCause.DUPLICATE))
        for kind, url in process.reports.items()
        for row in _rows(session.download(url, template="(import report)"))
        if (email := next((v for k, v in row.items() if k.upper() == "EMAIL" and v), ""))
    ]


def _rows(content: bytes) -> list[Mapping[str, str]]:
    text = content.decode("utf-8-sig", errors="replace")
    header = text.partition("\n")[0]
    separator = max(";,\t", key=header.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator)
    return [
        {name.strip(): value or "" for name, value in row.items() if isinstance(name, str)}
        for row in reader
    ]
