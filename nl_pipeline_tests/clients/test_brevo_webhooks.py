"""Webhooks and campaigns of Brevo: what is asked for, and how answers are read."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise
from typing import Any

import httpx
import pytest

from nl_pipeline.clients.brevo import BrevoClient
from nl_pipeline.clients.errors import OperatorNeeded, OutcomeUnknown, Retryable
from nl_pipeline_tests.clients.answering import Answer, Server
from nl_pipeline_tests.clients.brevo_answering import LIST, client_of, refused, told

URL = "https://hooks.example/brevo/sekret-path"
TOKEN = "sekret-token"
EVENTS = frozenset({"spam", "unsubscribed", "hardBounce"})
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def shown(number: int = 9, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "url": URL,
        "description": "onOffice",
        "events": ["spam", "hardBounce"],
        "type": "marketing",
        "channel": "email",
        "auth": {"type": "bearer", "token": TOKEN},
        **more,
    }


def with_answers(*answers: Answer) -> tuple[BrevoClient, Server]:
    server = Server(list(answers))
    return client_of(server), server


def test_marketing_webhooks_are_asked_for_by_name() -> None:
    client, server = with_answers(told({"webhooks": [shown(), shown(10, type="transactional")]}))

    [webhook] = client.webhooks.all()

    assert server.requests[0].url.params["type"] == "marketing"
    assert (webhook.id, webhook.url, webhook.token) == (9, URL, TOKEN)
    assert webhook.events == {"spam", "hardBounce"}
    client.close()


def test_older_spellings_of_events_are_the_events() -> None:
    client, _ = with_answers(told({"webhooks": [shown(events=["listAdditions", "hardBounces"])]}))

    assert client.webhooks.all()[0].events == {"listAddition", "hardBounce"}
    client.close()


@pytest.mark.parametrize("status", [400, 404])
def test_a_refusal_to_list_webhooks_because_there_are_none_is_none(status: int) -> None:
    client, _ = with_answers(refused(status, "document_not_found", "Webhook not found"))

    assert client.webhooks.all() == []
    client.close()


def test_any_other_refusal_to_list_webhooks_is_not_taken_for_none() -> None:
    client, _ = with_answers(refused(403, "permission_denied", "no"))

    with pytest.raises(OperatorNeeded):
        client.webhooks.all()
    client.close()


def test_a_webhook_is_made_as_a_marketing_one_with_a_bearer_token() -> None:
    client, server = with_answers(told({"id": 9}, status=201))

    webhook = client.webhooks.create(url=URL, events=EVENTS, token=TOKEN, description="onOffice")

    body = json.loads(server.requests[0].content)
    assert (body["type"], body["channel"], body["batched"]) == ("marketing", "email", False)
    assert body["auth"] == {"type": "bearer", "token": TOKEN}
    assert set(body["events"]) == EVENTS
    assert (webhook.id, webhook.events) == (9, EVENTS)
    client.close()


def test_a_lost_answer_to_a_creation_makes_no_second_webhook() -> None:
    client, server = with_answers(httpx.ReadTimeout("lost"), told({"webhooks": [shown(11)]}))

    webhook = client.webhooks.create(url=URL, events=EVENTS, token=TOKEN)

    assert webhook.id == 11
    assert [request.method for request in server.requests] == ["POST", "GET"]
    client.close()


def test_a_creation_of_which_nothing_is_found_is_an_unknown_outcome() -> None:
    client, _ = with_answers(httpx.ReadTimeout("lost"), told({"webhooks": []}))

    with pytest.raises(OutcomeUnknown):
        client.webhooks.create(url=URL, events=EVENTS, token=TOKEN)
    client.close()


def test_a_webhook_is_changed_without_its_type() -> None:
    client, server = with_answers(httpx.Response(204))

    client.webhooks.change(9, url=URL, events=EVENTS, token=TOKEN, is_batched=True)

    body = json.loads(server.requests[0].content)
    assert "type" not in body
    assert body["batched"] is True
    client.close()


def test_a_webhook_that_is_gone_already_is_deleted() -> None:
    client, _ = with_answers(refused(404, "document_not_found", "Webhook not found"))

    client.webhooks.delete(9)

    client.close()


def test_secrets_of_a_webhook_are_in_no_repr() -> None:
    client, _ = with_answers(told({"webhooks": [shown()]}))

    text = repr(client.webhooks.all())

    assert "sekret" not in text
    client.close()


# Campaigns


def campaign(
    number: int, *, sent: str | None = "2026-02-20T09:00:00.000+01:00", **more: Any
) -> Any:
    return {
        "id": number,
        "name": "Newsletter",
        "type": "Classic",
        "status": "sent",
        "sentDate": sent,
        "scheduledAt": "",
        "recipients": {"lists": [LIST], "exclusionLists": []},
        "statistics": {
            "globalStats": {"sent": 0, "delivered": 0},
            "campaignStats": [
                {"listId": LIST, "sent": 5, "delivered": 4, "hardBounces": 1, "complaints": 0}
            ],
        },
        **more,
    }


def campaigns_page(*campaigns: Any) -> httpx.Response:
    return told(
        {"count": len(campaigns), "campaigns": list(campaigns)},
        headers={"date": format_datetime(NOON, usegmt=True)},
    )


def test_campaigns_of_our_list_are_told_with_the_numbers_of_that_list() -> None:
    client, server = with_answers(
        campaigns_page(
            campaign(2),
            campaign(1, sent="2026-02-10T09:00:00.000Z"),
            campaign(3, recipients={"lists": [99]}),
            campaign(4, status="draft"),
            campaign(5, sent=None),
            campaign(6, sent="2026-01-01T00:00:00Z"),
        )
    )

    found = client.campaigns.sent(list_id=LIST, start=datetime(2026, 2, 1, tzinfo=UTC), end=NOON)

    assert [one.id for one in found] == [1, 2]
    assert found[1].sent_at == datetime(2026, 2, 20, 8, tzinfo=UTC)
    numbers = found[0].on_list(LIST)
    assert (numbers.sent, numbers.delivered, numbers.hard_bounces) == (5, 4, 1)
    assert found[0].on_list(99).sent == 0
    asked = server.requests[0].url.params
    assert (asked["status"], asked["statistics"]) == ("sent", "globalStats")
    assert asked["excludeHtmlContent"] == "true"
    client.close()


def test_campaigns_of_many_years_are_asked_for_in_spans_of_two_and_none_in_the_future() -> None:
    client, server = with_answers(campaigns_page())
    # The time at Brevo is known from an answer.
    client.campaigns.sent(list_id=LIST, start=NOON - timedelta(days=1), end=NOON)
    server.requests.clear()

    client.campaigns.sent(
        list_id=LIST, start=NOON - timedelta(days=1500), end=NOON + timedelta(days=30)
    )

    spans = [(r.url.params["startDate"], r.url.params["endDate"]) for r in server.requests]
    moments = [(datetime.fromisoformat(start), datetime.fromisoformat(end)) for start, end in spans]
    assert len(moments) == 3
    assert all(end - start <= timedelta(days=730) for start, end in moments)
    assert all(end == start for (_, end), (start, _) in pairwise(moments))
    assert moments[-1][1] <= NOON + timedelta(minutes=1)
    client.close()


def test_a_campaign_that_is_gone_or_was_not_sent_is_none() -> None:
    client, _ = with_answers(
        told(campaign(1, status="draft")),
        refused(404, "document_not_found", "Campaign not found"),
    )

    assert client.campaigns.campaign(1) is None
    assert client.campaigns.campaign(2) is None
    assert client.campaigns.export_recipients(2, recipients="all") is None
    client.close()


def test_an_export_of_recipients_is_a_process() -> None:
    client, server = with_answers(told({"processId": 79}, status=202))

    assert client.campaigns.export_recipients(31, recipients="hardBounces") == 79
    assert json.loads(server.requests[0].content) == {"recipientsType": "hardBounces"}
    client.close()


def test_fewer_campaigns_than_announced_are_not_all_campaigns() -> None:
    client, _ = with_answers(told({"count": 3, "campaigns": []}))

    with pytest.raises(Retryable, match="announced"):
        client.campaigns.sent(list_id=LIST, start=NOON - timedelta(days=9), end=NOON)
    client.close()
