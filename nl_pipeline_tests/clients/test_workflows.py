"""What starts a workflow at each provider: a step of a journey, a custom event."""

from __future__ import annotations

import pytest

from nl_pipeline.clients.brevo import BrevoClient
from nl_pipeline.clients.errors import ApiError, OutcomeUnknown, Withheld
from nl_pipeline.clients.mailchimp import MailchimpClient
from nl_pipeline_tests.sandbox_control import SandboxControl

EMAIL = "anna@kunde.example"


@pytest.fixture
def known(sandbox: SandboxControl) -> str:
    """The address of a contact Brevo knows."""
    sandbox.reset(contacts=0, existing_list=True)
    sandbox.act("brevo", actor="person", action="subscribe", email=EMAIL)
    return EMAIL


def told(sandbox: SandboxControl) -> list[str]:
    """Names of the events Brevo was told of a contact."""
    return [one["name"] for one in sandbox.dump("brevo")["custom_events"]]


def test_an_event_is_told_of_a_contact(
    brevo: BrevoClient, sandbox: SandboxControl, known: str
) -> None:
    brevo.custom_events.tell(known, event="lead_imported", properties={"form_id": "1"})

    assert told(sandbox) == ["lead_imported"]


def test_an_event_whose_answer_is_lost_is_not_told_again(
    brevo: BrevoClient, sandbox: SandboxControl, known: str
) -> None:
    sandbox.fault("brevo", kind="reset", match="/events", after_apply=True)

    with pytest.raises(OutcomeUnknown):
        brevo.custom_events.tell(known, event="lead_imported", properties={})

    assert told(sandbox) == ["lead_imported"]


def test_a_reason_against_it_right_before_keeps_an_event_from_being_told(
    brevo: BrevoClient, sandbox: SandboxControl, known: str
) -> None:
    def stop() -> None:
        raise Withheld("opted out", system="test", code="opted_out", what_next="nothing")

    with pytest.raises(Withheld):
        brevo.custom_events.tell(known, event="lead_imported", properties={}, before=stop)

    assert told(sandbox) == []


def test_a_step_that_does_not_exist_is_refused(mailchimp: MailchimpClient) -> None:
    with pytest.raises(ApiError):
        mailchimp.journeys.enter(EMAIL, journey=1, step=1)
