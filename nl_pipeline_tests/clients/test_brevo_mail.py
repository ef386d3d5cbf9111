"""Webhooks and campaigns of the Brevo client against the twin."""

from __future__ import annotations

from datetime import timedelta

import pytest

from nl_pipeline.clients.brevo import BrevoClient, ImportRow
from nl_pipeline.clients.errors import Permanent
from nl_pipeline_tests.sandbox_control import SandboxControl

EVENTS = frozenset({"spam", "unsubscribed", "hardBounce", "listAddition"})
URL = "http://127.0.0.1:9/brevo/changes"


def email(number: int) -> str:
    return f"person-{number}@kunde-{number}.example"


@pytest.fixture
def list_id(brevo: BrevoClient) -> int:
    """A list `onoffice` with three contacts."""
    made = brevo.create_list("onoffice", folder_id=brevo.folders()[0].id)
    people = [ImportRow(email(number)) for number in range(3)]
    brevo.await_processes(brevo.import_contacts(made.id, people).process_ids)
    return made.id


def test_an_account_without_webhooks_has_none(brevo: BrevoClient) -> None:
    assert brevo.webhooks.all() == []


@pytest.mark.parametrize("spelling", ["singular", "plural"])
def test_a_webhook_is_as_it_was_made(
    sandbox: SandboxControl, brevo: BrevoClient, spelling: str
) -> None:
    sandbox.switch("brevo", name="webhook_events_shown", value=spelling)

    made = brevo.webhooks.create(url=URL, events=EVENTS, token="t-1", description="onOffice")

    assert brevo.webhooks.all() == [made]


def test_a_webhook_is_changed_and_deleted(brevo: BrevoClient) -> None:
    made = brevo.webhooks.create(url=URL, events=EVENTS, token="t-1")
    fewer = frozenset({"spam"})

    brevo.webhooks.change(made.id, url=f"{URL}-2", events=fewer, token="t-2", is_batched=True)
    [changed] = brevo.webhooks.all()
    brevo.webhooks.delete(made.id)
    brevo.webhooks.delete(made.id)

    assert (changed.url, changed.events, changed.token) == (f"{URL}-2", fewer, "t-2")
    assert changed.is_batched
    assert brevo.webhooks.all() == []


def test_a_campaign_is_found_with_its_numbers_and_recipients(
    sandbox: SandboxControl, brevo: BrevoClient, list_id: int
) -> None:
    brevo.lists()
    start = brevo.now()
    assert start is not None
    sandbox.send_campaign("brevo", subject="Angebote")
    sandbox.act("brevo", actor="person", action="unsubscribe", email=email(1))
    sandbox.advance(seconds=60)
    brevo.lists()

    [sent] = brevo.campaigns.sent(
        list_id=list_id, start=start - timedelta(seconds=5), end=start + timedelta(hours=1)
    )
    process_id = brevo.campaigns.export_recipients(sent.id, recipients="all")
    assert process_id is not None
    rows = brevo.rows_of(brevo.await_processes([process_id])[process_id])

    assert brevo.campaigns.campaign(sent.id) == sent
    assert sent.on_list(list_id).sent == 3
    assert {value for row in rows for value in row.values()} >= {email(n) for n in range(3)}


def test_the_reason_why_a_contact_left_names_the_campaign(
    sandbox: SandboxControl, brevo: BrevoClient, list_id: int
) -> None:
    campaign_id = sandbox.send_campaign("brevo", subject="Angebote")["campaign_id"]
    sandbox.act(
        "brevo", actor="person", action="unsubscribe", email=email(0), campaign_id=campaign_id
    )

    found = brevo.contact_of(email(0))

    assert found is not None
    assert [e.campaign_id for e in found.statistics.user_unsubscriptions] == [campaign_id]
    assert found.statistics.delivered
    assert brevo.statistics(found.contact.id) == found.statistics


def test_a_campaign_that_does_not_exist_is_none(brevo: BrevoClient) -> None:
    assert brevo.campaigns.campaign(99_999) is None
    assert brevo.campaigns.export_recipients(99_999, recipients="all") is None


def test_more_webhooks_than_an_account_may_have_are_refused(brevo: BrevoClient) -> None:
    for number in range(40):
        brevo.webhooks.create(url=f"{URL}/{number}", events=EVENTS, token="t")

    with pytest.raises(Permanent):
        brevo.webhooks.create(url=f"{URL}/41", events=EVENTS, token="t")
