"""Rows that move between pages while these are read.

Here: a collection that changes between two calls, read by both clients. Not here: what a sync
concludes from it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Protocol

import httpx
import pytest

from nl_pipeline.clients.mailchimp import MailchimpClient
from nl_pipeline.clients.onoffice import Condition, OnOfficeClient
from nl_pipeline_tests.clients.answering import Naps, Server

NOON = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
SIZE = 3


class Collection:
    """Rows in order as (number, time of the last change), served page by page."""

    def __init__(self, *numbers: int) -> None:
        self.rows: list[tuple[int, datetime]] = [(n, NOON.replace(hour=11)) for n in numbers]
        self.now = NOON
        self.bounds: list[str | None] = []

    def touch(self, number: int) -> None:
        """A row changes, and moves to the end of an order by time."""
        self.rows = [row for row in self.rows if row[0] != number]
        self.rows.append((number, self.now))

    def mailchimp(self, request: httpx.Request) -> httpx.Response:
        query = request.url.params
        bound = query.get("before_last_changed")
        self.bounds.append(bound)
        rows = [n for n, at in self.rows if bound is None or at < datetime.fromisoformat(bound)]
        start, count = int(query["offset"]), int(query["count"])
        members = [
            {"id": f"m{n}", "email_address": f"m{n}@x.example", "status": "subscribed"}
            for n in rows[start : start + count]
        ]
        return self._told({"members": members, "total_items": len(rows)})

    def onoffice(self, request: httpx.Request) -> httpx.Response:
        [action] = json.loads(request.content)["request"]["actions"]
        asked = action["parameters"]
        upper = [c["val"] for c in asked.get("filter", {}).get("Aenderung", []) if c["op"] == "<="]
        self.bounds.append(upper[0] if upper else None)
        rows = [n for n, at in self.rows if not upper or f"{at:%Y-%m-%d %H:%M:%S}" <= upper[0]]
        start, count = asked["listoffset"], asked["listlimit"]
        records = [
            {"id": n, "type": "address", "elements": {"id": n}} for n in rows[start : start + count]
        ]
        data = {"meta": {"cntabsolute": len(rows)}, "records": records}
        done = {"identifier": "", "data": data, "status": {"errorcode": 0, "message": "OK"}}
        return self._told(
            {
                "status": {"code": 200, "errorcode": 0, "message": "OK"},
                "response": {"results": [done]},
            }
        )

    def _told(self, body: dict[str, Any]) -> httpx.Response:
        return httpx.Response(
            200, json=body, headers={"date": format_datetime(self.now, usegmt=True)}
        )


class Pages(Protocol):
    """What both clients' pages have in common."""

    has_drifted: bool
    served_at: datetime | None

    @property
    def rows(self) -> int: ...
    @property
    def complete(self) -> bool: ...
    def __iter__(self) -> Iterator[Any]: ...


def members(collection: Collection, *, by_time: bool) -> Pages:
    client = MailchimpClient(
        base_url=None,
        api_key="sekret-us7",
        http=Server([collection.mailchimp]).client(),
        sleep=Naps(),
        max_connections=1,
        page_size=SIZE,
    )
    return client.members("list", since_last_changed=NOON.replace(hour=10) if by_time else None)


def addresses(collection: Collection, *, by_time: bool) -> Pages:
    client = OnOfficeClient(
        base_url="https://crm.example/api.php",
        token="0" * 32,
        secret="0" * 64,
        http=Server([collection.onoffice]).client(),
        sleep=Naps(),
        page_size=SIZE,
        time_zone="UTC",
    )
    start = Condition(op=">=", value="2026-03-01 10:00:00")
    if not by_time:
        return client.read_addresses(fields=[], sort_by="KdNr")
    return client.read_addresses(
        fields=[],
        conditions={"Aenderung": [start]},
        sort_by="KdNr",
        closing=lambda now: {"Aenderung": [start, Condition(op="<=", value=now)]},
    )


Reader = Callable[..., Pages]
BOTH = pytest.mark.parametrize("read", [members, addresses])


def read_while(pages: Pages, happens: Callable[[], None]) -> None:
    """Read all pages; something happens after the first."""
    for number, _ in enumerate(pages):
        if number == 0:
            happens()


@BOTH
@pytest.mark.parametrize("by_time", [False, True])
@pytest.mark.parametrize("rows", [2, 3, 4, 5, 6, 11])
def test_a_quiet_collection_is_read_once_and_completely(
    read: Reader, by_time: bool, rows: int
) -> None:
    pages = read(Collection(*range(1, rows + 1)), by_time=by_time)

    got = [row for page in pages for row in getattr(page, "records", None) or page.members]

    assert (len(got), pages.rows, pages.complete) == (rows, rows, True)


@BOTH
def test_one_leaves_one_comes_and_a_third_slips_through_unless_pages_overlap(read: Reader) -> None:
    collection = Collection(*range(1, 10))
    pages = read(collection, by_time=False)

    def happens() -> None:
        del collection.rows[0]
        collection.rows.append((99, NOON))

    read_while(pages, happens)

    assert pages.has_drifted
    assert not pages.complete


@BOTH
def test_a_row_that_comes_first_moves_others_but_hides_none(read: Reader) -> None:
    collection = Collection(*range(1, 10))
    pages = read(collection, by_time=False)

    read_while(pages, lambda: collection.rows.insert(0, (99, NOON)))

    assert not pages.has_drifted
    assert not pages.complete  # the newcomer itself was not seen


@BOTH
def test_a_read_by_time_of_one_page_has_no_upper_bound(read: Reader) -> None:
    collection = Collection(1, 2, 3)

    list(read(collection, by_time=True))

    assert collection.bounds == [None]


@BOTH
def test_a_read_by_time_of_several_pages_ends_at_the_services_present(read: Reader) -> None:
    collection = Collection(*range(1, 9))

    list(read(collection, by_time=True))

    assert collection.bounds[0] is None
    assert {str(bound)[11:19] for bound in collection.bounds[1:]} == {"12:00:02"}


@BOTH
def test_a_row_that_changes_while_a_read_by_time_goes_on_makes_it_incomplete(read: Reader) -> None:
    collection = Collection(*range(1, 9))
    pages = read(collection, by_time=True)

    def happens() -> None:
        collection.now = NOON.replace(minute=5)
        collection.touch(1)
        collection.rows.append((99, collection.now))

    read_while(pages, happens)

    assert not pages.complete


@BOTH
def test_rows_that_come_while_a_read_by_time_goes_on_do_not_disturb_it(read: Reader) -> None:
    collection = Collection(*range(1, 9))
    pages = read(collection, by_time=True)

    def happens() -> None:
        collection.now = NOON.replace(minute=5)
        collection.rows.append((99, collection.now))

    read_while(pages, happens)

    assert pages.complete


@BOTH
def test_a_read_tells_the_services_time_of_its_beginning(read: Reader) -> None:
    collection = Collection(*range(1, 9))
    pages = read(collection, by_time=False)

    def happens() -> None:
        collection.now = NOON.replace(hour=15)

    read_while(pages, happens)

    assert pages.served_at == NOON


def test_a_service_that_tells_no_time_leaves_it_open() -> None:
    collection = Collection(*range(1, 9))
    collection._told = lambda body: httpx.Response(200, json=body)  # type: ignore[method-assign]
    pages = members(collection, by_time=True)

    list(pages)

    assert (pages.served_at, pages.complete, set(collection.bounds)) == (None, True, {None})
