"""The audience at a newsletter provider, read from the dump of its twin.

Belongs here: members in the same words for every provider, and what people themselves said. Must
not be here: the CRM (``picture``), expectations.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from nl_pipeline.domain.address import address_key

SUBSCRIBED, UNSUBSCRIBED, BOUNCED, OFF = "subscribed", "unsubscribed", "bounced", "off the list"
ABSENT = "absent"
"""Nobody of this address is there."""


class Word(NamedTuple):
    """What a person said to a provider; in the order of time."""

    at: datetime
    key: str
    left: bool


@dataclass(frozen=True)
class Member:
    """Somebody the provider knows; `refuses`: the last that was said there about getting mail, by
    whomever, was no."""

    key: str
    status: str
    id: str
    first_name: str
    last_name: str
    refuses: bool


@dataclass(frozen=True)
class Audience:
    """The audience at one provider. `members` is by address key."""

    provider: str
    members: Mapping[str, Member]
    own_words: tuple[Word, ...] = ()

    def status_of(self, key: str) -> str:
        """The member's status, `absent` for an address the provider does not have."""
        member = self.members.get(key)
        return ABSENT if member is None else member.status

    def count(self, keys: Iterable[str], *, status: str) -> int:
        """How many of these have this status."""
        return sum(self.status_of(key) == status for key in keys)

    def subscribed(self) -> set[str]:
        """Everybody who gets mail."""
        return {key for key, member in self.members.items() if member.status == SUBSCRIBED}

    def refusing(self) -> set[str]:
        """Everybody of whom the provider was told last that there should be no mail."""
        return {key for key, member in self.members.items() if member.refuses}


def at_mailchimp(dump: Mapping[str, Any], *, name: str) -> Audience:
    """The audience of this name, archived members too."""
    ids = {item["id"] for item in dump["audiences"] if item["name"] == name}
    records = [
        record
        for record in dump["members"]
        if record["list_id"] in ids and record["status"] != "deleted"
    ]
    members = {_key(record["email_address"]): _mailchimp_member(record) for record in records}
    words = [
        Word(_moment(entry), _key(record["email_address"]), entry["to"] != SUBSCRIBED)
        for record in records
        for entry in record["history"]
        if entry["actor"] == "person"
    ]
    return Audience("Mailchimp", members, tuple(words))


def _mailchimp_member(record: Mapping[str, Any]) -> Member:
    # An import or an API client can move a status, but consents to nothing.
    said = [
        entry["to"] != SUBSCRIBED
        for entry in record["history"]
        if entry["to"] == UNSUBSCRIBED or entry["actor"] == "person"
    ]
    status = str(record["status"])
    return Member(
        key=_key(record["email_address"]),
        status=BOUNCED if status == "cleaned" else status,
        id=str(record["contact_id"]),
        first_name=str(record["merge_fields"].get("FNAME", "")),
        last_name=str(record["merge_fields"].get("LNAME", "")),
        refuses=bool(said) and said[-1],
    )


#: Entries of a contact's history that say no or yes to mail; taken off a list says neither.
_NO = ("blocklisted", "list_unsubscribed", "group_unsubscribed")
_OWN_YES = ("added", "allowed", "list_resubscribed")


def at_brevo(dump: Mapping[str, Any], *, name: str) -> Audience:
    """The list of this name, and everybody else at Brevo: an opt-out may be of somebody on no list,
    or of a contact that was deleted since."""
    list_ids = {one["id"] for one in dump["lists"] if one["name"] == name}
    present = [record for record in dump["contacts"] if not record["deleted"] and record["email"]]
    members = {_key(one["email"]): _brevo_member(one, list_ids=list_ids) for one in present}
    words = [
        Word(_moment(entry), _key(record["email"]), entry["what"] in _NO)
        for record in dump["contacts"]
        if record["email"]
        for entry in record["history"]
        if entry["actor"] == "person" and entry["what"] in (*_NO, *_OWN_YES)
    ]
    return Audience("Brevo", members, tuple(words))


def _brevo_member(record: Mapping[str, Any], *, list_ids: set[int]) -> Member:
    said = [
        entry["what"] in _NO
        for entry in record["history"]
        if (entry["what"] in _NO and entry["actor"] != "system")
        or (entry["what"] in _OWN_YES and entry["actor"] == "person")
    ]
    first, last = record["attributes"].get("VORNAME", ""), record["attributes"].get("NACHNAME", "")
    return Member(
        key=_key(record["email"]),
        status=_brevo_status(record, list_ids=list_ids),
        id=str(record["id"]),
        first_name=str(first),
        last_name=str(last),
        refuses=bool(said) and said[-1],
    )


def _brevo_status(record: Mapping[str, Any], *, list_ids: set[int]) -> str:
    if record["emailBlacklisted"]:
        by = [entry["actor"] for entry in record["history"] if entry["what"] == "blocklisted"]
        return BOUNCED if by[-1:] == ["system"] else UNSUBSCRIBED
    if list_ids & set(record["listUnsubscribed"]):
        return UNSUBSCRIBED
    return SUBSCRIBED if list_ids & set(record["listIds"]) else OFF


def _key(email: str) -> str:
    return address_key(email) or email


def _moment(entry: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(entry["at"])
