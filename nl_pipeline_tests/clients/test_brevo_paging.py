"""Contacts that come, go and change while their pages are read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nl_pipeline.clients.brevo import ContactPages
from nl_pipeline_tests.clients.answering import Server
from nl_pipeline_tests.clients.brevo_answering import client_of, contact, told

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SIZE = 3


class Account:
    """Contacts in the order of their creation, served page by page."""

    def __init__(self, *numbers: int) -> None:
        self.numbers = list(numbers)
        self.asked = 0
        self.happens: Callable[[], None] = lambda: None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        if self.asked == 2:
            self.happens()
        start, limit = int(request.url.params["offset"]), int(request.url.params["limit"])
        rows = [contact(number) for number in self.numbers[start : start + limit]]
        return told({"contacts": rows, "count": len(self.numbers)})

    def pages(self, *, by_time: bool = False) -> ContactPages:
        client = client_of(Server([self]), page_size=SIZE, max_connections=1)
        return client.contacts(modified_since=NOON if by_time else None)


def read(pages: ContactPages) -> list[int]:
    return [one.id for page in pages for one in page.contacts]


BOTH = pytest.mark.parametrize("by_time", [False, True], ids=["all", "by time"])


@BOTH
@pytest.mark.parametrize("count", range(12))
def test_a_quiet_account_is_read_whole_and_each_contact_once(count: int, by_time: bool) -> None:
    numbers = [10 + n for n in range(count)]
    pages = Account(*numbers).pages(by_time=by_time)

    assert read(pages) == numbers
    assert pages.complete


@BOTH
def test_a_contact_that_is_deleted_in_front_shows_that_another_was_missed(by_time: bool) -> None:
    account = Account(*range(1, 9))
    account.happens = lambda: account.numbers.remove(1)
    pages = account.pages(by_time=by_time)

    read(pages)

    assert not pages.complete


@BOTH
def test_a_contact_that_left_and_one_that_came_do_not_hide_the_one_that_slipped(
    by_time: bool,
) -> None:
    account = Account(*range(1, 9))

    def happens() -> None:
        account.numbers.remove(1)
        account.numbers.append(9)

    account.happens = happens
    pages = account.pages(by_time=by_time)

    read(pages)

    assert pages.has_drifted
    assert not pages.complete


def test_a_contact_that_is_touched_while_a_read_by_time_goes_on_makes_none_slip() -> None:
    """It comes in by its creation, in front of others."""
    account = Account(*range(2, 9))
    account.happens = lambda: account.numbers.insert(0, 1)
    pages = account.pages(by_time=True)

    assert {*read(pages)} >= set(range(2, 9))
    assert not pages.has_drifted


def test_a_contact_that_comes_last_is_read_and_the_read_says_that_the_number_moved() -> None:
    account = Account(*range(1, 9))
    account.happens = lambda: account.numbers.append(9)
    pages = account.pages()

    assert read(pages) == [*range(1, 10)]
    assert not pages.complete


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_page_of_a_read_by_time_that_comes_short_is_not_taken_for_its_end(number: int) -> None:
    account = Account(*range(1, 9))

    def short(request: httpx.Request) -> httpx.Response:
        answer = account(request)
        if account.asked != number:
            return answer
        page = answer.json()
        return told({**page, "contacts": page["contacts"][:-1]})

    pages = client_of(Server([short]), page_size=SIZE, max_connections=1).contacts(
        modified_since=NOON
    )

    read(pages)

    assert not pages.complete


@pytest.mark.parametrize("count", range(8))
def test_a_read_by_time_comes_to_its_end_also_where_the_count_is_of_the_whole_account(
    count: int,
) -> None:
    account = Account(*range(1, count + 1))

    def counted(request: httpx.Request) -> httpx.Response:
        return told({**account(request).json(), "count": 100})

    pages = client_of(Server([counted]), page_size=SIZE, max_connections=1).contacts(
        modified_since=NOON
    )

    assert read(pages) == [*range(1, count + 1)]
    assert pages.complete


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_a_page_of_all_contacts_that_comes_short_is_not_their_end(number: int) -> None:
    account = Account(*range(1, 9))

    def short(request: httpx.Request) -> httpx.Response:
        answer = account(request)
        if account.asked != number:
            return answer
        page = answer.json()
        return told({**page, "contacts": page["contacts"][:-1]})

    pages = client_of(Server([short]), page_size=SIZE, max_connections=1).contacts()

    read(pages)

    assert not pages.complete


def test_a_second_iteration_reads_anew() -> None:
    account = Account(*range(1, 6))
    pages = account.pages()
    read(pages)
    account.numbers.append(6)

    assert read(pages) == [*range(1, 7)]
    assert pages.complete


@BOTH
@given(
    before=st.lists(st.integers(1, 40), unique=True, min_size=1, max_size=14).map(sorted),
    leave=st.sets(st.integers(1, 40), max_size=3),
    come=st.sets(st.integers(1, 60), max_size=3),
)
def test_whoever_was_there_all_the_time_is_read_or_the_read_is_not_complete(
    by_time: bool, before: list[int], leave: set[int], come: set[int]
) -> None:
    """New contacts of a full read come last; by time, anybody who is touched comes in anywhere."""
    account = Account(*before)

    def happens() -> None:
        new = come - set(before) if by_time else {n for n in come if n > max(before)}
        account.numbers = sorted((set(before) - leave) | new)

    account.happens = happens
    pages = account.pages(by_time=by_time)

    seen = set(read(pages))

    if pages.complete:
        assert seen >= set(before) - leave
