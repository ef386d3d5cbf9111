"""Members: identity, merge fields, consent times, ``last_changed``, refused data."""

from __future__ import annotations

from typing import Any

import pytest

from nl_pipeline_tests.sandbox.mailchimp.caller import ANNA, MailchimpCaller, subscriber_hash
from nl_pipeline_tests.sandbox_control import SandboxControl

NEW = "anna.neu@kunde.example"


def test_a_member_is_found_by_hash_address_and_contact_id(mailchimp: MailchimpCaller) -> None:
    member = mailchimp.add()
    references = (subscriber_hash(ANNA), ANNA, ANNA.upper(), member["contact_id"])
    assert {mailchimp.get(f"members/{reference}")["id"] for reference in references} == {
        member["id"]
    }


def test_an_address_change_keeps_contact_id_web_id_and_tags(mailchimp: MailchimpCaller) -> None:
    before = mailchimp.add(tags=["Neubau"])
    after = mailchimp.patch(ANNA, email_address=NEW).json()
    for name in ("contact_id", "web_id", "tags", "timestamp_opt"):
        assert after[name] == before[name]
    assert after["id"] == subscriber_hash(NEW)


def test_the_hash_of_the_old_address_is_gone(mailchimp: MailchimpCaller) -> None:
    mailchimp.add()
    mailchimp.patch(ANNA, email_address=NEW).raise_for_status()
    assert mailchimp.call("GET", f"members/{subscriber_hash(ANNA)}").status_code == 404


@pytest.mark.parametrize("status", ["subscribed", "unsubscribed", "pending"])
def test_an_address_change_onto_a_member_of_any_status_is_refused(
    status: str, mailchimp: MailchimpCaller
) -> None:
    mailchimp.add()
    mailchimp.add(NEW, status=status)
    assert mailchimp.patch(ANNA, email_address=NEW).json()["title"] == "Member Exists"


def test_another_case_of_the_same_address_is_no_change(mailchimp: MailchimpCaller) -> None:
    mailchimp.add()
    assert mailchimp.put(ANNA.lower(), status_if_new="subscribed").json()["email_address"] == ANNA


def test_put_on_an_unknown_hash_creates_the_member_of_the_body(mailchimp: MailchimpCaller) -> None:
    body = {"email_address": NEW, "status_if_new": "subscribed"}
    assert mailchimp.do("PUT", f"members/{subscriber_hash(ANNA)}", body)["id"] == (
        subscriber_hash(NEW)
    )


def test_put_with_a_status_alone_is_enough_for_an_existing_member(
    mailchimp: MailchimpCaller,
) -> None:
    mailchimp.add()
    answer = mailchimp.do("PUT", f"members/{subscriber_hash(ANNA)}", {"status": "unsubscribed"})
    assert answer["status"] == "unsubscribed"


def test_merge_fields_are_merged_by_tag(mailchimp: MailchimpCaller) -> None:
    mailchimp.add(merge_fields={"FNAME": "Anna", "LNAME": "Berg"})
    fields = mailchimp.patch(ANNA, merge_fields={"LNAME": "Tal"}).json()["merge_fields"]
    assert fields == {"FNAME": "Anna", "LNAME": "Tal", "ADDRESS": "", "PHONE": ""}


def test_an_empty_text_clears_a_merge_field(mailchimp: MailchimpCaller) -> None:
    mailchimp.add(merge_fields={"FNAME": "Anna"})
    assert mailchimp.patch(ANNA, merge_fields={"FNAME": ""}).json()["merge_fields"]["FNAME"] == ""


def test_an_unknown_merge_tag_is_ignored_in_silence(mailchimp: MailchimpCaller) -> None:
    assert "VORNAME" not in mailchimp.add(merge_fields={"VORNAME": "Anna"})["merge_fields"]


