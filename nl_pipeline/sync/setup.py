"""Setting up a connection: rights, fields, audience, backup of both sides, and the first plan.

Belongs here: everything that must hold before anything is synced. Must not be here: the plan
itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from nl_pipeline.clients.errors import OperatorNeeded
from nl_pipeline.domain.plan import Plan
from nl_pipeline.sync import activities, webhook_watch
from nl_pipeline.sync.link import Link
from nl_pipeline.sync.observe import read_contacts, read_members
from nl_pipeline.sync.planning import make_plan
from nl_pipeline.sync.webhook_watch import HookPlace, WatchResult
from nl_pipeline.warehouse import observations


@dataclass(frozen=True)
class SetupResult:
    """What set-up found and made. Counts are rows; ``backup`` is rows per side; ``webhooks`` is
    None where providers cannot reach us."""

    contacts_visible: int
    audience_id: str
    audience_created: bool
    fields_created: tuple[str, ...]
    backup: dict[str, int]
    plan: Plan
    webhooks: WatchResult | None = None


def check_crm(link: Link) -> int:
    """Rights, fields, select values and activity kinds of the CRM; returns the visible contacts.

    Raises OperatorNeeded: a missing read right shows as an empty CRM, not as an error (onOffice
    apidoc, general notes).
    """
    visible = link.crm.count()
    if visible == 0:
        raise OperatorNeeded(
            "the API user sees no contact at all",
            system="onoffice",
            code="no_rows_visible",
            what_next="give the API user the right to read all addresses (not only its own)",
        )
    known = link.crm.configuration()
    options = known["newsletter_aktiv"].options or {}
    for key in ("0", "1", "2", "4"):
        if key not in options:
            raise OperatorNeeded(
                f"newsletter_aktiv has no value {key} in this account",
                system="onoffice",
                code="select_value_missing",
                what_next="ask onOffice support: the newsletter field is not the standard one",
            )
    kinds = link.crm.client.read_action_kinds()
    chosen = link.settings.activities
    wanted = {
        "subscribe": chosen.subscribe,
        "unsubscribe": chosen.unsubscribe,
        "hard_bounce": chosen.hard_bounce,
        "delivered": chosen.delivered,
        "open": chosen.open,
        "click": chosen.click,
        # The default is nobody's wish: where the account has no such kind, there is no such note.
        "profile": chosen.profile if "profile" in chosen.model_fields_set else None,
        "lead": chosen.lead if "lead" in chosen.model_fields_set else None,
    }
    for name, activity in wanted.items():
        if activity is not None and activity.type not in kinds.get(activity.kind, ()):
            raise OperatorNeeded(
                f"activity {activity.kind} / {activity.type} does not exist in this account",
                system="onoffice",
                code="activity_kind_missing",
                what_next=f"set activities.{name} of the connection to a kind and type of the"
                f" account:"
                f" kinds are {', '.join(sorted(kinds))}",
            )
    activities.remember_kinds(link, kinds=kinds)
    return visible


def set_up(link: Link, *, place: HookPlace | None = None) -> SetupResult:
    """Check, create what is missing at the provider, back up both sides, and make the first plan.

    ``place``: where the provider reaches our receiver; without it no webhook is made. Raises
    OperatorNeeded with the way out. Running it again is harmless.
    """
    visible = check_crm(link)
    stored = observations.read_state(link.warehouse, name="audience_id")
    found = link.audience.prepare(link.settings, audience_id=stored)
    observations.write_state(link.warehouse, name="audience_id", value=found.audience_id)
    # Before the read: what happens after a webhook is there is told, what happened before is read.
    webhooks = None if place is None else webhook_watch.repair(link, place=place)
    read_contacts(link, mode="full")
    read_members(link, mode="full")
    moment = link.now()
    backup = observations.back_up(
        link.warehouse, backup_id=moment.strftime("%Y%m%dT%H%M%S"), now=moment
    )
    return SetupResult(
        contacts_visible=visible,
        audience_id=found.audience_id,
        audience_created=found.created,
        fields_created=found.fields_created,
        backup=backup,
        plan=make_plan(link, mode="full"),
        webhooks=webhooks,
    )
