"""Taking contacts off a list.

Belongs here: the calls of 150 and what became of every contact. Does not belong here: why.

Brevo refuses a call in which no contact was on the list, and lists as failures those who were not
among others. Neither says whether they are off the list or unknown, so each of them is looked up.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from nl_pipeline.clients.brevo.contacts import Contacts
from nl_pipeline.clients.brevo.models import RemovalOutcome
from nl_pipeline.clients.brevo.problems import NOTHING_REMOVED, ContactRefused, RefusalCause
from nl_pipeline.clients.brevo.session import Path, Session
from nl_pipeline.clients.errors import ApiError, OperatorNeeded, Permanent

CHUNK = 150
"""Contacts per call at most (Brevo)."""

_REMOVE = "/contacts/lists/{listId}/contacts/remove"


class _Results(msgspec.Struct, frozen=True):
    success: list[int] | None = None


class _Removed(msgspec.Struct, frozen=True):
    """With and without the outer `contacts`: Brevo's examples and its schema differ."""

    contacts: _Results | None = None
    success: list[int] | None = None

    @property
    def done(self) -> frozenset[int]:
        inner = self.contacts.success if self.contacts is not None else None
        return frozenset(inner or self.success or ())


def remove(
    session: Session, *, contacts: Contacts, list_id: int, contact_ids: Sequence[int]
) -> list[RemovalOutcome]:
    """Take contacts off a list; one outcome each. After a failure of the account nothing more is
    sent."""
    outcomes: list[RemovalOutcome] = []
    stopped: ApiError | None = None
    for start in range(0, len(contact_ids), CHUNK):
        chunk = contact_ids[start : start + CHUNK]
        try:
            done = _removed(session, list_id=list_id, chunk=chunk) if stopped is None else None
        except ApiError as error:
            if isinstance(error, OperatorNeeded):
                stopped = error
            outcomes.extend(RemovalOutcome(contact_id, error=error) for contact_id in chunk)
            continue
        for contact_id in chunk:
            if done is None:
                outcomes.append(RemovalOutcome(contact_id, error=stopped))
            elif contact_id in done:
                outcomes.append(RemovalOutcome(contact_id))
            else:
                outcomes.append(_looked_up(contacts, list_id=list_id, contact_id=contact_id))
    return outcomes


def _removed(session: Session, *, list_id: int, chunk: Sequence[int]) -> frozenset[int]:
    try:
        answer = session.send(
            "POST",
            Path(_REMOVE, [list_id]),
            answer=_Removed,
            body={"ids": list(chunk)},
            repeatable=True,
        )
    except Permanent as error:
        if error.code != NOTHING_REMOVED:
            raise
        return frozenset()
    return answer.done


def _looked_up(contacts: Contacts, *, list_id: int, contact_id: int) -> RemovalOutcome:
    try:
        found = contacts.by_id(contact_id)
    except ApiError as error:
        return RemovalOutcome(contact_id, error=error)
    if found is None or list_id not in found.contact.lists:
        return RemovalOutcome(contact_id, was_gone=True)
    refused = ContactRefused(
        f"POST {_REMOVE}: contact {contact_id}", cause=RefusalCause.STILL_LISTED, status=None
    )
    return RemovalOutcome(contact_id, error=refused)
