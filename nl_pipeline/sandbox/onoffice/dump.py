"""The state of the account as the control API shows it.

Belongs here: addresses and activities under onOffice's own field names, with plain JSON types.
Does not belong here: the wire format of the API.
"""

from __future__ import annotations

from typing import Any

from nl_pipeline.sandbox.onoffice.state import Address, State

_ALWAYS: dict[str, Any] = {
    "KdNr": None,
    "Anrede": "",
    "Titel": "",
    "Vorname": "",
    "Name": "",
    "Zusatz1": "",
    "newsletter_aktiv": "4",
    "Privat": False,
    "Status2Adr": "status2adr_active",
    "DSGVOStatus": "",
    "NewsletterTag": (),
    "SpracheKontakt": "DEU",
    "Eintragsdatum": "",
    "Aenderung": "",
}


def dump_of(state: State) -> dict[str, Any]:
    """All addresses (hidden ones too), all activities, and the double opt-in mails."""
    return {
        "addresses": [_address(address) for address in state.addresses.values()],
        "activities": [
            {
                "Nr": activity.number,
                "Adress_nr": activity.address_id,
                "Aktionsart": activity.kind,
                "Aktionstyp": activity.type,
                "Datum": activity.at,
                "created": activity.created,
                "Bemerkung": activity.note,
                "Benutzer": activity.user,
                **activity.details,
            }
            for activity in state.activities.values()
        ],
        "mails": list(state.mails),
    }


def _address(address: Address) -> dict[str, Any]:
    """Flat: ``id``, the main fields with their defaults, every other stored value, ``emails``
    with the main one first."""
    return {
        "id": address.number,
        **_ALWAYS,
        **address.values,
        "Email": address.main("email"),
        "emails": [entry.value for entry in address.of_kind("email")],
    }
