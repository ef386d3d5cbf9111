"""Deliveries of the LinkedIn twin: what is told, signed, lost and tried again."""

from __future__ import annotations

from typing import Any

import pytest

from nl_pipeline.sandbox.linkedin.sender import signature
from nl_pipeline_tests.sandbox.linkedin.caller import AD_ACCOUNT, ANNA, BERT, PAGE, LinkedInCaller
from nl_pipeline_tests.sandbox.linkedin.hook import Hook, digest

VECTOR = (
    b'{"type":"LEAD_ACTION","leadGenFormResponse":"urn:li:leadGenFormResponse:'
    b'0d9f4c1e-7a52-4e0b-8c2b-3f1f6f0a9d11-6","leadAction":"CREATED"}'
)


@pytest.fixture
def subscribed(linkedin: LinkedInCaller, hook: Hook) -> LinkedInCaller:
    """A caller whose hook hears of the ad account's leads."""
    linkedin.subscribe(hook.url).raise_for_status()
    return linkedin


def outcomes(linkedin: LinkedInCaller) -> list[str]:
    return [one["outcome"] for one in linkedin.sandbox.notifications()["tries"]]


def test_a_lead_is_told_without_its_answers(subscribed: LinkedInCaller, hook: Hook) -> None:
    lead = subscribed.submit()
    delivery = hook.next()
    told = delivery.told
    occurred = told.pop("occurredAt")

    assert told == {
        "type": "LEAD_ACTION",
        "leadAction": "CREATED",
        "leadType": "SPONSORED",
        "leadGenFormResponse": f"urn:li:leadGenFormResponse:{lead['id']}",
        "leadGenForm": subscribed.leads()[0]["versionedLeadGenFormUrn"],
        "owner": {"sponsoredAccount": AD_ACCOUNT},
        "associatedEntity": {"associatedCreative": "urn:li:sponsoredCreative:241000333"},
    }
    assert occurred >= lead["submittedAt"]
    assert ANNA.encode() not in delivery.body


def test_a_test_lead_is_told_like_another(subscribed: LinkedInCaller, hook: Hook) -> None:
    lead = subscribed.act("staff", "test_submit")

    assert hook.next().lead_id == lead["id"]


def test_the_signature_is_over_the_prefixed_body(subscribed: LinkedInCaller, hook: Hook) -> None:
    subscribed.submit()

    assert hook.next().is_signed


def test_the_signature_may_have_another_shape(subscribed: LinkedInCaller, hook: Hook) -> None:
    subscribed.switch("signature_header", "prefixed")
    subscribed.submit()
    prefixed = hook.next()
    subscribed.switch("signature_header", "bare")
    subscribed.switch("signed", "body")
    subscribed.submit()
    body_only = hook.next()

    assert prefixed.signature == f"hmacsha256={digest(b'hmacsha256=' + prefixed.body)}"
    assert body_only.signature == digest(body_only.body)


def test_signatures_are_those_of_the_test_vector() -> None:
    secret = "example-client-secret"

    assert signature(VECTOR, secret=secret) == (
        "1d62012233a8c592aaf046d6395911095a03ac5d0a47fd583c237c08db3b48c7"
    )
    assert signature(VECTOR, prefixed=False, secret=secret) == (
        "c8d3a846e4679b313e4d6b2abfbd0a12af00db906deb3e265b6c17e540bd7e4d"
    )


def test_a_cancelled_registration_is_told_as_deleted_and_may_come_back(
    linkedin: LinkedInCaller, hook: Hook
) -> None:
    linkedin.subscribe(hook.url, owner={"organization": PAGE}, leadType="EVENT")
    event = "Infoabend Immobilien"
    lead = linkedin.submit(form=event)["id"]
    linkedin.act("person", "delete_lead", form=event, email=ANNA)
    gone = linkedin.call("GET", f"leadFormResponses/{lead}").status_code
    linkedin.act("person", "resubmit", form=event, email=ANNA)
    told = [hook.next() for _ in range(3)]

    assert [one.told["leadAction"] for one in told] == ["CREATED", "DELETED", "CREATED"]
    assert {one.lead_id for one in told} == {lead}
    assert gone == 404
    assert linkedin.call("GET", f"leadFormResponses/{lead}").status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {"versionedForm": "urn:li:versionedLeadGenForm:(urn:li:leadGenForm:6083, 1)"},
        {"associatedEntity": {"associatedCreative": "urn:li:sponsoredCreative:1"}},
        {"owner": {"organization": PAGE}, "leadType": "EVENT"},
    ],
    ids=["form", "creative", "owner"],
)
def test_a_narrower_subscription_hears_of_its_leads_alone(
    linkedin: LinkedInCaller, hook: Hook, body: dict[str, Any]
) -> None:
    linkedin.subscribe(hook.url, **body).raise_for_status()
    linkedin.submit()

    assert hook.after(linkedin.sandbox) == []


def test_two_equal_subscriptions_hear_twice(subscribed: LinkedInCaller, hook: Hook) -> None:
    subscribed.subscribe(hook.url)
    lead = subscribed.submit()["id"]

    assert [one.lead_id for one in hook.after(subscribed.sandbox)] == [lead, lead]


def test_a_deleted_subscription_hears_nothing(linkedin: LinkedInCaller, hook: Hook) -> None:
    number = linkedin.subscribe(hook.url).headers["x-restli-id"]
    linkedin.call("DELETE", f"leadNotifications/{number}")
    linkedin.submit()

    assert hook.after(linkedin.sandbox) == []


