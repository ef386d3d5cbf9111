"""The account's address fields: what exists, of which type, with which values and labels.

Belongs here: the field catalogue and what it makes of the switches. Does not belong here: values
of a record. Source: onOffice apidoc (read, create and modify addresses) and the field
configurations of two real accounts in clients' fixtures; each account differs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from nl_pipeline.sandbox.onoffice.switches import Switches

FieldType = Literal[
    "varchar", "text", "integer", "boolean", "date", "datetime", "singleselect", "multiselect"
]
Options = dict[str, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the address module."""

    name: str
    type: FieldType
    german: str
    english: str
    length: int | None = None
    options: Options | None = None
    """Key to German and English label, for select fields."""
    default: str = ""
    is_writable: bool = True
    is_listed: bool = True
    """Whether the field configuration shows it."""
    unset: str | None = ""
    """What a read gives when nothing was ever stored; the wire knows several empties."""

    def label(self, language: str) -> str:
        """The label; every language but German falls back to English."""
        return self.german if language == "DEU" else self.english

    def option_labels(self, language: str) -> dict[str, str]:
        """Key to label of a select field."""
        place = 0 if language == "DEU" else 1
        return {key: labels[place] for key, labels in (self.options or {}).items()}


def _text(name: str, german: str, english: str, *, length: int = 80) -> Field:
    return Field(name, "varchar", german, english, length=length)


def _select(name: str, german: str, english: str, options: Options, *, default: str = "") -> Field:
    return Field(name, "singleselect", german, english, options=options, default=default)


def _multi(name: str, german: str, english: str, options: Options) -> Field:
    return Field(name, "multiselect", german, english, options=options, unset=None)


_NEWSLETTER: Options = {
    "0": ("Nein", "No"),
    "1": ("Ja", "Yes"),
    "2": ("Absage", "Cancellation"),
    "3": ("Double Opt-In ausstehend", "Double opt-in pending"),
    "4": ("keine Angabe", "not specified"),
    "5": ("unzustellbar", "undeliverable"),
}
_ORIGINS: Options = {
    "Newsletter": ("Newsletter", "Newsletter"),
    "eMail-Aktion": ("E-Mail-Aktion", "E-mail campaign"),
    "Brief-Mailing": ("Brief-Mailing", "Letter mailing"),
    "webseite_system": ("Eigene Webseite", "Own website"),
    "portal_system": ("Portal", "Portal"),
    "Suchmaschine": ("Suchmaschine", "Search engine"),
    "Veranstaltung/Seminar": ("Veranstaltung/Seminar", "Event/seminar"),
    "Sonstiges": ("Sonstiges", "Other"),
}
_KINDS_OF_CONTACT: Options = {
    "Eigentümer": ("Eigentümer", "Owner"),
    "Interessent Kauf/Miete": ("Interessent Kauf/Miete", "Prospect"),
    "Kunde": ("Kunde", "Customer"),
    "Makler": ("Makler", "Agent"),
    "Newsletter-Empfänger": ("Newsletter-Empfänger", "Newsletter recipient"),
    "Privatkontakt": ("Privatkontakt", "Private contact"),
    "Tippgeber": ("Tippgeber", "Tip giver"),
}
_GDPR: Options = {
    "ignorieren": ("Ignorieren", "Ignore"),
    "speicherungwiderrufen": ("Speicherung widerrufen", "Storage revoked"),
    "speicherungzugestimmt": ("Speicherung zugestimmt", "Storage agreed"),
}
_SALUTATIONS: Options = {
    "Herr": ("Herr", "Mr"),
    "Frau": ("Frau", "Ms"),
    "Firma": ("Firma", "Company"),
    "Familie": ("Familie", "Family"),
    "Eheleute": ("Eheleute", "Married couple"),
}
_LANGUAGES: Options = {
    "DEU": ("Deutsch", "German"),
    "ENG": ("Englisch", "English"),
    "FRA": ("Französisch", "French"),
    "ITA": ("Italienisch", "Italian"),
    "ESP": ("Spanisch", "Spanish"),
    "POL": ("Polnisch", "Polish"),
    "NLD": ("Niederländisch", "Dutch"),
}
LANGUAGE_KEYS = tuple(_LANGUAGES)
_STATUS: Options = {
    "status2adr_active": ("Aktiv", "Active"),
    "status2adr_archive": ("Archiviert", "Archived"),
}

