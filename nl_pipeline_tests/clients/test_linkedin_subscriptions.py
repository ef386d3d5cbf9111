"""Subscriptions to notices of leads, and the notices, hand-made."""

from __future__ import annotations

import json
import traceback
from datetime import timedelta
from typing import Any

import httpx
import pytest

from nl_pipeline.clients.errors import OperatorNeeded, Retryable
from nl_pipeline.clients.linkedin import (
    LeadAction,
    LeadNotice,
    UnreadableNotice,
    notices_in,
)
from nl_pipeline.domain.leads import (
    LeadType,
    Owner,
    OwnerKind,
)
from nl_pipeline_tests.clients.answering import Server
from nl_pipeline_tests.clients.linkedin_answers import (
    ACCOUNT,
    CANARY,
    NOON,
    client_of,
    page,
    refused,
    told,
)


@pytest.mark.parametrize("status", [200, 201])
def test_the_id_of_a_new_subscription_is_taken_from_the_header(status: int) -> None:
    server = Server([httpx.Response(status, headers={"x-restli-id": "7012"})])

    made = client_of(server).create_notification(
        ACCOUNT, lead_type=LeadType.SPONSORED, webhook="https://x.example/hooks/geheim"
    )

    assert made == "7012"
    assert json.loads(server.requests[0].content) == {
        "webhook": "https://x.example/hooks/geheim",
        "owner": {"sponsoredAccount": "urn:li:sponsoredAccount:507000111"},
        "leadType": "SPONSORED",
    }


SUBSCRIBED: dict[str, Any] = {
    "id": 7012,
    "owner": {"sponsoredAccount": "urn:li:sponsoredAccount:507000111"},
    "leadType": "SPONSORED",
    "webhook": "https://x.example/hooks/geheim",
}


@pytest.mark.parametrize("lost", [told({}), httpx.ReadTimeout("lost")], ids=["no id", "no answer"])
def test_a_subscription_without_an_id_is_found_in_the_list_and_not_made_twice(
    lost: httpx.Response | Exception,
) -> None:
    narrowed = {**SUBSCRIBED, "id": 1, "versionedForm": "urn:li:versionedLeadGenForm:(x,1)"}
    server = Server([lost, page([narrowed, SUBSCRIBED], total=2)])

    made = client_of(server).create_notification(
        ACCOUNT, lead_type=LeadType.SPONSORED, webhook=SUBSCRIBED["webhook"]
    )

    assert made == "7012"
    assert [request.method for request in server.requests] == ["POST", "GET"]
    assert (
        "owner=(value:(sponsoredAccount:urn%3Ali%3AsponsoredAccount%3A507000111))"
        "&leadType=(leadType:SPONSORED)" in server.requests[1].url.query.decode()
    )


def test_a_subscription_of_which_nothing_came_may_be_made_again() -> None:
    server = Server([httpx.ReadTimeout("lost"), page([], total=0)])

    with pytest.raises(Retryable) as caught:
        client_of(server).create_notification(ACCOUNT, lead_type=LeadType.SPONSORED, webhook="w")

    assert not caught.value.may_be_applied


def test_a_webhook_that_fails_the_challenge_needs_an_operator() -> None:
    server = Server([refused(400, "This URL did not pass the security challenge check")])

    with pytest.raises(OperatorNeeded) as caught:
        client_of(server).create_notification(ACCOUNT, lead_type=LeadType.SPONSORED, webhook="w")

    assert caught.value.code == "webhook_not_reached"


def test_a_subscription_shows_no_url() -> None:
    [shown] = client_of(Server([page([SUBSCRIBED], total=1)])).notifications(
        ACCOUNT, lead_type=LeadType.SPONSORED
    )

    assert (shown.id, shown.owner, shown.is_narrowed) == ("7012", ACCOUNT, False)
    assert "geheim" not in repr(shown)


def test_a_subscription_that_is_gone_is_deleted() -> None:
    client_of(Server([refused(404)])).delete_notification("7012")


NOTICE = {
    "type": "LEAD_ACTION",
    "leadAction": "CREATED",
    "leadType": "SPONSORED",
    "occurredAt": 1785585600999,
    "leadGenFormResponse": "urn:li:leadGenFormResponse:0d9f4c1e-7a52-4e0b-8c2b-3f1f6f0a9d11-6",
    "leadGenForm": "urn:li:versionedLeadGenForm:(urn:li:leadGenForm:8120345,2)",
    "owner": {"sponsoredAccount": "urn:li:sponsoredAccount:507000111"},
    "associatedEntity": {"associatedCreative": "urn:li:sponsoredCreative:241000333"},
}


def test_a_notice_names_the_lead_what_happened_and_when() -> None:
    assert notices_in(json.dumps(NOTICE).encode()) == (
        LeadNotice(
            response_id="0d9f4c1e-7a52-4e0b-8c2b-3f1f6f0a9d11-6",
            action=LeadAction.CREATED,
            occurred_at=NOON + timedelta(milliseconds=999),
            lead_type="SPONSORED",
            form=(8120345, 2),
            owner=ACCOUNT,
        ),
    )


def test_several_notices_in_one_body_are_told_apart() -> None:
    deleted = {**NOTICE, "leadAction": "DELETED"}

    notices = notices_in(json.dumps([NOTICE, deleted, NOTICE]).encode())

    assert [notice.action for notice in notices] == ["CREATED", "DELETED", "CREATED"]
    assert len({notice.key for notice in notices}) == 2


def test_a_page_owns_the_leads_of_its_events() -> None:
    body = {**NOTICE, "leadType": "EVENT", "owner": {"organization": "urn:li:organization:77"}}

    [notice] = notices_in(json.dumps(body).encode())

    assert notice.owner == Owner(OwnerKind.ORGANIZATION, 77)


def test_an_event_that_is_not_about_a_lead_is_left_out() -> None:
    assert notices_in(json.dumps([{**NOTICE, "type": "OTHER"}]).encode()) == ()


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"{}", json.dumps({**NOTICE, "leadAction": CANARY}).encode()]
)
def test_a_body_that_is_no_notice_is_refused_without_showing_it(body: bytes) -> None:
    with pytest.raises(UnreadableNotice) as caught:
        notices_in(body)

    assert CANARY not in "".join(traceback.format_exception(caught.value))
