"""What becomes of a delivery of the Brevo twin: tries by the clock, loss, pauses, faults."""

from __future__ import annotations

import socket

import pytest

from nl_pipeline_tests.sandbox.brevo.caller import ANNA
from nl_pipeline_tests.sandbox.brevo.hooked import Hooked

RETRIES = (600, 3600, 7200, 28_800)


def silent_url() -> str:
    """A URL on loopback at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}/stumm"


def test_too_many_requests_are_tried_again_when_the_clock_says_so(hooked: Hooked) -> None:
    hooked.add()
    hooked.watch(["unsubscribed"])
    hooked.receiver.status = 429
    hooked.act("unsubscribe")
    first = hooked.receiver.next()
    hooked.receiver.status = 200
    hooked.sandbox.advance(seconds=RETRIES[0] - 1)
    assert hooked.settled()["waiting"] == 1
    hooked.sandbox.advance(seconds=1)
    assert hooked.receiver.next().body == first.body


def test_an_event_is_lost_after_five_tries(hooked: Hooked) -> None:
    hooked.add()
    number = hooked.watch(["unsubscribed"])
    hooked.receiver.status = 429
    hooked.act("unsubscribe")
    for wait in RETRIES:
        hooked.receiver.next()
        hooked.settled()
        hooked.sandbox.advance(seconds=wait)
    hooked.receiver.next()
    assert hooked.settled()["webhooks"][str(number)] == {
        "retried": 4,
        "lost": 1,
        "paused_until": 0,
    }


@pytest.mark.parametrize("status", [400, 401, 404, 410, 500, 503])
def test_a_refused_event_is_gone(status: int, hooked: Hooked) -> None:
    hooked.add()
    number = hooked.watch(["unsubscribed"])
    hooked.receiver.status = status
    hooked.act("unsubscribe")
    hooked.receiver.next()
    report = hooked.settled()
    assert report["webhooks"][str(number)]["discarded"] == 1
    assert report["waiting"] == 0


def test_by_the_other_reading_a_server_error_is_tried_again(hooked: Hooked) -> None:
    hooked.sandbox.switch("brevo", name="webhook_5xx", value="retried")
    hooked.add()
    hooked.watch(["unsubscribed"])
    hooked.receiver.status = 500
    hooked.act("unsubscribe")
    first = hooked.receiver.next()
    hooked.receiver.status = 200
    hooked.settled()
    hooked.sandbox.advance(seconds=RETRIES[0])
    assert hooked.receiver.next().body == first.body


def test_a_receiver_that_does_not_answer_is_left_alone_for_ten_minutes(hooked: Hooked) -> None:
    hooked.add("a@kunde.example", "b@kunde.example")
    number = hooked.watch(["unsubscribed"], url=silent_url())
    hooked.act("unsubscribe", email="a@kunde.example")
    hooked.settled()
    hooked.do("PUT", f"/webhooks/{number}", {"url": hooked.receiver.url})
    hooked.act("unsubscribe", email="b@kunde.example")
    assert hooked.settled()["waiting"] == 2
    hooked.sandbox.advance(seconds=600)
    told = {hooked.told()["email"] for _ in range(2)}
    assert told == {"a@kunde.example", "b@kunde.example"}


def test_another_webhook_is_not_paused_with_it(hooked: Hooked) -> None:
    hooked.add()
    hooked.watch(["unsubscribed"], url=silent_url())
    hooked.watch(["unsubscribed"])
    hooked.act("unsubscribe")
    assert hooked.told()["email"] == ANNA


def test_a_url_beyond_loopback_is_never_called(hooked: Hooked) -> None:
    hooked.add()
    # This address leads to the receiver, but it is none of loopback.
    number = hooked.watch(["unsubscribed"], url=hooked.receiver.url.replace("127.0.0.1", "0.0.0.0"))
    hooked.act("unsubscribe")
    assert hooked.settled()["webhooks"][str(number)]["retried"] == 1
    assert hooked.receiver.waiting() == 0


def test_what_waits_for_a_deleted_webhook_is_dropped(hooked: Hooked) -> None:
    hooked.add()
    number = hooked.watch(["unsubscribed"])
    hooked.receiver.status = 429
    hooked.act("unsubscribe")
    hooked.receiver.next()
    hooked.settled()
    hooked.do("DELETE", f"/webhooks/{number}")
    hooked.sandbox.advance(seconds=RETRIES[0])
    assert hooked.settled()["webhooks"][str(number)]["dropped"] == 1
    assert hooked.receiver.waiting() == 0


@pytest.mark.parametrize(
    ("kind", "arriving"),
    [
        ("drop_webhook", ["b"]),
        ("duplicate_webhook", ["a", "a", "b"]),
        ("reorder_webhooks", ["b", "a"]),
    ],
)
def test_a_fault_strikes_one_delivery(kind: str, arriving: list[str], hooked: Hooked) -> None:
    hooked.add("a@kunde.example", "b@kunde.example")
    hooked.watch()
    hooked.sandbox.fault("brevo", kind=kind, match="WEBHOOK unsubscribed")
    for name in ("a", "b"):
        hooked.act("unsubscribe", email=f"{name}@kunde.example")
    assert [hooked.told()["email"][0] for _ in arriving] == arriving


def test_a_reset_forgets_what_waits(hooked: Hooked) -> None:
    hooked.add()
    hooked.watch(["unsubscribed"])
    hooked.receiver.status = 429
    hooked.act("unsubscribe")
    hooked.receiver.next()
    hooked.settled()
    hooked.sandbox.reset(contacts=0)
    assert hooked.sandbox.deliveries() == {
        "under_way": 0,
        "waiting": 0,
        "webhooks": {},
        "tries": [],
    }
