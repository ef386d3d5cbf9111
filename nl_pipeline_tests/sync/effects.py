"""What a plan says will happen and what did happen, in the same words.

Belongs here: the translation of plan rows and of two pictures into effects. Not here: assertions.
An effect is (side, record, what, value); a record that is created goes by its address key.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from nl_pipeline.domain.address import address_key
from nl_pipeline.domain.plan import Plan
from nl_pipeline.domain.states import KEY_BY_NEWSLETTER, Newsletter
from nl_pipeline.warehouse import plans
from nl_pipeline_tests.scenario import Picture, Scenario

Effect = tuple[str, str, str, str]

_STATUS = {
    "SUB": "subscribed",
    "UNSUB": "unsubscribed",
    "ARCHIVED": "archived",
    "PENDING": "pending",
}
_MOVES_BY_ITSELF = {
    "Aenderung",
    "Letzte_Aktion",
    "Eintragsdatum",
    "KdNr",
    "Benutzer",
    "emails",
    "id",
}


def planned_effects(scenario: Scenario, plan: Plan, *, result: str = "") -> set[Effect]:
    """The effects of the plan's changes, or of those with this result."""
    rows = plans.change_rows(scenario.link.warehouse, plan_id=plan.plan_id)
    effects: set[Effect] = set()
    for row in rows.to_dict("records"):
        if row["side"] == "list" or (result and row["result"] != result):
            continue
        effects.update(_planned(scenario, row))
    return effects


def _planned(scenario: Scenario, row: dict[Any, Any]) -> Iterator[Effect]:
    fields = {f.name: f for f in scenario.link.settings.fields}
    record = row["record_id"] or row["address"]
    after = json.loads(row["after"])
    for name, value in after.items():
        field = fields.get(name.removeprefix("field:"))
        if row["side"] == "crm":
            if name == "newsletter":
                yield ("crm", record, "newsletter_aktiv", KEY_BY_NEWSLETTER[Newsletter(value)])
            elif name == "email" and row["action"] == "change_email":
                yield ("crm", record, "Email", value)
            elif name == "tags":
                yield ("crm", record, "NewsletterTag", ",".join(value))
            elif field is not None:
                yield ("crm", record, field.crm, value)
        elif name == "state":
            yield ("provider", record, "status", _STATUS[value])
        elif name == "email" and row["action"] == "change_address":
            yield ("provider", record, "email_address", value)
        elif name in ("add", "remove"):
            for tag in value:
                yield ("provider", record, name, tag)
        elif field is not None:
            yield ("provider", record, field.provider or "", value)


def seen_effects(before: Picture, after: Picture) -> set[Effect]:
    """Everything that differs between two pictures, but for times and numbers nobody chose."""
    effects: set[Effect] = set()
    for number, contact in after.contacts.items():
        old = before.contacts.get(number)
        record = str(number) if old is not None else str(address_key(contact["Email"]))
        for name in contact.keys() - _MOVES_BY_ITSELF:
            now, then = contact[name], (old or {}).get(name)
            if name == "NewsletterTag":
                now, then = ",".join(now), ",".join(then or ())
            if now != then and (old is not None or _chosen(name, now)):
                effects.add(("crm", record, name, str(now)))
    for contact_id, member in after.members.items():
        old = before.members.get(contact_id)
        effects.update(_member_effects(old, member))
    return effects


def _chosen(name: str, value: Any) -> bool:
    """Whether a value of a new contact was given to it and is not the account's default."""
    defaults = {
        "newsletter_aktiv": None,
        "Email": value,
        "SpracheKontakt": "DEU",
        "Status2Adr": "status2adr_active",
    }
    return value not in ("", False, defaults.get(name, ""))


def _member_effects(old: dict[str, Any] | None, member: dict[str, Any]) -> Iterator[Effect]:
    record = str(address_key(member["email_address"])) if old is None else old["id"]
    nothing = {"email_address": member["email_address"], "merge_fields": {}, "tags": []}
    before = {"status": "", **nothing} if old is None else old
    for name in ("status", "email_address"):
        if member[name] != before[name]:
            yield ("provider", record, name, member[name])
    for tag, value in member["merge_fields"].items():
        if value != before["merge_fields"].get(tag, ""):
            yield ("provider", record, tag, value)
    for tag in set(member["tags"]) - set(before["tags"]):
        yield ("provider", record, "add", tag)
    for tag in set(before["tags"]) - set(member["tags"]):
        yield ("provider", record, "remove", tag)
