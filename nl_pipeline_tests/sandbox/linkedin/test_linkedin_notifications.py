"""Subscriptions of the LinkedIn twin and the challenges of their webhooks."""

from __future__ import annotations

from typing import Any

import pytest

from nl_pipeline.sandbox.linkedin.challenges import response_to
from nl_pipeline.sandbox.linkedin.seeding import EVENT_ID
from nl_pipeline_tests.sandbox.linkedin.caller import (
    AD_ACCOUNT,
    EVENT,
    OF_ACCOUNT,
    OF_PAGE,
    PAGE,
    SPONSORED,
    LinkedInCaller,
    refusal,
)
from nl_pipeline_tests.sandbox.linkedin.hook import Hook, settle

FIND = f"leadNotifications?q=criteria&owner=(value:{OF_ACCOUNT})&leadType={SPONSORED}"


def webhook(linkedin: LinkedInCaller) -> dict[str, Any]:
    """The one webhook as the developer portal knows it, after what was due."""
    settle(linkedin.sandbox)
    (found,) = linkedin.sandbox.dump("linkedin")["webhooks"]
    return dict(found)


def test_a_creation_challenges_the_webhook_and_gives_an_id(
    linkedin: LinkedInCaller, hook: Hook
) -> None:
    made = linkedin.subscribe(hook.url)
    number = made.headers["x-restli-id"]

    assert (made.status_code, made.content) == (201, b"")
    assert len(hook.challenges) == 1
    assert linkedin.get(f"leadNotifications/{number}") == {
        "id": int(number),
        "owner": {"sponsoredAccount": AD_ACCOUNT},
        "leadType": "SPONSORED",
        "webhook": hook.url,
    }


def test_a_creation_may_answer_200_with_an_empty_object(
    linkedin: LinkedInCaller, hook: Hook
) -> None:
    linkedin.switch("creation_answer", "200")
    made = linkedin.subscribe(hook.url)

    assert (made.status_code, made.json()) == (200, {})
    assert made.headers["x-restli-id"].isdecimal()


def test_the_documented_challenge_has_the_documented_response() -> None:
    response = response_to("5f0c2a86-3f6e-4c1a-9b1e-2d6c7a9e4b10", secret="example-client-secret")

    assert response == "a7733536119d5662642f8e5b6934abb030d04ccb30913ad85a124fff49908936"


@pytest.mark.parametrize(
    "answer",
    [
        {"challenge_status": 503},
        {"challenge_kind": "text/html"},
        {"challenge_content": {"challengeResponse": "0" * 64}},
        {"challenge_content": {"challengeCode": "other"}},
    ],
    ids=["status", "content type", "response", "code"],
)
def test_a_webhook_that_fails_the_challenge_is_not_subscribed(
    linkedin: LinkedInCaller, hook: Hook, answer: dict[str, Any]
) -> None:
    for name, value in answer.items():
        setattr(hook, name, value)
    refused = linkedin.subscribe(hook.url)

    assert refused.status_code == 400
    assert refused.json()["message"] == "This URL did not pass the security challenge check"
    assert linkedin.get(FIND)["elements"] == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"webhook": "http://example.com/hook"}, 400),
        ({"webhook": "https://example.com/hook"}, 400),
        ({"webhook": "https://a.ngrok.io/hook"}, 400),
        ({"leadType": "EVENT"}, 400),
        ({"owner": {"person": "urn:li:person:1"}}, 400),
        ({"versionedForm": "urn:li:leadGenForm:1"}, 400),
        ({"associatedEntity": {"page": PAGE}}, 400),
        ({"frequency": "DAILY"}, 400),
        ({"owner": {"sponsoredAccount": "urn:li:sponsoredAccount:1"}}, 403),
    ],
    ids=[
        "no https", "beyond loopback", "ngrok", "lead type", "owner", "form", "entity",
        "unknown field", "somebody else's account",
    ],
)  # fmt: skip
def test_a_subscription_that_cannot_be_is_refused(
    linkedin: LinkedInCaller, hook: Hook, body: dict[str, Any], status: int
) -> None:
    assert linkedin.subscribe(hook.url, **body).status_code == status
    assert linkedin.sandbox.dump("linkedin")["subscriptions"] == []


def test_ngrok_is_refused_without_a_challenge(linkedin: LinkedInCaller) -> None:
    refused = linkedin.subscribe("https://a.ngrok.io/hook")

    assert "ngrok" in refused.json()["message"]


def test_a_list_needs_the_owner_wrapped_in_value(linkedin: LinkedInCaller, hook: Hook) -> None:
    number = int(linkedin.subscribe(hook.url).headers["x-restli-id"])
    bare = f"leadNotifications?q=criteria&owner={OF_ACCOUNT}&leadType={SPONSORED}"
    other = f"leadNotifications?q=criteria&owner=(value:{OF_PAGE})&leadType={EVENT}"

    assert [one["id"] for one in linkedin.get(FIND)["elements"]] == [number]
    assert linkedin.call("GET", bare).status_code == 400
    assert linkedin.get(other)["elements"] == []


