"""T11: what we wrote ourselves comes back in the next reads and starts nothing.

One story in which everything the engine can write is written, in both directions; then several
syncs read it back.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest

from nl_pipeline.sync.observe import Mode
from nl_pipeline_tests.providers import each_provider
from nl_pipeline_tests.scenario import CANCEL, NO, NOT_SPECIFIED, YES, Picture, Scenario, address
from nl_pipeline_tests.sync.conftest import StartedScenario
from nl_pipeline_tests.sync.effects import seen_effects

pytestmark = each_provider

LATER: tuple[Mode, ...] = ("incremental", "incremental", "full", "incremental")


@dataclass(frozen=True)
class Story:
    """What the busy sync wrote, and what the syncs after it did."""

    written: Counter[str]
    later: Counter[str]
    plans: tuple[int, ...]
    ledger: tuple[list[Any], list[Any]]
    pictures: tuple[Picture, Picture]
    ways_to_write: frozenset[str]


def change_everything(scenario: Scenario) -> None:
    """At least one change of every kind, for either side."""
    scenario.set_newsletter("none", YES)
    scenario.set_newsletter("kunde-01", NO)
    scenario.set_newsletter("kunde-02", CANCEL)
    scenario.set_newsletter("kunde-03", NOT_SPECIFIED)
    scenario.set_field("kunde-04", Vorname="Anders", NewsletterTag=[tag_of(scenario)])
    scenario.control.act(
        "onoffice",
        actor="staff",
        action="change_email",
        email=address("kunde-05"),
        new_email="anders-05@kunde.example",
    )
    scenario.person("unsubscribe", "kunde-06")
    scenario.person("complain", "kunde-07")
    scenario.staff("remove", "kunde-08")
    scenario.person("update", "kunde-09", values={"first_name": "Neu"})
    scenario.person("change_email", "kunde-10", new_email="anders-10@kunde.example")
    scenario.person("subscribe", "newcomer")
    scenario.person("subscribe", "cancelled")
    scenario.staff("subscribe", "no")
    scenario.staff("unsubscribe", "kunde-11")
    scenario.act("system", "bounce", "kunde-12")


def tag_of(scenario: Scenario) -> str:
    """The key of a newsletter tag of the account."""
    with scenario.link.warehouse.session() as db:
        return str(db.execute("SELECT min(key) FROM tag_options").fetchall()[0][0])


def ledger(scenario: Scenario) -> list[Any]:
    with scenario.link.warehouse.session() as db:
        return db.execute("SELECT key, event, actor, source FROM consent_ledger").fetchall()


@pytest.fixture(scope="module")
def story(started_scenario: StartedScenario) -> Story:
    with started_scenario() as scenario:
        scenario.pass_time()
        change_everything(scenario)
        scenario.control.forget_calls()
        scenario.sync()
        written, before, entries = scenario.writes(), scenario.picture(), ledger(scenario)
        scenario.control.forget_calls()
        results = [scenario.sync(mode) for mode in LATER]
        return Story(
            written=written,
            later=scenario.writes(),
            plans=tuple(0 if r.push is None else r.push.tried for r in results),
            ledger=(entries, ledger(scenario)),
            pictures=(before, scenario.picture()),
            ways_to_write=scenario.stage.ways_to_write,
        )


def test_the_story_writes_in_both_directions(story: Story) -> None:
    assert {"create:address", "modify:address", "create:agentslog"} <= story.written.keys()
    provider = {name.split()[0] for name in story.written if " /" in name}
    assert story.ways_to_write <= provider


def test_an_echo_causes_no_write(story: Story) -> None:
    assert story.later == {}


def test_an_echo_is_not_even_planned(story: Story) -> None:
    assert story.plans == (0,) * len(LATER)


def test_an_echo_is_no_consent_event(story: Story) -> None:
    before, after = story.ledger

    assert after == before


def test_an_echo_is_no_activity(story: Story) -> None:
    before, after = story.pictures

    assert len(after.onoffice["activities"]) == len(before.onoffice["activities"])


def test_an_echo_changes_neither_side(story: Story) -> None:
    before, after = story.pictures

    assert seen_effects(before, after) == set()
