"""The book of calls: what is entered where, and what the report makes of it."""

from __future__ import annotations

from collections import Counter

import pytest

from nl_pipeline.sync.calls import CallBook, CallCount, Counters


@pytest.fixture
def counters() -> Counters:
    """Clients that have called nothing yet, where `GET /about` and `get:about` ask for settings."""
    calls: dict[str, Counter[str]] = {"crm": Counter(), "provider": Counter()}
    return Counters(
        {"crm": calls["crm"], "provider": calls["provider"]}, frozenset({"GET /about", "get:about"})
    )


def test_a_call_belongs_to_the_outermost_purpose(counters: Counters) -> None:
    book = CallBook()

    with book.counting("check", counters=counters) as outer:
        with book.counting("read", counters=counters) as inner:
            counters.calls["provider"]["GET /members"] += 2
        counters.calls["provider"]["GET /members"] += 1
    book.need("provider", "check", calls=2)

    assert (outer, inner) == ("check", "check")
    assert book.report(counters).purposes == (CallCount("provider", "check", 3, 2),)


def test_a_call_that_nobody_entered_is_above_the_least(counters: Counters) -> None:
    counters.calls["crm"]["POST api.php"] += 2

    report = CallBook().report(counters)

    assert report.purposes == (CallCount("crm", "other", 2, 0),)
    assert (report.made, report.least, report.over_least) == (2, 0, None)


def test_actions_inside_a_request_are_no_calls(counters: Counters) -> None:
    counters.calls["crm"].update({"POST api.php": 1, "modify:address": 50})

    assert CallBook().report(counters).made == 1


def test_settings_are_asked_for_once_at_least_whatever_for(counters: Counters) -> None:
    book = CallBook()

    for _ in range(3):
        with book.counting("read", counters=counters):
            counters.calls["crm"].update({"POST api.php": 2, "get:about": 1})
            counters.calls["provider"].update({"GET /about": 1, "GET /members": 1})

    assert set(book.report(counters).purposes) == {
        CallCount("crm", "settings", 3, 1),
        CallCount("crm", "read", 3, 0),
        CallCount("provider", "settings", 3, 1),
        CallCount("provider", "read", 3, 0),
    }


def test_a_book_counts_from_where_it_began_and_the_whole_takes_its_entries(
    counters: Counters,
) -> None:
    whole = CallBook()
    counters.calls["crm"]["POST api.php"] += 5
    part = CallBook(begun=counters.copied(), whole=whole)

    with part.counting("write", counters=counters):
        counters.calls["crm"]["POST api.php"] += 4
    part.need("crm", "write", calls=2)

    assert part.report(counters).purposes == (CallCount("crm", "write", 4, 2),)
    assert part.report(counters).over_least == 2.0
    assert whole.report(counters).purposes == (
        CallCount("crm", "write", 4, 2),
        CallCount("crm", "other", 5, 0),
    )


def test_what_was_called_before_a_failure_is_counted(counters: Counters) -> None:
    book = CallBook()

    def fail() -> None:
        with book.counting("read", counters=counters):
            counters.calls["crm"]["POST api.php"] += 1
            raise ValueError("lost")

    with pytest.raises(ValueError, match="lost"):
        fail()

    assert book.report(counters).purposes == (CallCount("crm", "read", 1, 0),)
