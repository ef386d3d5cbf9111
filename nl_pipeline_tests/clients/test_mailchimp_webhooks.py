"""Webhooks of an audience through our client, against the twin and a receiver on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from nl_pipeline.clients.errors import OperatorNeeded, Permanent, Retryable
from nl_pipeline.clients.mailchimp import MailchimpClient, NewWebhook
from nl_pipeline.clients.mailchimp.webhooks import EVENTS, Webhooks
from nl_pipeline_tests.clients.conftest import MailchimpFactory
from nl_pipeline_tests.clients.test_mailchimp_client import DETAILS
from nl_pipeline_tests.sandbox.mailchimp.receiver import Receiver
from nl_pipeline_tests.sandbox_control import SandboxControl

CONSENT = frozenset(EVENTS) - {"campaign"}


@dataclass(frozen=True)
class Hooks:
    """The webhooks of a new audience, and a receiver that answers for them."""

    webhooks: Webhooks
    sandbox: SandboxControl
    receiver: Receiver
    audience: str

    def create(self, path: str = "/person", *, source: str = "user") -> NewWebhook:
        return self.webhooks.create(
            self.audience,
            url=self.receiver.url + path,
            events=CONSENT,
            sources=frozenset({source}),
        )


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def hooks(sandbox: SandboxControl, mailchimp: MailchimpClient, receiver: Receiver) -> Hooks:
    audience = mailchimp.create_audience(name="onoffice", details=DETAILS).id
    return Hooks(mailchimp.webhooks, sandbox, receiver, audience)


def test_a_webhook_is_created_with_every_flag_as_asked(hooks: Hooks) -> None:
    hooks.create()

    [webhook] = hooks.webhooks.all(hooks.audience)
    assert webhook.url == f"{hooks.receiver.url}/person"
    assert (webhook.events, webhook.sources) == (CONSENT, frozenset({"user"}))


def test_the_secret_of_the_signatures_comes_with_the_creation(hooks: Hooks) -> None:
    created = hooks.create()

    assert created.webhook.signing_enabled
    assert created.signing_secret


def test_neither_the_secret_nor_the_path_shows_in_a_repr(hooks: Hooks) -> None:
    created = hooks.create("/geheimer-pfad")

    assert created.signing_secret not in repr(created)
    assert "geheimer-pfad" not in repr(created)


def test_an_account_without_signatures_gives_no_secret(hooks: Hooks) -> None:
    hooks.sandbox.switch("mailchimp", name="signing_enabled", value=False)

    created = hooks.create()

    assert (created.signing_secret, created.webhook.signing_enabled) == ("", False)


def test_a_url_that_mailchimp_cannot_reach_needs_the_operator(hooks: Hooks) -> None:
    hooks.receiver.status = 503

    with pytest.raises(OperatorNeeded, match="public_url") as refused:
        hooks.create("/geheimer-pfad")

    assert "geheimer-pfad" not in str(refused.value)


def test_a_second_webhook_for_one_url_is_refused(hooks: Hooks) -> None:
    hooks.create()

    with pytest.raises(Permanent) as refused:
        hooks.create()

    assert refused.value.code == "webhook_doubled"


def test_a_webhook_whose_creation_got_no_answer_is_made_anew_for_its_secret(
    hooks: Hooks, mailchimp_with: MailchimpFactory
) -> None:
    hooks.sandbox.fault("mailchimp", kind="timeout_after_apply", match="POST .*/webhooks", times=1)
    webhooks = mailchimp_with(timeout_seconds=0.5).webhooks

    created = webhooks.create(
        hooks.audience,
        url=hooks.receiver.url,
        events=CONSENT,
        sources=frozenset({"user"}),
    )

    assert created.signing_secret
    assert [w.id for w in hooks.webhooks.all(hooks.audience)] == [created.webhook.id]


def test_a_change_sends_url_and_all_flags(hooks: Hooks) -> None:
    webhook = hooks.create().webhook

    hooks.webhooks.change(
        hooks.audience,
        webhook.id,
        url=f"{hooks.receiver.url}/moved",
        events=frozenset(EVENTS),
        sources=frozenset({"admin"}),
    )

    [changed] = hooks.webhooks.all(hooks.audience)
    assert (changed.id, changed.url) == (webhook.id, f"{hooks.receiver.url}/moved")
    assert (changed.events, changed.sources) == (frozenset(EVENTS), frozenset({"admin"}))


def test_a_deleted_webhook_is_gone_and_deleting_it_again_is_no_error(hooks: Hooks) -> None:
    webhook = hooks.create().webhook

    for _ in range(2):
        hooks.webhooks.delete(hooks.audience, webhook.id)

    assert hooks.webhooks.all(hooks.audience) == []


def test_webhooks_that_do_not_arrive_as_announced_are_an_error(hooks: Hooks) -> None:
    hooks.sandbox.fault(
        "mailchimp",
        kind="status",
        match="GET .*/webhooks",
        status=200,
        body={"webhooks": [], "total_items": 1},
    )

    with pytest.raises(Retryable, match="0 of 1"):
        hooks.webhooks.all(hooks.audience)
