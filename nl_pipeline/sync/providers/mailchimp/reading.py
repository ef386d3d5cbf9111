"""Reading the audience: two sweeps over its pages, frame by frame.

Belongs here: what is asked for and in which portions. Must not be here: what the fields of a member
mean (``columns``), looking single members up, writing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pandas as pd

from nl_pipeline.clients.mailchimp import MailchimpClient, Member, MemberPages
from nl_pipeline.domain.fields import ProfileField
from nl_pipeline.sync.providers.mailchimp.columns import MemberColumns
from nl_pipeline.sync.providers.mailchimp.writing import member_id_of

#: ``since_last_changed`` is exclusive and counts whole seconds, and a change may become visible
#: after it was made.
OVERLAP = timedelta(minutes=2)
#: Rows of a frame, give or take a page.
_PORTION = 20_000


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
            self._client.members(
                audience_id,
                status=status,
                since_last_changed=start,
                merge_tags=[f.provider for f in self._fields],
            )
            for status in (None, "archived")
        )
        self._latest = sweeps
        read = AudienceRead(sweeps=sweeps, frames=iter(()))
        read.frames = self._frames(
            sweeps, audience_id=audience_id, observed_at=observed_at, rejected=read.rejected
        )
        return read

    def _frames(
        self,
        sweeps: Sequence[MemberPages],
        *,
        audience_id: str,
        observed_at: datetime,
        rejected: list[tuple[str, str]],
    ) -> Iterator[pd.DataFrame]:
        def all_tags(member: Member) -> list[str]:
            return [tag.name for tag in self._client.member_tags(audience_id, member.id)]

        columns = MemberColumns(self._fields)
        for sweep in sweeps:
            for page in sweep:
                rejected += columns.add(page.members, all_tags=all_tags)
                if len(columns) >= _PORTION:
                    yield columns.take(observed_at=observed_at)
        if len(columns):
            yield columns.take(observed_at=observed_at)

    def read_again(
        self, audience_id: str, people: Sequence[Sequence[str]], *, observed_at: datetime
    ) -> pd.DataFrame:
        """Members one by one, by ``contact_id`` or address; whoever is not found is missing."""
        found: dict[str, Member] = {}
        for references in people:
            for reference in references:
                name = member_id_of(reference) if "@" in reference else reference
                member = self._client.member(audience_id, name)
                if member is not None:
                    found[member.id] = member
                    break

        def all_tags(member: Member) -> list[str]:
            return [tag.name for tag in self._client.member_tags(audience_id, member.id)]

        columns = MemberColumns(self._fields)
        columns.add(list(found.values()), all_tags=all_tags)
        return columns.take(observed_at=observed_at)

    def complaints(self, audience_id: str) -> list[str]:
        """Member ids with an abuse report."""
        return [report.email_id for report in self._client.reports.complaints(audience_id)]
