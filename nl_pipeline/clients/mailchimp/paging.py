"""Reading collections page by page.

Belongs here: members in parallel with flat memory and counters for completeness, and the plain
loop for small collections. Does not belong here: the judgement whether a read was complete.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from types import GenericAlias
from typing import Any, TypedDict, TypeVar, cast

import msgspec

from nl_pipeline.clients.errors import Retryable
from nl_pipeline.clients.mailchimp.models import Member, MemberPage
from nl_pipeline.clients.mailchimp.problems import SYSTEM
from nl_pipeline.clients.mailchimp.session import Path, Session
from nl_pipeline.clients.mailchimp.times import query_time

T = TypeVar("T")

LARGEST_PAGE = 1000
"""Rows of a page at most (Mailchimp, methods and parameters)."""

_MOST_PAGES = 100
_PRESENT = timedelta(seconds=2)
"""Added to the service's time for an upper bound that leaves nothing out: the bound is exclusive,
and both it and the time told have whole seconds."""

_MEMBER_FIELDS = (
    "id",
    "contact_id",
    "email_address",
    "status",
    "unsubscribe_reason",
    "merge_fields",
    "tags",
    "tags_count",
    "last_changed",
    "timestamp_opt",
    "source",
)


class _MembersAnswer(msgspec.Struct, frozen=True):
    members: list[Member]
    total_items: int


def answer_with(merge_tags: Sequence[str]) -> type[_MembersAnswer]:
    """Return the type of an answer whose members keep the values of these merge fields only.

    An audience may have 30 of them and a sync maps three; making Python values of the others is
    most of the work of reading a page.
    """
    typed_dict: Any = TypedDict
    values = typed_dict("MergeValues", dict.fromkeys(merge_tags, Any), total=False)
    member = msgspec.defstruct(
        "MappedMember",
        [("merge_fields", values, msgspec.field(default_factory=dict))],
        bases=(Member,),
        frozen=True,
        gc=False,
    )
    fields = [("members", GenericAlias(list, (member,))), ("total_items", int)]
    return cast(type[_MembersAnswer], msgspec.defstruct("MappedMembers", fields, frozen=True))


def member_fields(*, prefix: str) -> str:
    """Return the `fields` parameter for members; whole paths only, the rest of a member is bulk."""
    return ",".join(prefix + name for name in _MEMBER_FIELDS)


class MemberPages:
    """Iterate to read; pages come in offset order, each iteration starts anew.

    Up to `window` pages are in flight or waiting at a time, so memory does not grow with the
    audience, but for eight bytes a member by which repeats are told. After iterating, `rows` is
    the number of different member ids seen, `announced_first` and `announced_last` are the totals
    of the first and the last page, and `served_at` is the service's time when the first page was
    asked for.

    Members may move between pages while these are read; two measures make sure that it shows. A
    read by time (`since_last_changed`) of several pages gets an upper bound, the service's present:
    its rows can only leave, so the total falls. Without a time each page begins with the last row
    of the one before, and `has_drifted` tells that it was not there: numbers alone would not show
    it when one member left, another came, and a third slipped between two pages.
    """

    def __init__(
        self,
        session: Session,
        *,
        pool: ThreadPoolExecutor,
        audience_id: str,
        params: Mapping[str, str | int],
        page_size: int,
        window: int,
        merge_tags: Sequence[str] | None = None,
    ) -> None:
        self._session = session
        self._pool = pool
        self._audience_id = audience_id
        self._params = params
        self._page_size = page_size
        self._window = window
        self._answer = _MembersAnswer if merge_tags is None else answer_with(merge_tags)
        self._seen = array("q")
        self._different = (0, 0)
        self.announced_first: int | None = None
        self.announced_last: int | None = None
        self.has_drifted = False
        self.served_at: datetime | None = None
        self._last_row = ""
        self._by_time = "since_last_changed" in params

    @property
    def rows(self) -> int:
        """How many different member ids have come so far."""
        came, different = self._different
        if came != len(self._seen):
            came, different = self._different = len(self._seen), len(set(self._seen))
        return different

    @property
    def complete(self) -> bool:
        """Whether as many different rows came as were announced, before and after, and none moved
        between pages."""
        return self.announced_first == self.announced_last == self.rows and not self.has_drifted

    def __iter__(self) -> Iterator[MemberPage]:
        self.announced_first = self.announced_last = None
        self.has_drifted = False
        self._last_row = ""
        self._seen = array("q")
        self._different = (0, 0)
        size = self._page_size
        step = size if self._by_time or size == 1 else size - 1
        first = self._read(0)
        self.served_at = self._session.server_time.asked_at
        if self._by_time and first.total > size and self._closed():
            first = self._read(0)
        # Two pages of grace for members that arrive while reading; never endless.
        most_pages = -(-first.total // step) + 2
        self.announced_first = first.total
        yield self._counted(first)
        waiting: deque[Future[MemberPage]] = deque()
        next_page = 1
        try:
            while True:
                while (
                    len(waiting) < self._window
                    and next_page < most_pages
                    and next_page * step + size - step < (self.announced_last or 0)
                ):
                    waiting.append(self._pool.submit(self._read, next_page * step))
                    next_page += 1
                if not waiting:
                    return
                yield self._counted(waiting.popleft().result())
        finally:
            for future in waiting:
                future.cancel()

    def _closed(self) -> bool:
        """Give the read an upper bound; false if the service never told its time."""
        present = self._session.server_time.now()
        if present is None or "before_last_changed" in self._params:
            return False
        bound = query_time(present + _PRESENT)
        self._params = {**self._params, "before_last_changed": bound}
        return True

    def _counted(self, page: MemberPage) -> MemberPage:
        self.announced_last = page.total
        members = page.members
        if page.offset and not self._by_time and self._page_size > 1:
            # The row both pages share; only its absence is a sign, its place is not.
            members = [member for member in members if member.id != self._last_row]
            self.has_drifted |= len(members) == len(page.members)
        if page.members:
            self._last_row = page.members[-1].id
        # Two ids with one hash would make a read look incomplete, which is the safe mistake.
        self._seen.extend([hash(member.id) for member in members])
        return MemberPage(page.offset, page.total, members)

    def _read(self, offset: int) -> MemberPage:
        answer = self._session.get(
            Path("/lists/{list_id}/members", [self._audience_id]),
            answer=self._answer,
            params={**self._params, "count": self._page_size, "offset": offset},
        )
        return MemberPage(offset, answer.total_items, answer.members)


def each_page(
    session: Session,
    path: Path,
    *,
    answer: type[T],
    rows_of: Callable[[T], list[Any]],
    total_of: Callable[[T], int | None],
    params: Mapping[str, str | int] | None = None,
) -> Iterator[T]:
    """Yield the pages of a collection one after the other; only the one in hand is kept.

    Without an announced total (activity feed) a page that is not full is the last. Raises
    `Retryable` after the last page that came when rows are missing.
    """
    pages = rows = 0
    while True:
        page = session.get(
            path,
            answer=answer,
            params={**(params or {}), "count": LARGEST_PAGE, "offset": pages * LARGEST_PAGE},
        )
        pages += 1
        got = len(rows_of(page))
        rows += got
        total = total_of(page)
        yield page
        if (got < LARGEST_PAGE) if total is None else (rows >= total):
            return
        if got == 0 or pages > max(_MOST_PAGES, 2 + (total or 0) // LARGEST_PAGE):
            raise Retryable(
                f"GET {path.template}: {rows} row(s) came, {total} were announced",
                system=SYSTEM,
                code="incomplete",
                what_next="nothing was concluded from it; the next run reads it again",
            )


def collect(
    session: Session,
    path: Path,
    *,
    answer: type[T],
    rows_of: Callable[[T], list[Any]],
    total_of: Callable[[T], int | None],
    params: Mapping[str, str | int] | None = None,
) -> list[T]:
    """Return all pages of a small collection, which is used whole or not at all.

    Raises as `each_page`.
    """
    return list(
        each_page(session, path, answer=answer, rows_of=rows_of, total_of=total_of, params=params)
    )
