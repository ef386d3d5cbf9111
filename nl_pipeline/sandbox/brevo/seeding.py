"""Filling a fresh account from the sandbox's population.

Belongs here: what an account holds before the connector first sees it. Does not belong here: who
exists (``population``).
"""

from __future__ import annotations

from collections.abc import Iterable

from nl_pipeline.sandbox.brevo.account import Account
from nl_pipeline.sandbox.brevo.folders import add_folder
from nl_pipeline.sandbox.brevo.lists import add_list
from nl_pipeline.sandbox.brevo.state import Attribute
from nl_pipeline.sandbox.population import Person

FIRST_LIST = "identified_contacts"

NAMES = {
    "de": ("VORNAME", "NACHNAME"),
    "en": ("FIRSTNAME", "LASTNAME"),
    "fr": ("PRENOM", "NOM"),
    "it": ("NOME", "COGNOME"),
}
"""First and last name by the account's language (German and Italian: expected, in no source)."""


def _attributes(language: str) -> list[Attribute]:
    """What a fresh account has; the calculated one is as in a live capture."""
    first, last = NAMES[language]
    counted = "COUNT[BLACKLISTED,BLACKLISTED,<,NOW()]"
    return [
        Attribute("BLACKLIST", "global", "float", calculated_value=counted),
        Attribute(last, "normal", "text"),
        Attribute(first, "normal", "text"),
        Attribute("SMS", "normal", "text"),
        Attribute("DOUBLE_OPT-IN", "category", enumeration={1: "Yes", 2: "No"}),
    ]


def fill(account: Account, *, people: Iterable[Person], seed: int, now: float) -> None:
    """Fill an empty account."""
    folder = add_folder(account, name="Your first folder")
    add_list(account, name=FIRST_LIST, folder_id=folder.id)
    for attribute in _attributes(account.switches.language):
        account.attributes[attribute.name] = attribute
