"""Strangers: Mailchimp's own client library works against the twin and gets what it expects.

The visit is made once (`sdk_visit`); each test looks at one thing that came back.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from nl_pipeline_tests.contract.mailchimp import sdk_visit as people
from nl_pipeline_tests.contract.mailchimp.conftest import SdkVisit
from nl_pipeline_tests.contract.mailchimp.sdk_answers import (
    AccountAnswers,
    BulkAnswers,
    MemberAnswers,
    ReportAnswers,
    TagAnswers,
    Visit,
    WebhookAnswers,
)
from nl_pipeline_tests.sandbox.mailchimp.caller import subscriber_hash


@pytest.fixture
def visit(sdk_visit: SdkVisit) -> Visit:
    return sdk_visit.visit


@pytest.fixture
def account(visit: Visit) -> AccountAnswers:
    return visit.account


@pytest.fixture
def members(visit: Visit) -> MemberAnswers:
    return visit.members


@pytest.fixture
def bulk(visit: Visit) -> BulkAnswers:
    return visit.bulk


@pytest.fixture
def tags(visit: Visit) -> TagAnswers:
    return visit.tags


@pytest.fixture
def webhooks(visit: Visit) -> WebhookAnswers:
    return visit.webhooks


@pytest.fixture
def reports(visit: Visit) -> ReportAnswers:
    return visit.reports


def addresses(rows: list[dict[str, Any]]) -> list[str]:
    return [row["email_address"] for row in rows]


def test_the_library_is_greeted_and_told_the_role_of_its_key(account: AccountAnswers) -> None:
    assert account.ping == {"health_status": "Everything's Chimpy!"}
    assert account.root["role"] == "owner"


def test_the_library_creates_finds_and_changes_an_audience(account: AccountAnswers) -> None:
    list_id = account.created["id"]
    assert list_id in [found["id"] for found in account.listed["lists"]]
    assert account.found["stats"]["total_contacts"] == 0
    assert (account.created["double_optin"], account.changed["double_optin"]) == (False, True)


def test_the_library_adds_puts_and_changes_members(members: MemberAnswers) -> None:
    assert (members.added["id"], members.added["status"]) == (
        subscriber_hash(people.EVA),
        "subscribed",
    )
    assert members.put["status"] == "pending"
    assert members.changed["full_name"] == "Eva Berg"


def test_the_library_unsubscribes_and_archives_members(members: MemberAnswers) -> None:
    assert members.opted_out["unsubscribe_reason"] == "N/A (Unsubscribed by admin)"
    assert members.archived["status"] == "archived"


def test_a_member_that_moves_keeps_its_contact_id_for_the_library(members: MemberAnswers) -> None:
    assert members.moved["id"] == subscriber_hash("lea.neu@kunde.example")
    assert members.moved["web_id"]


def test_the_library_pages_through_all_members_once(members: MemberAnswers) -> None:
    found = [address for page in members.pages for address in addresses(page["members"])]
    assert len(found) == len(set(found)) == members.pages[0]["total_items"] == 5


def test_filters_of_the_library_choose_members(members: MemberAnswers) -> None:
    assert addresses(members.only_unsubscribed["members"]) == [people.TIM]
    assert members.in_window["total_items"] == 5
    (chosen,) = members.chosen_fields["members"]
    assert chosen.keys() == {"id", "status"}


def test_the_library_subscribes_many_at_once_and_learns_who_was_refused(bulk: BulkAnswers) -> None:
    assert bulk.subscribed["total_created"] == 4
    (error,) = bulk.subscribed["errors"]
    assert (error["email_address"], error["error_code"]) == ("nobody@example.com", "ERROR_GENERIC")


def test_the_library_runs_a_batch_and_each_operation_has_its_result(bulk: BulkAnswers) -> None:
    assert bulk.started["status"] == "pending"
    assert (bulk.status["status"], bulk.status["errored_operations"]) == ("finished", 1)
    assert [batch["id"] for batch in bulk.listed["batches"]] == [bulk.started["id"]]
    assert bulk.results == {"change": 200, "read": 200, "absent": 404}


def test_the_library_tags_members_and_finds_tags_by_their_beginning(tags: TagAnswers) -> None:
    assert [tag["name"] for tag in tags.tags["tags"]] == ["Interessent"]
    assert [tag["name"] for tag in tags.search["tags"]] == ["Interessent"]


def test_the_library_fills_and_removes_a_segment(tags: TagAnswers) -> None:
    assert tags.segment["member_count"] == 1
    assert (tags.changed["total_added"], tags.changed["total_removed"]) == (1, 1)
    assert tags.changed["errors"][0]["email_addresses"] == ["nobody@kunde.example"]
    assert addresses(tags.segment_members["members"]) == [people.EVA]
    assert {segment["name"] for segment in tags.segments["segments"]} == {"Interessent", "Kunden"}
    assert [segment["name"] for segment in tags.after_removal["segments"]] == ["Interessent"]


def test_the_library_adds_and_removes_a_merge_field(tags: TagAnswers) -> None:
    before = {field["tag"] for field in tags.merge_fields["merge_fields"]}
    after = {field["tag"] for field in tags.merge_fields_after["merge_fields"]}
    assert tags.merge_field["type"] == "text"
    assert before - after == {"ANREDE"}


def test_the_library_learns_the_secret_of_a_webhook_once(webhooks: WebhookAnswers) -> None:
    assert webhooks.created["signing_secret"]
    (listed,) = webhooks.listed["webhooks"]
    assert "signing_secret" not in listed


def test_the_library_changes_and_deletes_a_webhook(webhooks: WebhookAnswers) -> None:
    events = {**dict.fromkeys(people.EVENTS, True), "campaign": False}
    assert webhooks.changed["events"] == webhooks.read["events"] == events
    assert webhooks.after_deletion["webhooks"] == []


def test_the_library_sees_campaigns_and_who_got_them(reports: ReportAnswers) -> None:
    (campaign,) = reports.campaigns["campaigns"]
    assert campaign["emails_sent"] == reports.report["emails_sent"] == 3
    assert reports.campaign["settings"]["subject_line"] == "Neue Objekte"
    assert {row["status"] for row in reports.sent_to["sent_to"]} == {"sent"}


def test_the_library_sees_what_recipients_did(reports: ReportAnswers) -> None:
    actions = {
        item["action"] for row in reports.email_activity["emails"] for item in row["activity"]
    }
    assert actions == {"open", "click"}


def test_the_library_sees_who_left_through_a_campaign(reports: ReportAnswers) -> None:
    left = {row["email_address"]: row["reason"] for row in reports.unsubscribed["unsubscribes"]}
    assert left[people.KAI] == "Kein Interesse mehr"


def test_the_library_sees_complaints_of_the_campaign_and_of_the_audience(
    reports: ReportAnswers,
) -> None:
    complained = ["lea.neu@kunde.example"]
    assert addresses(reports.campaign_complaints["abuse_reports"]) == complained
    assert addresses(reports.complaints["abuse_reports"]) == complained


def test_the_feed_tells_the_library_that_a_person_left(reports: ReportAnswers) -> None:
    newest = reports.feed["activity"][0]
    assert (newest["activity_type"], newest["is_admin_unsubscribed"]) == ("unsub", False)
    assert reports.activity["activity"][0]["action"] == "unsub"


def test_the_growth_of_the_audience_counts_the_day(reports: ReportAnswers) -> None:
    assert reports.growth["activity"][0]["emails_sent"] == 3


def test_the_library_writes_a_note_and_reads_it_again(reports: ReportAnswers) -> None:
    assert [note["note"] for note in reports.notes["notes"]] == ["Rückruf"]
    assert reports.notes["notes"][0]["id"] == reports.note["id"]


@pytest.mark.parametrize(
    ("what", "status", "title"),
    [
        ("absent", 404, "Resource Not Found"),
        ("exists", 400, "Member Exists"),
        ("opted out", 400, "Member In Compliance State"),
        ("forgotten", 400, "Forgotten Email Not Subscribed"),
        ("already archived", 405, "Method Not Allowed"),
        ("fake", 400, "Invalid Resource"),
        ("no webhook there", 400, "Invalid Resource"),
        ("one audience too many", 403, "Authorization Failure"),
        ("throttled", 429, "TooManyRequests"),
    ],
)
def test_a_refusal_reaches_the_library_with_status_and_problem(
    visit: Visit, what: str, status: int, title: str
) -> None:
    refused = visit.refused[what]
    assert refused.status_code == status
    assert json.loads(refused.text)["title"] == title
