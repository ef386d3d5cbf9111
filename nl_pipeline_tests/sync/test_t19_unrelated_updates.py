"""T19: an update that has nothing to do with the subscription flips no status and blanks nothing.

Here: everything staff and people may touch besides status and mapped values, on either side, with
and without an opt-out, and what a profile write carries. The twins are asked, not the warehouse.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nl_pipeline.sandbox.onoffice.state import USERS
from nl_pipeline_tests.providers import each_provider
from nl_pipeline_tests.scenario import CANCEL, NO, YES, Picture, Scenario, address
from nl_pipeline_tests.sync.conftest import StartedScenario
from nl_pipeline_tests.sync.effects import seen_effects
from nl_pipeline_tests.sync.wire import Sent, sent_to_provider

pytestmark = each_provider

PEOPLE = ("kunde-01", "left", "no-member", "complained", "bounced", "archived-member", "cancelled")
"""One of each kind: subscribed, opted out on either side, complained, bounced, archived."""

USER = USERS[-1][1]
"""Somebody else who may be in charge of a contact."""


Update = Callable[[Scenario, str], None]
IN_CRM: dict[str, Update] = {
    "a note": lambda s, n: s.set_field(n, Bemerkung="ruft zurück"),
    "a town": lambda s, n: s.set_field(n, Ort="Aachen"),
    "a person in charge": lambda s, n: s.set_field(n, Benutzer=USER),
    "an empty value": lambda s, n: s.set_field(n, Vorname=""),
}


def update_everybody(scenario: Scenario, *, at: str) -> None:
    """Every update on a side for every person who can have it."""
    if at == "crm":
        for update in IN_CRM.values():
            for name in PEOPLE:
                update(scenario, name)
        return
    picture = scenario.picture()
    for name in PEOPLE:
        if picture.status(name) in ("subscribed", "unsubscribed"):
            scenario.stage.update_unrelated(address(name))


def statuses(picture: Picture) -> dict[str, tuple[str, str]]:
    return {name: (picture.newsletter(name), picture.status(name)) for name in PEOPLE}


@pytest.fixture(scope="module", params=["crm", "provider"])
def story(
    request: pytest.FixtureRequest, started_scenario: StartedScenario
) -> tuple[Picture, Picture, Picture, list[Sent]]:
    """Before the updates, after them, after two syncs, and what was sent to the provider."""
    with started_scenario() as scenario:
        before = scenario.picture()
        scenario.pass_time()
        update_everybody(scenario, at=request.param)
        updated = scenario.picture()
        with sent_to_provider(scenario) as sent:
            scenario.sync()
            scenario.sync("full")
        return before, updated, scenario.picture(), sent


Story = tuple[Picture, Picture, Picture, list[Sent]]


def test_the_people_of_this_story_have_different_statuses(story: Story) -> None:
    before = statuses(story[0])

    assert {status for _, status in before.values()} == {
        "subscribed",
        "unsubscribed",
        "cleaned",
        "archived",
        "absent",
    }
    assert {said for said, _ in before.values()} == {YES, NO, CANCEL}


def test_an_unrelated_update_changes_no_status(story: Story) -> None:
    before, _, after, _ = story

    assert statuses(after) == statuses(before)


def test_nothing_of_it_is_carried_to_the_other_side(story: Story) -> None:
    _, updated, after, _ = story

    assert seen_effects(updated, after) == set()


def test_nothing_is_sent_to_the_provider(story: Story) -> None:
    assert story[3] == []


def test_no_activity_is_written(story: Story) -> None:
    _, updated, after, _ = story

    assert len(after.onoffice["activities"]) == len(updated.onoffice["activities"])


def test_a_new_name_of_somebody_who_opted_out_stays_in_the_crm(scenario: Scenario) -> None:
    for name in ("left", "no-member"):
        scenario.set_field(name, Vorname="Anders", Name="Neu")

    with sent_to_provider(scenario) as sent:
        scenario.sync()

    assert sent == []
    assert scenario.status("left") == "unsubscribed"


def test_a_new_name_at_the_provider_of_somebody_who_opted_out_changes_no_status(
    scenario: Scenario,
) -> None:
    before = statuses(scenario.picture())
    scenario.act("api", "update", "left", values={"first_name": "Neu"})

    scenario.sync()

    assert statuses(scenario.picture()) == before


@pytest.mark.parametrize("people", [1, 30], ids=["alone", "in a batch"])
def test_a_profile_write_carries_no_status(scenario: Scenario, people: int) -> None:
    brakes = scenario.link.settings.brakes.model_copy(update={"overwritten_percent": 100.0})
    scenario.change_settings(brakes=brakes)
    for number in range(1, people + 1):
        scenario.set_field(f"kunde-{number:02d}", Vorname="Anders")

    with sent_to_provider(scenario) as sent:
        scenario.sync()

    assert [(s.method, sorted(s.body)) for s in sent] == [scenario.stage.profile_write] * people


def test_a_new_address_carries_no_status(scenario: Scenario) -> None:
    scenario.control.act(
        "onoffice",
        actor="staff",
        action="change_email",
        email=address("kunde-01"),
        new_email="anders@kunde.example",
    )

    with sent_to_provider(scenario) as sent:
        scenario.sync()

    assert [(s.method, sorted(s.body)) for s in sent] == [scenario.stage.address_write]


def test_a_tag_carries_no_status(scenario: Scenario) -> None:
    scenario.set_field("kunde-01", NewsletterTag=[tag_of(scenario)])

    with sent_to_provider(scenario) as sent:
        scenario.sync()

    assert [(s.method, sorted(s.body)) for s in sent] == [("POST", ["is_syncing", "tags"])]


def tag_of(scenario: Scenario) -> str:
    """The key of a newsletter tag of the account."""
    with scenario.link.warehouse.session() as db:
        return str(db.execute("SELECT min(key) FROM tag_options").fetchall()[0][0])
