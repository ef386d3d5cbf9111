"""Reading the audience: all contacts of the account, frame by frame.

Belongs here: what is asked for and in which portions. Must not be here: what the flags of a contact
mean (``columns``), why somebody left (``reasons``), writing.

All contacts, whatever list they are on, because whoever is blocklisted may be on none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import pandas as pd

from nl_pipeline.clients.brevo import BrevoClient, Contact, ContactPages
from nl_pipeline.clients.brevo.times import moment_of
from nl_pipeline.domain.fields import ProfileField
from nl_pipeline.sync.paged_read import PagedRead
from nl_pipeline.sync.providers.brevo.attributes import AttributeNames
from nl_pipeline.sync.providers.brevo.columns import BLOCKLISTED, ContactColumns, state_of
from nl_pipeline.sync.providers.brevo.reasons import Reason, Reasons

#: A change may become visible after it was made; ``modifiedSince`` itself is inclusive.
OVERLAP = timedelta(minutes=2)
#: Rows of a frame, give or take a page.
_PORTION = 20_000


AudienceRead = PagedRead[pd.DataFrame]
"""One read of the account in progress."""


class Reading:
    """Reads an audience; ``fields`` are all mapped ones, in the order of their columns."""

    def __init__(
        self,
        client: BrevoClient,
        *,
        fields: tuple[ProfileField, ...],
        names: AttributeNames,
        reasons: Reasons,
    ) -> None:
        self._client = client
        self._fields = fields
        self._names = names
        self._reasons = reasons
        self._latest: ContactPages | None = None

    @property
    def passes(self) -> tuple[int, ...]:
        """Contacts of the latest read, people of the account who are not ours among them."""
        return () if self._latest is None else (self._latest.rows,)

    def read(
        self, audience_id: str, *, since: datetime | None, observed_at: datetime
    ) -> AudienceRead:
        """One pass over the contacts; those who are off the list are rows only in a read of what
        changed, which the picture is to lose them by."""
        names = self._names.names()
        pages = self._client.contacts(
            modified_since=None if since is None else since - OVERLAP,
            attribute_names=sorted(names.values()),
        )
        self._latest = pages
        columns = ContactColumns(
            self._fields, names=names, list_id=int(audience_id), with_absent=since is not None
        )
        read = AudienceRead(pages=pages, frames=iter(()))
        read.frames = _frames(pages, columns, observed_at=observed_at, rejected=read.rejected)
        return read

    def read_again(
        self, audience_id: str, people: Sequence[Sequence[str]], *, observed_at: datetime
    ) -> pd.DataFrame:
        """Contacts one by one, by id or address, off the list or not, with the reasons of those
        who are blocklisted; whoever is not found is missing."""
        list_id = int(audience_id)
        found: dict[int, Contact] = {}
        for references in people:
            for reference in references:
                details = (
                    self._client.contact_of(reference)
                    if "@" in reference
                    else self._client.contact(int(reference))
                )
                if details is not None:
                    found[details.contact.id] = details.contact
                    break
        reasons: dict[int, Reason] = {}
        for contact in found.values():
            _, status, by = state_of(contact, list_id=list_id)
            if status == BLOCKLISTED and by is None:
                reason = self._reasons.of(contact.id, changed_at=moment_of(contact.modified_at))
                if reason is not None:
                    reasons[contact.id] = reason
        columns = ContactColumns(
            self._fields, names=self._names.names(), list_id=list_id, with_absent=True
        )
        columns.add(found.values(), reasons=reasons)
        return columns.take(observed_at=observed_at)


def _frames(
    pages: ContactPages,
    columns: ContactColumns,
    *,
    observed_at: datetime,
    rejected: list[tuple[str, str]],
) -> Iterator[pd.DataFrame]:
    for page in pages:
        rejected += columns.add(page.contacts)
        if len(columns) >= _PORTION:
            yield columns.take(observed_at=observed_at)
    if len(columns):
        yield columns.take(observed_at=observed_at)
