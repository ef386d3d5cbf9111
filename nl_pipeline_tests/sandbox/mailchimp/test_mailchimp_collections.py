"""Reading the members collection: filters by status and time, paging, chosen fields, faults."""

from __future__ import annotations

import pytest

from nl_pipeline_tests.sandbox.mailchimp.caller import (
    ANNA,
    MailchimpCaller,
    bring_into_state,
)
from nl_pipeline_tests.sandbox_control import SandboxControl


def five_members(mailchimp: MailchimpCaller) -> list[str]:
    addresses = [f"kunde{number}@kunde.example" for number in range(5)]
    for address in addresses:
        mailchimp.add(address)
    return addresses


def test_archived_members_come_only_when_asked_for(
    mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    bring_into_state("archived", mailchimp=mailchimp, sandbox=sandbox)
    assert mailchimp.addresses() == []
    assert mailchimp.addresses(status="archived") == [ANNA]


def test_the_switch_shows_archived_members_unasked(
    mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    bring_into_state("archived", mailchimp=mailchimp, sandbox=sandbox)
    sandbox.switch("mailchimp", name="unfiltered_includes_archived", value=True)
    assert mailchimp.addresses() == [ANNA]


def test_a_page_has_ten_members_unless_told_otherwise(mailchimp: MailchimpCaller) -> None:
    for number in range(11):
        mailchimp.add(f"kunde{number}@kunde.example")
    page = mailchimp.get("members")
    assert (len(page["members"]), page["total_items"]) == (10, 11)


def test_pages_cover_the_collection_in_order(mailchimp: MailchimpCaller) -> None:
    addresses = five_members(mailchimp)
    pages = [mailchimp.addresses(count=2, offset=offset) for offset in (0, 2, 4)]
    assert [address for page in pages for address in page] == addresses


def test_a_page_beyond_the_end_is_empty_with_the_right_total(mailchimp: MailchimpCaller) -> None:
    five_members(mailchimp)
    page = mailchimp.get("members", offset=1000)
    assert (page["members"], page["total_items"]) == ([], 5)


def test_the_total_counts_the_filtered_set(mailchimp: MailchimpCaller) -> None:
    addresses = five_members(mailchimp)
    mailchimp.patch(addresses[0], status="unsubscribed").raise_for_status()
    assert mailchimp.get("members", status="unsubscribed", count=1)["total_items"] == 1


def test_since_last_changed_excludes_its_own_second(mailchimp: MailchimpCaller) -> None:
    changed = mailchimp.add()["last_changed"]
    assert mailchimp.addresses(since_last_changed=changed) == []


def test_before_last_changed_excludes_its_own_second(mailchimp: MailchimpCaller) -> None:
    changed = mailchimp.add()["last_changed"]
    assert mailchimp.addresses(before_last_changed=changed) == []


def test_a_window_around_the_change_finds_the_member(
    mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    early = mailchimp.add("frueh@kunde.example")["last_changed"]
    sandbox.advance(seconds=60)
    mailchimp.add()
    assert mailchimp.addresses(since_last_changed=early) == [ANNA]
    assert mailchimp.addresses(since_timestamp_opt=early) == [ANNA]


def test_a_time_filter_that_cannot_be_read_returns_everything(mailchimp: MailchimpCaller) -> None:
    mailchimp.add()
    assert mailchimp.addresses(since_last_changed="2999-01-01T00:00:00.1234567Z") == [ANNA]


def test_unsubscribed_since_finds_the_opt_outs_of_a_time(
    mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    addresses = five_members(mailchimp)
    before = mailchimp.member(addresses[0])["last_changed"]
    sandbox.advance(seconds=60)
    mailchimp.patch(addresses[3], status="unsubscribed").raise_for_status()
    found = mailchimp.addresses(status="unsubscribed", unsubscribed_since=before)
    assert found == [addresses[3]]


def test_unsubscribed_since_with_another_status_is_refused(mailchimp: MailchimpCaller) -> None:
    answer = mailchimp.call(
        "GET", "members", status="subscribed", unsubscribed_since="2026-01-01T00:00:00Z"
    )
    assert answer.status_code == 400


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
def test_members_are_sorted_by_last_changed(
    direction: str, mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    addresses = five_members(mailchimp)
    sandbox.advance(seconds=60)
    mailchimp.patch(addresses[0], merge_fields={"FNAME": "Neu"}).raise_for_status()
    found = mailchimp.addresses(sort_field="last_changed", sort_dir=direction)
    assert found.index(addresses[0]) == (4 if direction == "ASC" else 0)


def test_fields_choose_what_a_page_contains(mailchimp: MailchimpCaller) -> None:
    mailchimp.add(merge_fields={"FNAME": "Anna"})
    page = mailchimp.get("members", fields="members.status,members.merge_fields.FNAME,total_items")
    assert page == {
        "members": [{"status": "subscribed", "merge_fields": {"FNAME": "Anna"}}],
        "total_items": 1,
    }


def test_exclude_fields_leave_parts_out(mailchimp: MailchimpCaller) -> None:
    mailchimp.add()
    page = mailchimp.get("members", exclude_fields="members._links,list_id")
    assert "list_id" not in page
    assert "_links" not in page["members"][0]
    assert "status" in page["members"][0]


def test_a_short_page_misses_rows_that_the_total_counts(
    mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    five_members(mailchimp)
    sandbox.fault("mailchimp", kind="short_page", match="/members", rows=3)
    page = mailchimp.get("members")
    assert (len(page["members"]), page["total_items"]) == (3, 5)


def test_page_drift_hides_a_row_between_two_pages(
    mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    addresses = five_members(mailchimp)
    sandbox.fault("mailchimp", kind="page_drift", match="/members", skip=1)
    found = mailchimp.addresses(count=2) + mailchimp.addresses(count=3, offset=2)
    assert found == [*addresses[:2], *addresses[3:]]


def test_the_switch_refuses_unknown_fields(
    mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    assert mailchimp.call("GET", "members", fields="members.vorname").status_code == 200
    sandbox.switch("mailchimp", name="unknown_fields", value="error")
    assert mailchimp.call("GET", "members", fields="members.vorname").status_code == 400


def test_the_search_finds_address_and_name(mailchimp: MailchimpCaller) -> None:
    mailchimp.add(merge_fields={"FNAME": "Anna"})
    found = mailchimp.get("/search-members", query=ANNA, list_id=mailchimp.list_id)
    assert found["exact_matches"]["total_items"] == 1
    named = mailchimp.get("/search-members", query="anna", list_id=mailchimp.list_id)
    assert named["full_search"]["total_items"] == 1
