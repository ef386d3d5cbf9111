"""Reading many addresses page by page, and the counters by which completeness is judged.

Belongs here: the loop and its guard. Does not belong here: the judgement; a short or empty page is
not an error here, it shows in `rows` against `announced_first` and `announced_last`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from nl_pipeline.clients.errors import Permanent
from nl_pipeline.clients.onoffice.envelope import Action, ActionResult
from nl_pipeline.clients.onoffice.error_codes import SYSTEM
from nl_pipeline.clients.onoffice.models import AddressPage, AddressRecord
from nl_pipeline.clients.onoffice.session import Session

_PRESENT = timedelta(seconds=2)
"""Added to the service's time for an upper bound that leaves nothing out: both have whole
seconds."""


class AddressPages:
    """Iterate to read; each iteration starts anew.

    After iterating, `rows` is the number of different record ids seen, `announced_first` and
    `announced_last` are the totals that came with the first and the last page, `served_at` is the
    service's time when the first page was asked for.

    There is no snapshot on the server's side: rows may move between pages while these are read.
    Read in an order, each page begins with the last row of the one before, and `has_drifted` tells
    that it was not there: numbers alone would not show it when one row left, another came, and a
    third slipped between two pages. `closing` gives a read by time its upper bound as soon as it
    takes more than one page: its rows can only leave then, so the total falls.
    """

    def __init__(
        self,
        session: Session,
        *,
        parameters: Mapping[str, Any],
        page_size: int,
        pages_per_request: int,
        on_page: Callable[[AddressPage], None] | None,
        closing: Callable[[datetime], Mapping[str, Any]] | None = None,
    ) -> None:
        self._session = session
        self._parameters = parameters
        self._page_size = page_size
        self._pages_per_request = pages_per_request
        self._on_page = on_page
        self.announced_first: int | None = None
        self.announced_last: int | None = None
        self.rows = 0
        self.has_drifted = False
        self.served_at: datetime | None = None
        self._closing = closing
        # One row of a page repeats the page before, where the order makes that one meaningful.
        self._shared = 1 if "sortby" in parameters and page_size > 1 else 0
        self._last_row: int | None = None

    @property
    def complete(self) -> bool:
        """Whether as many different rows came as were announced, before and after, and none moved
        between pages."""
        return self.announced_first == self.announced_last == self.rows and not self.has_drifted

    def __iter__(self) -> Iterator[AddressPage]:
        self.announced_first = self.announced_last = None
        self.rows = 0
        self.has_drifted = False
        self._last_row = None
        seen: set[int] = set()
        step = self._page_size - self._shared
        [first] = self._read([0])
        self.served_at = self._session.server_time.asked_at
        if first.total > self._page_size and self._closed():
            [first] = self._read([0])
        self.announced_first = first.total
        # Two pages of grace for rows that arrive while reading; never endless.
        most_pages = -(-first.total // step) + 2
        pages = [first]
        number = 1
        while pages:
            for page in pages:
                counted = self._counted(page, seen=seen)
                if self._on_page is not None:
                    self._on_page(counted)
                yield counted
                if not page.records:
                    return
            numbers = range(number, min(number + self._pages_per_request, most_pages))
            offsets = [n * step for n in numbers]
            offsets = [o for o in offsets if o + self._shared < (self.announced_last or 0)]
            pages = self._read(offsets) if offsets else []
            number += len(offsets)

    def _closed(self) -> bool:
        """Give the read an upper bound; false if it has none or the service never told its time."""
        present = self._session.server_time.now()
        if self._closing is None or present is None:
            return False
        self._parameters = {**self._parameters, **self._closing(present + _PRESENT)}
        self._closing = None
        return True

    def _counted(self, page: AddressPage, *, seen: set[int]) -> AddressPage:
        self.announced_last = page.total
        records = page.records
        if page.offset and self._shared:
            # The row both pages share; only its absence is a sign, its place is not.
            records = [record for record in records if record.id != self._last_row]
            self.has_drifted |= len(records) == len(page.records)
        if page.records:
            self._last_row = page.records[-1].id
        seen.update(record.id for record in records)
        self.rows = len(seen)
        return AddressPage(page.offset, page.total, records)

    def _read(self, offsets: Sequence[int]) -> list[AddressPage]:
        actions = [
            Action(
                "read",
                "address",
                {**self._parameters, "listlimit": self._page_size, "listoffset": offset},
            )
            for offset in offsets
        ]
        results = self._session.read(actions, field_names=self._parameters["data"])
        return [
            AddressPage(offset, announced_total(result), address_records(result))
            for offset, result in zip(offsets, results, strict=True)
        ]


def announced_total(result: ActionResult) -> int:
    """Return `cntabsolute`; raises when a read came without it, for 0 would be a claim."""
    if result.total is None:
        raise Permanent(
            "read:address: the answer announces no total, so its completeness cannot be judged",
            system=SYSTEM,
            code="no-total",
            what_next="report this; nothing was concluded from the read",
        )
    return result.total


def address_records(result: ActionResult) -> list[AddressRecord]:
    """Return the addresses of a read."""
    return [
        AddressRecord(int(record.id or 0), record.elements if type(record.elements) is dict else {})
        for record in result.records
    ]
