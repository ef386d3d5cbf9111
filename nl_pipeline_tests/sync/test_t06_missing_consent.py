"""T6: a newsletter field that is missing, empty or unknown is read neither as Yes nor as No.

One story: such values of people we do not send to, and such values that replace a Yes.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from nl_pipeline_tests.scenario import CANCEL, NOT_SPECIFIED, YES, Picture, Scenario, address
from nl_pipeline_tests.sync.conftest import StartedScenario

NOBODY_ASKED = ("none", "empty", "strange", "undeliverable", "pending-optin")
EMPTIED, UNKNOWN, LEFT_AS_UNKNOWN = "kunde-01", "kunde-02", "kunde-03"


@dataclass(frozen=True)
class Story:
    """The twins before, and after three syncs with the replaced values."""

    before: Picture
    after: Picture


@pytest.fixture(scope="module")
def story(started_scenario: StartedScenario) -> Story:
    with started_scenario() as scenario:
        before = scenario.picture()
        replace_values(scenario)
        scenario.sync()
        scenario.sync("full")
        scenario.person("unsubscribe", LEFT_AS_UNKNOWN)
        scenario.sync()
        return Story(before, scenario.picture())


def replace_values(scenario: Scenario) -> None:
    scenario.set_newsletter(EMPTIED, "")
    for name in (UNKNOWN, LEFT_AS_UNKNOWN):
        # An import stores what it is given; the windows of the CRM offer known values only.
        scenario.control.act(
            "onoffice",
            actor="import",
            action="modify",
            email=address(name),
            fields={"newsletter_aktiv": "9"},
        )


@pytest.mark.parametrize("name", NOBODY_ASKED)
def test_it_is_not_read_as_yes(story: Story, name: str) -> None:
    assert story.after.status(name) == "absent"


@pytest.mark.parametrize("name", NOBODY_ASKED)
def test_it_is_not_replaced(story: Story, name: str) -> None:
    assert story.after.newsletter(name) == story.before.newsletter(name)


def test_an_emptied_value_stops_sending_and_is_no_opt_out(story: Story) -> None:
    assert (story.after.status(EMPTIED), story.after.newsletter(EMPTIED)) == ("archived", "")


def test_an_unknown_value_changes_nothing_for_a_subscriber(story: Story) -> None:
    assert (story.after.status(UNKNOWN), story.after.newsletter(UNKNOWN)) == ("subscribed", "9")


def test_an_opt_out_replaces_an_unknown_value(story: Story) -> None:
    assert story.after.newsletter(LEFT_AS_UNKNOWN) == CANCEL


def test_an_emptied_value_that_becomes_yes_again_subscribes_again(scenario: Scenario) -> None:
    scenario.set_newsletter("kunde-01", NOT_SPECIFIED)
    scenario.sync()
    scenario.set_newsletter("kunde-01", YES)

    scenario.sync()

    assert scenario.status("kunde-01") == "subscribed"
