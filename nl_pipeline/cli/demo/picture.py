"""What the twins look like at one moment, read from their dumps and from nothing of ours.

Belongs here: contacts, members and activities as the proof compares them. Must not be here: the
warehouse, rules, expectations.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from nl_pipeline.cli.demo.control import Sandbox
from nl_pipeline.domain.address import address_key

NO, YES, CANCELLATION, NOT_SPECIFIED = "0", "1", "2", "4"
SUBSCRIBE, UNSUBSCRIBE = "bestellt", "nicht bestellt"


@dataclass(frozen=True)
class Contact:
    """A contact of the CRM. `key`: normal form of the main address, None if it can't be one."""

    id: int
    key: str | None
    keys: frozenset[str]
    newsletter: str
    first_name: str
    last_name: str
    may_be_written_to: bool
    is_private: bool


@dataclass(frozen=True)
class Member:
    """A member of the audience; `opted_out`: the last act of consent was an opt-out."""

    key: str
    status: str
    contact_id: str
    first_name: str
    last_name: str
    opted_out: bool


@dataclass(frozen=True)
class Picture:
    """Both sides at one moment. `members` and `holders` are by address key."""

    contacts: dict[int, Contact]
    members: dict[str, Member]
    holders: dict[str, tuple[Contact, ...]]
    activities: dict[tuple[int, str], int]

    def contacts_of(self, keys: Iterable[str]) -> list[Contact]:
        """All contacts whose main address is one of these."""
        return [c for key in keys for c in self.holders.get(key, ()) if c.key == key]

    def status_of(self, key: str) -> str:
        """The member's status, `absent` for an address the audience does not have."""
        member = self.members.get(key)
        return "absent" if member is None else member.status


def take_picture(sandbox: Sandbox, *, audience: str) -> Picture:
    """Dump both twins and read them."""
    crm, mailchimp = sandbox.dump("onoffice"), sandbox.dump("mailchimp")
    contacts = {record["id"]: _contact(record) for record in crm["addresses"]}
    holders: dict[str, list[Contact]] = defaultdict(list)
    for contact in contacts.values():
        for key in contact.keys:
            holders[key].append(contact)
    activities: dict[tuple[int, str], int] = defaultdict(int)
    for activity in crm["activities"]:
        activities[int(activity["Adress_nr"]), str(activity["Aktionstyp"])] += 1
    audience_ids = {item["id"] for item in mailchimp["audiences"] if item["name"] == audience}
    members = [
        _member(record)
        for record in mailchimp["members"]
        if record["list_id"] in audience_ids and record["status"] != "deleted"
    ]
    return Picture(
        contacts=contacts,
        members={member.key: member for member in members},
        holders={key: tuple(found) for key, found in holders.items()},
        activities=dict(activities),
    )


def _contact(record: dict[str, Any]) -> Contact:
    is_private = str(record["Privat"]).lower() in ("1", "true")
    archived = record["Status2Adr"] == "status2adr_archive"
    revoked = record["DSGVOStatus"] == "speicherungwiderrufen"
    keys = {address_key(str(email)) for email in record["emails"]}
    return Contact(
        id=int(record["id"]),
        key=address_key(str(record["Email"] or "")),
        keys=frozenset(key for key in keys if key is not None),
        newsletter=str(record["newsletter_aktiv"]) or NOT_SPECIFIED,
        first_name=str(record["Vorname"]),
        last_name=str(record["Name"]),
        may_be_written_to=not (is_private or archived or revoked),
        is_private=is_private,
    )


def _member(record: dict[str, Any]) -> Member:
    # An import or an API client can move a status, but consents to nothing.
    consents = [
        entry["to"] != "subscribed"
        for entry in record["history"]
        if entry["to"] == "unsubscribed" or entry["actor"] == "person"
    ]
    return Member(
        key=address_key(record["email_address"]) or record["email_address"],
        status=str(record["status"]),
        contact_id=str(record["contact_id"]),
        first_name=str(record["merge_fields"].get("FNAME", "")),
        last_name=str(record["merge_fields"].get("LNAME", "")),
        opted_out=bool(consents) and consents[-1],
    )
