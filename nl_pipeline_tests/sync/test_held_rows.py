"""Brakes end to end: what trips holds its own rows, everything else of the plan is applied.

Belongs here: each brake against the sandbox, and releases. Must not be here: the arithmetic of a
brake (``domain/test_brakes``).
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nl_pipeline.domain.brakes import Brake, Verdict
from nl_pipeline.domain.plan import Plan
from nl_pipeline.warehouse import plans
from nl_pipeline_tests.scenario import CANCEL, NOT_SPECIFIED, ORDINARY, YES, Scenario
from nl_pipeline_tests.sync.proofs import grant_with_proof

MANY = ORDINARY[:9]
LEAVER = ORDINARY[-1]
NOT_SENT_TO = (
    "none",
    "cancelled",
    "pending-optin",
    "undeliverable",
    "empty",
    "private",
    "archived",
)


def stop_sending(scenario: Scenario) -> None:
    for name in MANY:
        scenario.set_newsletter(name, NOT_SPECIFIED)


def archive_at_provider(scenario: Scenario) -> None:
    for name in MANY:
        scenario.staff("archive", name)


def sign_strangers_up(scenario: Scenario) -> None:
    for number in range(9):
        scenario.person("subscribe", f"fremd-{number}")


def rename_everybody(scenario: Scenario) -> None:
    for name in MANY:
        scenario.set_field(name, Vorname="Anders")


def prove_consents(scenario: Scenario) -> None:
    brakes = scenario.link.settings.brakes.model_copy(update={"confirmations": 1})
    scenario.change_settings(brakes=brakes)
    for name in MANY[:2]:
        scenario.person("unsubscribe", name)
    scenario.sync()
    for name in MANY[:2]:
        grant_with_proof(scenario, name)
        scenario.set_newsletter(name, YES)


def hide_contacts(scenario: Scenario) -> None:
    picture = scenario.picture()
    hidden = {picture.contact(name)["id"] for name in NOT_SENT_TO}
    visible = sorted(set(picture.contacts) - hidden)
    scenario.control.act("onoffice", actor="staff", action="restrict_rights", visible=visible)
    scenario.set_newsletter(ORDINARY[15], NOT_SPECIFIED)


TRIPS = [
    pytest.param(stop_sending, Brake.REMOVALS, {"archive"}, id="removals"),
    pytest.param(archive_at_provider, Brake.CRM_BLANKED, {"set_newsletter"}, id="blanked"),
    pytest.param(
        sign_strangers_up, Brake.NEW_CONTACTS, {"create_contact", "tag_member"}, id="new contacts"
    ),
    pytest.param(rename_everybody, Brake.OVERWRITTEN, {"update_member"}, id="overwritten"),
    pytest.param(
        prove_consents, Brake.CONFIRMATIONS, {"confirm", "set_newsletter"}, id="confirmations"
    ),
    pytest.param(hide_contacts, Brake.CRM_SHRINK, {"archive"}, id="shrunken CRM"),
]


def _tripped(plan: Plan) -> set[Brake]:
    return {reading.brake for reading in plan.brakes if reading.tripped}


def _held(scenario: Scenario, plan: Plan) -> set[str]:
    counts = plans.count_changes(scenario.link.warehouse, plan_id=plan.plan_id)
    return {count.action for count in counts if count.held_by is not None}


def _results(scenario: Scenario, plan: Plan) -> dict[str, int]:
    return plans.count_results(scenario.link.warehouse, plan_id=plan.plan_id)


@pytest.mark.parametrize(("trip", "brake", "actions"), TRIPS)
def test_a_brake_holds_its_rows_until_they_are_released_and_no_others(
    scenario: Scenario, trip: Callable[[Scenario], None], brake: Brake, actions: set[str]
) -> None:
    trip(scenario)
    scenario.person("unsubscribe", LEAVER)

    plan = scenario.sync("full").plan
    held = _held(scenario, plan)
    after = scenario.picture()
    # However a push is started, it looks at the verdict itself.
    scenario.apply(plans.load(scenario.link.warehouse, plan_id=plan.plan_id))
    waiting = _results(scenario, plan)["held"]
    scenario.apply(scenario.release(plan))

    assert (plan.verdict, _tripped(plan), held) == (Verdict.HELD, {brake}, actions)
    assert after.newsletter(LEAVER) == CANCEL
    assert waiting > 0
    assert set(_results(scenario, plan)) == {"confirmed"}


def test_many_opt_outs_are_an_alarm_and_none_is_held(scenario: Scenario) -> None:
    for name in MANY:
        scenario.person("unsubscribe", name)

    plan = scenario.sync().plan

    assert (plan.verdict, _tripped(plan)) == (Verdict.CLEAR, {Brake.INBOUND_ALARM})
    assert {scenario.newsletter(name) for name in MANY} == {CANCEL}


def test_a_release_names_who_and_why_and_lets_no_later_plan_go(scenario: Scenario) -> None:
    stop_sending(scenario)
    held = scenario.sync("full").plan
    released = plans.release(
        scenario.link.warehouse,
        plan_id=held.plan_id,
        by="Frau Muster",
        reason="asked for",
        now=scenario.link.now(),
    )
    scenario.set_newsletter(ORDINARY[15], NOT_SPECIFIED)

    later = scenario.sync("full").plan

    assert (released.released_by, released.release_reason) == ("Frau Muster", "asked for")
    assert (later.plan_id == held.plan_id, later.released, later.verdict) == (
        False,
        False,
        Verdict.HELD,
    )
    assert {scenario.status(name) for name in MANY} == {"subscribed"}
