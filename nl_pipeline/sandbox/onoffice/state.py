"""The twin's state: addresses with their contact entries, activities, users and rights.

Belongs here: storing and finding records. Does not belong here: the wire format, validation and
permissions of a call. Only values that differ from a field's default are stored, so that 250,000
addresses stay small.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from nl_pipeline.sandbox.clock import Clock
from nl_pipeline.sandbox.onoffice.fields import Catalogue
from nl_pipeline.sandbox.onoffice.switches import Switches

EntryKind = Literal["email", "phone", "mobile", "fax"]
API_USER = "nl-api"
USERS: tuple[tuple[int, str, str, str], ...] = (
    (11, API_USER, "API", "Newsletter"),
    (17, "k.vogel", "Karin", "Vogel"),
    (23, "t.brandt", "Tim", "Brandt"),
)
"""Number, user name, first name and last name of each user of the account."""


@dataclass(slots=True)
class Entry:
    """One e-mail, phone or fax entry of an address."""

    number: int
    kind: EntryKind
    usage: str
    """``""``, ``"private"`` or ``"business"``; reads do not show it (onOffice, [inferred])."""
    value: str
    is_default: bool


class Address:
    """One address record: stored values by field name, and its entries."""

    __slots__ = ("entries", "number", "values")

    def __init__(self, number: int, values: dict[str, Any], entries: list[Entry]) -> None:
        self.number = number
        self.values = values
        self.entries = entries

    def of_kind(self, *kinds: EntryKind) -> list[Entry]:
        """Entries of the given kinds, the main one first."""
        found = [entry for entry in self.entries if entry.kind in kinds]
        found.sort(key=lambda entry: not entry.is_default)
        return found

    def main(self, *kinds: EntryKind) -> str:
        """Value of the main entry, empty when there is none."""
        return next((e.value for e in self.entries if e.kind in kinds and e.is_default), "")


@dataclass(slots=True)
class Activity:
    """One entry of the agents log."""

    number: int
    address_id: int | None
    kind: str
    type: str
    at: str
    """Wall time in the account's zone, ``YYYY-MM-DD hh:mm:ss``."""
    created: str
    note: str
    user: str
    details: dict[str, Any] = field(default_factory=dict)
    """Further fields under their names in a read, such as ``HerkunftKontakt``."""


def same_email(value: str) -> str:
    """The form under which addresses count as one when case is ignored."""
    return value.strip().casefold()


