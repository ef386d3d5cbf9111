"""What the sandbox looks like at one moment, read from the twins' dumps and from nothing of ours.

Belongs here: contacts, audiences and activities as the proof compares them. Must not be here: the
dumps of the newsletter twins (``audiences``), the warehouse, rules, expectations.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from nl_pipeline.cli.demo.audiences import Audience, at_brevo, at_mailchimp
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
class Picture:
    """All three sides at one moment. `holders` is by address key, `activities` by contact and
    type; `violations`: calls beyond Brevo's limits so far."""

    contacts: dict[int, Contact]
    holders: dict[str, tuple[Contact, ...]]
    activities: dict[tuple[int, str], int]
    mailchimp: Audience
    brevo: Audience
    violations: int = 0

    @property
    def audiences(self) -> tuple[Audience, Audience]:
        """Both."""
        return self.mailchimp, self.brevo

    def contacts_of(self, keys: Iterable[str]) -> list[Contact]:
        """All contacts whose main address is one of these."""
        return [c for key in keys for c in self.holders.get(key, ()) if c.key == key]

    def opted_out(self) -> set[str]:
        """Everybody whose own last word, given to either provider, was an opt-out."""
        words = sorted(word for audience in self.audiences for word in audience.own_words)
        return {key for key, left in {word.key: word.left for word in words}.items() if left}


def take_picture(sandbox: Sandbox, *, audience: str) -> Picture:
    """Dump the twins and read them."""
    crm, brevo = sandbox.dump("onoffice"), sandbox.dump("brevo")
    contacts = {record["id"]: _contact(record) for record in crm["addresses"]}
    holders: dict[str, list[Contact]] = defaultdict(list)
    for contact in contacts.values():
        for key in contact.keys:
            holders[key].append(contact)
    activities: dict[tuple[int, str], int] = defaultdict(int)
    for activity in crm["activities"]:
        activities[int(activity["Adress_nr"]), str(activity["Aktionstyp"])] += 1
    return Picture(
        contacts=contacts,
        holders={key: tuple(found) for key, found in holders.items()},
        activities=dict(activities),
        mailchimp=at_mailchimp(sandbox.dump("mailchimp"), name=audience),
        brevo=at_brevo(brevo, name=audience),
        violations=sum(brevo["violations"].values()),
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
