"""T3: archiving must not hide an opt-out, and an archiving is not one.

Mailchimp shows an archived member without the status before, and lets an API client subscribe it
again. One story: what people and staff did before the first look, what we make of it, what a fresh
Yes in the CRM does to each of them afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from nl_pipeline_tests.scenario import CANCEL, NOT_SPECIFIED, YES, Picture, Scenario
from nl_pipeline_tests.sync.conftest import StartedScenario

LEFT_THEN_ARCHIVED = "kunde-01"
KNOWN_TO_HAVE_LEFT = "kunde-02"
ARCHIVED = "kunde-03"
LEFT_AND_CAME_BACK = "kunde-04"
DELETED = "kunde-05"
LEFT_THEN_DELETED = "kunde-06"
LEFT_WITH_NONE = "none"


@dataclass(frozen=True)
class Story:
    """The twins after the first look, after a fresh Yes for everybody, and what it took."""

    looked: Picture
    decided_again: Picture
    writes_at_rest: int


@pytest.fixture(scope="module")
def story(started_scenario: StartedScenario) -> Story:
    with started_scenario() as scenario:
        return tell(scenario)


def tell(scenario: Scenario) -> Story:
    scenario.person("unsubscribe", KNOWN_TO_HAVE_LEFT)
    scenario.sync()
    scenario.staff("archive", KNOWN_TO_HAVE_LEFT)
    scenario.person("unsubscribe", LEFT_THEN_ARCHIVED)
    scenario.staff("archive", LEFT_THEN_ARCHIVED)
    scenario.staff("archive", ARCHIVED)
    scenario.person("unsubscribe", LEFT_AND_CAME_BACK)
    scenario.pass_time()
    scenario.person("subscribe", LEFT_AND_CAME_BACK)
    scenario.staff("archive", LEFT_AND_CAME_BACK)
    scenario.staff("delete_permanent", DELETED)
    scenario.person("subscribe", LEFT_WITH_NONE)
    scenario.person("unsubscribe", LEFT_WITH_NONE)
    scenario.staff("archive", LEFT_WITH_NONE)
    scenario.person("unsubscribe", LEFT_THEN_DELETED)
    scenario.sync()
    scenario.staff("delete_permanent", LEFT_THEN_DELETED)
    scenario.sync("full")
    looked = scenario.picture()
    for name in EVERYBODY:
        scenario.set_newsletter(name, YES)
    scenario.sync()
    scenario.sync("full")
    decided_again = scenario.picture()
    scenario.control.forget_calls()
    scenario.sync()
    return Story(looked, decided_again, sum(scenario.writes().values()))


OPTED_OUT = (LEFT_THEN_ARCHIVED, KNOWN_TO_HAVE_LEFT, LEFT_THEN_DELETED, LEFT_WITH_NONE)
NOT_OPTED_OUT = (ARCHIVED, LEFT_AND_CAME_BACK, DELETED)
EVERYBODY = (*OPTED_OUT, *NOT_OPTED_OUT)


@pytest.mark.parametrize("name", [LEFT_THEN_ARCHIVED, KNOWN_TO_HAVE_LEFT, LEFT_THEN_DELETED])
def test_an_opt_out_becomes_a_cancellation_although_it_was_hidden(story: Story, name: str) -> None:
    assert story.looked.newsletter(name) == CANCEL


@pytest.mark.parametrize("name", NOT_OPTED_OUT)
def test_archived_or_deleted_without_an_opt_out_becomes_not_specified(
    story: Story, name: str
) -> None:
    assert story.looked.newsletter(name) == NOT_SPECIFIED


@pytest.mark.parametrize("name", OPTED_OUT)
def test_a_fresh_yes_never_subscribes_a_hidden_opt_out(story: Story, name: str) -> None:
    assert story.decided_again.status(name) in ("archived", "unsubscribed", "deleted")


@pytest.mark.parametrize("name", [ARCHIVED, LEFT_AND_CAME_BACK])
def test_a_fresh_yes_subscribes_an_archived_member_again(story: Story, name: str) -> None:
    assert story.decided_again.status(name) == "subscribed"


def test_a_member_that_was_deleted_for_good_is_left_alone(story: Story) -> None:
    after = story.decided_again
    assert (after.newsletter(DELETED), after.status(DELETED)) == (YES, "deleted")


def test_the_story_comes_to_rest(story: Story) -> None:
    assert story.writes_at_rest == 0
