"""The bulk call ``POST /lists/{list_id}``."""

from __future__ import annotations

from typing import Any

import pytest

from nl_pipeline_tests.sandbox.mailchimp.caller import (
    ANNA,
    MailchimpCaller,
    bring_into_state,
)
from nl_pipeline_tests.sandbox_control import SandboxControl


def bulk(
    mailchimp: MailchimpCaller,
    *members: dict[str, Any],
    update_existing: bool = False,
    **parameters: Any,
) -> dict[str, Any]:
    body = {"members": list(members), "update_existing": update_existing}
    return mailchimp.do("POST", "", body, **parameters)


def subscribed(address: str = ANNA) -> dict[str, Any]:
    return {"email_address": address, "status": "subscribed"}


def test_new_members_are_created(mailchimp: MailchimpCaller) -> None:
    answer = bulk(mailchimp, subscribed(), subscribed("b@kunde.example"))
    assert (answer["total_created"], answer["error_count"]) == (2, 0)
    assert mailchimp.addresses() == [ANNA, "b@kunde.example"]


def test_an_existing_member_is_an_error_of_its_own_code(mailchimp: MailchimpCaller) -> None:
    mailchimp.add()
    answer = bulk(mailchimp, subscribed(), subscribed("b@kunde.example"))
    assert [error["error_code"] for error in answer["errors"]] == ["ERROR_CONTACT_EXISTS"]
    assert answer["total_created"] == 1


def test_update_existing_overwrites_the_status(mailchimp: MailchimpCaller) -> None:
    mailchimp.add(status="unsubscribed")
    assert bulk(mailchimp, subscribed(), update_existing=True)["total_updated"] == 1
    assert mailchimp.member()["status"] == "subscribed"


def test_update_existing_does_not_climb_the_wall_of_an_opt_out(
    mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    bring_into_state("unsubscribed by contact", mailchimp=mailchimp, sandbox=sandbox)
    (error,) = bulk(mailchimp, subscribed(), update_existing=True)["errors"]
    assert error["error_code"] == "ERROR_GENERIC"
    assert "is in a compliance state" in error["error"]


def test_a_forgotten_address_is_refused(
    mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    bring_into_state("permanently deleted", mailchimp=mailchimp, sandbox=sandbox)
    (error,) = bulk(mailchimp, subscribed())["errors"]
    assert "was permanently deleted" in error["error"]


def test_an_archived_member_is_unarchived_even_without_update_existing(
    mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    bring_into_state("archived", mailchimp=mailchimp, sandbox=sandbox)
    bulk(mailchimp, subscribed())
    assert mailchimp.member()["status"] == "subscribed"


def test_a_duplicate_within_the_call_is_an_error(mailchimp: MailchimpCaller) -> None:
    answer = bulk(mailchimp, subscribed(), subscribed(ANNA.lower()))
    assert (answer["total_created"], answer["error_count"]) == (1, 1)


def test_the_first_of_duplicates_wins_when_the_check_is_skipped(
    mailchimp: MailchimpCaller,
) -> None:
    second = {"email_address": ANNA, "status": "unsubscribed"}
    answer = bulk(mailchimp, subscribed(), second, skip_duplicate_check="true")
    assert answer["error_count"] == 0
    assert mailchimp.member()["status"] == "subscribed"


def test_a_refused_merge_field_is_named(mailchimp: MailchimpCaller) -> None:
    mailchimp.do("POST", "merge-fields", {"name": "N", "type": "number", "tag": "N"})
    (error,) = bulk(mailchimp, subscribed() | {"merge_fields": {"N": "viel"}})["errors"]
    assert (error["field"], error["field_message"]) == ("N", "Please enter a number")


def test_sync_tags_replaces_all_tags(mailchimp: MailchimpCaller) -> None:
    mailchimp.add(tags=["Alt"])
    body = {"members": [subscribed() | {"tags": ["Neu"]}]}
    mailchimp.do("POST", "", body | {"update_existing": True, "sync_tags": True})
    assert [tag["name"] for tag in mailchimp.member()["tags"]] == ["Neu"]


@pytest.mark.parametrize(("amount", "status"), [(500, 200), (501, 400)])
def test_500_members_are_the_most(amount: int, status: int, mailchimp: MailchimpCaller) -> None:
    members = [subscribed(f"kunde{number}@kunde.example") for number in range(amount)]
    assert mailchimp.call("POST", "", {"members": members}).status_code == status
