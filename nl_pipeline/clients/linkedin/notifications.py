"""Subscriptions to notices of leads: listing, creating and deleting them.

Belongs here: the calls. Does not belong here: which subscriptions there should be.

There is no update: delete and create. During the creation LinkedIn asks the webhook, which has to
be served already and needs the app's client secret to answer (LinkedIn docs, webhook validation).
"""

from __future__ import annotations

from typing import Any

import msgspec

from nl_pipeline.clients.errors import OutcomeUnknown, Retryable
from nl_pipeline.clients.linkedin.models import Notification
from nl_pipeline.clients.linkedin.paging import collect
from nl_pipeline.clients.linkedin.problems import SYSTEM, LeadAbsent
from nl_pipeline.clients.linkedin.session import Path, Session
from nl_pipeline.clients.linkedin.urns import owner_of, owner_parameter
from nl_pipeline.domain.leads import LeadType, Owner

_ALL = Path("/leadNotifications")
_ONE = "/leadNotifications/{notification_id}"


class _Shown(msgspec.Struct, frozen=True, rename="camel"):
    id: int | str
    webhook: str = ""
    owner: dict[str, Any] | None = None
    lead_type: str = ""
    versioned_form: str = ""
    associated_entity: dict[str, Any] | None = None


def notifications_of(session: Session, *, owner: Owner, lead_type: LeadType) -> list[Notification]:
    """Return the subscriptions of an owner; here the owner stands in one more pair of brackets."""
    shown = collect(
        session,
        _ALL,
        row=_Shown,
        parameters={
            "q": "criteria",
            "owner": {"value": owner_parameter(owner)},
            "leadType": {"leadType": lead_type.value},
        },
    )
    return [
        Notification(
            id=str(one.id),
            webhook=one.webhook,
            owner=owner_of(one.owner),
            lead_type=one.lead_type,
            is_narrowed=bool(one.versioned_form or one.associated_entity),
        )
        for one in shown
    ]


def create_notification(
    session: Session, *, owner: Owner, lead_type: LeadType, webhook: str
) -> str:
    """Create a subscription for all forms of an owner and return its id.

    The id comes in a header, of a 201 or a 200. Where it does not come, or the answer is lost, the
    list tells whether there is one now. OperatorNeeded with the code `webhook_not_reached` when
    the webhook did not answer LinkedIn.
    """
    body = {
        "webhook": webhook,
        "owner": owner_parameter(owner),
        "leadType": lead_type.value,
    }
    try:
        made = session.create(_ALL, body=body)
    except OutcomeUnknown:
        made = ""
    if made:
        return made
    for known in notifications_of(session, owner=owner, lead_type=lead_type):
        if known.webhook == webhook and not known.is_narrowed:
            return known.id
    raise Retryable(
        f"POST {_ALL.template}: no subscription came of it",
        system=SYSTEM,
        code="not-created",
        what_next="nothing; the next run creates it",
        not_applied=True,
    )


def delete_notification(session: Session, *, notification_id: str) -> None:
    """Delete a subscription; one that is gone already is no error."""
    try:
        session.delete(Path(_ONE, [notification_id]))
    except LeadAbsent:
        return
