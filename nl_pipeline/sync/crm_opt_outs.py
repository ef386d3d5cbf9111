"""Opt-outs in the CRM: who has an address, what their newsletter field says, and cancelling it.

Belongs here: the three calls of the opt-out path. Must not be here: whom to cancel. Only fields
that every account has are asked for, so that no field mapping matters.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from nl_pipeline.clients.onoffice import ActionOutcome, AddressChange, AddressRecord, OnOfficeClient
from nl_pipeline.domain.address import address_key
from nl_pipeline.domain.states import KEY_BY_NEWSLETTER, NEWSLETTER_BY_KEY, Newsletter

_STATUS = "newsletter_aktiv"
_FIELDS = [_STATUS, "Email", "email"]


@dataclass(frozen=True)
class AddressHolder:
    """A contact and its addresses; ``main`` is the main one, "" where it has none that is valid."""

    crm_id: int
    newsletter: Newsletter
    main: str = field(repr=False)
    keys: frozenset[str] = field(repr=False)

    @property
    def is_out(self) -> bool:
        """Whether the field says already that no newsletter is wanted."""
        return self.newsletter in (Newsletter.NO, Newsletter.CANCEL)


class CrmOptOuts:
    """The newsletter field of contacts, read and cancelled without the rest of a contact."""

    def __init__(self, client: OnOfficeClient) -> None:
        self._client = client

    def find(self, emails: Sequence[str]) -> list[AddressHolder]:
        """The contacts that have one of these addresses, as main or any other entry."""
        found = self._client.find_addresses_by_email(emails, fields=_FIELDS)
        return _distinct(record for records in found for record in records)

    def read(self, ids: Sequence[int]) -> list[AddressHolder]:
        """The contacts with these ids; those that are gone are missing."""
        return _distinct(self._client.read_addresses_by_id(ids, fields=_FIELDS) if ids else ())

    def cancel(self, ids: Sequence[int]) -> list[ActionOutcome]:
        """Set the field of each to "cancelled"; one outcome each. Sent twice it changes nothing."""
        value = {_STATUS: KEY_BY_NEWSLETTER[Newsletter.CANCEL]}
        return self._client.modify_addresses([AddressChange(crm_id, value) for crm_id in ids])


def _distinct(records: Iterable[AddressRecord]) -> list[AddressHolder]:
    return list({record.id: _holder(record) for record in records}.values())


def _holder(record: AddressRecord) -> AddressHolder:
    keys = [address_key(entry) for entry in record.email_addresses]
    raw = record.elements.get(_STATUS)
    newsletter = Newsletter.NONE if raw is None else NEWSLETTER_BY_KEY.get(str(raw).strip())
    return AddressHolder(
        crm_id=record.id,
        newsletter=newsletter or Newsletter.UNKNOWN,
        main=address_key(str(record.elements.get("Email") or "")) or "",
        keys=frozenset(key for key in keys if key is not None),
    )
