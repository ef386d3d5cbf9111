"""Imports, exports and processes of the Brevo twin, and the double opt-in."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from nl_pipeline_tests.sandbox.brevo.caller import ANNA, BERT, BrevoCaller, refusal

NO_REPORTS = {
    "invalid_emails": None,
    "duplicate_contact_id": None,
    "duplicate_ext_id": None,
    "duplicate_email_id": None,
    "duplicate_phone_id": None,
    "duplicate_whatsapp_id": None,
    "duplicate_landline_number_id": None,
}


def fetched(url: str) -> str:
    """The file behind a link, which asks for no key."""
    return httpx.get(url, trust_env=False, verify=False).raise_for_status().text


def export(brevo: BrevoCaller, **body: Any) -> list[str]:
    """The lines of an export."""
    process_id = brevo.do("POST", "/contacts/export", body)["processId"]
    return fetched(brevo.get(f"/processes/{process_id}")["export_url"]).splitlines()


def test_an_import_writes_new_and_old_contacts(brevo: BrevoCaller) -> None:
    brevo.create(ANNA, attributes={"VORNAME": "Anne", "NACHNAME": "Berg"})

    process_id = brevo.load(
        {"email": ANNA.upper(), "attributes": {"VORNAME": "Anna", "NACHNAME": ""}},
        {"email": BERT, "attributes": {"VORNAME": "Bert", "NONSENSE": "x"}},
    )

    assert brevo.get(f"/processes/{process_id}") == {
        "id": process_id,
        "name": "IMPORTUSER",
        "status": "completed",
        "info": {"import": NO_REPORTS},
    }
    anna, bert = brevo.contact(ANNA), brevo.contact(BERT)
    assert anna["attributes"] == {"VORNAME": "Anna", "NACHNAME": "Berg"}
    assert bert["attributes"] == {"VORNAME": "Bert"}
    assert anna["listIds"] == bert["listIds"] == [brevo.list_id]


def test_an_import_takes_its_time(brevo: BrevoCaller) -> None:
    brevo.switch("import_seconds", 100)
    process_id = brevo.load({"email": ANNA})
    seen = []
    for _ in range(3):
        process = brevo.get(f"/processes/{process_id}")
        seen.append((process["status"], "info" in process, brevo.get("/contacts")["count"]))
        brevo.sandbox.advance(seconds=50)

    assert seen == [("queued", False, 0), ("processing", False, 0), ("completed", True, 1)]


def test_the_older_word_for_a_process_under_way(brevo: BrevoCaller) -> None:
    brevo.switch("import_seconds", 100)
    brevo.switch("process_wording", "in_process")
    process_id = brevo.load({"email": ANNA})

    brevo.sandbox.advance(seconds=50)

    assert brevo.get(f"/processes/{process_id}")["status"] == "in_process"


@pytest.mark.parametrize("kept", [True, False])
def test_whether_an_import_keeps_the_blocklist_is_open(brevo: BrevoCaller, kept: bool) -> None:
    brevo.switch("import_keeps_blocklist", kept)
    brevo.create(ANNA)
    brevo.act("person", "unsubscribe", ANNA)

    brevo.load({"email": ANNA})

    assert brevo.contact(ANNA)["emailBlacklisted"] is kept


@pytest.mark.parametrize("kept", [True, False])
def test_whether_an_import_keeps_an_unsubscription_from_a_list_is_open(
    brevo: BrevoCaller, kept: bool
) -> None:
    brevo.switch("import_keeps_list_unsubscribed", kept)
    brevo.create(ANNA, listIds=[brevo.list_id])
    brevo.act("person", "unsubscribe", ANNA, list_only=True)

    brevo.load({"email": ANNA})

    assert brevo.contact(ANNA)["listUnsubscribed"] == ([brevo.list_id] if kept else None)


def test_an_opt_out_during_an_import_stays_one(brevo: BrevoCaller) -> None:
    brevo.switch("import_seconds", 60)
    brevo.create(ANNA)
    brevo.load({"email": ANNA, "attributes": {"VORNAME": "Anna"}})

    brevo.act("person", "unsubscribe", ANNA)
    brevo.sandbox.advance(seconds=60)

    contact = brevo.contact(ANNA)
    assert (contact["attributes"], contact["emailBlacklisted"]) == ({"VORNAME": "Anna"}, True)


def test_an_import_can_blocklist_all_its_rows(brevo: BrevoCaller) -> None:
    brevo.load({"email": ANNA}, emailBlacklist=True)

    assert brevo.contact(ANNA)["emailBlacklisted"] is True


def test_an_import_that_may_not_update_only_adds_to_the_list(brevo: BrevoCaller) -> None:
    brevo.create(ANNA)

    row = {"email": ANNA, "attributes": {"VORNAME": "Anna"}}
    brevo.load(row, updateExistingContacts=False)

    contact = brevo.contact(ANNA)
    assert (contact["attributes"], contact["listIds"]) == ({}, [brevo.list_id])


def test_empty_values_erase_only_when_the_import_says_so(brevo: BrevoCaller) -> None:
    brevo.create(ANNA, attributes={"VORNAME": "Anna"})

    brevo.load({"email": ANNA, "attributes": {"VORNAME": ""}}, emptyContactsAttributes=True)

    assert brevo.contact(ANNA)["attributes"] == {}


def test_rows_that_fail_stand_in_reports_and_stop_no_other(brevo: BrevoCaller) -> None:
    brevo.create(ANNA, attributes={"SMS": "49170123456"})

    process_id = brevo.load(
        {"email": "kein-email"},
        {"email": BERT, "attributes": {"SMS": "+49170123456"}},
        {"email": "carla@kunde.example"},
    )

    reports = brevo.get(f"/processes/{process_id}")["info"]["import"]
    assert fetched(reports["invalid_emails"]).splitlines() == ["EMAIL", "kein-email"]
    assert fetched(reports["duplicate_phone_id"]).splitlines() == [
        "EMAIL;SMS",
        f"{BERT};+49170123456",
    ]
    emails = [contact["email"] for contact in brevo.get("/contacts", sort="asc")["contacts"]]
    assert emails == [ANNA, "carla@kunde.example"]


def test_a_csv_body_is_read_by_its_header(brevo: BrevoCaller) -> None:
    text = f'EMAIL;VORNAME;NACHNAME\n{ANNA};Anna;"Berg; Tal"\n'

    brevo.do("POST", "/contacts/import", {"fileBody": text, "listIds": [brevo.list_id]})

    assert brevo.contact(ANNA)["attributes"] == {"VORNAME": "Anna", "NACHNAME": "Berg; Tal"}


def test_an_import_can_create_its_list(brevo: BrevoCaller) -> None:
    new = {"listName": "Neu", "folderId": 1}

    brevo.do("POST", "/contacts/import", {"jsonBody": [{"email": ANNA}], "newList": new})

    (list_id,) = brevo.contact(ANNA)["listIds"]
    assert brevo.get(f"/contacts/lists/{list_id}")["name"] == "Neu"


@pytest.mark.parametrize(
    "body",
    [
        {"listIds": [2]},
        {"jsonBody": [{"email": ANNA}]},
        {"jsonBody": [{"email": ANNA}], "fileBody": "EMAIL", "listIds": [2]},
        {"jsonBody": [{"email": ANNA}], "listIds": [999]},
    ],
)
def test_an_import_without_one_source_and_a_list_is_refused(
    brevo: BrevoCaller, body: dict[str, Any]
) -> None:
    assert brevo.call("POST", "/contacts/import", body).status_code == 400
    assert brevo.get("/processes")["count"] == 0


@pytest.mark.parametrize("status", [413, 400])
def test_ten_megabytes_are_taken_and_a_byte_more_is_not(brevo: BrevoCaller, status: int) -> None:
    brevo.switch("too_large_status", status)
    body = b'{"jsonBody":[{"email":"anna.berg@kunde.example"}],"listIds":[%d]}' % brevo.list_id
    largest = body.ljust(10_000_000)

    assert brevo.http.post("/contacts/import", content=largest).status_code == 202
    assert brevo.http.post("/contacts/import", content=largest + b" ").status_code == status


@pytest.mark.parametrize(("silent", "mails"), [(True, 0), (False, 1)])
def test_an_import_mails_the_account_unless_told_not_to(
    brevo: BrevoCaller, silent: bool, mails: int
) -> None:
    brevo.load({"email": ANNA}, disableNotification=silent)

    assert brevo.sandbox.dump("brevo")["account_mails"] == mails


def test_an_unknown_process_does_not_exist(brevo: BrevoCaller) -> None:
    assert refusal(brevo.call("GET", "/processes/78"))[:2] == (404, "document_not_found")


def test_processes_are_listed_newest_first(brevo: BrevoCaller) -> None:
    ids = [brevo.load({"email": ANNA}) for _ in range(2)]

    listed = brevo.get("/processes")

    assert (listed["count"], [one["id"] for one in listed["processes"]]) == (2, ids[::-1])


def test_an_export_of_the_unsubscribed_is_of_the_blocklisted(brevo: BrevoCaller) -> None:
    for email in (ANNA, BERT, "carla@kunde.example"):
        brevo.create(email, listIds=[brevo.list_id], attributes={"VORNAME": "X"})
    brevo.act("person", "unsubscribe", ANNA)
    brevo.act("system", "bounce", BERT)

    lines = export(
        brevo,
        customContactFilter={"actionForContacts": "unsubscribed", "listId": brevo.list_id},
        exportMandatoryAttributes=False,
        exportAttributes=["EMAIL", "VORNAME"],
        exportMetadata=["_listIds"],
        exportSubscriptionStatus=["email_marketing"],
    )

    assert lines == [
        "EMAIL;VORNAME;_listIds;email_marketing",
        f"{ANNA};X;{brevo.list_id};unsubscribed",
        f"{BERT};X;{brevo.list_id};unsubscribed",
    ]


def test_an_export_per_list_is_of_those_who_left_that_list_alone(brevo: BrevoCaller) -> None:
    for email in (ANNA, BERT):
        brevo.create(email, listIds=[brevo.list_id])
    brevo.act("person", "unsubscribe", ANNA)
    brevo.act("person", "unsubscribe", BERT, list_only=True)

    action = {"actionForContacts": "unsubscribedPerList", "listId": brevo.list_id}
    lines = export(brevo, customContactFilter=action, exportDateInUTC=True)

    assert lines[0] == "EMAIL;ADDED_TIME;MODIFIED_TIME"
    assert [line.partition(";")[0] for line in lines[1:]] == [BERT]


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"actionForContacts": "allContacts"},
        {"actionForContacts": "allContacts", "listId": 999},
        {"actionForContacts": "everybody", "listId": 1},
        {"actionForEmailCampaigns": "openers"},
    ],
)
def test_an_export_needs_one_action_with_its_list(
    brevo: BrevoCaller, wanted: dict[str, Any]
) -> None:
    body = {"customContactFilter": wanted}

    assert brevo.call("POST", "/contacts/export", body).status_code == 400


def test_a_file_nobody_made_does_not_exist(brevo: BrevoCaller) -> None:
    url = f"{brevo.sandbox.base_url}/brevo/files/abc/export-1.csv"

    assert httpx.get(url, trust_env=False, verify=False).status_code == 404


def ask(brevo: BrevoCaller, **changes: Any) -> httpx.Response:
    """Ask Anna to confirm."""
    body = {
        "email": ANNA,
        "includeListIds": [brevo.list_id],
        "templateId": 1,
        "redirectionUrl": "https://kunde.example/danke",
        "attributes": {"VORNAME": "Anna"},
    }
    return brevo.call("POST", "/contacts/doubleOptinConfirmation", body | changes)


def test_a_person_is_on_the_list_from_the_click_on(brevo: BrevoCaller) -> None:
    assert ask(brevo).status_code == 201
    assert brevo.get("/contacts")["count"] == 0

    brevo.act("person", "confirm", ANNA)

    contact = brevo.contact(ANNA)
    assert (contact["listIds"], contact["attributes"]) == ([brevo.list_id], {"VORNAME": "Anna"})


@pytest.mark.parametrize("lifted", [True, False])
def test_whether_the_click_lifts_the_blocklisting_is_open(brevo: BrevoCaller, lifted: bool) -> None:
    brevo.switch("confirmation_lifts_blocklist", lifted)
    brevo.create(ANNA)
    brevo.act("person", "unsubscribe", ANNA)

    assert ask(brevo).status_code == 204
    assert brevo.contact(ANNA)["emailBlacklisted"] is True
    brevo.act("person", "confirm", ANNA)

    assert brevo.contact(ANNA)["emailBlacklisted"] is not lifted


def test_a_request_can_create_the_contact_before_the_click(brevo: BrevoCaller) -> None:
    brevo.switch("confirmation_creates_contact", True)

    ask(brevo)

    assert brevo.contact(ANNA)["listIds"] == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"includeListIds": []}, "missing_parameter"),
        ({"templateId": 2}, "invalid_parameter"),
        ({"redirectionUrl": "danke"}, "invalid_parameter"),
        ({"email": "anna"}, "invalid_parameter"),
    ],
)
def test_a_request_to_confirm_needs_list_template_and_target(
    brevo: BrevoCaller, changes: dict[str, Any], code: str
) -> None:
    assert refusal(ask(brevo, **changes))[:2] == (400, code)
    assert brevo.sandbox.dump("brevo")["confirmations"] == []
