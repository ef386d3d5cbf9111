"""Collections of the Brevo twin: order, pages, filters, and their limits."""

from __future__ import annotations

from typing import Any

import pytest

from nl_pipeline_tests.sandbox.brevo.caller import ANNA, BERT, BrevoCaller, refusal


def emails(content: dict[str, Any]) -> list[str]:
    """Local parts of the addresses in an answer, in its order."""
    return [contact["email"].partition("@")[0] for contact in content["contacts"]]


def create_some(brevo: BrevoCaller, names: str) -> None:
    for name in names:
        brevo.create(f"{name}@kunde.example", listIds=[brevo.list_id])


def test_contacts_come_newest_first(brevo: BrevoCaller) -> None:
    create_some(brevo, "abc")

    assert emails(brevo.get("/contacts")) == ["c", "b", "a"]
    assert emails(brevo.get("/contacts", sort="asc")) == ["a", "b", "c"]


def test_pages_are_cut_out_of_the_whole(brevo: BrevoCaller) -> None:
    create_some(brevo, "abcde")

    page = brevo.get("/contacts", sort="asc", limit=2, offset=2)

    assert (emails(page), page["count"]) == (["c", "d"], 5)
    assert emails(brevo.get("/contacts", offset=5)) == []


def test_an_empty_account_has_no_contacts(brevo: BrevoCaller) -> None:
    assert brevo.get("/contacts") == {"contacts": [], "count": 0}


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/contacts", 1000),
        ("/contacts/lists/{list_id}/contacts", 500),
        ("/contacts/lists", 50),
        ("/contacts/folders", 50),
        ("/contacts/segments", 50),
        ("/processes", 50),
    ],
)
def test_a_page_longer_than_allowed_is_refused(brevo: BrevoCaller, path: str, most: int) -> None:
    path = path.format(list_id=brevo.list_id)

    assert brevo.call("GET", path, limit=most).status_code == 200
    assert refusal(brevo.call("GET", path, limit=most + 1))[:2] == (400, "out_of_range")


@pytest.mark.parametrize(
    "parameters",
    [
        {"limit": "viele"},
        {"offset": "-1"},
        {"sort": "modified"},
        {"modifiedSince": "gestern"},
        {"modifiedSince": "2026-01-01"},
        {"filter": "VORNAME=Anna"},
        {"filter": 'equals(NONSENSE,"1")'},
        {"listIds": "1", "segmentId": "1"},
        {"ids": ",".join(map(str, range(1, 22)))},
    ],
)
def test_a_parameter_that_means_nothing_is_refused(
    brevo: BrevoCaller, parameters: dict[str, str]
) -> None:
    assert brevo.call("GET", "/contacts", **parameters).status_code == 400


def test_modified_since_includes_the_moment_itself(brevo: BrevoCaller) -> None:
    brevo.create(ANNA)
    brevo.sandbox.advance(seconds=60)
    brevo.create(BERT)
    moment = brevo.contact(BERT)["modifiedAt"]

    assert emails(brevo.get("/contacts", modifiedSince=moment)) == ["bert.tal"]


def test_modified_since_comes_in_the_order_of_creation(brevo: BrevoCaller) -> None:
    create_some(brevo, "abc")
    brevo.sandbox.advance(seconds=60)
    moment = brevo.contact("c@kunde.example")["modifiedAt"]
    brevo.sandbox.advance(seconds=60)
    for name in "ba":
        brevo.put(f"{name}@kunde.example", attributes={"VORNAME": name})

    found = brevo.get("/contacts", modifiedSince=moment, sort="asc")

    assert emails(found) == ["a", "b", "c"]


@pytest.mark.parametrize(("follows", "count"), [(True, 1), (False, 2)])
def test_whether_the_count_follows_the_filter_is_open(
    brevo: BrevoCaller, follows: bool, count: int
) -> None:
    brevo.switch("count_follows_filter", follows)
    brevo.create(ANNA)
    contact_id = brevo.create(BERT)

    assert brevo.get("/contacts", ids=contact_id)["count"] == count


@pytest.mark.parametrize("moves", [True, False])
def test_whether_leaving_moves_the_time_of_change_is_open(brevo: BrevoCaller, moves: bool) -> None:
    brevo.switch("blocklisting_moves_modified", moves)
    brevo.create(ANNA)
    before = brevo.contact(ANNA)["modifiedAt"]
    brevo.sandbox.advance(seconds=60)

    brevo.act("person", "unsubscribe", ANNA)

    assert (brevo.contact(ANNA)["modifiedAt"] > before) is moves


def test_being_added_to_a_list_moves_the_time_of_change(brevo: BrevoCaller) -> None:
    brevo.create(ANNA)
    before = brevo.contact(ANNA)["modifiedAt"]
    brevo.sandbox.advance(seconds=60)

    brevo.put(ANNA, listIds=[brevo.list_id])

    assert brevo.contact(ANNA)["modifiedAt"] > before


def test_lists_and_ids_choose_contacts(brevo: BrevoCaller) -> None:
    create_some(brevo, "ab")
    outside = brevo.create("x@kunde.example")

    assert emails(brevo.get("/contacts", listIds=[brevo.list_id, 999])) == ["b", "a"]
    assert emails(brevo.get("/contacts", ids=[outside, 4711])) == ["x"]


def test_a_filter_finds_equal_values_only(brevo: BrevoCaller) -> None:
    brevo.create(ANNA, attributes={"VORNAME": "Anna", "DOUBLE_OPT-IN": 1})
    brevo.create(BERT, attributes={"VORNAME": "Annabert", "DOUBLE_OPT-IN": "No"})

    assert emails(brevo.get("/contacts", filter='equals(VORNAME,"Anna")')) == ["anna.berg"]
    assert emails(brevo.get("/contacts", filter='equals(DOUBLE_OPT-IN,"2")')) == ["bert.tal"]
    assert emails(brevo.get("/contacts", filter='equals(DOUBLE_OPT-IN,"Yes")')) == ["anna.berg"]


def test_a_short_page_has_fewer_rows_than_the_count_says(brevo: BrevoCaller) -> None:
    create_some(brevo, "abcd")
    brevo.sandbox.fault("brevo", kind="short_page", match="GET /brevo/v3/contacts")

    page = brevo.get("/contacts", sort="asc")

    assert (emails(page), page["count"]) == (["a", "b"], 4)


@pytest.mark.parametrize(("vanish", "count"), [(False, 4), (True, 3)])
def test_a_page_that_drifted_misses_a_row(brevo: BrevoCaller, vanish: bool, count: int) -> None:
    create_some(brevo, "abcd")
    brevo.sandbox.fault("brevo", kind="page_drift", match="offset=2", vanish=vanish)

    page = brevo.get("/contacts", sort="asc", limit=2, offset=2)

    assert (emails(page), page["count"]) == (["d"], count)
