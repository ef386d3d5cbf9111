"""Contacts as columns: what the flags of a contact mean, page after page, and one frame of many.

Belongs here: which flags mean what, and the table of members. Must not be here: calls.

Blocklisted means opted out until something else is known: whoever bounced is blocklisted, too, and
only a look-up tells (``reasons``). Whoever is merely off our list has opted out of nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from nl_pipeline.clients.brevo import Contact
from nl_pipeline.clients.brevo.times import moment_of
from nl_pipeline.domain.address import address_key
from nl_pipeline.domain.fields import ProfileField, comparables
from nl_pipeline.domain.schemas import members_schema, validate
from nl_pipeline.domain.states import ProviderState
from nl_pipeline.sync.providers.brevo.reasons import Reason
from nl_pipeline.warehouse.observations import naive

BLOCKLISTED = "blocklisted"
_SUB, _UNSUB, _ABSENT, _UNKNOWN = (
    str(state)
    for state in (
        ProviderState.SUB,
        ProviderState.UNSUB,
        ProviderState.ABSENT,
        ProviderState.UNKNOWN,
    )
)
_TEXTS = ("key", "member_id", "provider_id", "email", "state", "status", "unsubscribed_by")

Read = tuple[str, str, str | None]
"""State, the word for it, and who unsubscribed the contact if that is known."""


def state_of(contact: Contact, *, list_id: int) -> Read:
    """What the flags of a contact say about our list.

    Leaving the list, or a group of consents, is an act of the person alone: nothing else does it.
    """
    has_left = list_id in contact.left_lists or bool(contact.left_groups)
    if contact.email_blacklisted:
        return _UNSUB, BLOCKLISTED, "person" if has_left else None
    if has_left:
        return (
            _UNSUB,
            "left the list" if list_id in contact.left_lists else "left a group",
            "person",
        )
    if list_id in contact.lists and contact.strange_groups:
        return _UNKNOWN, "a consent with an unknown status", None
    if list_id in contact.lists:
        return _SUB, "on the list", None
    return _ABSENT, "off the list", None


class ContactColumns:
    """Columns of the table ``members`` that grow by pages.

    ``fields`` give the profile columns and ``names`` their attributes. ``with_absent``: whether
    those who are merely off the list are rows, so that a picture loses them.
    """

    def __init__(
        self,
        fields: Sequence[ProfileField],
        *,
        names: Mapping[str, str],
        list_id: int,
        with_absent: bool,
    ) -> None:
        self._attributes = [(f.column, names.get(f.name, "")) for f in fields]
        self._schema = members_schema(fields)
        self._list_id = list_id
        self._with_absent = with_absent
        self._clear()

    def _clear(self) -> None:
        columns = (*_TEXTS, *(column for column, _ in self._attributes))
        self._texts: dict[str, list[str | None]] = {name: [] for name in columns}
        self._owned: list[bool] = []
        self._changed_at: list[datetime | None] = []

    def __len__(self) -> int:
        return len(self._owned)

    def add(
        self, page: Collection[Contact], *, reasons: Mapping[int, Reason] | None = None
    ) -> list[tuple[str, str]]:
        """Add the contacts of a page; returns those of ours that cannot be used: (id, cause).

        ``reasons``: why blocklisted ones are, by contact id, where it was looked up.
        """
        rejected: list[tuple[str, str]] = []
        texts, kept = self._texts, []
        for contact in page:
            state, status, by = state_of(contact, list_id=self._list_id)
            if state == _ABSENT and not self._with_absent:
                continue
            key = address_key(contact.email or "") if contact.has_address else None
            if key is None:
                if state != _ABSENT:
                    rejected.append((str(contact.id), "invalid_email"))
                continue
            changed_at = moment_of(contact.modified_at)
            reason = (reasons or {}).get(contact.id)
            if reason is not None:
                state, by, changed_at = reason.state, reason.by, reason.at or changed_at
            texts["key"].append(key)
            texts["state"].append(state)
            texts["status"].append(status)
            texts["unsubscribed_by"].append(by)
            self._changed_at.append(naive(changed_at))
            kept.append(contact)
        ids: list[str | None] = [str(contact.id) for contact in kept]
        texts["member_id"] += ids
        texts["provider_id"] += ids
        texts["email"] += [contact.email for contact in kept]
        for column, name in self._attributes:
            texts[column] += comparables([contact.attributes.get(name) for contact in kept])
        self._owned += [self._list_id in contact.lists for contact in kept]
        return rejected

    def take(self, *, observed_at: datetime) -> pd.DataFrame:
        """The rows so far as one validated frame; nothing is left of them here."""
        rows = len(self)
        tags = np.empty(rows, dtype=object)
        none: list[str] = []
        tags[:] = [none] * rows
        columns: dict[str, Any] = {
            **{name: pd.array(values, dtype="str") for name, values in self._texts.items()},
            "owned": np.array(self._owned, dtype=bool),
            "tags": tags,
            "changed_at": np.array(self._changed_at, dtype="datetime64[us]"),
            "observed_at": np.full(rows, naive(observed_at), dtype="datetime64[us]"),
        }
        self._clear()
        return validate(pd.DataFrame(columns, copy=False), schema=self._schema, name="members")
