"""Webhooks: creation, what is delivered when, signature, retries by the clock, faults."""

from __future__ import annotations

import hmac
from typing import Any

import pytest

from nl_pipeline.sandbox.mailchimp.sender import signature
from nl_pipeline_tests.sandbox.mailchimp.caller import ANNA, MailchimpCaller
from nl_pipeline_tests.sandbox.mailchimp.receiver import Receiver
from nl_pipeline_tests.sandbox_control import SandboxControl

EVENTS = ("subscribe", "unsubscribe", "profile", "cleaned", "upemail", "campaign")
RETRIES = (60, 120, 240, 480, 900, 1200, 1500)


def body_for(url: str, **sources: bool) -> dict[str, Any]:
    return {
        "url": url,
        "events": dict.fromkeys(EVENTS, True),
        "sources": {"user": True, "admin": True, "api": False} | sources,
    }


def watch(mailchimp: MailchimpCaller, receiver: Receiver, **sources: bool) -> dict[str, Any]:
    return mailchimp.do("POST", "webhooks", body_for(receiver.url, **sources))


def unsubscribe(sandbox: SandboxControl, email: str = ANNA, actor: str = "person") -> None:
    sandbox.act("mailchimp", actor=actor, action="unsubscribe", email=email)


def test_creation_asks_the_url_first(mailchimp: MailchimpCaller, receiver: Receiver) -> None:
    watch(mailchimp, receiver)
    assert receiver.checks == ["MailChimp.com WebHook Validator"]


def test_a_url_that_does_not_answer_well_is_refused(
    mailchimp: MailchimpCaller, receiver: Receiver
) -> None:
    receiver.status = 403
    document = mailchimp.call("POST", "webhooks", body_for(receiver.url)).json()
    assert document["errors"][0]["message"].endswith("HTTP Code: 403")


def test_a_url_beyond_loopback_is_never_called(mailchimp: MailchimpCaller) -> None:
    answer = mailchimp.call("POST", "webhooks", body_for("https://connector.muster.example/hook"))
    assert answer.status_code == 400


def test_the_same_url_with_another_query_is_a_duplicate(
    mailchimp: MailchimpCaller, receiver: Receiver
) -> None:
    watch(mailchimp, receiver)
    answer = mailchimp.call("POST", "webhooks", body_for(f"{receiver.url}?zwei"))
    assert "can't set up multiple WebHooks" in answer.json()["errors"][0]["message"]


def test_the_secret_is_shown_only_at_creation(
    mailchimp: MailchimpCaller, receiver: Receiver
) -> None:
    created = watch(mailchimp, receiver)
    read = mailchimp.get(f"webhooks/{created['id']}")
    assert created["signing_secret"]
    assert "signing_secret" not in read
    assert read["signing_enabled"] is True


def test_an_unsubscribe_is_delivered_as_a_form(
    mailchimp: MailchimpCaller, sandbox: SandboxControl, receiver: Receiver
) -> None:
    mailchimp.add(merge_fields={"FNAME": "Anna"})
    watch(mailchimp, receiver)
    unsubscribe(sandbox)
    delivery = receiver.next()
    assert delivery.headers["User-Agent"] == "MailChimp.com"
    assert delivery.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert {
        name: delivery.fields[name]
        for name in ("type", "data[action]", "data[reason]", "data[email]", "data[merges][FNAME]")
    } == {
        "type": "unsubscribe",
        "data[action]": "unsub",
        "data[reason]": "manual",
        "data[email]": ANNA,
        "data[merges][FNAME]": "Anna",
    }


def test_a_delivery_is_signed_with_the_secret(
    mailchimp: MailchimpCaller, sandbox: SandboxControl, receiver: Receiver
) -> None:
    mailchimp.add()
    secret = watch(mailchimp, receiver)["signing_secret"]
    unsubscribe(sandbox)
    delivery = receiver.next()
    stamp, _, sent = delivery.headers["X-Mailchimp-Signature"].partition(",v1=")
    message = f"{stamp.removeprefix('t=')}.".encode() + delivery.body
    assert sent == hmac.new(secret.encode(), message, "sha256").hexdigest()


def test_the_signature_matches_the_documented_form() -> None:
    body = (
        b"type=unsubscribe&fired_at=2026-03-26+21%3A40%3A57&data%5Baction%5D=unsub"
        b"&data%5Breason%5D=manual&data%5Bid%5D=8a25ff1d98"
        b"&data%5Bemail%5D=erika.muster%40kunde.example&data%5Bemail_type%5D=html"
        b"&data%5Bweb_id%5D=400751728&data%5Bcampaign_id%5D=cb398d21d2"
        b"&data%5Blist_id%5D=a6b5da1054&data%5Bmerges%5D%5BEMAIL%5D=erika.muster%40kunde.example"
        b"&data%5Bmerges%5D%5BFNAME%5D=Erika"
    )
    assert signature(body, secret="emulator-signing-secret", at=1774561257) == (
        "t=1774561257,v1=63ccb0f86eb769e417197172ba4d04d47985aea4170afddb577dc71882df610a"
    )


def test_our_own_writes_come_back_only_with_the_api_source(
    mailchimp: MailchimpCaller, sandbox: SandboxControl, receiver: Receiver
) -> None:
    watch(mailchimp, receiver)
    mailchimp.add()
    unsubscribe(sandbox)
    assert receiver.next().type == "unsubscribe"


