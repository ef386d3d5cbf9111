"""Brakes: how many rows of a kind one plan may carry before they wait for a person.

Belongs here: the limits, their arithmetic, and the verdict of a plan. Must not be here: counting
rows (``warehouse``) or releasing a plan (``sync``). Opt-outs that come in have no brake, only an
alarm.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Brake(StrEnum):
    """The brakes of a connection, named as in the settings."""

    REMOVALS = "removals"
    CRM_BLANKED = "crm_blanked"
    NEW_CONTACTS = "new_contacts"
    OVERWRITTEN = "overwritten"
    CRM_SHRINK = "crm_shrink"
    CONFIRMATIONS = "confirmations"
    INBOUND_ALARM = "inbound_alarm"


class Verdict(StrEnum):
    """Whether a plan may be pushed.

    ``APPROVAL``: a first sync, applied only by its plan id. ``HELD``: some rows wait for a
    release, the others are applied.
    """

    CLEAR = "clear"
    HELD = "held"
    APPROVAL = "approval"


@dataclass(frozen=True)
class Limit:
    """A count and a percentage; the smaller one holds."""

    count: int
    percent: float


@dataclass(frozen=True)
class Brakes:
    """The limits of one connection.

    ``at_least``: a limit never falls below this many rows, because two percent of a tiny audience
    is less than one person and would hold every single opt-out.
    """

    removals: Limit = Limit(50, 2)
    crm_blanked: Limit = Limit(50, 2)
    new_contacts: Limit = Limit(500, 10)
    overwritten_percent: float = 20
    crm_shrink_percent: float = 5
    confirmations: int = 20
    inbound_alarm_percent: float = 2
    at_least: int = 5


@dataclass(frozen=True)
class BrakeReading:
    """One brake at one plan: rows it counts, rows it allows, and whether it tripped."""

    brake: Brake
    rows: int
    allowed: int
    subject: str = ""

    @property
    def tripped(self) -> bool:
        return self.rows > self.allowed


def allowed_rows(limit: Limit, *, of: int, at_least: int) -> int:
    """The smaller of count and percent ``of`` a total, but never below ``at_least``."""
    return max(at_least, min(limit.count, int(of * limit.percent / 100)))


def share(percent: float, *, of: int, at_least: int) -> int:
    """``percent`` of a total in whole rows, but never below ``at_least``."""
    return max(at_least, int(of * percent / 100))


def read_brakes(
    brakes: Brakes,
    *,
    removals: int,
    crm_blanked: int,
    new_contacts: int,
    overwritten: Mapping[str, int],
    confirmations: int,
    inbound_opt_outs: int,
    contacts: int,
    contacts_before: int,
    audience: int,
) -> list[BrakeReading]:
    """Every brake against the counts of one plan.

    ``audience``: subscribed members; ``contacts``/``contacts_before``: rows of this and of the
    last good CRM snapshot (0: none yet); ``overwritten``: field name to number of values that
    would be replaced.
    """
    floor = brakes.at_least
    readings = [
        BrakeReading(
            Brake.REMOVALS, removals, allowed_rows(brakes.removals, of=audience, at_least=floor)
        ),
        BrakeReading(
            Brake.CRM_BLANKED,
            crm_blanked,
            allowed_rows(brakes.crm_blanked, of=audience, at_least=floor),
        ),
        BrakeReading(
            Brake.NEW_CONTACTS,
            new_contacts,
            allowed_rows(brakes.new_contacts, of=contacts, at_least=floor),
        ),
        BrakeReading(Brake.CONFIRMATIONS, confirmations, brakes.confirmations),
        BrakeReading(
            Brake.INBOUND_ALARM,
            inbound_opt_outs,
            share(brakes.inbound_alarm_percent, of=audience, at_least=floor),
        ),
        BrakeReading(
            Brake.CRM_SHRINK,
            max(0, contacts_before - contacts),
            share(brakes.crm_shrink_percent, of=contacts_before, at_least=floor),
        ),
    ]
    most = share(brakes.overwritten_percent, of=audience, at_least=floor)
    readings += [
        BrakeReading(Brake.OVERWRITTEN, rows, most, subject=name)
        for name, rows in sorted(overwritten.items())
    ]
    return readings
