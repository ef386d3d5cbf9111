"""Reading collections page by page, by `start` and `count`.

Belongs here: when a page is the last, and the plain loop for small collections. Does not belong
here: leads, of which more come while they are read (``responses``).
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import TypeVar

import msgspec

from nl_pipeline.clients.errors import Retryable
from nl_pipeline.clients.linkedin.problems import SYSTEM
from nl_pipeline.clients.linkedin.query import Value
from nl_pipeline.clients.linkedin.session import Path, Session

T = TypeVar("T")

LARGEST_PAGE = 100
"""Rows of a page at most; LinkedIn publishes no number, and two sources say a hundred."""

_MOST_PAGES = 1000


class _Link(msgspec.Struct, frozen=True):
    rel: str = ""


class _Paging(msgspec.Struct, frozen=True):
    count: int | None = None
    total: int | None = None
    links: list[_Link] = msgspec.field(default_factory=list)


class RawPage(msgspec.Struct, frozen=True):
    """One page, its rows not decoded yet."""

    elements: list[msgspec.Raw]
    paging: _Paging = _Paging()

    @property
    def total(self) -> int | None:
        """How many rows there are, where LinkedIn tells it."""
        return self.paging.total

    def is_last(self, *, start: int, asked: int) -> bool:
        """Whether nothing comes after it.

        A page is short against what the service says it counts by: a service that cuts `count`
        without a word would otherwise seem to have come to its end.
        """
        got = len(self.elements)
        if got == 0:
            return True
        if any(link.rel == "next" for link in self.paging.links):
            return False
        if self.total is not None:
            return start + got >= self.total
        return got < min(asked, self.paging.count or asked)


def read_page(
    session: Session, path: Path, *, parameters: Mapping[str, Value], start: int, count: int
) -> RawPage:
    """Return one page."""
    window = {"start": start, "count": count}
    return session.get(path, answer=RawPage, parameters={**parameters, **window})


def collect(
    session: Session,
    path: Path,
    *,
    row: type[T],
    parameters: Mapping[str, Value],
    count: int = LARGEST_PAGE,
) -> list[T]:
    """Return all rows of a small collection, which is used whole or not at all.

    Raises `Retryable` when a row can't be understood, fewer came than were announced, or it never
    ends.
    """
    decoder = msgspec.json.Decoder(row)
    rows: list[T] = []
    for _ in range(_MOST_PAGES):
        page = read_page(session, path, parameters=parameters, start=len(rows), count=count)
        is_last = page.is_last(start=len(rows), asked=count)
        rows += _decoded(page.elements, decoder=decoder, template=path.template)
        if is_last:
            if page.total is not None and len(rows) < page.total:
                break
            return rows
    raise incomplete(path.template, rows=len(rows))


def _decoded(
    elements: list[msgspec.Raw], *, decoder: msgspec.json.Decoder[T], template: str
) -> list[T]:
    with contextlib.suppress(msgspec.DecodeError):
        return [decoder.decode(element) for element in elements]
    # Raised outside the handler: what could not be decoded may be quoted by the error.
    raise Retryable(
        f"GET {template}: a row has a shape that is not known",
        system=SYSTEM,
        code="unreadable",
        what_next="nothing was concluded from it; report it if the next run says so again",
    )


def incomplete(template: str, *, rows: int) -> Retryable:
    """Return the error for a collection that could not be read to its end."""
    return Retryable(
        f"GET {template}: {rows} row(s) came, and not all that were announced",
        system=SYSTEM,
        code="incomplete",
        what_next="nothing was concluded from it; the next run reads it again",
    )