class State:
    """Everything the account holds."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.version = 0
        """Only ever rises, with every change of addresses, rights or switches, a reset included:
        remembered queries hang on it."""
        self.switches = Switches()
        self.catalogue = Catalogue(self.switches)
        self.clear(seed=0)

    def clear(self, *, seed: int) -> None:
        """No addresses, no activities, full rights, default switches."""
        self.use_switches(Switches())
        self.addresses: dict[int, Address] = {}
        self.activities: dict[int, Activity] = {}
        self.activities_of: dict[int, list[int]] = {}
        self.mails: list[dict[str, Any]] = []
        self.hidden: set[int] = set()
        self.may_write = True
        self._by_email: dict[str, list[int]] = {}
        self._gaps = random.Random(f"onoffice ids {seed}")
        self._last_address = 1001
        self._last_entry = 13025
        self._last_activity = 6063
        self._last_customer = 1200

    def use_switches(self, switches: Switches) -> None:
        """Take over switches and what follows from them."""
        self.switches = switches
        self.catalogue = Catalogue(switches)
        self._zone = ZoneInfo(switches.time_zone)
        self.version += 1

    def wall_time(self, at: datetime | None = None) -> str:
        """``YYYY-MM-DD hh:mm:ss`` in the account's zone; now by default."""
        moment = self.clock.now() if at is None else at
        return moment.astimezone(self._zone).strftime("%Y-%m-%d %H:%M:%S")

    # Addresses

    def add_address(self, values: dict[str, Any], entries: Iterable[Entry]) -> Address:
        """Store a new address under the next id: odd, with gaps, as all samples show."""
        self._last_address += 2 * self._gaps.randint(1, 4)
        self._last_customer += 1
        values.setdefault("KdNr", self._last_customer)
        address = Address(self._last_address, values, list(entries))
        self.addresses[address.number] = address
        self._index(address)
        self.version += 1
        return address

    def new_entry(
        self, kind: EntryKind, value: str, *, usage: str = "", is_default: bool = False
    ) -> Entry:
        """An entry with the next entry id; not yet part of an address."""
        self._last_entry += 2
        return Entry(self._last_entry, kind, usage, value, is_default)

    def remove_address(self, number: int) -> None:
        """Delete without a tombstone, activities too (onOffice leaves only the log)."""
        address = self.addresses.pop(number)
        self._unindex(address)
        for activity in self.activities_of.pop(number, []):
            del self.activities[activity]
        self.hidden.discard(number)
        self.version += 1

    def change_entries(self, address: Address, entries: list[Entry]) -> None:
        """Replace all entries; where a kind has no main entry, its first becomes the main one."""
        self._unindex(address)
        address.entries = entries
        for kinds in (("email",), ("phone", "mobile"), ("fax",)):
            group = [entry for entry in entries if entry.kind in kinds]
            if group and not any(entry.is_default for entry in group):
                group[0].is_default = True
        self._index(address)
        self.version += 1

    def touch(self, address: Address, *causes: str) -> None:
        """A record changed for these causes: drop caches, move ``Aenderung`` where it counts."""
        self.version += 1
        if any(cause in self.switches.aenderung_bumped_by for cause in causes):
            address.values["Aenderung"] = self.wall_time()

    def ids_with_email(self, email: str) -> list[int]:
        """Ids, ascending, of all addresses with this e-mail in any entry, case ignored."""
        return sorted(self._by_email.get(same_email(email), []))

    def visible(self, number: int) -> Address | None:
        """The address, None when it does not exist or the API user may not see it."""
        return None if number in self.hidden else self.addresses.get(number)

    def hide_all_but(self, visible: set[int]) -> None:
        """Restrict the API user to these addresses and to those created from now on."""
        self.hidden = set(self.addresses) - visible
        self.version += 1

    def _index(self, address: Address) -> None:
        for key in {same_email(e.value) for e in address.entries if e.kind == "email"}:
            self._by_email.setdefault(key, []).append(address.number)

    def _unindex(self, address: Address) -> None:
        for key in {same_email(e.value) for e in address.entries if e.kind == "email"}:
            self._by_email[key].remove(address.number)
            if not self._by_email[key]:
                del self._by_email[key]

    # Activities

    def add_activity(
        self,
        address_id: int | None,
        *,
        kind: str,
        type: str,
        note: str = "",
        at: str | None = None,
        user: str = API_USER,
        details: dict[str, Any] | None = None,
    ) -> Activity:
        """Store an entry of the agents log under the next, gapped number."""
        self._last_activity += 2 * self._gaps.randint(1, 3)
        now = self.wall_time()
        activity = Activity(
            self._last_activity, address_id, kind, type, at or now, now, note, user, details or {}
        )
        self.activities[activity.number] = activity
        if address_id is not None:
            self.activities_of.setdefault(address_id, []).append(activity.number)
            address = self.addresses[address_id]
            address.values["Letzte_Aktion"] = now[:10]
            self.touch(address, "activity")
        return activity

    def move_activities(self, source: int, target: int) -> None:
        """Book all activities of one address under another."""
        moved = self.activities_of.pop(source, [])
        for number in moved:
            self.activities[number].address_id = target
        self.activities_of.setdefault(target, []).extend(moved)

    def activities_about(self, address_ids: Iterable[int]) -> Iterator[Activity]:
        """All entries of the given addresses."""
        for number in address_ids:
            for activity in self.activities_of.get(number, []):
                yield self.activities[activity]
