"""Pushes that go wrong: interrupted, unanswered, refused in part, or with one bad row.

Nothing is sent twice, nobody is stopped by somebody else's error, and activities are exactly one
per event and contact.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import Any

import pytest
from msgspec.structs import replace

from nl_pipeline.clients.errors import ApiError
from nl_pipeline.clients.mailchimp import AddOutcome
from nl_pipeline.sync.push import apply_plan
from nl_pipeline.warehouse import plans
from nl_pipeline_tests.scenario import (
    CANCEL,
    NO,
    NOT_SPECIFIED,
    ORDINARY,
    YES,
    Picture,
    Scenario,
)


def booked(before: Picture, after: Picture) -> Counter[tuple[int, str]]:
    """Activities that came since, by contact and type."""
    known = {activity["Nr"] for activity in before.onoffice["activities"]}
    return Counter(
        (activity["Adress_nr"], activity["Aktionstyp"])
        for activity in after.onoffice["activities"]
        if activity["Nr"] not in known
    )


def results(scenario: Scenario, plan_id: str) -> Counter[tuple[str, str]]:
    rows = plans.change_rows(scenario.link.warehouse, plan_id=plan_id)
    return Counter(zip(rows["result"], rows["cause"], strict=True))


LOST: dict[str, dict[str, Any]] = {
    "answer lost": {"kind": "timeout_after_apply", "seconds": 0},
    "never arrived": {"kind": "timeout_before", "seconds": 0},
}


@pytest.mark.parametrize("fault", LOST.values(), ids=LOST)
def test_an_activity_is_booked_once_whatever_becomes_of_the_call(
    scenario: Scenario, fault: dict[str, Any]
) -> None:
    before = scenario.picture()
    scenario.person("unsubscribe", "gruppe")
    scenario.control.fault("onoffice", match="create:agentslog", times=1, **fault)

    scenario.sync()
    scenario.sync("full")

    after = scenario.picture()
    ids = [after.contact(name)["id"] for name in ("gruppe", "shouting")]
    assert booked(before, after) == Counter({(number, "nicht bestellt"): 1 for number in ids})


@pytest.mark.parametrize("fault", LOST.values(), ids=LOST)
def test_a_contact_is_created_once_whatever_becomes_of_the_call(
    scenario: Scenario, fault: dict[str, Any]
) -> None:
    scenario.person("subscribe", "newcomer")
    scenario.control.fault("onoffice", match="create:address", times=1, **fault)

    scenario.sync()
    scenario.sync()

    assert scenario.newsletter("newcomer") == YES


@pytest.mark.parametrize("fault", LOST.values(), ids=LOST)
def test_a_member_is_subscribed_once_whatever_becomes_of_the_call(
    scenario: Scenario, fault: dict[str, Any]
) -> None:
    before = scenario.picture()
    scenario.set_newsletter("none", YES)
    scenario.control.fault("mailchimp", match=r"POST /mailchimp/3.0/lists/\w+\?", times=1, **fault)

    scenario.sync()
    scenario.sync()

    after = scenario.picture()
    assert [entry["to"] for entry in _history(after, "none")] == ["subscribed"]
    assert after.newsletter("none") == YES
    assert booked(before, after) == Counter()


def _history(picture: Picture, name: str) -> list[dict[str, Any]]:
    member = picture.member(name)
    return [] if member is None else member["history"]


def test_a_push_that_broke_off_is_finished_by_the_next_sync(scenario: Scenario) -> None:
    before = scenario.picture()
    scenario.person("unsubscribe", "kunde-01")
    scenario.person("subscribe", "newcomer")
    scenario.set_newsletter("kunde-02", NO)
    # The CRM dies right after it took the cancellation: not even reading back works.
    scenario.control.fault("onoffice", kind="status", match="create:address", times=3, status=500)
    plan = scenario.plan()
    scenario.control.fault("onoffice", kind="status", match="read:address", times=9, skip=1)
    with pytest.raises(ApiError):
        scenario.apply(plan)
    scenario.control.clear_faults()

    scenario.sync()

    after = scenario.picture()
    assert (after.newsletter("kunde-01"), after.status("kunde-02")) == (CANCEL, "unsubscribed")
    assert sorted(booked(before, after).values()) == [1, 1]
    assert after.newsletter("newcomer") == YES


def test_applying_a_plan_again_sends_nothing_twice(scenario: Scenario) -> None:
    scenario.person("unsubscribe", "kunde-01")
    scenario.set_newsletter("none", YES)
    plan = scenario.plan()
    apply_plan(scenario.link, plan=plan)
    scenario.control.forget_calls()

    apply_plan(scenario.link, plan=plans.load(scenario.link.warehouse, plan_id=plan.plan_id))

    assert scenario.writes() == {}


def test_a_refused_address_is_told_and_stops_nobody_else(scenario: Scenario) -> None:
    scenario.control.switch("mailchimp", name="fake_domains", value=["gibt-es-nicht.example"])
    for name in ("fake", "real"):
        scenario.add_contact(name, YES)
    scenario.control.act(
        "onoffice",
        actor="staff",
        action="change_email",
        email="fake@kunde.example",
        new_email="fake@gibt-es-nicht.example",
    )

    result = scenario.sync()

    assert not result.complete
    assert scenario.status("real") == "subscribed"
    assert results(scenario, result.plan.plan_id)["refused", "fake_or_invalid"] == 1


def test_a_batch_with_failures_applies_the_rest(scenario: Scenario) -> None:
    scenario.control.switch("mailchimp", name="fake_domains", value=["gibt-es-nicht.example"])
    for name in ORDINARY:
        scenario.set_field(name, Vorname="Anders")
    scenario.control.act(
        "onoffice",
        actor="staff",
        action="change_email",
        email="kunde-01@kunde.example",
        new_email="kunde-01@gibt-es-nicht.example",
    )
    brakes = scenario.link.settings.brakes.model_copy(update={"overwritten_percent": 100.0})
    scenario.change_settings(brakes=brakes)
    scenario.control.forget_calls()

    scenario.sync()

    after = scenario.picture()
    assert scenario.writes()["POST /3.0/batches"] == 1
    assert _first_names(after)["kunde-02@kunde.example"] == "Anders"
    assert after.status("kunde-01") == "subscribed"


def test_lost_results_of_a_batch_are_read_back(scenario: Scenario) -> None:
    scenario.control.switch("mailchimp", name="batch_lost_results", value=5)
    brakes = scenario.link.settings.brakes.model_copy(update={"overwritten_percent": 100.0})
    scenario.change_settings(brakes=brakes)
    for name in ORDINARY:
        scenario.set_field(name, Vorname="Anders")

    result = scenario.sync()

    assert result.complete
    assert set(_first_names(scenario.picture()).values()) >= {"Anders"}


@pytest.fixture
def left_running(scenario: Scenario) -> tuple[Scenario, str]:
    """A push whose batch was taken, never answered, and runs for ten more minutes."""
    brakes = scenario.link.settings.brakes.model_copy(update={"overwritten_percent": 100.0})
    scenario.change_settings(brakes=brakes)
    for name in ORDINARY:
        scenario.set_field(name, Vorname="Anders")
    scenario.control.switch("mailchimp", name="batch_seconds", value=1200)
    scenario.control.fault("mailchimp", kind="reset", match="POST .*/batches", after_apply=True)
    plan_id = scenario.sync().plan.plan_id
    assert "Anders" not in _first_names(scenario.picture()).values()
    scenario.control.forget_calls()
    return scenario, plan_id


def test_a_batch_that_runs_on_is_waited_for_before_anything_is_planned_again(
    left_running: tuple[Scenario, str],
) -> None:
    scenario, _ = left_running

    scenario.sync()

    assert scenario.writes()["POST /3.0/batches"] == 0
    assert "Anders" in _first_names(scenario.picture()).values()


def test_a_plan_that_is_applied_again_confirms_what_its_batch_did_meanwhile(
    left_running: tuple[Scenario, str],
) -> None:
    scenario, plan_id = left_running

    result = scenario.apply(plans.load(scenario.link.warehouse, plan_id=plan_id))

    assert (result.unknown, result.confirmed) == (0, len(ORDINARY))
    assert scenario.writes() == {}


def _first_names(picture: Picture) -> dict[str, str]:
    return {m["email_address"]: m["merge_fields"]["FNAME"] for m in picture.members.values()}


def test_a_value_the_crm_refuses_stops_neither_the_opt_out_nor_others(scenario: Scenario) -> None:
    scenario.person("update", "kunde-01", merge_fields={"FNAME": "Neu"})
    scenario.person("unsubscribe", "kunde-02")
    scenario.person("update", "kunde-03", merge_fields={"FNAME": "Auch neu"})
    scenario.control.fault(
        "onoffice", kind="status", match="modify:address", errorcode=88, positions=[0], times=1
    )

    scenario.sync()
    scenario.sync()

    after = scenario.picture()
    assert after.newsletter("kunde-02") == CANCEL
    assert [after.contact(n)["Vorname"] for n in ("kunde-01", "kunde-03")] == ["Neu", "Auch neu"]


def test_no_brake_holds_opt_outs_back(scenario: Scenario) -> None:
    for name in ORDINARY[:20]:
        scenario.person("unsubscribe", name)
    scenario.set_newsletter("kunde-30", NOT_SPECIFIED)

    scenario.sync()

    after = scenario.picture()
    assert {after.newsletter(name) for name in ORDINARY[:20]} == {CANCEL}


def test_an_answer_in_another_spelling_stops_nobody(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("anders", "ganz-anders", "fremd"):
        scenario.add_contact(name, YES)
    client = scenario.link.audience.client  # type: ignore[attr-defined]
    add = client.add_members

    def respell(audience_id: str, members: Any, **options: Any) -> AddOutcome:
        outcome: AddOutcome = add(audience_id, members, **options)
        spelt = [replace(m, email_address=m.email_address.upper()) for m in outcome.created[:-1]]
        strange = [replace(m, email_address="somebody@else.example") for m in outcome.created[-1:]]
        return dataclasses.replace(outcome, created=(*spelt, *strange))

    monkeypatch.setattr(client, "add_members", respell)
    scenario.sync()
    after_one = [scenario.status(n) for n in ("anders", "ganz-anders", "fremd")]
    scenario.sync()
    scenario.control.forget_calls()

    scenario.sync("full")

    assert after_one == ["subscribed"] * 3
    assert scenario.writes() == {}
    tags = {n: (scenario.picture().member(n) or {})["tags"] for n in ("anders", "fremd")}
    assert tags == {"anders": ["onoffice"], "fremd": ["onoffice"]}
