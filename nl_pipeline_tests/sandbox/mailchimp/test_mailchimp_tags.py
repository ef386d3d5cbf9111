"""Tags and static segments, which are the same thing."""

from __future__ import annotations

from typing import Any

import pytest

from nl_pipeline_tests.sandbox.mailchimp.caller import (
    ANNA,
    MailchimpCaller,
    bring_into_state,
    subscriber_hash,
)
from nl_pipeline_tests.sandbox_control import SandboxControl

TAGS = f"members/{subscriber_hash(ANNA)}/tags"


def tag(mailchimp: MailchimpCaller, **statuses: str) -> None:
    tags = [{"name": name, "status": status} for name, status in statuses.items()]
    mailchimp.do("POST", TAGS, {"tags": tags, "is_syncing": True})


def names(mailchimp: MailchimpCaller) -> list[str]:
    return [tag["name"] for tag in mailchimp.get(TAGS)["tags"]]


def new_segment(mailchimp: MailchimpCaller, *addresses: str) -> dict[str, Any]:
    return mailchimp.do("POST", "segments", {"name": "Neubau", "static_segment": addresses})


def test_only_named_tags_change(mailchimp: MailchimpCaller) -> None:
    mailchimp.add(tags=["Alt", "Bleibt"])
    tag(mailchimp, Neu="active", Alt="inactive")
    assert names(mailchimp) == ["Bleibt", "Neu"]


def test_tags_are_the_same_in_any_case(mailchimp: MailchimpCaller) -> None:
    mailchimp.add(tags=["Neubau"])
    tag(mailchimp, NEUBAU="active")
    assert names(mailchimp) == ["Neubau"]


def test_an_archived_member_can_be_tagged(
    mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    bring_into_state("archived", mailchimp=mailchimp, sandbox=sandbox)
    tag(mailchimp, Neu="active")
    assert names(mailchimp) == ["Neu"]


def test_tags_of_an_unknown_member_are_not_found(mailchimp: MailchimpCaller) -> None:
    assert mailchimp.call("POST", TAGS, {"tags": []}).status_code == 404


def test_a_member_shows_fifty_tags_and_counts_all(mailchimp: MailchimpCaller) -> None:
    mailchimp.add(tags=[f"T{number}" for number in range(55)])
    member = mailchimp.member()
    assert (len(member["tags"]), member["tags_count"]) == (50, 55)
    assert mailchimp.get(TAGS, count=100, offset=50)["total_items"] == 55


def test_tag_search_finds_by_the_beginning_of_the_name(mailchimp: MailchimpCaller) -> None:
    mailchimp.add(tags=["Neubau", "Neukunde", "Alt"])
    found = [tag["name"] for tag in mailchimp.get("tag-search", name="neu")["tags"]]
    assert found == ["Neubau", "Neukunde"]


def test_a_segment_is_the_tag_of_its_id(mailchimp: MailchimpCaller) -> None:
    mailchimp.add()
    segment = new_segment(mailchimp, ANNA, "niemand@kunde.example")
    assert segment["member_count"] == 1
    assert mailchimp.member()["tags"] == [{"id": segment["id"], "name": "Neubau"}]


def test_a_segment_takes_and_gives_back_members(mailchimp: MailchimpCaller) -> None:
    mailchimp.add()
    mailchimp.add("b@kunde.example")
    segment = new_segment(mailchimp, ANNA)
    body = {
        "members_to_add": ["b@kunde.example", "niemand@kunde.example"],
        "members_to_remove": [ANNA],
    }
    answer = mailchimp.do("POST", f"segments/{segment['id']}", body)
    assert (answer["total_added"], answer["total_removed"], answer["error_count"]) == (1, 1, 1)
    assert answer["errors"][0]["email_addresses"] == ["niemand@kunde.example"]
    members = mailchimp.get(f"segments/{segment['id']}/members")["members"]
    assert [member["email_address"] for member in members] == ["b@kunde.example"]


@pytest.mark.parametrize("key", ["members_to_add", "members_to_remove"])
def test_more_than_500_members_at_once_are_refused(key: str, mailchimp: MailchimpCaller) -> None:
    path = f"segments/{new_segment(mailchimp)['id']}"
    assert mailchimp.call("POST", path, {key: [ANNA] * 501}).status_code == 400


def test_a_renamed_segment_renames_the_tag(mailchimp: MailchimpCaller) -> None:
    mailchimp.add(tags=["Alt"])
    (found,) = mailchimp.get("segments", type="static")["segments"]
    mailchimp.do("PATCH", f"segments/{found['id']}", {"name": "Neu"})
    assert mailchimp.member()["tags"] == [{"id": found["id"], "name": "Neu"}]


def test_an_empty_list_empties_a_segment(mailchimp: MailchimpCaller) -> None:
    mailchimp.add()
    segment = new_segment(mailchimp, ANNA)
    mailchimp.do("PATCH", f"segments/{segment['id']}", {"name": "Neubau", "static_segment": []})
    assert mailchimp.member()["tags"] == []


def test_a_deleted_segment_takes_the_tag_along(mailchimp: MailchimpCaller) -> None:
    mailchimp.add()
    segment = new_segment(mailchimp, ANNA)
    mailchimp.do("DELETE", f"segments/{segment['id']}")
    assert mailchimp.member()["tags"] == []
    assert mailchimp.call("GET", f"segments/{segment['id']}").status_code == 404
