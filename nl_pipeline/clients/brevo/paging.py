"""Reading collections page by page.

Belongs here: contacts in parallel with flat memory and counters for completeness, and the plain
loop for small collections. Does not belong here: the judgement whether a read was complete.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from types import GenericAlias
from typing import Any, TypedDict, TypeVar, cast

import msgspec

from nl_pipeline.clients.brevo.models import Contact, ContactPage
from nl_pipeline.clients.brevo.problems import SYSTEM
from nl_pipeline.clients.brevo.session import Path, Session
from nl_pipeline.clients.errors import Retryable

T = TypeVar("T")

LARGEST_PAGE = 1000
"""Contacts of a page at most (Brevo)."""

_MOST_PAGES = 400


class _ContactsAnswer(msgspec.Struct, frozen=True):
    count: int
    contacts: list[Contact] = msgspec.field(default_factory=list)


def answer_with(names: Sequence[str]) -> type[_ContactsAnswer]:
    """Return the type of an answer whose contacts keep these attributes only.

    An account may have dozens and a sync maps three; making Python values of the others is most of
    the work of reading a page.
    """
    typed_dict: Any = TypedDict
    values = typed_dict("MappedAttributes", dict.fromkeys(names, Any), total=False)
    contact = msgspec.defstruct(
        "MappedContact",
        [("attributes", values, msgspec.field(default_factory=dict))],
        bases=(Contact,),
        frozen=True,
        gc=False,
        rename="camel",
    )
    fields: list[Any] = [
        ("count", int),
        ("contacts", GenericAlias(list, (contact,)), msgspec.field(default_factory=list)),
    ]
    return cast(type[_ContactsAnswer], msgspec.defstruct("MappedContacts", fields, frozen=True))


class ContactPages:
    """Iterate to read; pages come in the order of creation, each iteration starts anew.

    Up to `window` pages are in flight or waiting at a time, so memory does not grow with the
    account, but for eight bytes a contact by which repeats are told. After iterating, `rows` is the
    number of different contacts seen, `announced_first` and `announced_last` are the counts of the
    first and the last page, and `served_at` is the service's time when the first page was asked
    for.

    There is no order by modification and no upper bound of time. A new contact comes last; a
    deleted one, or one that is touched during a read by time, moves all behind it. Each page
    therefore begins with the last contact of the one before, and `has_drifted` tells that it was
    not there: numbers alone would not show it when one left, another came, and a third slipped
    between two pages.

    Whether the count of a read by time is that of the read or that of the account is documented
    nowhere. Such a read ends with the first page that is not full, and one page is asked for at a
    time. Where the count says otherwise it is looked whether anything follows: the page may have
    been cut.
    """

    def __init__(
        self,
        session: Session,
        *,
        pool: ThreadPoolExecutor,
        params: Mapping[str, str | int | Sequence[int]],
        page_size: int,
        window: int,
        attribute_names: Sequence[str] | None = None,
    ) -> None:
        self._session = session
        self._pool = pool
        self._params = params
        self._page_size = page_size
        self._by_time = "modifiedSince" in params
        self._window = 1 if self._by_time else window
        self._answer = _ContactsAnswer if attribute_names is None else answer_with(attribute_names)
        self._seen = array("q")
        self._different = (0, 0)
        self.announced_first: int | None = None
        self.announced_last: int | None = None
        self.has_drifted = False
        self.served_at: datetime | None = None
        self._last_row = 0
        self._behind = 0
        self._has_ended = False

    @property
    def rows(self) -> int:
        """How many different contacts have come so far."""
        came, different = self._different
        if came != len(self._seen):
            came, different = self._different = len(self._seen), len(set(self._seen))
        return different

    @property
    def complete(self) -> bool:
        """Whether as many different rows came as were announced, before and after, and none moved
        between pages. A read by time has to have come to its end instead."""
        steady = self.announced_first == self.announced_last and not self.has_drifted
        return steady and (self._has_ended or self.announced_last == self.rows)

    def __iter__(self) -> Iterator[ContactPage]:
        self.announced_first = self.announced_last = None
        self.has_drifted = self._has_ended = False
        self._last_row = 0
        self._seen = array("q")
        self._different = (0, 0)
        size = self._page_size
        step = size if size == 1 else size - 1
        first = self._read(0)
        self.served_at = self._session.server_time.asked_at
        # Two pages of grace for contacts that arrive while reading; never endless.
        most_pages = -(-first.total // step) + 2
        self.announced_first = first.total
        yield self._counted(first)
        waiting: deque[Future[ContactPage]] = deque()
        next_page = 1
        try:
            while True:
                while (
                    len(waiting) < self._window
                    and next_page < most_pages
                    and not self._has_ended
                    and next_page * step + size - step < (self.announced_last or 0)
                ):
                    waiting.append(self._pool.submit(self._read, next_page * step))
                    next_page += 1
                if not waiting:
                    self._look_behind()
                    return
                yield self._counted(waiting.popleft().result())
        finally:
            for future in waiting:
                future.cancel()

    def _counted(self, page: ContactPage) -> ContactPage:
        self.announced_last = page.total
        self._has_ended = self._by_time and len(page.contacts) < self._page_size
        contacts = page.contacts
        if page.offset and self._page_size > 1:
            # The row both pages share; only its absence is a sign, its place is not.
            contacts = [contact for contact in contacts if contact.id != self._last_row]
            self.has_drifted |= len(contacts) == len(page.contacts)
        self._behind = page.offset + len(page.contacts)
        if page.contacts:
            self._last_row = page.contacts[-1].id
        self._seen.extend([contact.id for contact in contacts])
        return ContactPage(page.offset, page.total, contacts)

    def _look_behind(self) -> None:
        """See whether anything follows the page that a read by time has ended with."""
        if self._has_ended and self.announced_last != self.rows:
            page = self._read(self._behind)
            self.has_drifted |= bool(page.contacts)

    def _read(self, offset: int) -> ContactPage:
        answer = self._session.get(
            Path("/contacts"),
            answer=self._answer,
            params={**self._params, "limit": self._page_size, "offset": offset, "sort": "asc"},
        )
        return ContactPage(offset, answer.count, answer.contacts)


def collect(
    session: Session,
    path: Path,
    *,
    answer: type[T],
    rows_of: Callable[[T], Sequence[Any] | None],
    total_of: Callable[[T], int],
    page_size: int,
    params: Mapping[str, str | int] | None = None,
) -> list[T]:
    """Return all pages of a small collection, which is used whole or not at all.

    Rows may be missing in an answer where there are none. Raises `Retryable` when fewer came than
    were announced.
    """
    pages: list[T] = []
    rows = 0
    while True:
        page = session.get(
            path,
            answer=answer,
            params={**(params or {}), "limit": page_size, "offset": len(pages) * page_size},
        )
        pages.append(page)
        got = len(rows_of(page) or ())
        rows += got
        total = total_of(page)
        if rows >= total:
            return pages
        if got == 0 or len(pages) > _MOST_PAGES:
            raise Retryable(
                f"GET {path.template}: {rows} row(s) came, {total} were announced",
                system=SYSTEM,
                code="incomplete",
                what_next="nothing was concluded from it; the next run reads it again",
            )
