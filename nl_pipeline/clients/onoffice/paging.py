"""Reading many addresses page by page, and the counters by which completeness is judged.

Belongs here: the loop and its guard. Does not belong here: the judgement; a short or empty page is
not an error here, it shows in `rows` against `announced_first` and `announced_last`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from nl_pipeline.clients.errors import Permanent
from nl_pipeline.clients.onoffice.envelope import Action, ActionResult
from nl_pipeline.clients.onoffice.error_codes import SYSTEM
from nl_pipeline.clients.onoffice.models import AddressPage, AddressRecord
from nl_pipeline.clients.onoffice.session import Session


class AddressPages:
    """Iterate to read; each iteration starts anew.

    After iterating, `rows` is the number of different record ids seen, `announced_first` and
    `announced_last` are the totals that came with the first and the last page. A snapshot is
    complete when all three are equal. There is no snapshot on the server's side: rows that move
    between pages while reading make the numbers differ.
    """

    def __init__(
        self,
        session: Session,
        *,
        parameters: Mapping[str, Any],
        page_size: int,
        pages_per_request: int,
        on_page: Callable[[AddressPage], None] | None,
    ) -> None:
        self._session = session
        self._parameters = parameters
        self._page_size = page_size
        self._pages_per_request = pages_per_request
        self._on_page = on_page
        self.announced_first: int | None = None
        self.announced_last: int | None = None
        self.rows = 0

    @property
    def complete(self) -> bool:
        """Whether as many different rows came as were announced, before and after."""
        return self.announced_first == self.announced_last == self.rows

    def __iter__(self) -> Iterator[AddressPage]:
        self.announced_first = self.announced_last = None
        self.rows = 0
        seen: set[int] = set()
        size = self._page_size
        offset = 0
        most_pages = 1
        while offset == 0 or offset < (self.announced_last or 0):
            wanted = self._pages_per_request if offset else 1
            left = most_pages - offset // size
            offsets = [offset + step * size for step in range(min(wanted, left))]
            offsets = [o for o in offsets if o == 0 or o < (self.announced_last or 0)]
            if not offsets:
                return
            for page in self._read(offsets):
                if self.announced_first is None:
                    self.announced_first = page.total
                    # Two pages of grace for rows that arrive while reading; never endless.
                    most_pages = -(-page.total // size) + 2
                self.announced_last = page.total
                seen.update(record.id for record in page.records)
                self.rows = len(seen)
                if self._on_page is not None:
                    self._on_page(page)
                yield page
                if not page.records:
                    return
            offset = offsets[-1] + size

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