_FIELDS: tuple[Field, ...] = (
    Field("ID", "integer", "AdrID", "Address id", is_writable=False),
    Field("KdNr", "integer", "Kundennummer", "Customer number", is_writable=False),
    Field("uuid", "varchar", "UUID", "UUID", length=36, is_writable=False, is_listed=False),
    _select("Anrede", "Anrede", "Salutation", _SALUTATIONS),
    _text("Titel", "Titel", "Title"),
    Field("Briefanrede", "text", "Briefanrede", "Letter salutation"),
    _text("Vorname", "Vorname", "First name"),
    _text("Name", "Name", "Last name"),
    _text("Zusatz1", "Firma", "Company"),
    _text("Zusatz2", "Firmenzusatz", "Company addition"),
    Field("Email", "varchar", "E-Mail", "E-mail", length=100, is_writable=False),
    Field("Telefon1", "varchar", "Telefon", "Phone", length=40, is_writable=False),
    Field("Telefax1", "varchar", "Telefax", "Fax", length=40, is_writable=False),
    Field("Homepage", "text", "Homepage", "Website"),
    _text("Strasse", "Straße", "Street"),
    _text("Plz", "PLZ", "Postcode", length=20),
    _text("Ort", "Ort", "City"),
    _text("Land", "Land", "Country"),
    _select("SpracheKontakt", "Sprache", "Language", _LANGUAGES, default="DEU"),
    _select("newsletter_aktiv", "Newsletter", "Newsletter", _NEWSLETTER, default="4"),
    _multi("NewsletterTag", "Newsletter-Tags", "Newsletter tags", {}),
    _multi("ArtDaten", "Kontaktart", "Kind of contact", _KINDS_OF_CONTACT),
    _multi("HerkunftKontakt", "Herkunft des Kontakts", "Origin of contact", _ORIGINS),
    _select("Status2Adr", "Status", "Status", _STATUS, default="status2adr_active"),
    Field("Status", "integer", "Status", "Status"),
    _text("Benutzer", "Betreuer", "Support user", length=40),
    Field("Eintragsdatum", "date", "Eintragsdatum", "Entry date", is_writable=False),
    Field("Aenderung", "datetime", "Änderung", "Last change", is_writable=False, is_listed=False),
    Field("letzter_Kontakt", "datetime", "Letzter Kontakt", "Last contact", unset=None),
    Field("Letzte_Aktion", "date", "Letzte Aktion", "Last action", is_writable=False),
    Field("kunde_seit", "date", "Kunde seit", "Customer since", unset="0000-00-00"),
    Field("Geburtsdatum", "date", "Geburtsdatum", "Date of birth", unset="0000-00-00"),
    Field("Privat", "boolean", "Privat", "Private"),
    Field("Vip", "boolean", "VIP", "VIP"),
    Field("AGB_akzeptiert", "boolean", "AGB akzeptiert", "Terms accepted"),
    _select("DSGVOStatus", "DSGVO-Status", "GDPR status", _GDPR),
    Field("DSGVOSaveUntil", "date", "Speichern bis", "Store until", unset=None),
    _text("employer", "Arbeitgeber", "Employer"),
    _text("jobTitle", "Berufsbezeichnung", "Job title"),
    _text("jobPosition", "Position", "Job position"),
    Field("Bemerkung", "text", "Bemerkung", "Remark"),
    _select(
        "ind_1207_Feld_adressen3",
        "Vertriebsregion",
        "Sales region",
        {
            "ind_Schl_411": ("Nord", "North"),
            "ind_Schl_413": ("Süd", "South"),
            "ind_Schl_419": ("Ausland", "Abroad"),
        },
    ),
)


class Catalogue:
    """The fields as the account exposes them under the given switches."""

    def __init__(self, switches: Switches) -> None:
        hidden_status = {"Status2Adr": {"Status"}, "Status": {"Status2Adr"}, "both": set()}
        off = hidden_status[switches.status_field] | set(switches.inactive_fields)
        every = [self._adapted(field, switches) for field in _FIELDS]
        every += [
            Field(name, added.type, added.label, added.label, length=added.length)
            for name, added in switches.added_fields.items()
        ]
        self.active: dict[str, Field] = {f.name: f for f in every if f.name not in off}
        self.inactive: dict[str, Field] = {f.name: f for f in every if f.name in off}
        self._aenderung_readable = switches.aenderung_readable

    @staticmethod
    def _adapted(field: Field, switches: Switches) -> Field:
        if field.name == "NewsletterTag":
            tags = {key: (label, label) for key, label in switches.newsletter_tags.items()}
            return replace(field, options=tags)
        if field.name == "newsletter_aktiv":
            kept = {key: _NEWSLETTER.get(key, (key, key)) for key in switches.newsletter_values}
            return replace(field, options=kept)
        return field

    def readable(self, name: str) -> Field | None:
        """The field when it may stand in ``data`` and ``sortby``."""
        if name == "Aenderung" and not self._aenderung_readable:
            return None
        return self.active.get(name)
