"""The CRM side: onOffice addresses as contact frames.

Belongs here: which onOffice field means what when it is read. Must not be here: decisions, SQL,
how changes are sent (``crm_writing``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from nl_pipeline.clients.errors import OperatorNeeded
from nl_pipeline.clients.onoffice import (
    AddressField,
    AddressPage,
    AddressRecord,
    Condition,
    Conditions,
    CrmZone,
    OnOfficeClient,
    multiselect_keys,
)
from nl_pipeline.domain.address import address_key
from nl_pipeline.domain.fields import Direction, ProfileField, comparable
from nl_pipeline.domain.schemas import contacts_schema, validate
from nl_pipeline.domain.states import NEWSLETTER_BY_KEY, Eligibility, Newsletter
from nl_pipeline.sync.crm_opt_outs import CrmOptOuts
from nl_pipeline.sync.crm_writing import CrmWriting
from nl_pipeline.sync.paged_read import PagedRead
from nl_pipeline.warehouse.observations import naive

#: An incremental read starts this much before the last one began: a change may become visible
#: after it was made.
OVERLAP = timedelta(minutes=10)
#: Rows of a frame, give or take a page. A page takes seconds, so that this is also how often
#: somebody who watches is told.
_PORTION = 5_000

_STATUS = "newsletter_aktiv"
_REVOKED = "speicherungwiderrufen"


ContactRead = PagedRead[dict[str, pd.DataFrame]]
"""One read of the CRM in progress."""


class CrmSide:
    """onOffice in the words of the warehouse."""

    def __init__(
        self,
        client: OnOfficeClient,
        *,
        fields: tuple[ProfileField, ...],
        tag_field: str | None,
        time_zone: str,
    ) -> None:
        self.client = client
        self._zone = CrmZone(time_zone)
        self._fields = fields
        self._tag_field = tag_field
        self.opt_outs = CrmOptOuts(client)
        self.push = CrmWriting(client, fields=fields, tag_field=tag_field).push

    def now(self) -> datetime | None:
        """The CRM's time by its last answer (aware UTC), None before one."""
        return self.client.now()

    def configuration(self) -> dict[str, AddressField]:
        """The account's address fields, checked for everything this connection reads or writes.

        Raises OperatorNeeded naming the first field that is missing: a read with an unknown name
        would fail as a whole (onOffice error 141).
        """
        known = self.client.read_fields()
        wanted = [
            _STATUS,
            "Email",
            *(f.crm for f in self._fields if f.direction is not Direction.OFF),
        ]
        for name in wanted:
            if name not in known:
                raise OperatorNeeded(
                    f"address field {name} is not active in the CRM",
                    system="onoffice",
                    code="field_missing",
                    what_next="activate it in onOffice (administration, input fields) or change the"
                    " field mapping of the connection",
                )
        return known

    def options(self) -> tuple[dict[str, str], dict[str, list[str]], bool]:
        """Tag labels by option key, permitted keys of mapped select fields, and whether the tag
        list could be read at all."""
        known = self.configuration()
        tags: dict[str, str] = {}
        tags_known = False
        if self._tag_field and self._tag_field in known:
            options = known[self._tag_field].options
            # An empty list is no list: an account whose tags are all gone reads like one whose tags
            # could not be read.
            tags_known = bool(options)
            tags = dict(options or {})
        selects = {
            f.name: list(options)
            for f in self._fields
            if f.crm in known and (options := known[f.crm].options) is not None
        }
        return tags, selects, tags_known

    def count(self) -> int:
        """How many addresses the API user can see."""
        return self.client.count_addresses()

    def read(self, *, since: datetime | None, observed_at: datetime) -> ContactRead:
        """Read all addresses, or those changed since (aware UTC) with overlap."""
        conditions, closing = None, None
        if since is not None:
            overlap = OVERLAP + _autumn_hour(since, zone=ZoneInfo(self._zone.name))
            start = Condition(op=">=", value=self._zone.wall_text(since - overlap))
            conditions = {"Aenderung": [start]}

            def closing(now: datetime) -> Conditions:
                return {"Aenderung": [start, Condition(op="<=", value=self._zone.wall_text(now))]}

        pages = self.client.read_addresses(
            fields=self._read_fields(),
            conditions=conditions,
            # A stable order: rows that change while pages are read must not move between them.
            sort_by="KdNr" if "KdNr" in self.configuration() else None,
            closing=closing,
        )
        read = ContactRead(pages=pages, frames=iter(()))
        read.frames = (
            self._frames(records, observed_at=observed_at, rejected=read.rejected)
            for records in _portions(pages)
        )
        return read

    def read_ids(
        self, ids: Sequence[int], *, observed_at: datetime
    ) -> tuple[dict[str, pd.DataFrame], set[int]]:
        """The frames of these addresses, and the ids that were found."""
        records: list[AddressRecord] = []
        for start in range(0, len(ids), 500):
            records += self.client.read_addresses_by_id(
                ids[start : start + 500], fields=self._read_fields()
            )
        frames = self._frames(records, observed_at=observed_at, rejected=[])
        return frames, {record.id for record in records}

    def find_ids(self, emails: Sequence[str]) -> list[list[int]]:
        """For each address the ids of the contacts that have it as their main one, ascending."""
        found = self.client.find_addresses_by_email(emails, fields=["Email"])
        return [
            [r.id for r in records if address_key(str(r.elements.get("Email"))) == key]
            for key, records in zip(map(address_key, emails), found, strict=True)
        ]

    def _read_fields(self) -> list[str]:
        known = self.configuration()
        optional = ["Privat", "Status", "Status2Adr", "DSGVOStatus", self._tag_field]
        mapped = [f.crm for f in self._fields if f.direction is not Direction.OFF]
        # Aenderung is not part of the field configuration, clients in production ask for it anyway.
        names = [
            "Email",
            "email",
            _STATUS,
            "Aenderung",
            *mapped,
            *(n for n in optional if n in known),
        ]
        return list(dict.fromkeys(name for name in names if name))

    def _frames(
        self,
        records: Sequence[AddressRecord],
        *,
        observed_at: datetime,
        rejected: list[tuple[str, str]],
    ) -> dict[str, pd.DataFrame]:
        contacts: list[tuple[Any, ...]] = []
        addresses: list[tuple[int, str, bool]] = []
        seen = naive(observed_at)
        for record in records:
            values = record.elements
            email = str(values.get("Email") or "")
            key = address_key(email)
            if key is None:
                rejected.append(
                    (str(record.id), "missing_email" if not email.strip() else "invalid_email")
                )
            else:
                addresses.append((record.id, key, True))
            for entry in record.email_addresses:
                other = address_key(entry)
                if other is not None and other != key:
                    addresses.append((record.id, other, False))
            contacts.append(
                (
                    record.id,
                    key,
                    email,
                    str(newsletter_of(values.get(_STATUS))),
                    str(_eligibility(values)),
                    list(multiselect_keys(values.get(self._tag_field))) if self._tag_field else [],
                    naive(self._zone.moment(values.get("Aenderung"))),
                    seen,
                    *(comparable(values.get(f.crm)) for f in self._fields),
                )
            )
        columns = [
            "crm_id",
            "key",
            "email",
            "newsletter",
            "eligibility",
            "tags",
            "changed_at",
            "observed_at",
            *(f.column for f in self._fields),
        ]
        frame = pd.DataFrame(contacts, columns=columns)
        texts = [c for c in columns if c not in ("crm_id", "tags", "changed_at", "observed_at")]
        frame = frame.astype(
            {
                "crm_id": "int64",
                **dict.fromkeys(texts, "str"),
                "changed_at": "datetime64[us]",
                "observed_at": "datetime64[us]",
            }
        )
        frame["tags"] = frame["tags"].astype(object)
        contact_addresses = pd.DataFrame(addresses, columns=["crm_id", "key", "is_main"]).astype(
            {"crm_id": "int64", "key": "str", "is_main": "bool"}
        )
        return {
            "contacts": validate(frame, schema=contacts_schema(self._fields), name="contacts"),
            "contact_addresses": contact_addresses,
        }


