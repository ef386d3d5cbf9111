"""Lists, folders, attributes and memberships of the Brevo twin."""

from __future__ import annotations

from typing import Any

import pytest

from nl_pipeline_tests.sandbox.brevo.caller import ANNA, BERT, BrevoCaller, refusal

ADD_REFUSED = "Contact already in list and/or does not exist"
REMOVE_REFUSED = "Contact already removed from list and/or does not exist"


def members(brevo: BrevoCaller) -> list[str]:
    """The addresses on the list."""
    content = brevo.get(f"/contacts/lists/{brevo.list_id}/contacts", sort="asc")
    return [contact["email"] for contact in content["contacts"]]


def test_a_fresh_account_has_a_folder_and_a_list(brevo: BrevoCaller) -> None:
    assert brevo.get("/contacts/folders/1")["name"] == "Your first folder"
    assert brevo.get("/contacts/lists", sort="asc")["lists"][0]["name"] == "identified_contacts"


def test_totals_stand_in_a_single_list_only(brevo: BrevoCaller) -> None:
    for email in (ANNA, BERT):
        brevo.create(email, listIds=[brevo.list_id])
    brevo.act("person", "unsubscribe", ANNA)
    keys = ("totalSubscribers", "totalBlacklisted", "uniqueSubscribers")

    listed = brevo.get("/contacts/lists")["lists"][0]
    single = brevo.get(f"/contacts/lists/{brevo.list_id}")

    assert [listed[key] for key in keys] == [0, 0, 2]
    assert [single[key] for key in keys] == [1, 1, 2]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"name": "Neu"}, "missing_parameter"),
        ({"folderId": 1}, "missing_parameter"),
        ({"name": "Neu", "folderId": 9}, "invalid_parameter"),
    ],
)
def test_a_list_needs_a_name_and_a_folder(
    brevo: BrevoCaller, body: dict[str, Any], code: str
) -> None:
    assert refusal(brevo.call("POST", "/contacts/lists", body))[:2] == (400, code)


def test_name_and_folder_of_a_list_change_in_two_calls(brevo: BrevoCaller) -> None:
    folder = brevo.do("POST", "/contacts/folders", {"name": "Zweiter"})["id"]
    path = f"/contacts/lists/{brevo.list_id}"

    assert brevo.call("PUT", path, {"name": "Neu", "folderId": folder}).status_code == 400
    brevo.do("PUT", path, {"name": "Neu"})
    brevo.do("PUT", path, {"folderId": folder})

    assert brevo.get(f"/contacts/folders/{folder}/lists")["lists"][0]["name"] == "Neu"


def test_a_deleted_list_leaves_its_contacts(brevo: BrevoCaller) -> None:
    brevo.create(ANNA, listIds=[brevo.list_id])

    brevo.do("DELETE", f"/contacts/lists/{brevo.list_id}")

    assert brevo.contact(ANNA)["listIds"] == []
    assert brevo.call("GET", f"/contacts/lists/{brevo.list_id}").status_code == 404


def test_a_deleted_list_is_no_list_that_somebody_left(brevo: BrevoCaller) -> None:
    brevo.create(ANNA, listIds=[brevo.list_id])
    brevo.act("person", "unsubscribe", ANNA, list_only=True)

    brevo.do("DELETE", f"/contacts/lists/{brevo.list_id}")

    assert brevo.contact(ANNA)["listUnsubscribed"] is None


def test_a_deleted_folder_takes_its_lists_with_it(brevo: BrevoCaller) -> None:
    brevo.create(ANNA, listIds=[brevo.list_id])

    brevo.do("DELETE", "/contacts/folders/1")

    assert brevo.get("/contacts/lists") == {"count": 0, "lists": []}
    assert brevo.contact(ANNA)["listIds"] == []


def test_adding_tells_success_and_failure_in_the_form_that_was_sent(brevo: BrevoCaller) -> None:
    contact_id = brevo.create(ANNA)

    answer = brevo.do(
        "POST", f"/contacts/lists/{brevo.list_id}/contacts/add", {"ids": [contact_id, 4711]}
    )

    assert answer == {"contacts": {"success": [contact_id], "failure": [4711]}}
    assert members(brevo) == [ANNA]


@pytest.mark.parametrize(
    ("shape", "answer"),
    [
        ("wrapped", {"contacts": {"success": [ANNA], "failure": []}}),
        ("bare", {"success": [ANNA], "failure": []}),
        ("without_failure", {"contacts": {"success": [ANNA]}}),
    ],
)
def test_the_answer_to_adding_has_one_of_three_shapes(
    brevo: BrevoCaller, shape: str, answer: dict[str, Any]
) -> None:
    brevo.switch("membership_answer", shape)
    brevo.create(ANNA)

    path = f"/contacts/lists/{brevo.list_id}/contacts/add"
    assert brevo.do("POST", path, {"emails": [ANNA]}) == answer


@pytest.mark.parametrize(("verb", "text"), [("add", ADD_REFUSED), ("remove", REMOVE_REFUSED)])
def test_a_call_in_which_nothing_succeeds_is_refused_with_the_exact_text(
    brevo: BrevoCaller, verb: str, text: str
) -> None:
    path = f"/contacts/lists/{brevo.list_id}/contacts/{verb}"

    assert refusal(brevo.call("POST", path, {"emails": [ANNA]})) == (400, "invalid_parameter", text)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "invalid_parameter"),
        ({"emails": [ANNA], "ids": [1]}, "invalid_parameter"),
        ({"emails": []}, "missing_parameter"),
        ({"ids": list(range(1, 152))}, "out_of_range"),
    ],
)
def test_entries_are_of_one_kind_and_150_at_the_most(
    brevo: BrevoCaller, body: dict[str, Any], code: str
) -> None:
    path = f"/contacts/lists/{brevo.list_id}/contacts/remove"

    assert refusal(brevo.call("POST", path, body))[:2] == (400, code)


