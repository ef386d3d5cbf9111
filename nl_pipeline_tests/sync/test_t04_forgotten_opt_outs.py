"""T4: a provider forgets an opt-out with the contact, and nobody is sent to again.

Deleting a contact at Brevo erases the blocklisting with it; deleting one for good at Mailchimp
erases the unsubscription. Whatever then brings the address back, our ledger remembers.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from nl_pipeline.warehouse import reports
from nl_pipeline_tests.providers import each_provider
from nl_pipeline_tests.scenario import CANCEL, YES, Picture, Scenario, address
from nl_pipeline_tests.sync.conftest import StartedScenario

pytestmark = each_provider

LEFT = ("yes-again", "new-contact", "brought-back", "left-alone", "no-contact")


@dataclass(frozen=True)
class Told:
    """Both sides when everybody had left, and after everything that followed the deletions;
    ``listed``: problems by address; ``mails``: who was asked to confirm."""

    left: Picture
    after: Picture
    listed: set[tuple[str, str]]
    mails: dict[str, int]


@pytest.fixture(scope="module")
def told(started_scenario: StartedScenario) -> Told:
    """They all unsubscribe, are deleted at the provider, and are brought back in different ways."""
    with started_scenario() as scenario:
        for name in LEFT[:-1]:
            scenario.add_contact(name, YES)
        scenario.person("subscribe", "no-contact")
        scenario.person("unsubscribe", "no-contact")
        scenario.sync()
        for name in LEFT[:-1]:
            scenario.person("unsubscribe", name)
        scenario.sync()
        left = scenario.picture()
        for name in LEFT:
            scenario.staff("delete", name)
        scenario.sync("full")
        scenario.set_newsletter("yes-again", YES)
        remove_contact(scenario, "new-contact")
        for name in ("new-contact", "no-contact"):
            scenario.add_contact(name, YES)
        scenario.act("import", "force", "brought-back")
        for mode in ("incremental", "full", "incremental"):
            scenario.sync(mode)
        listed = reports.list_problems(scenario.link.warehouse)
        return Told(
            left,
            scenario.picture(),
            {(p.address, p.code) for p in listed},
            dict(scenario.stage.confirmation_mails()),
        )


def remove_contact(scenario: Scenario, name: str) -> None:
    scenario.control.act("onoffice", actor="staff", action="delete", email=address(name))


def test_everybody_of_the_story_had_left(told: Told) -> None:
    assert {told.left.status(name) for name in LEFT} == {"unsubscribed"}


@pytest.mark.parametrize("name", LEFT)
def test_nobody_whose_opt_out_was_forgotten_is_sent_to_again(told: Told, name: str) -> None:
    assert told.after.status(name) in ("absent", "deleted", "unsubscribed")


@pytest.mark.parametrize("name", LEFT)
def test_nobody_is_subscribed_by_us_in_between(told: Told, name: str) -> None:
    theirs = {
        contact_id
        for contact_id, member in told.after.members.items()
        if member["email_address"] == address(name)
    }
    given = told.after.api_history() - told.left.api_history()

    assert [to for who, to in given if who in theirs and to in ("subscribed", "pending")] == []


def test_who_is_brought_back_is_unsubscribed_again(told: Told) -> None:
    assert told.after.status("brought-back") == "unsubscribed"


def test_a_deletion_changes_no_cancellation(told: Told) -> None:
    assert [told.after.newsletter(name) for name in ("left-alone", "brought-back")] == [CANCEL] * 2


@pytest.mark.parametrize("name", ["yes-again", "new-contact", "no-contact"])
def test_a_yes_after_a_forgotten_opt_out_stays_and_is_listed(told: Told, name: str) -> None:
    assert told.after.newsletter(name) == YES
    assert (address(name), "withdrawn_and_forgotten") in told.listed


def test_nobody_of_them_is_asked_to_confirm(told: Told) -> None:
    assert told.mails == {}
