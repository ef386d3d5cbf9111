"""Profile fields, case by case: who changed them, which way they travel, and the note in the CRM.

Here: one field, `Vorname`/`FNAME`, unless the direction or blank rule is the point. Not here: the
status, which no profile write may touch (T19).
"""

from __future__ import annotations

import pytest

from nl_pipeline.settings import KindType
from nl_pipeline.warehouse import plans
from nl_pipeline_tests.providers import each_provider
from nl_pipeline_tests.scenario import YES, Scenario

pytestmark = each_provider

WHO = "kunde-01"


@pytest.fixture
def started(scenario: Scenario) -> Scenario:
    """The scenario with a base in which both sides say Kim."""
    assert values(scenario) == ("Kim", "Kim")
    return scenario


def values(scenario: Scenario, name: str = WHO) -> tuple[str, str]:
    """First name in the CRM and at the provider."""
    picture = scenario.picture()
    member = picture.member(name)
    assert member is not None
    field = scenario.stage.names["first_name"]
    return picture.contact(name)["Vorname"], member["merge_fields"].get(field, "")


def notes(scenario: Scenario, name: str = WHO) -> list[str]:
    """Texts of the activities of the contact, but for those about the subscription."""
    picture = scenario.picture()
    number = picture.contact(name)["id"]
    return [
        activity["Bemerkung"]
        for activity in picture.onoffice["activities"]
        if activity["Adress_nr"] == number and activity["Aktionsart"] == "Email"
    ]


def in_crm(scenario: Scenario, value: str) -> None:
    scenario.set_field(WHO, Vorname=value)


def at_provider(scenario: Scenario, value: str) -> None:
    scenario.person("update", WHO, values={"first_name": value})


def test_a_value_changed_in_the_crm_goes_to_the_provider(started: Scenario) -> None:
    in_crm(started, "Anders")

    started.sync()

    assert values(started) == ("Anders", "Anders")
    assert notes(started) == []


def test_a_value_changed_at_the_provider_comes_into_the_crm_with_a_note(started: Scenario) -> None:
    at_provider(started, "Neu")

    started.sync()

    assert values(started) == ("Neu", "Neu")
    [note] = notes(started)
    assert "first_name" in note
    assert "Neu" not in note


def test_a_field_that_only_goes_out_is_reported_and_overwritten(started: Scenario) -> None:
    started.change_field("Vorname", direction="to_provider")
    at_provider(started, "Neu")

    plan = started.plan()
    listed = plans.count_listings(started.link.warehouse, plan_id=plan.plan_id)
    started.apply(plan)

    assert values(started) == ("Kim", "Kim")
    assert [(row.code, row.rows) for row in listed if row.listing == "field"] == [("drift", 1)]
    assert notes(started) == []


def test_a_field_that_only_comes_in_is_not_overwritten(started: Scenario) -> None:
    started.change_field("Vorname", direction="to_crm")
    in_crm(started, "Anders")
    started.sync()
    assert values(started) == ("Anders", "Kim")

    at_provider(started, "Neu")
    started.sync()

    assert values(started) == ("Neu", "Neu")


def test_the_same_change_on_both_sides_is_the_new_base(started: Scenario) -> None:
    in_crm(started, "Neu")
    at_provider(started, "Neu")
    started.control.forget_calls()
    started.sync()
    assert started.writes() == {}

    at_provider(started, "Noch neuer")
    started.sync()

    assert values(started) == ("Noch neuer", "Noch neuer")


def test_of_two_different_changes_the_crms_wins_and_the_other_is_listed(started: Scenario) -> None:
    in_crm(started, "Anders")
    at_provider(started, "Neu")

    plan = started.plan()
    listed = plans.count_listings(started.link.warehouse, plan_id=plan.plan_id)
    started.apply(plan)

    assert values(started) == ("Anders", "Anders")
    assert [(row.code, row.rows) for row in listed if row.listing == "field"] == [
        ("both_changed", 1)
    ]


def test_a_value_emptied_in_the_crm_stays_at_the_provider(started: Scenario) -> None:
    in_crm(started, "")

    started.sync()

    assert values(started) == ("", "Kim")


def test_a_value_emptied_in_the_crm_is_emptied_at_the_provider_on_demand(
    started: Scenario,
) -> None:
    started.change_field("Vorname", blank="propagate")
    in_crm(started, "")

    started.sync()

    assert values(started) == ("", "")


@pytest.mark.parametrize("blank", ["keep", "propagate"])
def test_a_value_that_only_the_provider_ever_had_is_left(scenario: Scenario, blank: str) -> None:
    scenario.change_field("Vorname", blank=blank)
    name = "veto-frei"
    scenario.person("subscribe", name, values={"first_name": "Eva"})
    scenario.add_contact(name, YES)

    scenario.sync()
    scenario.sync()

    assert values(scenario, name)[1] == "Eva"


def test_a_value_emptied_at_the_provider_never_empties_the_crm(started: Scenario) -> None:
    at_provider(started, "")

    started.sync()
    started.sync("full")

    assert values(started)[0] == "Kim"


def test_a_note_is_written_once_per_change(started: Scenario) -> None:
    at_provider(started, "Neu")
    started.sync()
    started.sync()
    started.sync("full")
    at_provider(started, "Noch neuer")
    started.sync()

    assert len(notes(started)) == 2


def test_a_note_whose_answer_was_lost_is_written_once(started: Scenario) -> None:
    at_provider(started, "Neu")
    started.control.fault(
        "onoffice", kind="timeout_after_apply", match="create:agentslog", times=1, seconds=0
    )

    started.sync()
    started.sync()

    assert len(notes(started)) == 1


@pytest.mark.parametrize(
    "kind", [None, KindType(kind="Email", type="Gibt es nicht")], ids=["off", "not in the account"]
)
def test_without_a_kind_the_value_comes_without_a_note(
    started: Scenario, kind: KindType | None
) -> None:
    activities = started.link.settings.activities.model_copy(update={"profile": kind})
    started.change_settings(activities=activities)
    at_provider(started, "Neu")

    result = started.sync()

    assert values(started) == ("Neu", "Neu")
    assert result.complete
    assert notes(started) == []
