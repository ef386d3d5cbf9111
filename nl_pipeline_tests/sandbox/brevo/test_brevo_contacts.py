"""Single contacts of the Brevo twin: creating, reading, updating, deleting, and what is unique."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from nl_pipeline_tests.sandbox.brevo.caller import ANNA, BERT, BrevoCaller, refusal

EMAIL_TAKEN = "Unable to create contact, email is already associated with another Contact"


def test_a_new_contact_is_shown_as_in_a_live_capture(brevo: BrevoCaller) -> None:
    contact_id = brevo.create(
        "Anna.Berg@Kunde.example",
        attributes={"VORNAME": "Anna", "SMS": "+49 170 1234567"},
        ext_id="oo-1",
        listIds=[brevo.list_id],
    )

    contact = brevo.contact(ANNA)
    created, modified = contact.pop("createdAt"), contact.pop("modifiedAt")
    assert contact == {
        "id": contact_id,
        "email": ANNA,
        "emailBlacklisted": False,
        "smsBlacklisted": False,
        "whatsappBlacklisted": False,
        "listIds": [brevo.list_id],
        "listUnsubscribed": None,
        "attributes": {"VORNAME": "Anna", "SMS": "491701234567", "EXT_ID": "oo-1"},
        "subscriptions": {},
        "statistics": {},
    }
    offset = datetime.fromisoformat(created).utcoffset()
    assert offset is not None
    assert offset in (timedelta(hours=1), timedelta(hours=2))
    assert modified >= created


def test_times_can_be_in_utc(brevo: BrevoCaller) -> None:
    brevo.switch("times", "utc")
    brevo.create(ANNA)

    assert brevo.contact(ANNA)["createdAt"].endswith("Z")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "missing_parameter"),
        ({"email": "anna.berg"}, "invalid_parameter"),
        ({"email": ANNA, "listIds": [999]}, "invalid_parameter"),
        ({"email": ANNA, "attributes": {"SMS": "keine"}}, "invalid_parameter"),
        ({"email": ANNA, "emailBlacklisted": "ja"}, "invalid_parameter"),
    ],
)
def test_a_contact_that_cannot_be_written_is_refused_whole(
    brevo: BrevoCaller, body: dict[str, Any], code: str
) -> None:
    assert refusal(brevo.call("POST", "/contacts", body))[:2] == (400, code)
    assert brevo.get("/contacts") == {"contacts": [], "count": 0}


@pytest.mark.parametrize(
    "email",
    [
        "a@b",
        "a b@kunde.example",
        "a@b@kunde.example",
        ".a@kunde.example",
        "a.@kunde.example",
        "a..b@kunde.example",
        "a@kunde..example",
        "x" * 250 + "@kunde.example",
    ],
)
def test_what_is_no_address_is_not_taken(brevo: BrevoCaller, email: str) -> None:
    assert brevo.call("POST", "/contacts", {"email": email}).status_code == 400


@pytest.mark.parametrize(
    ("wording", "code"), [("new", "invalid_parameter"), ("old", "duplicate_parameter")]
)
def test_an_address_that_exists_is_refused_with_the_code_of_its_time(
    brevo: BrevoCaller, wording: str, code: str
) -> None:
    brevo.switch("duplicate_code", wording)
    brevo.create(ANNA)

    answer = brevo.call("POST", "/contacts", {"email": ANNA.upper()})

    assert refusal(answer) == (400, code, EMAIL_TAKEN)
    assert answer.json()["metadata"] == {"duplicate_identifiers": ["email"]}


def test_a_contact_without_address_is_told_apart_by_its_telephone(brevo: BrevoCaller) -> None:
    body = {"attributes": {"SMS": "49170123456"}}
    brevo.do("POST", "/contacts", body)

    answer = brevo.call("POST", "/contacts", body)

    assert answer.json()["metadata"] == {"duplicate_identifiers": ["sms"]}
    (contact,) = brevo.get("/contacts")["contacts"]
    assert contact["email"] == "49170123456@mailin-sms.com"


def test_an_upsert_of_a_contact_that_exists_tells_nothing_back(brevo: BrevoCaller) -> None:
    brevo.create(ANNA, attributes={"VORNAME": "Anna"})

    answer = brevo.call(
        "POST",
        "/contacts",
        {"email": ANNA, "attributes": {"NACHNAME": "Berg"}, "updateEnabled": True},
    )

    assert (answer.status_code, answer.content) == (204, b"")
    assert brevo.contact(ANNA)["attributes"] == {"VORNAME": "Anna", "NACHNAME": "Berg"}


def test_an_upsert_tells_the_id_when_asked(brevo: BrevoCaller) -> None:
    contact_id = brevo.create(ANNA)

    answer = brevo.do("POST", "/contacts", {"email": ANNA, "updateEnabled": True, "getId": True})

    assert answer == {"id": contact_id}


def test_unknown_attributes_and_wrong_types_vanish_in_silence(brevo: BrevoCaller) -> None:
    brevo.do("POST", "/contacts/attributes/normal/ALTER", {"type": "float"})

    brevo.create(ANNA, attributes={"FNAME": "Anna", "vorname": "Anna", "ALTER": "41"})

    assert brevo.contact(ANNA)["attributes"] == {}


def test_an_upsert_with_the_flag_false_lifts_the_blocklisting(brevo: BrevoCaller) -> None:
    brevo.create(ANNA)
    brevo.act("person", "unsubscribe", ANNA)

    brevo.do("POST", "/contacts", {"email": ANNA, "emailBlacklisted": False, "updateEnabled": True})

    assert brevo.contact(ANNA)["emailBlacklisted"] is False


def test_an_update_without_the_flag_leaves_the_blocklisting(brevo: BrevoCaller) -> None:
    brevo.create(ANNA)
    brevo.act("person", "unsubscribe", ANNA)

    brevo.put(ANNA, attributes={"VORNAME": "Anna"}, listIds=[brevo.list_id]).raise_for_status()

    assert brevo.contact(ANNA)["emailBlacklisted"] is True


def test_lists_are_added_and_unlinked_never_replaced(brevo: BrevoCaller) -> None:
    other = brevo.do("POST", "/contacts/lists", {"name": "Zweite", "folderId": 1})["id"]
    brevo.create(ANNA, listIds=[brevo.list_id])

    brevo.put(ANNA, listIds=[other])
    assert brevo.contact(ANNA)["listIds"] == [brevo.list_id, other]

    brevo.put(ANNA, unlinkListIds=[brevo.list_id])
    assert brevo.contact(ANNA)["listIds"] == [other]


def test_an_empty_value_erases_an_attribute(brevo: BrevoCaller) -> None:
    brevo.create(ANNA, attributes={"VORNAME": "Anna", "NACHNAME": "Berg"})

    brevo.put(ANNA, attributes={"VORNAME": ""})

    assert brevo.contact(ANNA)["attributes"] == {"NACHNAME": "Berg"}


def test_a_changed_address_keeps_the_contact(brevo: BrevoCaller) -> None:
    contact_id = brevo.create(ANNA, listIds=[brevo.list_id])

    brevo.put(ANNA, attributes={"EMAIL": "Neu@kunde.example"}).raise_for_status()

    assert brevo.contact("neu@kunde.example")["id"] == contact_id
    assert brevo.call("GET", f"/contacts/{quote(ANNA)}").status_code == 404


def test_a_changed_address_lifts_the_blocklisting(brevo: BrevoCaller) -> None:
    brevo.create(ANNA)
    brevo.act("person", "unsubscribe", ANNA)

    brevo.put(ANNA, attributes={"EMAIL": BERT})

    assert brevo.contact(BERT)["emailBlacklisted"] is False


@pytest.mark.parametrize("kept", [False, True])
def test_whether_the_flag_survives_in_the_call_that_changes_the_address_is_open(
    brevo: BrevoCaller, kept: bool
) -> None:
    brevo.switch("address_change_keeps_flag_sent", kept)
    brevo.create(ANNA)
    brevo.act("person", "unsubscribe", ANNA)

    brevo.put(ANNA, attributes={"EMAIL": BERT}, emailBlacklisted=True)

    assert brevo.contact(BERT)["emailBlacklisted"] is kept


@pytest.mark.parametrize("lifted", [False, True])
def test_whether_a_changed_address_lifts_an_unsubscription_from_a_list_is_open(
    brevo: BrevoCaller, lifted: bool
) -> None:
    brevo.switch("address_change_resubscribes_to_lists", lifted)
    brevo.create(ANNA, listIds=[brevo.list_id])
    brevo.act("person", "unsubscribe", ANNA, list_only=True)

    brevo.put(ANNA, attributes={"EMAIL": BERT})

    assert brevo.contact(BERT)["listUnsubscribed"] == (None if lifted else [brevo.list_id])


def test_an_address_of_another_contact_is_refused(brevo: BrevoCaller) -> None:
    brevo.create(ANNA)
    brevo.create(BERT)

    answer = brevo.put(ANNA, attributes={"EMAIL": BERT})

    assert answer.json()["message"].startswith("Unable to update contact, email is already")
    assert brevo.contact(ANNA)["email"] == ANNA


def test_a_telephone_of_another_contact_fails_the_whole_write(brevo: BrevoCaller) -> None:
    brevo.create(ANNA, attributes={"SMS": "0049170123456"})
    brevo.create(BERT)

    answer = brevo.put(BERT, attributes={"SMS": "+49170123456", "VORNAME": "Bert"})

    assert answer.json()["metadata"] == {"duplicate_identifiers": ["sms"]}
    assert brevo.contact(BERT)["attributes"] == {}


def test_a_merge_deletes_whom_it_does_not_keep(brevo: BrevoCaller) -> None:
    brevo.create(ANNA, attributes={"SMS": "49170123456"})
    brevo.act("person", "unsubscribe", ANNA)
    brevo.create(BERT)
    brevo.sandbox.advance(seconds=1)
    brevo.put(BERT, attributes={"VORNAME": "Bert"})

    brevo.put(BERT, attributes={"SMS": "49170123456"}, forceMerge=True).raise_for_status()

    assert [contact["email"] for contact in brevo.get("/contacts")["contacts"]] == [BERT]
    assert brevo.dumped(ANNA)["deleted"] is True


def test_deletion_forgets_the_blocklisting(brevo: BrevoCaller) -> None:
    brevo.create(ANNA)
    brevo.act("person", "unsubscribe", ANNA)

    assert brevo.call("DELETE", f"/contacts/{quote(ANNA)}").status_code == 204
    assert refusal(brevo.call("GET", f"/contacts/{quote(ANNA)}")) == (
        404,
        "document_not_found",
        "Contact does not exist",
    )
    brevo.create(ANNA)

    assert brevo.contact(ANNA)["emailBlacklisted"] is False


def test_the_accounts_own_user_cannot_be_deleted(brevo: BrevoCaller) -> None:
    owner = brevo.get("/account")["email"]
    brevo.create(owner)

    assert brevo.call("DELETE", f"/contacts/{quote(owner)}").status_code == 405


@pytest.mark.parametrize(
    ("kind", "identifier"),
    [
        ("email_id", ANNA),
        ("phone_id", "+49170123456"),
        ("whatsapp_id", "49170123457"),
        ("landline_number_id", "4924112345"),
        ("ext_id", "4711"),
    ],
)
def test_a_contact_is_found_by_any_of_its_identifiers(
    brevo: BrevoCaller, kind: str, identifier: str
) -> None:
    contact_id = brevo.create(
        ANNA,
        ext_id="4711",
        attributes={
            "SMS": "49170123456",
            "WHATSAPP": "49170123457",
            "LANDLINE_NUMBER": "4924112345",
        },
    )

    path = f"/contacts/{quote(identifier, safe='')}"
    assert brevo.get(path, identifierType=kind)["id"] == contact_id


def test_digits_are_an_id_unless_something_else_is_said(brevo: BrevoCaller) -> None:
    brevo.create(ANNA, ext_id="2")
    other = brevo.create(BERT)

    assert brevo.get(f"/contacts/{other}")["email"] == BERT


@pytest.mark.parametrize(
    ("path", "kind"), [("kein", ""), ("kein", "email_id"), ("1", "number"), ("a", "contact_id")]
)
def test_an_identifier_of_another_kind_is_refused(brevo: BrevoCaller, path: str, kind: str) -> None:
    assert brevo.call("GET", f"/contacts/{path}", identifierType=kind).status_code == 400


def test_a_plus_sign_has_to_be_encoded(brevo: BrevoCaller) -> None:
    brevo.create("anna+news@kunde.example")

    assert brevo.call("GET", "/contacts/anna%2Bnews@kunde.example").status_code == 200
    assert brevo.call("GET", "/contacts/anna+news@kunde.example").status_code == 400


@pytest.mark.parametrize(
    ("behaviour", "status"), [("gone", 410), ("not_found", 404), ("works", 204)]
)
def test_the_bulk_update_is_retired(brevo: BrevoCaller, behaviour: str, status: int) -> None:
    brevo.switch("batch_updates", behaviour)
    brevo.create(ANNA)

    answer = brevo.call(
        "POST", "/contacts/batch", {"contacts": [{"email": ANNA, "emailBlacklisted": True}]}
    )

    assert answer.status_code == status
    assert brevo.contact(ANNA)["emailBlacklisted"] is (behaviour == "works")


def test_consent_groups_are_shown_with_the_feature_on(brevo: BrevoCaller) -> None:
    brevo.create(ANNA)
    assert "consentGroups" not in brevo.contact(ANNA)

    brevo.switch("consent_groups", True)
    brevo.act("person", "unsubscribe", ANNA, consent_group=3)

    assert brevo.contact(ANNA)["consentGroups"] == [{"id": 3, "status": "unsubscribed"}]
    assert brevo.contact(ANNA)["emailBlacklisted"] is False
