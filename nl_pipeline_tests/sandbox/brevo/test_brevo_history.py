"""The history of webhooks and the events API of the Brevo twin."""

from __future__ import annotations

from typing import Any

import pytest

from nl_pipeline.sandbox.credentials import BREVO_KEY_NAME
from nl_pipeline_tests.sandbox.brevo.caller import ANNA
from nl_pipeline_tests.sandbox.brevo.hooked import Hooked

DAY = 86_400


def order_of(hooked: Hooked, **more: Any) -> dict[str, Any]:
    return {
        "event": "allEvents",
        "notifyURL": hooked.receiver.url,
        "type": "marketing",
        "days": 7,
    } | more


def history(hooked: Hooked, **more: Any) -> list[tuple[str, str]]:
    """Event and address of each row."""
    process_id = hooked.do("POST", "/webhooks/export", order_of(hooked, **more))["processId"]
    return [(row["event"], row["email"]) for row in hooked.file_of(process_id)]


@pytest.fixture
def enterprise(hooked: Hooked) -> Hooked:
    """The account with the features of an Enterprise plan."""
    hooked.sandbox.switch("brevo", name="enterprise", value=True)
    return hooked


def test_the_history_is_refused_to_an_ordinary_account(hooked: Hooked) -> None:
    answer = hooked.call("POST", "/webhooks/export", order_of(hooked))
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")


def test_the_history_holds_what_webhooks_were_told_newest_first(enterprise: Hooked) -> None:
    enterprise.add("stumm@kunde.example")
    enterprise.watch(["listAddition", "unsubscribed"])
    enterprise.add()
    enterprise.act("unsubscribe")
    assert history(enterprise) == [("unsubscribe", ANNA), ("list_addition", ANNA)]


def test_the_history_holds_what_the_receiver_refused(enterprise: Hooked) -> None:
    enterprise.add()
    enterprise.watch(["unsubscribed"])
    enterprise.receiver.status = 500
    enterprise.act("unsubscribe")
    enterprise.receiver.next()
    enterprise.settled()
    assert history(enterprise) == [("unsubscribe", ANNA)]


def test_the_history_goes_back_seven_days(enterprise: Hooked) -> None:
    enterprise.add()
    enterprise.watch(["unsubscribed"])
    enterprise.act("unsubscribe")
    enterprise.sandbox.advance(seconds=7 * DAY + 1)
    assert history(enterprise, days=30) == []


@pytest.mark.parametrize(
    ("more", "count"),
    [
        ({"event": "unsubscribed"}, 1),
        ({"event": "unsubscribe"}, 1),
        ({"event": "click"}, 0),
        ({"email": "anderer@kunde.example"}, 0),
        ({"webhookId": 4711}, 0),
        ({"type": "transactional"}, 0),
    ],
)
def test_the_history_is_filtered(more: dict[str, Any], count: int, enterprise: Hooked) -> None:
    enterprise.add()
    enterprise.watch(["unsubscribed"])
    enterprise.act("unsubscribe")
    assert len(history(enterprise, **more)) == count


@pytest.mark.parametrize(
    "more",
    [
        {"event": "alles"},
        {"notifyURL": ""},
        {"days": 0},
        {"startDate": "2026-01-01"},
        {"days": None, "startDate": "2026-01-01"},
        {"days": None, "startDate": "2026-01-02", "endDate": "2026-01-01"},
    ],
)
def test_a_wrong_order_of_the_history_is_refused(more: dict[str, Any], enterprise: Hooked) -> None:
    answer = enterprise.call("POST", "/webhooks/export", order_of(enterprise, **more))
    assert answer.status_code == 400


def event_of(name: str = "besichtigung", **more: Any) -> dict[str, Any]:
    return {"event_name": name, "identifiers": {"email_id": ANNA}, **more}


def test_an_event_is_kept_with_its_contact(hooked: Hooked) -> None:
    hooked.add()
    contact_id = hooked.do("GET", f"/contacts/{ANNA}")["id"]
    properties = {"objekt": "4711"}
    assert hooked.call("POST", "/events", event_of(event_properties=properties)).status_code == 204
    shown = hooked.do("GET", "/events")
    assert shown["count"] == 1
    assert {
        name: shown["events"][0][name] for name in ("contact_id", "event_name", "event_properties")
    } == {
        "contact_id": contact_id,
        "event_name": "besichtigung",
        "event_properties": properties,
    }


def test_an_event_may_change_its_contact_and_webhooks_are_told(hooked: Hooked) -> None:
    hooked.add()
    hooked.watch(["contactUpdated"])
    hooked.do("POST", "/events", event_of(contact_properties={"NACHNAME": "Berg-Neu"}))
    told = hooked.told()
    assert (told["content"][0]["NACHNAME"], told["api_key_name"]) == ("Berg-Neu", BREVO_KEY_NAME)


@pytest.mark.parametrize(("creates", "status"), [(False, 404), (True, 200)])
def test_an_event_of_somebody_unknown_creates_nobody_unless_the_switch_says_so(
    creates: bool, status: int, hooked: Hooked
) -> None:
    hooked.sandbox.switch("brevo", name="event_creates_contact", value=creates)
    assert hooked.call("POST", "/events", event_of()).status_code == 204
    assert hooked.call("GET", f"/contacts/{ANNA}").status_code == status


def test_a_batch_of_events_is_taken_whole_or_not_at_all(hooked: Hooked) -> None:
    hooked.add()
    good, bad = event_of(), event_of("mit blank")
    assert hooked.call("POST", "/events/batch", {"events": [good, bad]}).status_code == 400
    assert hooked.do("GET", "/events")["count"] == 0
    assert hooked.do("POST", "/events/batch", {"events": [good, good]})["count"] == 2
    assert hooked.do("GET", "/events")["count"] == 2


def test_events_are_filtered_and_come_latest_first(hooked: Hooked) -> None:
    hooked.add()
    for name, date in (("spaeter", "2026-11-02T10:00:00Z"), ("frueher", "2026-11-01T10:00:00Z")):
        hooked.do("POST", "/events", event_of(name, event_date=date))
    query = {"startDate": "2026-11-01", "endDate": "2026-11-02"}
    names = [event["event_name"] for event in hooked.do("GET", "/events", **query)["events"]]
    assert names == ["spaeter", "frueher"]
    assert hooked.do("GET", "/events", event_name="frueher", **query)["count"] == 1


def test_openings_and_clicks_are_no_events_of_this_api(hooked: Hooked) -> None:
    hooked.add()
    hooked.send()
    hooked.act("open")
    assert hooked.do("GET", "/events")["count"] == 0
