"""Webhooks of the Brevo twin: the registry, and how deliveries are authenticated and batched."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from nl_pipeline_tests.sandbox.brevo.caller import ANNA
from nl_pipeline_tests.sandbox.brevo.hooked import Hooked


def body_for(url: str, **more: Any) -> dict[str, Any]:
    return {"url": url, "events": ["unsubscribed"], **more}


@pytest.mark.parametrize("query", [{}, {"type": "marketing"}])
def test_an_account_without_webhooks_answers_400(query: dict[str, str], hooked: Hooked) -> None:
    answer = hooked.call("GET", "/webhooks", **query)
    assert (answer.status_code, answer.json()["code"]) == (400, "document_not_found")


def test_a_webhook_is_transactional_unless_it_says_marketing(hooked: Hooked) -> None:
    hooked.do("POST", "/webhooks", body_for(hooked.receiver.url))
    assert hooked.do("GET", "/webhooks")["webhooks"][0]["type"] == "transactional"
    assert hooked.call("GET", "/webhooks", type="marketing").status_code == 400


def test_a_transactional_webhook_hears_nothing_of_campaigns(hooked: Hooked) -> None:
    hooked.add()
    hooked.do("POST", "/webhooks", body_for(hooked.receiver.url, events=["hardBounce"]))
    hooked.act("bounce", actor="system")
    assert hooked.settled()["webhooks"] == {}


def test_a_webhook_comes_back_with_its_secrets(hooked: Hooked) -> None:
    auth = {"type": "bearer", "token": "geheim"}
    headers = [{"key": "x-eigen", "value": "auch geheim"}]
    number = hooked.watch(["spam"], auth=auth, headers=headers, description="Änderungen")
    shown = hooked.do("GET", f"/webhooks/{number}")
    assert {name: shown[name] for name in ("id", "events", "auth", "headers", "description")} == {
        "id": number,
        "events": ["spam"],
        "auth": auth,
        "headers": headers,
        "description": "Änderungen",
    }


def test_webhooks_are_listed_newest_first(hooked: Hooked) -> None:
    url = hooked.receiver.url
    ids = [hooked.watch(["spam"], url=f"{url}/{number}") for number in range(2)]
    listed = hooked.do("GET", "/webhooks", type="marketing")["webhooks"]
    assert [webhook["id"] for webhook in listed] == ids[::-1]


@pytest.mark.parametrize(
    "wrong",
    [
        {"events": []},
        {"events": ["hardBounces"], "type": "marketing"},
        {"events": ["contactUpdated"]},
        {"url": "kein-url"},
        {"url": "ftp://127.0.0.1/hooks"},
        {"url": ""},
        {"type": "sonstige"},
        {"auth": {"type": "basic", "token": "x"}},
    ],
    ids=["no events", "plural", "contact event of a transactional one", "no url",
         "another scheme", "empty url", "no such type", "no such auth"],
)  # fmt: skip
def test_a_wrong_webhook_is_refused(wrong: dict[str, Any], hooked: Hooked) -> None:
    answer = hooked.call("POST", "/webhooks", body_for(hooked.receiver.url) | wrong)
    assert answer.status_code == 400
    assert hooked.call("GET", "/webhooks").status_code == 400


def test_the_same_url_is_refused_a_second_time(hooked: Hooked) -> None:
    hooked.watch()
    answer = hooked.call("POST", "/webhooks", body_for(hooked.receiver.url))
    assert answer.json()["code"] == "duplicate_parameter"


def test_the_account_holds_forty_webhooks_of_all_types_together(hooked: Hooked) -> None:
    url = hooked.receiver.url
    for number in range(39):
        hooked.do("POST", "/webhooks", body_for(f"{url}/{number}"))
    hooked.watch(["spam"])
    answer = hooked.call("POST", "/webhooks", body_for(f"{url}/zuviel"))
    assert answer.status_code == 400


def test_put_changes_what_it_names(hooked: Hooked) -> None:
    number = hooked.watch(["spam"], batched=True)
    hooked.do("PUT", f"/webhooks/{number}", {"events": ["click"]})
    shown = hooked.do("GET", f"/webhooks/{number}")
    assert (shown["events"], shown["batched"]) == (["click"], True)


def test_a_refused_put_changes_nothing(hooked: Hooked) -> None:
    number = hooked.watch(["spam"])
    body = {"url": f"{hooked.receiver.url}/neu", "auth": {"type": "basic"}}
    assert hooked.call("PUT", f"/webhooks/{number}", body).status_code == 400
    assert hooked.do("GET", f"/webhooks/{number}")["url"] == hooked.receiver.url


def test_a_deleted_webhook_is_unknown(hooked: Hooked) -> None:
    number = hooked.watch()
    hooked.do("DELETE", f"/webhooks/{number}")
    for method, body in (("GET", None), ("PUT", {}), ("DELETE", None)):
        assert hooked.call(method, f"/webhooks/{number}", body).status_code == 404


def test_event_names_can_be_shown_in_the_plural_of_older_samples(hooked: Hooked) -> None:
    hooked.sandbox.switch("brevo", name="webhook_events_shown", value="plural")
    number = hooked.watch(["hardBounce", "listAddition", "spam"])
    shown = hooked.do("GET", f"/webhooks/{number}")["events"]
    assert shown == ["hardBounces", "listAdditions", "spam"]


def test_a_delivery_brings_the_token_and_the_headers(hooked: Hooked) -> None:
    hooked.add()
    hooked.watch(
        auth={"type": "bearer", "token": "geheim"}, headers=[{"key": "X-Eigen", "value": "wert"}]
    )
    hooked.act("unsubscribe")
    delivery = hooked.receiver.next()
    sent = {name.lower(): value for name, value in delivery.headers.items()}
    assert (sent["authorization"], sent["x-eigen"]) == ("Bearer geheim", "wert")
    assert sent["content-type"] == "application/json"


def test_credentials_in_the_url_travel_in_a_header(hooked: Hooked) -> None:
    hooked.add()
    hooked.watch(url=hooked.receiver.url.replace("http://", "http://wer:was%40@"))
    hooked.act("unsubscribe")
    delivery = hooked.receiver.next()
    sent = {name.lower(): value for name, value in delivery.headers.items()}
    assert sent["authorization"] == f"Basic {base64.b64encode(b'wer:was@').decode()}"
    assert delivery.path == "/hooks/geheim"


def test_a_batched_webhook_tells_all_events_of_five_minutes_at_once(hooked: Hooked) -> None:
    hooked.add("a@kunde.example", "b@kunde.example")
    hooked.watch(batched=True)
    for name in ("a", "b"):
        hooked.act("unsubscribe", email=f"{name}@kunde.example")
    assert hooked.settled()["waiting"] == 1
    hooked.sandbox.advance(seconds=300)
    assert [event["email"] for event in hooked.told()] == ["a@kunde.example", "b@kunde.example"]


def test_a_batch_holds_five_hundred_events(hooked: Hooked) -> None:
    hooked.add()
    hooked.send()
    hooked.watch(["opened"], batched=True)
    hooked.act("open", times=501)
    hooked.sandbox.advance(seconds=300)
    assert [len(hooked.told()) for _ in range(2)] == [500, 1]


def test_a_batch_can_come_in_an_object(hooked: Hooked) -> None:
    hooked.sandbox.switch("brevo", name="batch_envelope", value="object")
    hooked.add()
    hooked.watch(batched=True)
    hooked.act("unsubscribe")
    hooked.sandbox.advance(seconds=300)
    assert hooked.told()["events"][0]["email"] == ANNA


def test_staff_can_send_a_sample_to_a_webhook(hooked: Hooked) -> None:
    number = hooked.watch(["click"])
    hooked.sandbox.act("brevo", actor="staff", action="test_webhook", webhook_id=number)
    told = hooked.told()
    assert (told["id"], told["event"], told["email"]) == (number, "click", "example@example.com")


def test_staff_can_edit_a_webhook_behind_our_back(hooked: Hooked) -> None:
    number = hooked.watch()
    hooked.sandbox.act(
        "brevo", actor="staff", action="edit_webhook", webhook_id=number, events=["spam"]
    )
    assert hooked.do("GET", f"/webhooks/{number}")["events"] == ["spam"]


def test_staff_can_delete_a_webhook_behind_our_back(hooked: Hooked) -> None:
    number = hooked.watch()
    hooked.sandbox.act(
        "brevo", actor="staff", action="edit_webhook", webhook_id=number, delete=True
    )
    assert hooked.call("GET", f"/webhooks/{number}").status_code == 404
