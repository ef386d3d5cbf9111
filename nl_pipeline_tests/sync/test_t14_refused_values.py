"""T14 at every provider: a value it does not take keeps nobody out, and nothing else of a person.

A town of the CRM is mapped onto a field that holds days at the provider. Mailchimp refuses what is
no day, Brevo drops it in silence; either way the rest is sent, and the value is not sent again
until it changes. Values that Mailchimp alone refuses are in ``test_t14_rejected_fields``.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from nl_pipeline.settings import FieldMapping
from nl_pipeline.warehouse import quarantine, reports
from nl_pipeline_tests.providers import each_provider
from nl_pipeline_tests.providers.stage import Provider
from nl_pipeline_tests.scenario import CANCEL, YES, Picture, Scenario, address
from nl_pipeline_tests.sync.conftest import Beginnings

pytestmark = each_provider

DAY = "EINZUG"
"""The provider's field."""
FINE, BAD = "2026-03-01", "Aachen"
CAUSES = {"merge_fields", "attributes"}


@dataclass(frozen=True)
class Story:
    """A sync with values that are no days, the one after it, and one after two were corrected."""

    first: Picture
    first_complete: bool
    left_out: tuple[int, int]
    quarantined: set[tuple[str, str, str]]
    listed: set[str]
    second_complete: bool
    second_writes: dict[str, int]
    corrected: Picture
    left: set[tuple[str, str, str]]
    first_name: str

    def values(self, picture: Picture, name: str) -> tuple[str, str]:
        """First name and day of somebody."""
        found = (picture.member(name) or {})["merge_fields"]
        return found.get(self.first_name, ""), found.get(DAY, "")


def quarantined(scenario: Scenario) -> set[tuple[str, str, str]]:
    rows = quarantine.list_rows(scenario.link.warehouse)
    return {(row.address, row.field or row.action, row.cause) for row in rows}


@pytest.fixture(scope="module")
def story(beginnings: Beginnings, provider: Provider) -> Story:
    beginning = beginnings.after_first_sync(provider)
    day = FieldMapping(name="day", crm="Ort", provider=DAY)
    with beginnings.opened(beginning, provider=provider, more_fields=(day,)) as scenario:
        scenario.stage.add_field_of_days(DAY)
        scenario.sync("full")
        scenario.add_contact("new", YES, Vorname="Neu", Ort=BAD)
        scenario.add_contact("good", YES, Vorname="Gut", Ort=FINE)
        scenario.set_field("kunde-01", Vorname="Anders", Ort=BAD)
        scenario.set_field("kunde-02", Ort=BAD)
        scenario.set_field("kunde-03", Vorname="Anders", Ort=FINE)
        scenario.person("unsubscribe", "kunde-05")
        first = scenario.sync()
        assert first.push is not None
        after, found = scenario.picture(), quarantined(scenario)
        problems = reports.list_problems(scenario.link.warehouse)
        scenario.control.forget_calls()
        second = scenario.sync("full")
        writes = dict(scenario.writes())
        for name in ("new", "kunde-01"):
            scenario.set_field(name, Ort=FINE)
        scenario.sync()
        return Story(
            first=after,
            first_complete=first.complete,
            left_out=(first.push.fields_dropped, first.push.without_effect),
            quarantined=found,
            listed={p.subject for p in problems if p.kind == "quarantine"},
            second_complete=second.complete,
            second_writes=writes,
            corrected=scenario.picture(),
            left=quarantined(scenario),
            first_name=scenario.stage.names["first_name"],
        )


def test_a_person_is_subscribed_without_the_refused_value(story: Story) -> None:
    assert story.first.status("new") == "subscribed"
    assert story.values(story.first, "new") == ("Neu", "")


def test_the_others_of_the_same_call_lose_nothing(story: Story) -> None:
    assert story.values(story.first, "good") == ("Gut", FINE)


def test_the_other_values_of_an_update_are_written(story: Story) -> None:
    assert story.values(story.first, "kunde-01") == ("Anders", "")
    assert story.values(story.first, "kunde-03") == ("Anders", FINE)


def test_a_refused_value_stops_no_opt_out(story: Story) -> None:
    assert story.first.newsletter("kunde-05") == CANCEL


def test_a_refused_value_makes_the_run_incomplete_once(story: Story) -> None:
    assert (story.first_complete, story.second_complete) == (False, True)


def test_a_value_that_was_left_out_is_counted_and_not_expected_back(story: Story) -> None:
    assert story.left_out == (3, 0)


def test_every_refused_value_is_quarantined_by_itself_and_listed(story: Story) -> None:
    names = ("new", "kunde-01", "kunde-02")

    assert {(who, what) for who, what, _ in story.quarantined} == {
        (address(name), "day") for name in names
    }
    assert {cause for _, _, cause in story.quarantined} <= CAUSES
    assert story.listed == {"day"}


def test_a_second_run_after_refused_values_writes_nothing(story: Story) -> None:
    assert story.second_writes == {}


def test_a_corrected_value_is_written_and_leaves_the_quarantine(story: Story) -> None:
    assert story.values(story.corrected, "new") == ("Neu", FINE)
    assert {who for who, _, _ in story.left} == {address("kunde-02")}
