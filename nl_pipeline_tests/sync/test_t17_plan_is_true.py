"""T17: the plan equals its effects, and a dry run has none.

Everything a plan says is compared with everything that differs between the twins' dumps before and
after it was applied.
"""

from __future__ import annotations

from collections import Counter

import pytest

from nl_pipeline.warehouse import plans
from nl_pipeline_tests.scenario import CANCEL, NO, NOT_SPECIFIED, YES, Picture, Scenario
from nl_pipeline_tests.sync.effects import planned_effects, seen_effects


def live(scenario: Scenario) -> None:
    """A busy morning on both sides, with everything a plan can contain but a confirmation."""
    scenario.person("unsubscribe", "kunde-01")
    scenario.person("subscribe", "newcomer", merge_fields={"FNAME": "Neu", "LNAME": "Hier"})
    scenario.person("subscribe", "no")
    scenario.person("update", "kunde-02", merge_fields={"FNAME": "Geändert"})
    scenario.person("change_email", "kunde-03", new_email="umgezogen@kunde.example")
    scenario.staff("archive", "kunde-04")
    scenario.set_newsletter("kunde-05", NO)
    scenario.set_newsletter("kunde-06", NOT_SPECIFIED)
    scenario.set_newsletter("none", YES)
    scenario.set_newsletter("kunde-07", CANCEL)
    scenario.set_field("kunde-08", Vorname="Anders", NewsletterTag=["indMulti2098Select5953"])
    scenario.set_field("kunde-09", DSGVOStatus="speicherungwiderrufen")
    scenario.control.act(
        "onoffice",
        actor="staff",
        action="change_email",
        email="kunde-10@kunde.example",
        new_email="kunde-10-neu@kunde.example",
    )


def new_statuses(before: Picture, after: Picture) -> Counter[str]:
    return Counter(status for _, status in (after.api_history() - before.api_history()).elements())


def test_a_first_sync_does_what_its_plan_says_and_nothing_else(unsynced: Scenario) -> None:
    before_setup = unsynced.control.dump("onoffice")
    plan = unsynced.set_up().plan
    before = unsynced.picture()
    assert before.onoffice == before_setup

    unsynced.apply_approved(plan)

    assert planned_effects(unsynced, plan) == seen_effects(before, unsynced.picture())


@pytest.fixture
def busy(scenario: Scenario) -> Scenario:
    live(scenario)
    return scenario


def test_a_sync_does_what_its_plan_says_and_nothing_else(busy: Scenario) -> None:
    before = busy.picture()
    plan = busy.plan("full")

    busy.apply(plan)

    after = busy.picture()
    assert planned_effects(busy, plan) == seen_effects(before, after)
    # Status by status: nobody was subscribed and unsubscribed again on the way.
    assert new_statuses(before, after) == Counter(
        {"subscribed": 1, "unsubscribed": 3, "archived": 1}
    )


def test_a_sync_books_exactly_what_came_in_from_the_provider(busy: Scenario) -> None:
    before = busy.picture()

    busy.sync()
    busy.sync("full")

    after = busy.picture()
    booked = Counter(a["Aktionstyp"] for a in after.onoffice["activities"]) - Counter(
        a["Aktionstyp"] for a in before.onoffice["activities"]
    )
    # And one note of a name that was taken over from the provider.
    assert booked == Counter({"nicht bestellt": 1, "bestellt": 2, "Eingang": 1})


def test_a_busy_morning_is_settled_by_one_sync(busy: Scenario) -> None:
    busy.sync("full")
    busy.control.forget_calls()

    busy.sync()
    busy.sync("full")

    assert busy.writes() == {}


def test_a_dry_run_writes_nothing_on_either_side(busy: Scenario) -> None:
    before = busy.picture()
    busy.control.forget_calls()

    result = busy.sync("full", dry_run=True)

    assert result.push is None
    assert busy.writes() == {}
    assert busy.picture() == before
    assert plans.count_changes(busy.link.warehouse, plan_id=result.plan.plan_id) != []


def test_what_a_brake_holds_does_not_happen(scenario: Scenario) -> None:
    for number in range(1, 11):
        scenario.set_newsletter(f"kunde-{number:02d}", NOT_SPECIFIED)
    scenario.set_field("kunde-11", Vorname="Anders")
    before = scenario.picture()

    plan = scenario.plan("full")
    scenario.apply(plan)

    happened = seen_effects(before, scenario.picture())
    assert happened == planned_effects(scenario, plan, result="confirmed")
    assert {what for _, _, what, _ in happened} == {"FNAME"}


def test_what_was_held_happens_after_a_release(scenario: Scenario) -> None:
    for number in range(1, 11):
        scenario.set_newsletter(f"kunde-{number:02d}", NOT_SPECIFIED)
    before = scenario.picture()
    plan = scenario.plan("full")
    scenario.apply(plan)

    scenario.apply(scenario.release(plan))

    assert seen_effects(before, scenario.picture()) == planned_effects(scenario, plan)
