"""Batches that are under way: how long they are waited for, and after whom nobody waits any more.

Belongs here: waiting. Must not be here: outcomes of operations (``test_mailchimp_client``).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from nl_pipeline.clients.mailchimp import AudienceDetails, MailchimpClient, NewMember, patch_member
from nl_pipeline.clients.mailchimp import batches as batches_module
from nl_pipeline_tests.clients.answering import Naps
from nl_pipeline_tests.clients.conftest import MailchimpFactory
from nl_pipeline_tests.clients.test_mailchimp_client import DETAILS
from nl_pipeline_tests.sandbox_control import SandboxControl

DURATION = 5.0
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def audience(sandbox: SandboxControl, mailchimp: MailchimpClient) -> str:
    """An audience with six members whose batches take their time."""
    sandbox.switch("mailchimp", name="batch_seconds", value=DURATION)
    details: AudienceDetails = DETAILS
    audience_id = mailchimp.create_audience(name="onoffice", details=details).id
    new = [NewMember(f"person-{n}@kunde.example", "subscribed") for n in range(6)]
    mailchimp.add_members(audience_id, new)
    return audience_id


class ClockOfTheSandbox(Naps):
    """Waiting that moves the sandbox's clock."""

    def __init__(self, sandbox: SandboxControl) -> None:
        super().__init__()
        self._sandbox = sandbox

    def __call__(self, seconds: float) -> None:
        super().__call__(seconds)
        self._sandbox.advance(seconds=seconds)


def leave_running(sandbox: SandboxControl, client: MailchimpClient, audience: str) -> None:
    """Submit a batch whose sender hears nothing of it any more."""
    sandbox.fault("mailchimp", kind="reset", match="POST .*/batches", after_apply=True)
    members = [m.id for page in client.members(audience) for m in page.members]
    client.run(audience, [patch_member(i, reference=i, status="unsubscribed") for i in members])


def statuses(sandbox: SandboxControl, audience: str) -> set[str]:
    members = sandbox.dump("mailchimp")["members"]
    return {m["status"] for m in members if m["list_id"] == audience}


def test_a_batch_that_somebody_left_running_is_waited_for(
    sandbox: SandboxControl, mailchimp_with: MailchimpFactory, audience: str
) -> None:
    client = mailchimp_with(batch_threshold=1, sleep=ClockOfTheSandbox(sandbox))
    leave_running(sandbox, client, audience)
    before = statuses(sandbox, audience)

    waited_for = client.wait_for_batches(since=LONG_AGO)

    assert (before, waited_for, statuses(sandbox, audience)) == (
        {"subscribed"},
        1,
        {"unsubscribed"},
    )


def test_nobody_waits_for_a_batch_that_is_finished_or_older(
    sandbox: SandboxControl, mailchimp_with: MailchimpFactory, audience: str
) -> None:
    naps = ClockOfTheSandbox(sandbox)
    client = mailchimp_with(batch_threshold=1, sleep=naps)
    leave_running(sandbox, client, audience)

    older = client.wait_for_batches(since=datetime.now(UTC) + timedelta(hours=1))
    sandbox.advance(seconds=DURATION)
    finished = client.wait_for_batches(since=LONG_AGO)

    assert (older, finished, naps.seconds) == (0, 0, [])


def test_batches_side_by_side_are_waited_for_once(
    sandbox: SandboxControl,
    mailchimp_with: MailchimpFactory,
    audience: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sandbox.switch("mailchimp", name="batch_seconds", value=0.5)
    monkeypatch.setattr(batches_module, "CHUNK", 2)
    naps = ClockOfTheSandbox(sandbox)
    client = mailchimp_with(batch_threshold=1, sleep=naps)
    members = [m.id for page in client.members(audience) for m in page.members]

    client.run(audience, [patch_member(i, reference=i, status="unsubscribed") for i in members])

    assert (client.calls["POST /batches"], naps.seconds) == (3, [1.0])