def test_the_api_source_shows_writes_of_the_api(
    mailchimp: MailchimpCaller, receiver: Receiver
) -> None:
    watch(mailchimp, receiver, api=True)
    mailchimp.add()
    assert receiver.next().type == "subscribe"


def test_an_address_change_tells_both_addresses(
    mailchimp: MailchimpCaller, sandbox: SandboxControl, receiver: Receiver
) -> None:
    mailchimp.add()
    watch(mailchimp, receiver)
    sandbox.act(
        "mailchimp", actor="person", action="change_email", email=ANNA, new_email="b@kunde.example"
    )
    fields = receiver.next().fields
    assert (fields["type"], fields["data[old_email]"], fields["data[new_email]"]) == (
        "upemail",
        ANNA,
        "b@kunde.example",
    )
    assert receiver.next().type == "profile"


def test_a_bounce_and_a_campaign_are_told(
    mailchimp: MailchimpCaller, sandbox: SandboxControl, receiver: Receiver
) -> None:
    mailchimp.add()
    watch(mailchimp, receiver)
    sandbox.send_campaign(subject="Neubau", hard_bounce_rate=1)
    cleaned, campaign = receiver.next().fields, receiver.next().fields
    assert (cleaned["type"], cleaned["data[reason]"]) == ("cleaned", "hard")
    assert (campaign["type"], campaign["data[status]"]) == ("campaign", "sent")


def test_a_failed_delivery_is_tried_again_when_the_clock_says_so(
    mailchimp: MailchimpCaller, sandbox: SandboxControl, receiver: Receiver
) -> None:
    mailchimp.add()
    watch(mailchimp, receiver)
    receiver.status = 500
    unsubscribe(sandbox)
    first = receiver.next()
    receiver.status = 200
    sandbox.advance(seconds=RETRIES[0])
    assert receiver.next().body == first.body


def test_a_receiver_that_keeps_failing_loses_its_webhook(
    mailchimp: MailchimpCaller, sandbox: SandboxControl, receiver: Receiver
) -> None:
    emails = [f"k{number}@kunde.example" for number in range(3)]
    for email in emails:
        mailchimp.add(email)
    watch(mailchimp, receiver)
    receiver.status = 500
    for email in emails:
        unsubscribe(sandbox, email)
    for wait in (*RETRIES, 0):
        for _ in emails:
            receiver.next()
        sandbox.advance(seconds=wait)
    # The last refusal may still be on its way back to the sender.
    assert any(mailchimp.get("webhooks")["total_items"] == 0 for _ in range(500))


@pytest.mark.parametrize(
    ("kind", "arriving"),
    [
        ("drop_webhook", ["b"]),
        ("duplicate_webhook", ["a", "a", "b"]),
        ("reorder_webhooks", ["b", "a"]),
    ],
)
def test_a_fault_strikes_one_delivery(
    kind: str,
    arriving: list[str],
    mailchimp: MailchimpCaller,
    sandbox: SandboxControl,
    receiver: Receiver,
) -> None:
    for name in ("a", "b"):
        mailchimp.add(f"{name}@kunde.example")
    watch(mailchimp, receiver)
    sandbox.fault("mailchimp", kind=kind, match="WEBHOOK unsubscribe")
    for name in ("a", "b"):
        unsubscribe(sandbox, f"{name}@kunde.example")
    assert [receiver.next().fields["data[email]"][0] for _ in arriving] == arriving


def test_the_action_of_an_unsubscribe_can_be_missing(
    mailchimp: MailchimpCaller, sandbox: SandboxControl, receiver: Receiver
) -> None:
    sandbox.switch("mailchimp", name="unsubscribe_action", value="missing")
    mailchimp.add()
    watch(mailchimp, receiver)
    unsubscribe(sandbox)
    assert "data[action]" not in receiver.next().fields


@pytest.mark.parametrize("action", ["delete", "archive"])
def test_archiving_a_subscriber_is_told_as_the_switch_says(
    action: str, mailchimp: MailchimpCaller, sandbox: SandboxControl, receiver: Receiver
) -> None:
    sandbox.switch("mailchimp", name="archive_webhook", value=action)
    mailchimp.add()
    watch(mailchimp, receiver)
    sandbox.act("mailchimp", actor="staff", action="archive", email=ANNA)
    fields = receiver.next().fields
    assert (fields["type"], fields["data[action]"]) == ("unsubscribe", action)


def test_patch_changes_flags_and_delete_removes(
    mailchimp: MailchimpCaller, receiver: Receiver
) -> None:
    path = f"webhooks/{watch(mailchimp, receiver)['id']}"
    assert mailchimp.do("PATCH", path, {"sources": {"api": True}})["sources"]["api"] is True
    mailchimp.do("DELETE", path)
    assert mailchimp.get("webhooks")["webhooks"] == []


def test_staff_can_edit_a_webhook_behind_our_back(
    mailchimp: MailchimpCaller, sandbox: SandboxControl, receiver: Receiver
) -> None:
    watch(mailchimp, receiver)
    sandbox.act("mailchimp", actor="staff", action="edit_webhook", events={"unsubscribe": False})
    assert mailchimp.get("webhooks")["webhooks"][0]["events"]["unsubscribe"] is False
