"""Audiences and their merge fields: limits of the plan, defaults, cached statistics."""

from __future__ import annotations

import pytest

from nl_pipeline_tests.sandbox.mailchimp.caller import ANNA, AUDIENCE, MailchimpCaller
from nl_pipeline_tests.sandbox_control import SandboxControl


def test_constraints_tell_whether_another_audience_is_allowed(
    mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    sandbox.switch("mailchimp", name="max_audiences", value=2)
    assert mailchimp.get("/lists")["constraints"] == {
        "may_create": False,
        "max_instances": 2,
        "current_total_instances": 2,
    }


def test_an_audience_beyond_the_plan_is_refused(
    mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    sandbox.switch("mailchimp", name="max_audiences", value=1)
    answer = mailchimp.call("POST", "/lists", AUDIENCE)
    assert (answer.status_code, answer.json()["title"]) == (403, "Authorization Failure")


def test_an_audience_without_its_required_properties_is_refused(
    mailchimp: MailchimpCaller,
) -> None:
    document = mailchimp.call("POST", "/lists", {"name": "Neu"}).json()
    assert "contact" in [error["field"] for error in document["errors"]]


def test_an_unknown_country_becomes_us_in_silence(mailchimp: MailchimpCaller) -> None:
    contact = {"company": "M", "address1": "W", "city": "A", "country": "Deutschland"}
    mailchimp.create_audience(contact=contact)
    assert mailchimp.get("")["contact"]["country"] == "US"


def test_an_audience_can_be_renamed(mailchimp: MailchimpCaller) -> None:
    assert mailchimp.do("PATCH", "", {"name": "Anders"})["name"] == "Anders"


def test_statistics_are_stale_for_five_minutes(
    mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    assert mailchimp.get("")["stats"]["member_count"] == 0
    mailchimp.add()
    assert mailchimp.get("")["stats"]["member_count"] == 0
    sandbox.advance(seconds=300)
    assert mailchimp.get("")["stats"]["member_count"] == 1


def test_a_new_audience_has_the_four_default_fields(mailchimp: MailchimpCaller) -> None:
    fields = mailchimp.get("merge-fields")["merge_fields"]
    assert [(field["merge_id"], field["tag"]) for field in fields] == [
        (1, "FNAME"),
        (2, "LNAME"),
        (3, "ADDRESS"),
        (4, "PHONE"),
    ]


def test_a_field_without_a_tag_gets_a_numbered_one(mailchimp: MailchimpCaller) -> None:
    field = mailchimp.do("POST", "merge-fields", {"name": "Ort", "type": "text"})
    assert (field["merge_id"], field["tag"]) == (5, "MERGE5")


@pytest.mark.parametrize("tag", ["FNAME", "EMAIL", "ZU_LANGER_TAG", "MIT LEER"])
def test_a_taken_reserved_or_bad_tag_is_refused(tag: str, mailchimp: MailchimpCaller) -> None:
    body = {"name": "X", "type": "text", "tag": tag}
    assert mailchimp.call("POST", "merge-fields", body).status_code == 400


def test_a_field_that_gets_another_tag_keeps_the_values(mailchimp: MailchimpCaller) -> None:
    mailchimp.add(merge_fields={"FNAME": "Anna"})
    mailchimp.do("PATCH", "merge-fields/1", {"tag": "VORNAME"})
    assert mailchimp.member()["merge_fields"]["VORNAME"] == "Anna"


def test_a_deleted_field_takes_its_values_along(mailchimp: MailchimpCaller) -> None:
    mailchimp.add(merge_fields={"FNAME": "Anna"})
    mailchimp.do("DELETE", "merge-fields/1")
    assert "FNAME" not in mailchimp.member()["merge_fields"]


def test_lists_are_found_by_the_address_of_a_member(mailchimp: MailchimpCaller) -> None:
    mailchimp.add()
    found = mailchimp.get("/lists", email=ANNA)["lists"]
    assert [audience["id"] for audience in found] == [mailchimp.list_id]


def test_the_daily_activity_counts_joins_and_leaves(
    mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    sandbox.act("mailchimp", actor="person", action="subscribe", email=ANNA)
    sandbox.act("mailchimp", actor="person", action="unsubscribe", email=ANNA)
    (day,) = mailchimp.get("activity")["activity"]
    assert (day["subs"], day["unsubs"], day["other_adds"]) == (1, 1, 0)
