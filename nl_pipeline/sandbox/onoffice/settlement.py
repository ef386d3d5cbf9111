"""Settling a population in the twin: persons become addresses.

Belongs here: how a person of the population is stored as an onOffice address. Does not belong
here: who exists (``population.py``). The population comes from old imports, so values are stored
as they are, blanks, faulty e-mails and unknown newsletter values included.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from nl_pipeline.sandbox.onoffice.state import Entry, State
from nl_pipeline.sandbox.population import Person, persons

_FIRST_ENTRY = datetime(2018, 1, 2, 8, 0, 0)
_LAST_CHANGE = datetime(2025, 12, 31, 18, 0, 0)
_SPAN_SECONDS = int((_LAST_CHANGE - _FIRST_ENTRY).total_seconds())
_ORIGINS = ("webseite_system", "portal_system", "Veranstaltung/Seminar", "Sonstiges")


def settle(state: State, *, contacts: int, seed: int) -> None:
    """Fill an empty state; the same numbers give the same records, ids included."""
    for person in persons(contacts, seed=seed):
        state.add_address(_values(person), _entries(person, state=state))


def _values(person: Person) -> dict[str, Any]:
    # Dates are spread by the person's number; a stride that shares no factor with the span visits
    # every part of it without drawing random numbers 250,000 times over.
    created = _FIRST_ENTRY + timedelta(seconds=person.number * 7_919_003 % _SPAN_SECONDS)
    left = int((_LAST_CHANGE - created).total_seconds())
    changed = created + timedelta(seconds=person.number * 104_729 % (left + 1))
    values: dict[str, Any] = {
        "newsletter_aktiv": person.newsletter,
        "Eintragsdatum": created.date().isoformat(),
        "Aenderung": changed.isoformat(sep=" "),
    }
    texts = {
        "Anrede": person.salutation,
        "Titel": person.title,
        "Vorname": person.first_name,
        "Name": person.last_name,
        "Zusatz1": person.company,
        "DSGVOStatus": person.gdpr,
    }
    values |= {name: text for name, text in texts.items() if text}
    if person.language != "DEU":
        values["SpracheKontakt"] = person.language
    if person.private:
        values["Privat"] = True
    if person.archived:
        values["Status2Adr"] = "status2adr_archive"
    if person.tags:
        values["NewsletterTag"] = person.tags
    if person.number % 3 == 0:
        values["HerkunftKontakt"] = (_ORIGINS[person.number // 3 % len(_ORIGINS)],)
    if person.newsletter == "1" and person.number % 2 == 0:
        values["ArtDaten"] = ("Newsletter-Empfänger",)
    return values


def _entries(person: Person, *, state: State) -> list[Entry]:
    entries = [
        state.new_entry("email", email, is_default=place == 0)
        for place, email in enumerate(person.emails)
    ]
    if person.phone:
        entries.append(state.new_entry("phone", person.phone, is_default=True))
    return entries