def test_removal_from_a_list_is_no_opt_out(brevo: BrevoCaller) -> None:
    brevo.create(ANNA, ext_id="oo-1", listIds=[brevo.list_id])

    path = f"/contacts/lists/{brevo.list_id}/contacts/remove"
    answer = brevo.do("POST", path, {"extIds": ["oo-1"]})

    assert answer["contacts"]["success"] == ["oo-1"]
    contact = brevo.contact(ANNA)
    assert (contact["listIds"], contact["emailBlacklisted"]) == ([], False)


def test_adding_leaves_a_blocklisting(brevo: BrevoCaller) -> None:
    brevo.create(ANNA)
    brevo.act("person", "unsubscribe", ANNA)

    brevo.do("POST", f"/contacts/lists/{brevo.list_id}/contacts/add", {"emails": [ANNA]})

    assert brevo.contact(ANNA)["emailBlacklisted"] is True
    assert members(brevo) == [ANNA]


@pytest.mark.parametrize("lifted", [False, True])
def test_whether_adding_lifts_an_unsubscription_from_the_list_is_open(
    brevo: BrevoCaller, lifted: bool
) -> None:
    brevo.switch("added_resubscribes_to_list", lifted)
    brevo.create(ANNA, listIds=[brevo.list_id])
    brevo.act("person", "unsubscribe", ANNA, list_only=True)

    brevo.do("POST", f"/contacts/lists/{brevo.list_id}/contacts/add", {"emails": [ANNA]})

    assert brevo.contact(ANNA)["listUnsubscribed"] == (None if lifted else [brevo.list_id])


def test_emptying_a_list_is_a_process(brevo: BrevoCaller) -> None:
    brevo.switch("export_seconds", 60)
    brevo.create(ANNA, listIds=[brevo.list_id])
    path = f"/contacts/lists/{brevo.list_id}/contacts/remove"

    answer = brevo.do("POST", path, {"all": True})

    assert answer["contacts"]["total"] == 1
    assert members(brevo) == [ANNA]
    brevo.sandbox.advance(seconds=60)
    assert members(brevo) == []
    refused = brevo.call("POST", path, {"all": True})
    assert refusal(refused)[2] == "Contacts already removed from list and/or does not exist"


@pytest.mark.parametrize(
    ("language", "names"),
    [
        ("de", {"VORNAME", "NACHNAME"}),
        ("en", {"FIRSTNAME", "LASTNAME"}),
        ("fr", {"PRENOM", "NOM"}),
        ("it", {"NOME", "COGNOME"}),
    ],
)
def test_the_names_are_called_by_the_accounts_language(
    brevo: BrevoCaller, language: str, names: set[str]
) -> None:
    brevo.sandbox.reset(contacts=0, language=language)

    attributes = brevo.get("/contacts/attributes")["attributes"]

    assert names <= {one["name"] for one in attributes if one["category"] == "normal"}
    assert {
        "name": "BLACKLIST",
        "category": "global",
        "type": "float",
        "calculatedValue": "COUNT[BLACKLISTED,BLACKLISTED,<,NOW()]",
    } in attributes


@pytest.mark.parametrize(
    ("kind", "value", "stored"),
    [
        ("text", "Anna", "Anna"),
        ("date", "1989-02-11", "1989-02-11"),
        ("date", "11.02.1989", None),
        ("float", 41, 41.0),
        ("float", True, None),
        ("boolean", True, True),
        ("boolean", "ja", None),
        ("text", 41, None),
        ("multiple-choice", ["Neubau"], ["Neubau"]),
        ("multiple-choice", ["Neubau", "Altbau"], None),
    ],
)
def test_values_of_another_type_are_not_stored(
    brevo: BrevoCaller, kind: str, value: Any, stored: Any
) -> None:
    body = {"type": kind, "multiCategoryOptions": ["Neubau", "Gewerbe"]}
    assert brevo.do("POST", "/contacts/attributes/normal/WERT", body) == {}

    brevo.create(ANNA, attributes={"WERT": value})

    assert brevo.contact(ANNA)["attributes"].get("WERT") == stored


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("normal/VORNAME", {"type": "text"}),
        ("normal/ALTER", {"type": "number"}),
        ("nonsense/ALTER", {"type": "text"}),
        ("category/ART", {"type": "category"}),
        ("normal/WERT", {"type": "multiple-choice", "multiCategoryOptions": ["x" * 201]}),
    ],
)
def test_an_attribute_that_cannot_be_created_is_refused(
    brevo: BrevoCaller, path: str, body: dict[str, Any]
) -> None:
    assert brevo.call("POST", f"/contacts/attributes/{path}", body).status_code == 400


def test_a_deleted_attribute_takes_its_values_with_it(brevo: BrevoCaller) -> None:
    brevo.create(ANNA, attributes={"VORNAME": "Anna"})

    brevo.do("DELETE", "/contacts/attributes/normal/VORNAME")

    assert brevo.contact(ANNA)["attributes"] == {}
    assert brevo.call("DELETE", "/contacts/attributes/normal/VORNAME").status_code == 404


def test_a_deleted_option_is_no_longer_chosen(brevo: BrevoCaller) -> None:
    body = {"type": "multiple-choice", "multiCategoryOptions": ["Neubau", "Gewerbe"]}
    brevo.do("POST", "/contacts/attributes/normal/ART", body)
    brevo.create(ANNA, attributes={"ART": ["Neubau", "Gewerbe"]})

    brevo.do("DELETE", "/contacts/attributes/multiple-choice/ART/Neubau")

    assert brevo.contact(ANNA)["attributes"] == {"ART": ["Gewerbe"]}
