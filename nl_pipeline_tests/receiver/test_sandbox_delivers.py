"""The Mailchimp of the sandbox delivers to a receiver, by its own rules, and it is in the log."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from nl_pipeline.webhook_log.keys import SigningKey, SigningKeys
from nl_pipeline_tests.receiver.serving import Running, path_of, serving, wait_for
from nl_pipeline_tests.sandbox.mailchimp.caller import ANNA, MailchimpCaller, connected
from nl_pipeline_tests.sandbox_control import SandboxControl
from nl_pipeline_tests.webhook_log.disks import MemoryDisk
from nl_pipeline_tests.webhook_log.logs import CONNECTION

BERTA = "berta.berg@kunde.example"
VALID = 'stored_total{signature="valid"}'


@pytest.fixture
def mailchimp(sandbox: SandboxControl) -> Iterator[MailchimpCaller]:
    """A caller of the sandbox's Mailchimp, on a new audience with two members."""
    with connected(sandbox.base_url) as http:
        caller = MailchimpCaller(http)
        caller.create_audience()
        caller.add(ANNA)
        caller.add(BERTA)
        yield caller


def watch(mailchimp: MailchimpCaller, receiver: Running) -> None:
    """Create the two webhooks of the connection and keep their secrets, as set-up does."""
    keys = SigningKeys(receiver.log / CONNECTION)
    for origin, source in (("person", "user"), ("staff", "admin")):
        created = mailchimp.do(
            "POST",
            "webhooks",
            {
                "url": receiver.url + path_of(origin),
                "sources": {"user": False, "admin": False, "api": False} | {source: True},
            },
        )
        keys.remember(SigningKey(created["id"], origin, created["signing_secret"]))


def test_the_sandbox_creates_webhooks_here_and_delivers_signed_events(
    mailchimp: MailchimpCaller, sandbox: SandboxControl, receiver: Running
) -> None:
    receiver.now = time.time()
    watch(mailchimp, receiver)

    sandbox.act("mailchimp", actor="person", action="unsubscribe", email=ANNA)
    sandbox.act("mailchimp", actor="staff", action="unsubscribe", email=BERTA)
    wait_for(VALID, running=receiver, value=2)

    told = {
        (line.origin, line.signature, parse_qs(line.body)["data[email]"][0])
        for line in receiver.lines()
    }
    assert told == {("person", "valid", ANNA), ("staff", "valid", BERTA)}
    assert receiver.metric("validations_total") == 2


def test_what_could_not_be_stored_is_delivered_again_by_the_sandbox(
    mailchimp: MailchimpCaller, sandbox: SandboxControl, tmp_path: Path
) -> None:
    disk = MemoryDisk()
    with serving(tmp_path, files=disk) as receiver:
        receiver.now = time.time()
        watch(mailchimp, receiver)
        disk.refuse = lambda call: 28 if call == "write" else 0
        sandbox.act("mailchimp", actor="person", action="unsubscribe", email=ANNA)
        wait_for('refused_total{cause="write_failed"}', running=receiver, value=1)
        disk.refuse = lambda _call: 0
        sandbox.advance(seconds=61)
        wait_for(VALID, running=receiver, value=1)

    assert sum(content.count(b"unsubscribe") for content in disk.written.values()) == 1
