"""Kinds and types of activities of the account.

Belongs here: the account's settings for activities. Does not belong here: activities themselves.
Source: onOffice apidoc, kind and type of action, and a client's fixture. The keys are German.
"""

from __future__ import annotations

from dataclasses import dataclass

from nl_pipeline.sandbox.onoffice.newsletter import (
    DOUBLE_OPT_IN_SENT,
    NEWSLETTER_KIND,
    NOT_ORDERED,
    ORDERED,
)
from nl_pipeline.sandbox.onoffice.switches import Switches


@dataclass(frozen=True, slots=True)
class ActionKind:
    """One kind with its types, key to English label."""

    key: str
    label: str
    types: dict[str, str]
    automatic_types: tuple[str, ...] = ()
    """Types only the system writes; a listing hides them by default."""


_KINDS = (
    ActionKind("Email", "E-mail", {"Ausgang": "Outgoing", "Eingang": "Incoming"}),
    ActionKind(
        NEWSLETTER_KIND,
        "Newsletter",
        {ORDERED: "ordered", NOT_ORDERED: "not ordered", DOUBLE_OPT_IN_SENT: "double opt-in sent"},
        automatic_types=(DOUBLE_OPT_IN_SENT,),
    ),
    ActionKind("Termin", "Appointment", {}),
    ActionKind("Widerruf bestätigt", "Revocation confirmed", {}),
    ActionKind("AGB bestätigt", "Terms confirmed", {}),
    ActionKind("Kaufpreisangebot", "Purchase offer", {"abgelehnt": "declined"}),
)


def action_kinds(switches: Switches) -> dict[str, ActionKind]:
    """All kinds by key, with the types the administrator added."""
    kinds = {kind.key: kind for kind in _KINDS}
    for key, types in switches.action_types.items():
        known = kinds.get(key, ActionKind(key, key, {}))
        kinds[key] = ActionKind(key, known.label, {**known.types, **types}, known.automatic_types)
    return kinds
