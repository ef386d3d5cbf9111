"""Members as frames: which Mailchimp status means what.

Belongs here: reading the audience. Must not be here: looking single members up, writing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from nl_pipeline.clients.mailchimp import (
    MailchimpClient,
    Member,
    MemberPages,
)
from nl_pipeline.clients.mailchimp.times import moment_of
from nl_pipeline.domain.address import address_key
from nl_pipeline.domain.fields import ProfileField, comparable
from nl_pipeline.domain.schemas import members_schema, validate
from nl_pipeline.domain.states import ProviderState
from nl_pipeline.sync.providers.port import OWNERSHIP_TAG
from nl_pipeline.warehouse.observations import naive

#: ``since_last_changed`` is exclusive and counts whole seconds, and a change may become visible
#: after it was made.
OVERLAP = timedelta(minutes=2)

_STATES = {
    "subscribed": ProviderState.SUB,
    "pending": ProviderState.PENDING,
    "unsubscribed": ProviderState.UNSUB,
    "cleaned": ProviderState.CLEANED,
    "archived": ProviderState.ARCHIVED,
    "transactional": ProviderState.NONSUB,
}
#: What an API or admin unsubscribe leaves as its reason (recorded traffic).
_BY_ADMIN = "N/A (Unsubscribed by admin)"


@dataclass
class AudienceRead:
    """One read in progress: iterate ``frames``, then look at the counts of both sweeps."""

    sweeps: tuple[MemberPages, ...]
    frames: Iterator[pd.DataFrame]
    rejected: list[tuple[str, str]] = field(default_factory=list)

    @property
    def announced_before(self) -> int:
        return sum(sweep.announced_first or 0 for sweep in self.sweeps)

    @property
    def announced_after(self) -> int:
        return sum(sweep.announced_last or 0 for sweep in self.sweeps)

    @property
    def rows(self) -> int:
        return sum(sweep.rows for sweep in self.sweeps)

    @property
    def served_at(self) -> datetime | None:
        return self.sweeps[0].served_at

    @property
    def complete(self) -> bool:
        return all(sweep.complete for sweep in self.sweeps)


class Reading:
    """Reads an audience; ``fields`` are all mapped ones, in the order of their columns."""

    def __init__(self, client: MailchimpClient, *, fields: tuple[ProfileField, ...]) -> None:
        self._client = client
        self._fields = fields
        self._latest: tuple[MemberPages, ...] = ()

    @property
    def passes(self) -> tuple[int, ...]:
        """Rows of each sweep of the latest read."""
        return tuple(sweep.rows for sweep in self._latest)

    def read(
        self, audience_id: str, *, since: datetime | None, observed_at: datetime
    ) -> AudienceRead:
        """Two sweeps, because the plain one need not show archived members."""
        start = None if since is None else since - OVERLAP
        sweeps = tuple(
            self._client.members(audience_id, status=status, since_last_changed=start)
            for status in (None, "archived")
        )
        self._latest = sweeps
        read = AudienceRead(sweeps=sweeps, frames=iter(()))
        read.frames = (
            self._frame(
                page.members,
                audience_id=audience_id,
                observed_at=observed_at,
                rejected=read.rejected,
            )
            for sweep in sweeps
            for page in sweep
            if page.members
        )
        return read

    def _frame(
        self,
        members: Sequence[Member],
        *,
        audience_id: str,
        observed_at: datetime,
        rejected: list[tuple[str, str]],
    ) -> pd.DataFrame:
        rows: list[tuple[Any, ...]] = []
        seen = naive(observed_at)
        for member in members:
            key = address_key(member.email_address)
            if key is None:
                rejected.append((member.id, "invalid_email"))
                continue
            names = [tag.name for tag in member.tags]
            if not member.has_all_tags:
                names = [tag.name for tag in self._client.member_tags(audience_id, member.id)]
            state = _STATES.get(member.status, ProviderState.UNKNOWN)
            rows.append(
                (
                    key,
                    member.id,
                    member.contact_id,
                    member.email_address,
                    str(state),
                    member.status,
                    ("staff" if member.unsubscribe_reason == _BY_ADMIN else "person")
                    if state is ProviderState.UNSUB
                    else None,
                    any(name.lower() == OWNERSHIP_TAG for name in names),
                    [name for name in names if name.lower() != OWNERSHIP_TAG],
                    naive(moment_of(member.last_changed)),
                    seen,
                    *(comparable(member.merge_fields.get(f.provider)) for f in self._fields),
                )
            )
        columns = [
            "key",
            "member_id",
            "provider_id",
            "email",
            "state",
            "status",
            "unsubscribed_by",
            "owned",
            "tags",
            "changed_at",
            "observed_at",
            *(f.column for f in self._fields),
        ]
        frame = pd.DataFrame(rows, columns=columns)
        texts = [c for c in columns if c not in ("owned", "tags", "changed_at", "observed_at")]
        frame = frame.astype(
            {
                **dict.fromkeys(texts, "str"),
                "owned": "bool",
                "changed_at": "datetime64[us]",
                "observed_at": "datetime64[us]",
            }
        )
        frame["tags"] = frame["tags"].astype(object)
        return validate(frame, schema=members_schema(self._fields), name="members")

    def complaints(self, audience_id: str) -> list[str]:
        """Member ids with an abuse report."""
        return [report.email_id for report in self._client.abuse_reports(audience_id)]
