"""Typed values of the onOffice client.

Belongs here: what callers pass in and get back. The shapes on the wire are in `envelope`.
Reprs show ids only, because values of these types end up in tracebacks and test output.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from nl_pipeline.clients.errors import ApiError


class AddressRecord(msgspec.Struct, frozen=True):
    """One address as read: `id` is the record number (not `KdNr`), `elements` the raw values.

    Select values are keys, multiselects are `|A||B|`, dates are text; contact entries come as
    `email__<entry id>` (apidoc, address read).
    """

    id: int
    elements: dict[str, Any]

    @property
    def email_addresses(self) -> tuple[str, ...]:
        """All e-mail entries as stored, the main one (`Email`) first, each text once.

        Complete only if `Email` and `email` were among the fields asked for.
        """
        found: dict[str, None] = {}
        main = self.elements.get("Email")
        if isinstance(main, str) and main.strip():
            found[main] = None
        for key, value in self.elements.items():
            if (
                key.startswith("email__")
                and not key.endswith("__Comment")
                and isinstance(value, str)
                and value.strip()
            ):
                found[value] = None
        return tuple(found)

    def __repr__(self) -> str:
        return f"AddressRecord(id={self.id})"


class AddressPage(msgspec.Struct, frozen=True):
    """One page: `offset` as asked for, `total` as announced with this page (`cntabsolute`)."""

    offset: int
    total: int
    records: list[AddressRecord]

    def __repr__(self) -> str:
        return f"AddressPage(offset={self.offset}, total={self.total}, rows={len(self.records)})"


@dataclass(frozen=True)
class Condition:
    """One filter condition, such as `Condition(">=", moment)`; all conditions are ANDed.

    An aware datetime is written as wall time of the CRM.
    """

    op: str
    value: Any = field(repr=False)


@dataclass(frozen=True)
class AddressField:
    """One field of the account's configuration; `options` (key to label) for selects only."""

    name: str
    type: str
    label: str
    length: int | None
    options: dict[str, str] | None
    default: str | None


@dataclass(frozen=True)
class AddressChange:
    """Flat parameters for one address; fields not named stay as they are.

    A contact entry (`email`, `email_private`, `email_business`, phones, faxes) takes an
    instruction: `{"action": "add"|"modify"|"delete", "oldvalue", "newvalue", "default"}`, one per
    key and change (apidoc, address modify).
    """

    address_id: int
    parameters: Mapping[str, Any] = field(repr=False)

    @property
    def has_contact_instruction(self) -> bool:
        """Whether repeating the change could have another effect than sending it once."""
        return any(isinstance(value, Mapping) for value in self.parameters.values())


@dataclass(frozen=True)
class NewAddress:
    """A contact to create. `reference` is the caller's own id (never an address): it comes back in
    the outcome and stands in messages.

    `checkDuplicate` is only sent together with `noOverrideByDuplicate`: alone it overwrites the
    contact it finds (apidoc, address create).
    """

    reference: str
    parameters: Mapping[str, Any] = field(repr=False)

    def __post_init__(self) -> None:
        if self.parameters.get("checkDuplicate") and not self.parameters.get(
            "noOverrideByDuplicate"
        ):
            raise ValueError(
                f"new address {self.reference}: checkDuplicate without noOverrideByDuplicate would "
                "overwrite an existing contact; pass both"
            )


@dataclass(frozen=True)
class NewActivity:
    """An entry of the activity log for one address; `at` is aware, None means now.

    `kind` and `type` are the account's own keys, see `OnOfficeClient.read_action_kinds`.
    """

    reference: str
    address_id: int
    kind: str
    type: str
    at: datetime | None
    note: str = field(repr=False)


@dataclass(frozen=True)
class Activity:
    """One entry of the activity log as read; `at` is aware UTC, None when unreadable."""

    id: int
    kind: str
    type: str
    at: datetime | None
    note: str = field(repr=False)


@dataclass(frozen=True)
class ActionOutcome:
    """What became of one write. `record_id` is set for creates.

    `error` is None exactly when `ok`; its class says what to do, `OutcomeUnknown` included.
    """

    reference: str
    ok: bool
    record_id: int | None = None
    error: ApiError | None = None


def multiselect_keys(value: object) -> tuple[str, ...]:
    """Return the keys of a multiselect as read: `|A||B|`, "" or null, or a list."""
    if isinstance(value, str):
        return tuple(key for key in value.split("|") if key)
    if isinstance(value, list):
        return tuple(str(key) for key in value)
    return ()
