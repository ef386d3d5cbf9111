"""Paging of collections: ``count`` and ``offset``, and the two faults that damage a page.

Belongs here: cutting a page out of an ordered result. Does not belong here: filtering or order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from nl_pipeline.sandbox.mailchimp import errors
from nl_pipeline.sandbox.mailchimp.calls import ApiCall

Row = TypeVar("Row")

DEFAULT_COUNT = 10
MAX_COUNT = 1000


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows of a result, and how many the whole result has (``total_items``)."""

    rows: list[Row]
    total: int


def page_of(rows: Sequence[Row], *, call: ApiCall) -> Page[Row]:
    """The page a call asks for; beyond the end it is empty with the right total.

    ``count`` above 1000 is served as 1000 [inferred].
    """
    count = min(_whole_number(call, "count", default=DEFAULT_COUNT), MAX_COUNT)
    offset = _whole_number(call, "offset", default=0)
    if call.fault is not None:
        return _damaged(rows, count=count, offset=offset, fault=call.fault)
    return Page(list(rows[offset : offset + count]), len(rows))


def _damaged(
    rows: Sequence[Row], *, count: int, offset: int, fault: Mapping[str, Any]
) -> Page[Row]:
    """A short page keeps ``rows`` rows (default half); a drifted one starts one row later.

    Drift is what a reader sees when a row before the page left the result between two pages;
    with ``vanish`` it is gone for good and the total says so.
    """
    total = len(rows)
    if fault["kind"] == "short_page":
        page = list(rows[offset : offset + count])
        wanted = fault.get("rows")
        return Page(page[: len(page) // 2 if wanted is None else int(wanted)], total)
    page = list(rows[offset + 1 : offset + 1 + count])
    return Page(page, max(total - 1, 0) if fault.get("vanish") else total)


def _whole_number(call: ApiCall, name: str, *, default: int) -> int:
    text = call.query.get(name, "")
    if not text:
        return default
    if not text.isdecimal():
        raise errors.invalid_body(errors.FieldError(name, "This value should be 0 or more."))
    return int(text)
