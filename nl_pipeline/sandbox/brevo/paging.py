"""Paging of collections: ``limit``, ``offset`` and ``sort``, and the two faults that damage a page.

Belongs here: cutting a page out of a result in the order of creation. Does not belong here:
filtering.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from nl_pipeline.sandbox.brevo import errors
from nl_pipeline.sandbox.brevo.calls import ApiCall

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows of a result, and how many the whole result has (``count``)."""

    rows: list[Row]
    total: int


def page_of(rows: Iterable[Row], *, call: ApiCall, default: int, most: int) -> Page[Row]:
    """The page a call asks for, newest first unless it says ``sort=asc``; beyond the end it is
    empty. A ``limit`` above ``most`` is refused [inferred]."""
    limit = call.whole_number("limit", default=default)
    if limit > most:
        raise errors.out_of_range(f"Limit should not be more than {most}")
    offset = call.whole_number("offset", default=0)
    sort = call.text("sort", "desc").lower()
    if sort not in ("asc", "desc"):
        raise errors.invalid("sort should be asc or desc")
    ordered = list(rows)
    if sort == "desc":
        ordered.reverse()
    if call.fault is not None:
        return _damaged(ordered, limit=limit, offset=offset, fault=call.fault)
    return Page(ordered[offset : offset + limit], len(ordered))


def _damaged(rows: list[Row], *, limit: int, offset: int, fault: Mapping[str, Any]) -> Page[Row]:
    """A short page keeps ``rows`` rows (default half); a drifted one starts one row later.

    Drift is what a reader sees when a row before the page was deleted between two pages; with
    ``vanish`` the count says so too.
    """
    total = len(rows)
    if fault["kind"] == "short_page":
        page = rows[offset : offset + limit]
        wanted = fault.get("rows")
        return Page(page[: len(page) // 2 if wanted is None else int(wanted)], total)
    page = rows[offset + 1 : offset + 1 + limit]
    return Page(page, max(total - 1, 0) if fault.get("vanish") else total)
