"""Leads: page by page, one, several.

Belongs here: the calls, and whether a read over several pages saw everything. Does not belong
here: the shape of a lead (``wire``), which leads are imported.

LinkedIn pages by offset and tells no order. More leads arrive while pages are read, so the end of
the time range is frozen; a lead that becomes visible late or is deleted still moves the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec

from nl_pipeline.clients.errors import SkipRecord
from nl_pipeline.clients.linkedin.models import LeadPage, UnreadableRow
from nl_pipeline.clients.linkedin.paging import LARGEST_PAGE, RawPage, incomplete, read_page
from nl_pipeline.clients.linkedin.problems import SYSTEM, LeadAbsent
from nl_pipeline.clients.linkedin.query import Value
from nl_pipeline.clients.linkedin.session import Path, Session
from nl_pipeline.clients.linkedin.urns import owner_parameter, versioned_form
from nl_pipeline.clients.linkedin.wire import LEAD_FIELDS, lead_in, milliseconds_of
from nl_pipeline.domain.leads import Lead, LeadType, Owner

_ALL = Path("/leadFormResponses")
_ONE = "/leadFormResponses/{response_id}"
_AT_ONCE = 50
"""Ids of one call: about 2000 characters of query; LinkedIn's own client tunnels above 4000."""


class LeadPages:
    """Iterate to read; each iteration starts anew.

    After iterating: `rows` is the number of different leads that came, `announced_first` and
    `announced_last` are the totals of the first and the last page (None where none was told),
    `repeated` counts leads that came more than once, `has_drifted` tells that the row two pages
    share was not there, so that others may have slipped between them, and `served_at` is
    LinkedIn's time when the first page was asked for. Only after a `complete` read may a window be
    taken for done.
    """

    def __init__(
        self,
        session: Session,
        *,
        owner: Owner,
        lead_type: LeadType,
        start: datetime,
        end: datetime,
        form: tuple[int, int] | None,
        page_size: int,
    ) -> None:
        if not 2 <= page_size <= LARGEST_PAGE:
            raise ValueError(f"page_size must be 2 to {LARGEST_PAGE}, got {page_size}")
        self._session = session
        self._start, self._end = milliseconds_of(start), milliseconds_of(end)
        if self._start > self._end:
            raise ValueError("the time range ends before it starts")
        self._page_size = page_size
        # Whether the ends belong to the range is documented nowhere: a millisecond more on both
        # sides, and what is outside is left out here.
        asked = {"start": max(0, self._start - 1), "end": self._end + 1}
        self._parameters: dict[str, Value] = {
            "q": "owner",
            "owner": owner_parameter(owner),
            "leadType": {"leadType": lead_type.value},
            "submittedAtTimeRange": asked,
            "fields": LEAD_FIELDS,
        }
        if form is not None:
            self._parameters["versionedLeadGenFormUrn"] = versioned_form(*form)
        self._forget()

    def _forget(self) -> None:
        self._seen: set[str] = set()
        self._anonymous = 0
        self.announced_first: int | None = None
        self.announced_last: int | None = None
        self.repeated = 0
        self.unreadable = 0
        self.has_drifted = False
        self.served_at: datetime | None = None

    @property
    def rows(self) -> int:
        """How many different leads have come so far."""
        return len(self._seen) + self._anonymous

    @property
    def complete(self) -> bool:
        """Whether nothing moved between pages, and as many came as were announced, if any were."""
        if self.has_drifted or self.announced_first != self.announced_last:
            return False
        return self.announced_first is None or self.announced_first == self.rows

    def __iter__(self) -> Iterator[LeadPage]:
        self._forget()
        start, last = 0, ""
        while True:
            raw = read_page(
                self._session,
                _ALL,
                parameters=self._parameters,
                start=start,
                count=self._page_size,
            )
            if start == 0:
                self.served_at = self._session.server_time.asked_at
                self.announced_first = raw.total
            self.announced_last = raw.total
            before = self.rows
            page, ids = self._counted(raw, start=start, shared=last)
            yield page
            if raw.is_last(start=start, asked=self._page_size):
                return
            if self.rows == before:
                # A service that does not heed `start` would be asked for ever.
                raise incomplete(_ALL.template, rows=self.rows)
            # The next page begins with the last row of this one, to see that nothing moved.
            last = ids[-1] if len(ids) > 1 else ""
            start += len(ids) - 1 if last else len(ids)

    def _counted(self, raw: RawPage, *, start: int, shared: str) -> tuple[LeadPage, list[str]]:
        leads: list[Lead] = []
        unreadable: list[UnreadableRow] = []
        ids: list[str] = []
        for element in raw.elements:
            row = lead_in(element)
            row_id = row.id if isinstance(row, UnreadableRow) else row.response_id
            ids.append(row_id)
            if row_id and row_id in self._seen:
                self.repeated += row_id != shared
                continue
            if row_id:
                self._seen.add(row_id)
            else:
                self._anonymous += 1
            if isinstance(row, UnreadableRow):
                unreadable.append(row)
            elif self._start <= milliseconds_of(row.submitted_at) <= self._end:
                leads.append(row)
        # Only its absence is a sign: leads that were added in front push it further back.
        self.has_drifted |= bool(shared) and shared not in ids
        self.unreadable += len(unreadable)
        return LeadPage(start, tuple(leads), tuple(unreadable), raw.total), ids


def lead(session: Session, *, response_id: str) -> Lead | None:
    """Return one lead, None when LinkedIn has none. SkipRecord when it can't be understood."""
    try:
        raw = session.get(
            Path(_ONE, [response_id]), answer=msgspec.Raw, parameters={"fields": LEAD_FIELDS}
        )
    except LeadAbsent:
        return None
    found = lead_in(raw)
    if isinstance(found, UnreadableRow):
        raise SkipRecord(
            f"GET {_ONE}: lead {response_id} has a shape that is not known",
            system=SYSTEM,
            code="unreadable",
            what_next="report it with the id of the lead; the next run tries again",
        )
    return found


class _Batch(msgspec.Struct, frozen=True):
    results: dict[str, msgspec.Raw]


def leads_by_id(session: Session, *, response_ids: Sequence[str]) -> dict[str, Lead]:
    """Return those of these leads that LinkedIn has and that can be understood, by id."""
    found: dict[str, Lead] = {}
    different = list(dict.fromkeys(response_ids))
    for first in range(0, len(different), _AT_ONCE):
        batch = session.get(
            _ALL,
            answer=_Batch,
            parameters={"ids": different[first : first + _AT_ONCE], "fields": LEAD_FIELDS},
        )
        for raw in batch.results.values():
            row = lead_in(raw)
            if isinstance(row, Lead):
                found[row.response_id] = row
    return found