def test_a_text_is_cut_at_255_bytes(mailchimp: MailchimpCaller) -> None:
    stored = mailchimp.add(merge_fields={"FNAME": "ü" * 200})["merge_fields"]["FNAME"]
    assert stored == "ü" * 127


@pytest.mark.parametrize(
    ("kind", "options", "value", "stored"),
    [
        pytest.param("number", {}, "4711", 4711, id="number from text"),
        pytest.param("date", {}, "12/21/1980", "1980-12-21", id="date read back as ISO"),
        pytest.param("birthday", {}, "12/21", "12/21", id="birthday"),
        pytest.param("dropdown", {"choices": ["A", "B"]}, "B", "B", id="a configured choice"),
    ],
)
def test_a_value_is_stored_in_the_form_of_its_type(
    kind: str, options: dict[str, Any], value: Any, stored: Any, mailchimp: MailchimpCaller
) -> None:
    mailchimp.do(
        "POST", "merge-fields", {"name": "X", "type": kind, "tag": "X", "options": options}
    )
    assert mailchimp.add(merge_fields={"X": value})["merge_fields"]["X"] == stored


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("number", "viel"),
        ("date", "gestern"),
        ("birthday", "21.12."),
        ("dropdown", "C"),
        ("zip", "D-52062"),
        ("url", "kein link"),
        ("address", {"addr1": "Weg 1"}),
        ("text", True),
    ],
)
def test_a_value_that_does_not_fit_its_type_is_refused_by_tag(
    kind: str, value: Any, mailchimp: MailchimpCaller
) -> None:
    mailchimp.do("POST", "merge-fields", {"name": "X", "type": kind, "tag": "X"})
    document = mailchimp.put(ANNA, status_if_new="subscribed", merge_fields={"X": value}).json()
    assert document["detail"] == "Your merge fields were invalid."
    assert [error["field"] for error in document["errors"]] == ["X"]


def test_a_missing_required_field_is_refused_unless_the_check_is_skipped(
    mailchimp: MailchimpCaller,
) -> None:
    mailchimp.do(
        "POST", "merge-fields", {"name": "X", "type": "text", "tag": "X", "required": True}
    )
    path = f"members/{subscriber_hash(ANNA)}"
    body = {"email_address": ANNA, "status_if_new": "subscribed"}
    refused = mailchimp.call("PUT", path, body).json()
    assert refused["errors"] == [{"field": "X", "message": "Please enter a value"}]
    assert mailchimp.call("PUT", path, body, skip_merge_validation="true").is_success


@pytest.mark.parametrize(
    ("address", "detail"),
    [
        ("kein-email", "Please provide a valid email address."),
        (
            "anna@example.com",
            "anna@example.com looks fake or invalid, please enter a real email address.",
        ),
    ],
)
def test_a_bad_address_is_refused(address: str, detail: str, mailchimp: MailchimpCaller) -> None:
    assert mailchimp.put(address, status_if_new="subscribed").json()["detail"] == detail


