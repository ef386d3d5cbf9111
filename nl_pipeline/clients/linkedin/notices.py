"""What LinkedIn posts to a webhook about a lead.

Belongs here: the reading of one body. Does not belong here: its signature (``receiver``), what
follows from it.

A notice carries no answers and does not say whether the lead is a test: the lead is read by its
id. Notices come twice and in any order; `key` tells one from another (there is no id).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from nl_pipeline.clients.linkedin.urns import form_and_version, owner_of, response_id
from nl_pipeline.clients.linkedin.wire import moment_of
from nl_pipeline.domain.leads import Owner


class LeadAction(StrEnum):
    """What happened to a lead. DELETED is an order to delete what was kept of it."""

    CREATED = "CREATED"
    DELETED = "DELETED"


@dataclass(frozen=True)
class LeadNotice:
    """One notice. `occurred_at` is aware UTC; form and owner are None where they can't be read."""

    response_id: str
    action: LeadAction
    occurred_at: datetime
    lead_type: str
    form: tuple[int, int] | None
    owner: Owner | None

    @property
    def key(self) -> tuple[str, str, datetime]:
        """The same for repeats of a notice only."""
        return (self.response_id, self.action.value, self.occurred_at)


class _Notice(msgspec.Struct, frozen=True, rename="camel"):
    lead_gen_form_response: str
    lead_action: LeadAction
    occurred_at: int
    type: str = "LEAD_ACTION"
    lead_type: str = ""
    lead_gen_form: str = ""
    owner: dict[str, Any] | None = None


class UnreadableNotice(ValueError):
    """A body that is no notice of a lead. Holds nothing of the body."""


def notices_in(body: bytes) -> tuple[LeadNotice, ...]:
    """Return the notices in a body: one, or a list of them. UnreadableNotice if it is none."""
    try:
        told = msgspec.json.decode(body, type=_Notice | list[_Notice])
    except msgspec.DecodeError:
        told = None
    if told is None:
        raise UnreadableNotice("the body is no notice of a lead as LinkedIn documents it")
    notices = told if isinstance(told, list) else [told]
    return tuple(
        LeadNotice(
            response_id=response_id(notice.lead_gen_form_response),
            action=notice.lead_action,
            occurred_at=moment_of(notice.occurred_at),
            lead_type=notice.lead_type,
            form=form_and_version(notice.lead_gen_form),
            owner=owner_of(notice.owner),
        )
        for notice in notices
        if notice.type == "LEAD_ACTION"
    )
