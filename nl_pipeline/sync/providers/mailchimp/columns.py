"""Members as columns: what the fields of a member mean, page after page, and one frame of many.

Belongs here: which Mailchimp status means what, and the table of members. Must not be here: calls.

A frame is made of many pages at a time, because making and validating one costs about the same
for a thousand rows as for ten thousand; and of columns, because a row of Python values that is
taken apart again costs more than everything else of reading.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from nl_pipeline.clients.mailchimp import Member, Tag
from nl_pipeline.clients.mailchimp.times import moment_of
from nl_pipeline.domain.address import address_key
from nl_pipeline.domain.fields import ProfileField, comparables
from nl_pipeline.domain.schemas import members_schema, validate
from nl_pipeline.domain.states import ProviderState
from nl_pipeline.sync.providers.port import OWNERSHIP_TAG
from nl_pipeline.warehouse.observations import naive

_STATES = {
    status: str(state)
    for status, state in (
        ("subscribed", ProviderState.SUB),
        ("pending", ProviderState.PENDING),
        ("unsubscribed", ProviderState.UNSUB),
        ("cleaned", ProviderState.CLEANED),
        ("archived", ProviderState.ARCHIVED),
        ("transactional", ProviderState.NONSUB),
    )
}
_UNKNOWN = str(ProviderState.UNKNOWN)
#: What an API or admin unsubscribe leaves as its reason (recorded traffic).
BY_ADMIN = "N/A (Unsubscribed by admin)"
_UTC = "+00:00"
_TEXTS = ("key", "member_id", "provider_id", "email", "state", "status", "unsubscribed_by")


class MemberColumns:
    """Columns of the table ``members`` that grow by pages; ``fields`` give the profile columns."""

    def __init__(self, fields: Sequence[ProfileField]) -> None:
        self._fields = fields
        self._schema = members_schema(fields)
        self._clear()

    def _clear(self) -> None:
        self._texts: dict[str, list[str | None]] = {
            name: [] for name in (*_TEXTS, *(f.column for f in self._fields))
        }
        self._owned: list[bool] = []
        self._tags: list[list[str]] = []
        self._changed_at: list[str] = []
        # One list for all members with the same tags: they are few, and a hundred thousand lists
        # would keep the garbage collector busy for longer than their making.
        self._mirrored: dict[tuple[Tag, ...], list[str]] = {}

    def __len__(self) -> int:
        return len(self._owned)

    def add(
        self, page: Sequence[Member], *, all_tags: Callable[[Member], list[str]]
    ) -> list[tuple[str, str]]:
        """Add the members of a page; returns those that cannot be used: (member id, cause).

        ``all_tags`` is asked for a member whose answer carries only the first 50 of its tags.
        """
        keys: list[str | None] = [address_key(member.email_address) for member in page]
        members: Sequence[Member] = page
        rejected: list[tuple[str, str]] = []
        if None in keys:
            pairs = list(zip(keys, page, strict=True))
            rejected = [(member.id, "invalid_email") for key, member in pairs if key is None]
            members = [member for key, member in pairs if key is not None]
            keys = [key for key in keys if key is not None]
        states = [_STATES.get(m.status, _UNKNOWN) for m in members]
        texts = self._texts
        texts["key"] += keys
        texts["member_id"] += [m.id for m in members]
        texts["provider_id"] += [m.contact_id for m in members]
        texts["email"] += [m.email_address for m in members]
        texts["state"] += states
        texts["status"] += [m.status for m in members]
        texts["unsubscribed_by"] += [
            ("staff" if m.unsubscribe_reason == BY_ADMIN else "person")
            if state == "UNSUB"
            else None
            for m, state in zip(members, states, strict=True)
        ]
        for f in self._fields:
            texts[f.column] += comparables([m.merge_fields.get(f.provider) for m in members])
        for member in members:
            tags = member.tags
            if len(tags) < member.tags_count:
                names = all_tags(member)
                mirrored = _mirrored(names)
                self._owned.append(len(mirrored) < len(names))
            else:
                found = self._mirrored.get(tags)
                if found is None:
                    found = self._mirrored[tags] = _mirrored([tag.name for tag in tags])
                mirrored = found
                self._owned.append(len(mirrored) < len(tags))
            self._tags.append(mirrored)
        self._changed_at += [m.last_changed for m in members]
        return rejected

    def take(self, *, observed_at: datetime) -> pd.DataFrame:
        """The rows so far as one validated frame; nothing is left of them here."""
        rows = len(self)
        tags = np.empty(rows, dtype=object)
        tags[:] = self._tags
        columns: dict[str, Any] = {
            **{name: pd.array(values, dtype="str") for name, values in self._texts.items()},
            "owned": np.array(self._owned, dtype=bool),
            "tags": tags,
            "changed_at": moments(self._changed_at),
            "observed_at": np.full(rows, naive(observed_at), dtype="datetime64[us]"),
        }
        self._clear()
        return validate(pd.DataFrame(columns, copy=False), schema=self._schema, name="members")


def _mirrored(names: Sequence[str]) -> list[str]:
    return [name for name in names if name.lower() != OWNERSHIP_TAG]


def moments(texts: Sequence[str]) -> npt.NDArray[np.datetime64]:
    """Times of answers as UTC without a zone; NaT for "" and the unreadable."""
    # All of an answer look alike, and numpy reads them ten times as fast as anything that looks
    # at each; the first that does not is the reason to look at each.
    if {len(text) for text in texts} <= {0, 25} and {text[19:] for text in texts} <= {"", _UTC}:
        try:
            return np.array([text[:19] for text in texts], dtype="datetime64[us]")
        except ValueError:
            pass
    return np.array([naive(moment_of(text)) for text in texts], dtype="datetime64[us]")
