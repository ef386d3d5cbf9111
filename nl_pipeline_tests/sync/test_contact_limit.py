"""A Mailchimp plan that takes no further contact: nobody else waits for that.

Neither the form nor the text of that refusal is known, so both forms are tried.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from nl_pipeline.clients.errors import OperatorNeeded
from nl_pipeline.warehouse import quarantine
from nl_pipeline_tests.scenario import CANCEL, NO, YES, Picture, Scenario
from nl_pipeline_tests.sync.conftest import StartedScenario

NEWCOMERS = ("new-1", "new-2")


@dataclass(frozen=True)
class Story:
    """A sync into a full plan, and one after the plan was enlarged."""

    told: str
    after: Picture
    quarantined: int
    enlarged: Picture


@pytest.fixture(scope="module", params=["call", "member"])
def story(request: pytest.FixtureRequest, started_scenario: StartedScenario) -> Iterator[Story]:
    with started_scenario() as scenario:
        scenario.control.switch("mailchimp", name="max_contacts", value=1)
        scenario.control.switch("mailchimp", name="contact_limit_error", value=request.param)
        for name in NEWCOMERS:
            scenario.add_contact(name, YES)
        scenario.set_field("kunde-01", Vorname="Anders")
        scenario.set_newsletter("kunde-02", NO)
        scenario.person("unsubscribe", "kunde-03")
        scenario.staff("subscribe", "walk-in")
        with pytest.raises(OperatorNeeded) as stopped:
            scenario.sync()
        after = scenario.picture()
        waiting = len(quarantine.list_rows(scenario.link.warehouse))
        scenario.control.switch("mailchimp", name="max_contacts", value=-1)
        scenario.sync()
        yield Story(str(stopped.value), after, waiting, scenario.picture())


def test_the_run_asks_for_a_person_and_says_what_to_do(story: Story) -> None:
    assert "plan" in story.told
    assert "contact" in story.told


def test_nobody_is_added(story: Story) -> None:
    assert {story.after.status(name) for name in NEWCOMERS} == {"absent"}


def test_opt_outs_go_on_in_both_directions(story: Story) -> None:
    assert story.after.newsletter("kunde-03") == CANCEL
    assert story.after.status("kunde-02") == "unsubscribed"


def test_updates_and_tags_go_on(story: Story) -> None:
    member, walk_in = story.after.member("kunde-01"), story.after.member("walk-in")
    assert member is not None
    assert walk_in is not None
    assert member["merge_fields"]["FNAME"] == "Anders"
    assert walk_in["tags"] == ["onoffice"]


def test_those_who_found_no_room_are_not_quarantined(story: Story) -> None:
    assert story.quarantined == 0


def test_they_are_added_when_there_is_room(story: Story) -> None:
    assert {story.enlarged.status(name) for name in NEWCOMERS} == {"subscribed"}


def test_an_archived_member_finds_no_room_either_and_is_brought_back_later(
    scenario: Scenario,
) -> None:
    scenario.staff("archive", "kunde-01")
    scenario.sync()
    scenario.set_newsletter("kunde-01", YES)
    scenario.control.switch("mailchimp", name="max_contacts", value=1)
    with pytest.raises(OperatorNeeded):
        scenario.sync()
    meanwhile = scenario.status("kunde-01")
    scenario.control.switch("mailchimp", name="max_contacts", value=-1)

    scenario.sync()

    assert (meanwhile, scenario.status("kunde-01")) == ("archived", "subscribed")