def test_a_subscription_may_be_of_an_event(linkedin: LinkedInCaller, hook: Hook) -> None:
    entity = {"event": f"urn:li:event:{EVENT_ID}"}
    owner = {"organization": PAGE}
    made = linkedin.subscribe(hook.url, owner=owner, leadType="EVENT", associatedEntity=entity)
    found = linkedin.get(f"leadNotifications/{made.headers['x-restli-id']}")

    assert found["associatedEntity"] == entity


def test_a_deleted_subscription_is_gone(linkedin: LinkedInCaller, hook: Hook) -> None:
    number = linkedin.subscribe(hook.url).headers["x-restli-id"]
    deleted = linkedin.call("DELETE", f"leadNotifications/{number}")

    assert deleted.status_code == 204
    assert linkedin.call("GET", f"leadNotifications/{number}").status_code == 404
    assert linkedin.call("DELETE", f"leadNotifications/{number}").status_code == 404
    assert linkedin.sandbox.dump("linkedin")["webhooks"] == []


@pytest.mark.parametrize(("mode", "status"), [("allowed", 201), ("refused", 409)])
def test_a_second_equal_subscription_may_be_refused(
    linkedin: LinkedInCaller, hook: Hook, mode: str, status: int
) -> None:
    linkedin.switch("duplicate_subscription", mode)
    linkedin.subscribe(hook.url)

    assert linkedin.subscribe(hook.url).status_code == status


def test_an_owner_has_a_limited_number_of_subscriptions(
    linkedin: LinkedInCaller, hook: Hook
) -> None:
    assert linkedin.sandbox.dump("linkedin")["subscriptions"] == []
    linkedin.switch("subscriptions_per_owner", 1)
    linkedin.subscribe(hook.url)
    of_page = {"owner": {"organization": PAGE}, "leadType": "EVENT"}

    assert linkedin.subscribe(f"{hook.url}/2").status_code == 400
    assert linkedin.subscribe(f"{hook.url}/2", **of_page).status_code == 201


def test_a_webhook_is_challenged_again_every_two_hours(
    linkedin: LinkedInCaller, hook: Hook
) -> None:
    linkedin.subscribe(hook.url)
    linkedin.advance(hours=1.9)
    webhook(linkedin)
    early = len(hook.challenges)
    linkedin.advance(hours=0.1)
    webhook(linkedin)

    assert (early, len(hook.challenges)) == (1, 2)
    assert len(set(hook.challenges)) == 2


def test_three_failures_in_a_row_block_a_webhook(linkedin: LinkedInCaller, hook: Hook) -> None:
    linkedin.subscribe(hook.url)
    states = []
    for status in (503, 503, 200, 503, 503, 503):
        hook.challenge_status = status
        linkedin.advance(hours=2)
        states.append((webhook(linkedin)["state"], webhook(linkedin)["failures"]))

    assert states == [
        ("validated", 1), ("validated", 2), ("validated", 0),
        ("validated", 1), ("validated", 2), ("blocked", 3),
    ]  # fmt: skip
    assert webhook(linkedin)["warnings"] == 5


def test_a_day_of_silence_blocks_a_webhook(linkedin: LinkedInCaller, hook: Hook) -> None:
    linkedin.subscribe(hook.url)
    hook.challenge_status = 503
    linkedin.advance(days=1)

    assert webhook(linkedin)["state"] == "blocked"


def test_a_blocked_webhook_is_challenged_no_more_until_it_is_restarted(
    linkedin: LinkedInCaller, hook: Hook
) -> None:
    linkedin.subscribe(hook.url)
    hook.challenge_status = 503
    linkedin.advance(days=1)
    webhook(linkedin)
    hook.challenge_status = 200
    before = len(hook.challenges)
    linkedin.advance(days=1)
    webhook(linkedin)
    silent = len(hook.challenges) - before
    linkedin.act("staff", "restart_validation")

    assert silent == 0
    assert (webhook(linkedin)["state"], webhook(linkedin)["failures"]) == ("validated", 0)


@pytest.mark.parametrize(("unblocks", "state"), [(False, "blocked"), (True, "validated")])
def test_a_new_subscription_may_set_a_blocked_webhook_free(
    linkedin: LinkedInCaller, hook: Hook, unblocks: bool, state: str
) -> None:
    linkedin.switch("creation_unblocks", unblocks)
    number = linkedin.subscribe(hook.url).headers["x-restli-id"]
    hook.challenge_status = 503
    linkedin.advance(days=1)
    webhook(linkedin)
    hook.challenge_status = 200
    linkedin.call("DELETE", f"leadNotifications/{number}")
    linkedin.subscribe(hook.url)

    assert webhook(linkedin)["state"] == state


@pytest.mark.parametrize(("removes", "left"), [(False, 1), (True, 0)])
def test_subscriptions_may_go_with_the_consent(
    linkedin: LinkedInCaller, hook: Hook, removes: bool, left: int
) -> None:
    linkedin.switch("revocation_removes_subscriptions", removes)
    linkedin.subscribe(hook.url)
    linkedin.act("staff", "revoke_token")

    assert len(linkedin.sandbox.dump("linkedin")["subscriptions"]) == left


def test_subscribing_needs_the_product(linkedin: LinkedInCaller, hook: Hook) -> None:
    linkedin.switch("lead_sync_product", False)

    assert refusal(linkedin.subscribe(hook.url)) == (403, "ACCESS_DENIED")
    assert hook.challenges == []
