"""A day on which everything happens at once: people who together cause every kind of call.

Belongs here: who does what, and what is compared when the day is told again under a fault. Not
here: faults and assertions.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec

from nl_pipeline.sandbox.population import TAG_OPTIONS
from nl_pipeline.settings import KindType
from nl_pipeline_tests.scenario import (
    CANCEL,
    DOI,
    NO,
    NOT_SPECIFIED,
    YES,
    Picture,
    Scenario,
    address,
)
from nl_pipeline_tests.sync.proofs import grant_with_proof

PAGE_OF_THE_DAY = 40
"""Rows of a page: a read of either side takes two."""

OPTED_OUT = (
    *("kunde-01", "kunde-02", "kunde-10", "kunde-13", "kunde-14", "kunde-15"),
    *("rita-zweit", "left", "complained", "stranger-left", "gruppe"),
)
"""Who has opted out by the time of the sync, on either side, openly or hidden by archiving."""

_MOVES_BY_ITSELF = {"id", "KdNr", "Aenderung", "Eintragsdatum", "Letzte_Aktion", "Benutzer"}
_TAG, _OTHER_TAG = list(TAG_OPTIONS)[:2]


def begin(scenario: Scenario) -> None:
    """What lies behind the people when the day begins; synced."""
    for name in ("kunde-13", "kunde-14", "kunde-15", "kunde-16"):
        scenario.person("unsubscribe", name)
    scenario.staff("archive", "kunde-04")
    scenario.sync()
    grant_with_proof(scenario, "kunde-16")


def choose_settings(scenario: Scenario) -> None:
    """Settings under which everything of the day is written: no brake, every activity."""
    chosen = scenario.link.settings
    bounced = KindType(kind="Newsletter", type="nicht bestellt")
    scenario.change_settings(
        activities=chosen.activities.model_copy(update={"hard_bounce": bounced}),
        brakes=chosen.brakes.model_copy(update={"at_least": 50}),
    )


def happen(scenario: Scenario) -> None:
    """The day itself, before its sync."""
    # Opt-outs: plain, in the CRM, of a secondary address, of two contacts, hidden by archiving.
    scenario.person("unsubscribe", "kunde-01")
    scenario.set_newsletter("kunde-02", CANCEL)
    scenario.person("unsubscribe", "rita-zweit")
    scenario.person("unsubscribe", "gruppe")
    scenario.person("unsubscribe", "kunde-10")
    scenario.staff("archive", "kunde-10")
    # Opted out before, and somebody wants them back.
    scenario.staff("subscribe", "kunde-13", force=True)
    scenario.set_newsletter("kunde-14", YES)
    scenario.staff("archive", "kunde-15")
    scenario.set_newsletter("kunde-15", YES)
    scenario.set_newsletter("kunde-16", YES)  # with newer proof: is asked to confirm
    # Other removals: not specified any more, deleted in the CRM, archived there.
    scenario.set_newsletter("kunde-03", NOT_SPECIFIED)
    scenario.control.act("onoffice", actor="staff", action="delete", email=address("kunde-11"))
    scenario.staff("archive", "kunde-12")
    scenario.staff("clean", "kunde-17")
    # New on either side, and again.
    scenario.set_newsletter("none", YES)
    scenario.add_contact("neuling", YES, Vorname="Nora", NewsletterTag=[_TAG])
    scenario.set_newsletter("kunde-04", YES)
    scenario.person("subscribe", "angemeldet", merge_fields={"FNAME": "Anna"})
    scenario.person("subscribe", "no")
    # Profiles, addresses and tags, both ways.
    scenario.set_field("kunde-05", Vorname="Karla")
    scenario.person("update", "kunde-06", merge_fields={"FNAME": "Karl"})
    scenario.control.act(
        "onoffice",
        actor="staff",
        action="change_email",
        email=address("kunde-07"),
        new_email=address("kunde-07-neu"),
    )
    scenario.person("change_email", "kunde-08", new_email=address("kunde-08-neu"))
    scenario.set_field("kunde-09", NewsletterTag=[_TAG])
    scenario.staff("tag", "kunde-18", tag=TAG_OPTIONS[_OTHER_TAG])
    scenario.set_newsletter("kunde-19", NO)


def name_of(request: httpx.Request) -> str:
    """What a call is, for messages: method and path, for onOffice its actions."""
    if request.url.path.startswith("/mailchimp"):
        return f"{request.method} {request.url.path.removeprefix('/mailchimp')}"
    actions = msgspec.json.decode(request.content)["request"]["actions"]
    verbs = (action["actionid"].rpartition(":")[2] for action in actions)
    names = Counter(
        f"{verb}:{action['resourcetype']}" for verb, action in zip(verbs, actions, strict=True)
    )
    return "onOffice " + ", ".join(names)


@dataclass(frozen=True)
class Outcome:
    """Everything of both twins that a sync decides, without times and numbers nobody chose."""

    contacts: Counter[str]
    members: dict[str, str]
    activities: Counter[tuple[str, str]]
    statuses_set: Counter[tuple[str, str]]

    @classmethod
    def of(cls, picture: Picture) -> Outcome:
        """The outcome a picture shows."""
        emails = {number: contact["Email"] for number, contact in picture.contacts.items()}
        members = picture.members
        asked = {m["email_address"].lower() for m in members.values() if m["status"] == "pending"}
        return cls(
            contacts=Counter(_shown(contact, asked=asked) for contact in picture.contacts.values()),
            members={
                contact_id: repr(
                    (
                        *(member[name] for name in ("email_address", "status", "merge_fields")),
                        sorted(member["tags"]),
                    )
                )
                for contact_id, member in members.items()
                if not _came_by_api(member)
            }
            | {
                member["email_address"]: repr(
                    (member["status"], member["merge_fields"], sorted(member["tags"]))
                )
                for member in members.values()
                if _came_by_api(member)
            },
            activities=Counter(
                (emails.get(activity["Adress_nr"], "?"), activity["Aktionstyp"])
                for activity in picture.onoffice["activities"]
            ),
            statuses_set=Counter(
                (member["email_address"], entry["to"])
                for member in members.values()
                for entry in member["history"]
                if entry["actor"] == "api"
            ),
        )

    def differences(self, other: Outcome) -> list[str]:
        """Where two outcomes differ, one line each."""
        found = []
        for part in ("contacts", "activities", "statuses_set"):
            mine, theirs = getattr(self, part), getattr(other, part)
            found += [f"{part}: missing {row}" for row in (mine - theirs).elements()]
            found += [f"{part}: too many {row}" for row in (theirs - mine).elements()]
        for who in self.members.keys() | other.members.keys():
            if self.members.get(who) != other.members.get(who):
                found.append(f"member {self.members.get(who)} became {other.members.get(who)}")
        return found


def _shown(contact: dict[str, Any], *, asked: set[str]) -> str:
    shown = {k: v for k, v in contact.items() if k not in _MOVES_BY_ITSELF}
    if contact["Email"].lower() in asked and contact["newsletter_aktiv"] == YES:
        # Yes while the provider waits for the person is as good (S29) and written by nobody.
        shown["newsletter_aktiv"] = DOI
    return repr(sorted(shown.items()))


def _came_by_api(member: dict[str, Any]) -> bool:
    """Whether its stable id differs from one telling of the day to the next."""
    return bool(member["history"]) and member["history"][0]["actor"] == "api"


def wooed(picture: Picture) -> Counter[tuple[str, str]]:
    """How often each of those who opted out was subscribed or asked to confirm by an API client."""
    emails = {address(name).strip().lower() for name in OPTED_OUT}
    return Counter(
        {
            who: count
            for who, count in Outcome.of(picture).statuses_set.items()
            if who[0].lower() in emails and who[1] in ("subscribed", "pending")
        }
    )