def test_what_is_on_its_way_to_a_deleted_subscription_is_dropped(
    linkedin: LinkedInCaller, hook: Hook
) -> None:
    number = linkedin.subscribe(hook.url).headers["x-restli-id"]
    linkedin.subscribe(hook.url, owner={"organization": PAGE}, leadType="EVENT")
    linkedin.sandbox.fault("linkedin", kind="delay_webhook", match="CREATED", seconds=60)
    linkedin.submit()
    linkedin.call("DELETE", f"leadNotifications/{number}")
    linkedin.sandbox.advance(seconds=60)

    assert hook.after(linkedin.sandbox) == []
    assert outcomes(linkedin) == ["dropped"]


def test_a_lead_of_the_past_is_not_told(subscribed: LinkedInCaller, hook: Hook) -> None:
    subscribed.submit(days_ago=3)

    assert hook.after(subscribed.sandbox) == []


@pytest.mark.parametrize("status", [200, 202, 204])
def test_any_2xx_is_delivered(subscribed: LinkedInCaller, hook: Hook, status: int) -> None:
    hook.status = status
    subscribed.submit()
    hook.after(subscribed.sandbox)

    assert outcomes(subscribed) == ["delivered"]


def test_a_failed_delivery_is_lost(subscribed: LinkedInCaller, hook: Hook) -> None:
    hook.status = 503
    subscribed.submit()
    hook.after(subscribed.sandbox)
    hook.status = 200
    subscribed.advance(hours=1)

    assert hook.after(subscribed.sandbox) == []
    assert outcomes(subscribed) == ["lost"]


def test_a_failed_delivery_may_be_tried_every_five_minutes_for_eight_hours(
    subscribed: LinkedInCaller, hook: Hook
) -> None:
    subscribed.switch("push_retries", "as_social")
    hook.status = 503
    subscribed.submit()
    tries = len(hook.after(subscribed.sandbox))
    subscribed.sandbox.advance(seconds=299)
    early = len(hook.after(subscribed.sandbox))
    subscribed.sandbox.advance(seconds=1)
    again = len(hook.after(subscribed.sandbox))
    subscribed.advance(hours=8)
    last = len(hook.after(subscribed.sandbox))
    subscribed.advance(hours=1)

    assert (tries, early, again, last) == (1, 0, 1, 1)
    assert hook.after(subscribed.sandbox) == []
    assert outcomes(subscribed) == ["retried", "retried", "lost"]


def test_a_blocked_webhook_gets_nothing_until_its_validation_is_restarted(
    subscribed: LinkedInCaller, hook: Hook
) -> None:
    hook.challenge_status = 503
    subscribed.advance(hours=6)
    hook.after(subscribed.sandbox)
    subscribed.submit()
    blocked = hook.after(subscribed.sandbox)
    hook.challenge_status = 200
    subscribed.act("staff", "restart_validation", webhook=hook.url)
    lead = subscribed.submit(BERT)["id"]

    assert blocked == []
    assert [one.lead_id for one in hook.after(subscribed.sandbox)] == [lead]
    assert outcomes(subscribed) == ["blocked", "delivered"]


def test_a_restart_that_fails_lets_nothing_through(subscribed: LinkedInCaller, hook: Hook) -> None:
    hook.challenge_status = 503
    subscribed.advance(hours=6)
    hook.after(subscribed.sandbox)
    subscribed.act("staff", "restart_validation")
    subscribed.submit()

    assert hook.after(subscribed.sandbox) == []


def test_a_notification_can_get_lost(subscribed: LinkedInCaller, hook: Hook) -> None:
    subscribed.sandbox.fault("linkedin", kind="drop_webhook", match="WEBHOOK CREATED")
    subscribed.submit()
    lead = subscribed.submit(BERT)["id"]

    assert [one.lead_id for one in hook.after(subscribed.sandbox)] == [lead]


def test_a_notification_can_come_twice(subscribed: LinkedInCaller, hook: Hook) -> None:
    subscribed.sandbox.fault("linkedin", kind="duplicate_webhook", match="CREATED")
    subscribed.submit()
    first, second = hook.after(subscribed.sandbox)

    assert first == second


def test_a_notification_can_be_overtaken(subscribed: LinkedInCaller, hook: Hook) -> None:
    subscribed.sandbox.fault("linkedin", kind="reorder_webhooks", match="CREATED")
    lead = subscribed.submit()["id"]
    subscribed.act("person", "delete_lead", lead=lead)

    actions = [one.told["leadAction"] for one in hook.after(subscribed.sandbox)]

    assert actions == ["DELETED", "CREATED"]


def test_a_notification_can_be_late(subscribed: LinkedInCaller, hook: Hook) -> None:
    subscribed.sandbox.fault("linkedin", kind="delay_webhook", match="CREATED", seconds=600)
    lead = subscribed.submit()["id"]
    at_once = hook.after(subscribed.sandbox)
    subscribed.sandbox.advance(seconds=600)

    assert at_once == []
    assert [one.lead_id for one in hook.after(subscribed.sandbox)] == [lead]


def test_a_notification_can_be_signed_wrongly(subscribed: LinkedInCaller, hook: Hook) -> None:
    subscribed.sandbox.fault("linkedin", kind="missign_webhook", match="CREATED")
    subscribed.submit()
    subscribed.submit()

    assert [hook.next().is_signed for _ in range(2)] == [False, True]


def test_the_creative_may_be_told_under_another_key(subscribed: LinkedInCaller, hook: Hook) -> None:
    subscribed.switch("associated_key", "sponsoredCreative")
    subscribed.submit()

    assert list(hook.next().told["associatedEntity"]) == ["sponsoredCreative"]