def test_a_put_that_changes_nothing_leaves_last_changed(
    mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    before = mailchimp.add(merge_fields={"FNAME": "Anna"})["last_changed"]
    sandbox.advance(seconds=60)
    answer = mailchimp.put(ANNA, status="subscribed", merge_fields={"FNAME": "Anna"}).json()
    assert answer["last_changed"] == before


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        pytest.param("PATCH", "", {"status": "unsubscribed"}, id="status"),
        pytest.param("PATCH", "", {"merge_fields": {"FNAME": "Neu"}}, id="merge field"),
        pytest.param("PATCH", "", {"email_address": ANNA.replace("g", "x")}, id="address"),
        pytest.param("POST", "/tags", {"tags": [{"name": "T", "status": "active"}]}, id="tag"),
        pytest.param("DELETE", "", None, id="archive"),
    ],
)
def test_a_real_change_moves_last_changed(
    method: str, path: str, body: Any, mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    before = mailchimp.add()
    sandbox.advance(seconds=60)
    mailchimp.do(method, f"members/{before['contact_id']}{path}", body)
    after = mailchimp.get(f"members/{before['contact_id']}")
    assert after["last_changed"] > before["last_changed"]


def test_a_new_subscriber_gets_opt_in_time_and_ip_of_the_caller(mailchimp: MailchimpCaller) -> None:
    member = mailchimp.add()
    assert member["timestamp_opt"] == member["last_changed"]
    assert (member["ip_opt"], member["timestamp_signup"]) == ("127.0.0.1", "")


def test_consent_data_that_is_sent_is_kept(mailchimp: MailchimpCaller) -> None:
    member = mailchimp.add(timestamp_opt="2026-03-01 10:00:00", ip_opt="203.0.113.9")
    assert (member["timestamp_opt"], member["ip_opt"]) == (
        "2026-03-01T10:00:00+00:00",
        "203.0.113.9",
    )


def test_resubscribing_by_api_leaves_the_opt_in_time(
    mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    before = mailchimp.add()["timestamp_opt"]
    mailchimp.patch(ANNA, status="unsubscribed").raise_for_status()
    sandbox.advance(seconds=60)
    assert mailchimp.patch(ANNA, status="subscribed").json()["timestamp_opt"] == before


def test_unarchiving_renews_the_opt_in_time_and_keeps_the_contact_id(
    mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    before = mailchimp.add()
    mailchimp.do("DELETE", f"members/{subscriber_hash(ANNA)}")
    sandbox.advance(seconds=60)
    after = mailchimp.add()
    assert after["contact_id"] == before["contact_id"]
    assert after["timestamp_opt"] > before["timestamp_opt"]


def test_the_reason_tells_an_admin_from_the_contact(
    mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    mailchimp.add()
    mailchimp.add(NEW)
    mailchimp.patch(ANNA, status="unsubscribed").raise_for_status()
    sandbox.act(
        "mailchimp", actor="person", action="unsubscribe", email=NEW, reason="Kein Interesse"
    )
    assert mailchimp.member(ANNA)["unsubscribe_reason"] == "N/A (Unsubscribed by admin)"
    assert mailchimp.member(NEW)["unsubscribe_reason"] == "Kein Interesse"


def test_the_reason_is_there_only_while_unsubscribed(mailchimp: MailchimpCaller) -> None:
    assert "unsubscribe_reason" not in mailchimp.add()


def test_tags_of_a_put_are_ignored(mailchimp: MailchimpCaller) -> None:
    mailchimp.add()
    assert mailchimp.put(ANNA, status_if_new="subscribed", tags=["Neu"]).json()["tags"] == []


def test_notes_are_kept_and_limited_to_1000_characters(mailchimp: MailchimpCaller) -> None:
    mailchimp.add()
    path = f"members/{subscriber_hash(ANNA)}/notes"
    mailchimp.do("POST", path, {"note": "Rückruf"})
    assert [note["note"] for note in mailchimp.get(path)["notes"]] == ["Rückruf"]
    assert mailchimp.call("POST", path, {"note": "x" * 1001}).status_code == 400


def test_events_are_listed(mailchimp: MailchimpCaller) -> None:
    mailchimp.add()
    path = f"members/{subscriber_hash(ANNA)}/events"
    assert mailchimp.call("POST", path, {"name": "exposee_sent"}).status_code == 204
    assert mailchimp.get(path)["events"][0]["name"] == "exposee_sent"


def test_a_journey_takes_a_subscriber_and_no_one_else(
    mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    path = "/customer-journeys/journeys/101/steps/1001/actions/trigger"
    assert mailchimp.call("POST", path, {"email_address": ANNA}).status_code == 400
    mailchimp.add()
    assert mailchimp.call("POST", path, {"email_address": ANNA}).status_code == 204
    entries = sandbox.dump("mailchimp")["journey_entries"]
    assert [entry["email_address"] for entry in entries] == [ANNA]
