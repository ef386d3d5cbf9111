"""T10: a fresh sign-up must not be removed minutes later.

Two stories, because an audience either asks for a confirmation or does not: people whose CRM
contact says anything but Yes, or who have none, sign up; several syncs in a row look at them.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from nl_pipeline.sync.observe import Mode
from nl_pipeline_tests.providers import each_provider
from nl_pipeline_tests.scenario import (
    CANCEL,
    DOI,
    NO,
    NOT_SPECIFIED,
    UNDELIVERABLE,
    YES,
    Picture,
    Scenario,
)
from nl_pipeline_tests.sync.conftest import StartedScenario

pytestmark = each_provider

SAID = {
    "no": NO,
    "cancelled": CANCEL,
    "none": NOT_SPECIFIED,
    "empty": "",
    "undeliverable": UNDELIVERABLE,
    "pending-optin": DOI,
}
"""What the CRM said when they signed up."""
WITHOUT_CONTACT = ("newcomer", "stranger-left")
CAME_BACK = ("left", "no-member", "cancelled-by-staff")
"""Unsubscribed by themselves, by a No in the CRM, by a Cancellation that staff entered."""
ADDED_BY_STAFF = ("veto", "walk-in")
BECOME_YES = (*SAID, *WITHOUT_CONTACT, *CAME_BACK)


@dataclass(frozen=True)
class Story:
    """The twins after every sync since the sign-ups."""

    pictures: tuple[Picture, ...]

    def statuses(self, name: str) -> list[str]:
        return [picture.status(name) for picture in self.pictures]


@dataclass(frozen=True)
class Unconfirmed:
    """Right after the sign-ups, after syncs while they wait, and after those that follow the
    confirmations."""

    signed_up: Picture
    waiting: Story
    confirmed: Story


SOME_SYNCS: tuple[Mode, ...] = ("incremental", "full", "incremental")


def sync_again_and_again(scenario: Scenario, *, modes: tuple[Mode, ...] = SOME_SYNCS) -> Story:
    pictures = []
    for mode in modes:
        scenario.sync(mode)
        pictures.append(scenario.picture())
    return Story(tuple(pictures))


def before_the_sign_ups(scenario: Scenario) -> None:
    scenario.add_contact("cancelled-by-staff", YES)
    scenario.sync()
    scenario.set_newsletter("cancelled-by-staff", CANCEL)
    scenario.sync()
    scenario.pass_time()


@pytest.fixture(scope="module")
def at_once(started_scenario: StartedScenario) -> Story:
    """Sign-ups that count at once."""
    with started_scenario() as scenario:
        before_the_sign_ups(scenario)
        for name in (*BECOME_YES, "private"):
            scenario.person("subscribe", name)
        for name in ADDED_BY_STAFF:
            scenario.staff("subscribe", name)
        return sync_again_and_again(scenario)


@pytest.fixture(scope="module")
def unconfirmed(started_scenario: StartedScenario) -> Unconfirmed:
    """Sign-ups that wait for a confirmation, and the syncs after they were confirmed."""
    with started_scenario() as scenario:
        before_the_sign_ups(scenario)
        scenario.stage.demand_double_opt_in()
        for name in BECOME_YES:
            scenario.person("subscribe", name)
        signed_up = scenario.picture()
        waiting = sync_again_and_again(scenario, modes=("incremental", "full"))
        for name in BECOME_YES:
            scenario.person("confirm", name)
        confirmed = sync_again_and_again(scenario, modes=("incremental", "full"))
        return Unconfirmed(signed_up, waiting, confirmed)


@pytest.mark.parametrize("name", [*BECOME_YES, *ADDED_BY_STAFF, "private"])
def test_no_sync_removes_a_fresh_sign_up(at_once: Story, name: str) -> None:
    assert set(at_once.statuses(name)) == {"subscribed"}


@pytest.mark.parametrize("name", BECOME_YES)
def test_a_sign_up_becomes_yes_in_the_crm(at_once: Story, name: str) -> None:
    assert at_once.pictures[-1].newsletter(name) == YES


def test_somebody_whom_staff_added_beats_the_veto_of_a_contact(at_once: Story) -> None:
    assert at_once.pictures[-1].newsletter("veto") == YES * 2


def test_a_subscriber_without_a_contact_becomes_one_contact(at_once: Story) -> None:
    assert [at_once.pictures[-1].newsletter(name) for name in ("newcomer", "walk-in")] == [YES, YES]


def test_a_private_contact_is_not_set_to_yes(at_once: Story) -> None:
    assert at_once.pictures[-1].contact("private")["newsletter_aktiv"] == YES
    assert at_once.pictures[-1].activities("private") == []


@pytest.mark.parametrize("name", BECOME_YES)
def test_a_sign_up_is_booked_once(at_once: Story, name: str) -> None:
    booked = at_once.pictures[-1].activities(name)

    assert booked[-1:] == ["bestellt"]
    assert booked.count("bestellt") == 1


@pytest.mark.parametrize("name", BECOME_YES)
def test_a_sign_up_that_waits_for_its_confirmation_is_left_alone(
    unconfirmed: Unconfirmed, name: str
) -> None:
    signed_up = unconfirmed.signed_up.status(name)

    assert signed_up != "subscribed"
    assert set(unconfirmed.waiting.statuses(name)) == {signed_up}


@pytest.mark.parametrize("name", sorted(SAID))
def test_a_sign_up_that_waits_says_nothing_in_the_crm(unconfirmed: Unconfirmed, name: str) -> None:
    assert unconfirmed.waiting.pictures[-1].newsletter(name) == SAID[name]


@pytest.mark.parametrize("name", BECOME_YES)
def test_a_confirmed_sign_up_stays_and_becomes_yes(unconfirmed: Unconfirmed, name: str) -> None:
    after = unconfirmed.confirmed
    assert set(after.statuses(name)) == {"subscribed"}
    assert after.pictures[-1].newsletter(name) == YES