def _portions(pages: Iterable[AddressPage]) -> Iterator[list[AddressRecord]]:
    """The records of several pages at a time: making and validating a frame costs about the same
    for one page as for ten."""
    records: list[AddressRecord] = []
    for page in pages:
        records += page.records
        if len(records) >= _PORTION:
            yield records
            records = []
    if records:
        yield records


def newsletter_of(value: object) -> Newsletter:
    """The state of a raw ``newsletter_aktiv``: missing is NONE, a strange value UNKNOWN."""
    if value is None:
        return Newsletter.NONE
    return NEWSLETTER_BY_KEY.get(str(value).strip(), Newsletter.UNKNOWN)


def _eligibility(values: dict[str, Any]) -> Eligibility:
    if values.get("DSGVOStatus") == _REVOKED:
        return Eligibility.REVOKED
    archived = (
        values.get("Status2Adr") == "status2adr_archive" or str(values.get("Status", "1")) == "0"
    )
    if archived:
        return Eligibility.ARCHIVED
    # No source pins down how a boolean is read: every form of "true" counts.
    if str(values.get("Privat", "")).lower() in ("1", "true", "ja", "y"):
        return Eligibility.PRIVATE
    return Eligibility.ELIGIBLE


def _autumn_hour(since: datetime, *, zone: ZoneInfo) -> timedelta:
    """One hour more of overlap in the hours after the clock went back: wall times repeat then."""
    before = (since - timedelta(hours=3)).astimezone(zone).utcoffset() or timedelta(0)
    after = since.astimezone(zone).utcoffset() or timedelta(0)
    return timedelta(hours=1) if before > after else timedelta(0)
