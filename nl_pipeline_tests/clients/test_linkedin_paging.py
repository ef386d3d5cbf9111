"""Leads over several pages while more come and some go."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from nl_pipeline.clients.errors import Retryable
from nl_pipeline.clients.linkedin import LeadPages
from nl_pipeline_tests.clients.answering import Server
from nl_pipeline_tests.clients.linkedin_answers import (
    ACCOUNT,
    CANARY,
    NOON,
    client_of,
    lead_row,
    page,
)

SIZE = 3


class Leads:
    """Leads in the order they are served; what happens between two pages is up to the test."""

    def __init__(self, count: int, *, largest: int = SIZE, tells_total: bool = True) -> None:
        self.rows = [lead_row(f"r{n}-6", submittedAt=1785585600000 + n) for n in range(count)]
        self.largest = largest
        self.tells_total = tells_total
        self.after_first: Callable[[], None] = lambda: None
        self.windows: list[str] = []
        self.starts: list[int] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        query = request.url.params
        start, count = int(query["start"]), min(int(query["count"]), self.largest)
        self.windows.append(query["submittedAtTimeRange"])
        self.starts.append(start)
        paging: dict[str, Any] = {"start": start, "count": count, "links": []}
        if self.tells_total:
            paging["total"] = len(self.rows)
        answer = page(self.rows[start : start + count], **paging)
        if len(self.starts) == 1:
            self.after_first()
        return answer


def pages_of(leads: Leads, *, size: int = SIZE) -> LeadPages:
    client = client_of(Server([leads]), page_size=size)
    return client.leads(ACCOUNT, start=NOON - timedelta(days=1), end=NOON + timedelta(hours=1))


def ids(pages: LeadPages) -> list[str]:
    return [lead.response_id for each in pages for lead in each.leads]


@pytest.mark.parametrize("tells_total", [True, False])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 6, 7, 11])
def test_every_lead_comes_once_whatever_the_number(count: int, tells_total: bool) -> None:
    leads = Leads(count, tells_total=tells_total)
    pages = pages_of(leads)

    assert ids(pages) == [row["id"] for row in leads.rows]
    assert (pages.rows, pages.repeated, pages.complete) == (count, 0, True)


@pytest.mark.parametrize("tells_total", [True, False])
def test_a_service_that_gives_fewer_a_page_than_asked_is_read_to_the_end(tells_total: bool) -> None:
    leads = Leads(7, largest=2, tells_total=tells_total)
    pages = pages_of(leads, size=100)

    assert len(ids(pages)) == 7
    assert pages.complete


def test_the_time_range_is_the_same_on_every_page() -> None:
    leads = Leads(9)

    list(pages_of(leads))

    assert len(set(leads.windows)) == 1
    assert len(leads.windows) > 1


def test_a_lead_that_comes_first_repeats_others_and_hides_none() -> None:
    leads = Leads(7)
    leads.after_first = lambda: leads.rows.insert(0, lead_row("late-6"))
    pages = pages_of(leads)

    got = ids(pages)

    assert got == [f"r{n}-6" for n in range(7)]
    assert pages.repeated == 1
    assert not pages.complete  # the newcomer itself was not seen


@pytest.mark.parametrize("tells_total", [True, False])
def test_a_lead_that_goes_lets_another_slip_and_that_shows(tells_total: bool) -> None:
    leads = Leads(9, tells_total=tells_total)

    def happens() -> None:
        del leads.rows[:3]
        leads.rows += [lead_row(f"new{n}-6") for n in range(3)]

    leads.after_first = happens
    pages = pages_of(leads)

    assert "r4-6" not in ids(pages)
    assert pages.has_drifted
    assert not pages.complete


def test_what_lies_outside_the_range_is_left_out_and_counted() -> None:
    leads = Leads(2)
    leads.rows.append(lead_row("old-6", submittedAt=1785499199999))
    leads.rows.append(lead_row("edge-6", submittedAt=1785499200000))
    pages = pages_of(leads)

    assert ids(pages) == ["r0-6", "r1-6", "edge-6"]
    assert (pages.rows, pages.complete) == (4, True)


def test_a_row_that_can_not_be_understood_is_told_by_its_id_and_stops_no_other() -> None:
    leads = Leads(2)
    leads.rows[0]["formResponse"] = CANARY
    pages = pages_of(leads)

    [only] = list(pages)

    assert [row.id for row in only.unreadable] == ["r0-6"]
    assert [lead.response_id for lead in only.leads] == ["r1-6"]
    assert (pages.unreadable, pages.complete) == (1, True)
    assert CANARY not in repr(only)


def test_a_service_that_serves_the_same_page_for_ever_is_left() -> None:
    rows = [lead_row(f"r{n}-6") for n in range(SIZE)]
    server = Server([page(rows, total=100)])
    client = client_of(server, page_size=SIZE)

    with pytest.raises(Retryable, match="3 row"):
        list(client.leads(ACCOUNT, start=NOON, end=NOON + timedelta(days=1)))

    assert len(server.requests) == 2


def test_a_read_begins_anew_with_each_iteration() -> None:
    pages = pages_of(Leads(4))

    assert ids(pages) == ids(pages)
    assert (pages.rows, pages.repeated) == (4, 0)


def test_a_read_tells_linkedins_time_of_its_beginning() -> None:
    pages = pages_of(Leads(4))

    list(pages)

    assert pages.served_at is not None
    assert NOON - timedelta(seconds=5) <= pages.served_at <= NOON


def test_a_range_that_ends_before_it_starts_is_refused() -> None:
    client = client_of(Server([page([])]))

    with pytest.raises(ValueError, match="before it starts"):
        client.leads(ACCOUNT, start=NOON, end=NOON - timedelta(seconds=1))


def test_a_time_without_a_zone_is_refused() -> None:
    client = client_of(Server([page([])]))

    with pytest.raises(ValueError, match="zone"):
        client.leads(ACCOUNT, start=NOON.replace(tzinfo=None), end=NOON)


@pytest.mark.parametrize("came", [1, 2])
def test_a_small_collection_with_missing_rows_is_not_used(came: int) -> None:
    rows = [{"role": "ANALYST", "organization": "urn:li:organization:7"}] * came
    server = Server([page(rows, total=3), page([], total=3)])

    with pytest.raises(Retryable, match=f"{came} row"):
        client_of(server).page_roles()
