"""Status rules end to end that no failure of the field stands for.

Here: one story each, or several people of one story, judged by the twins' dumps.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from nl_pipeline.domain.brakes import Brake, Verdict
from nl_pipeline.sandbox.app import World
from nl_pipeline.settings import Activities, KindType
from nl_pipeline.warehouse import plans, reports
from nl_pipeline_tests.scenario import (
    CANCEL,
    DOI,
    NO,
    NOT_SPECIFIED,
    ORDINARY,
    YES,
    Scenario,
    address,
)


def grant_with_proof(scenario: Scenario, name: str) -> None:
    """A consent that some form has recorded, later than everything so far."""
    scenario.pass_time()
    moment = scenario.link.now().replace(tzinfo=None)
    with scenario.link.warehouse.transaction() as db:
        db.execute(
            "INSERT INTO consent_ledger"
            " (key, event, actor, proof, happened_at, recorded_at, source)"
            " VALUES (?, 'GRANT', 'person', true, ?, ?, 'test form')",
            [f"{name}@kunde.example", moment, moment],
        )


def test_s07_a_newer_proof_makes_the_provider_ask_the_person(scenario: Scenario) -> None:
    scenario.person("unsubscribe", "kunde-01")
    scenario.sync()
    grant_with_proof(scenario, "kunde-01")
    scenario.set_newsletter("kunde-01", YES)

    scenario.sync()
    asked = scenario.picture()
    scenario.person("confirm", "kunde-01")
    scenario.sync()

    confirmed = scenario.picture()
    assert (asked.status("kunde-01"), asked.newsletter("kunde-01")) == ("pending", DOI)
    assert (confirmed.status("kunde-01"), confirmed.newsletter("kunde-01")) == ("subscribed", YES)


def test_s07_whoever_does_not_confirm_and_leaves_again_is_cancelled(scenario: Scenario) -> None:
    scenario.person("unsubscribe", "kunde-01")
    scenario.sync()
    grant_with_proof(scenario, "kunde-01")
    scenario.set_newsletter("kunde-01", YES)
    scenario.sync()
    scenario.pass_time()
    scenario.person("unsubscribe", "kunde-01")

    scenario.sync()
    scenario.sync("full")

    after = scenario.picture()
    assert (after.status("kunde-01"), after.newsletter("kunde-01")) == ("unsubscribed", CANCEL)


def test_s11_a_revoked_storage_consent_unsubscribes_and_a_private_mark_archives(
    scenario: Scenario,
) -> None:
    scenario.set_field("kunde-01", DSGVOStatus="speicherungwiderrufen")
    scenario.set_field("kunde-02", Privat=True)

    scenario.sync()

    after = scenario.picture()
    assert [after.status(name) for name in ORDINARY[:2]] == ["unsubscribed", "archived"]


def test_s18_archive_all_at_the_provider_is_held(scenario: Scenario) -> None:
    before = scenario.picture()
    scenario.control.act("mailchimp", actor="staff", action="archive_all")

    plan = scenario.sync("full").plan

    assert plan.verdict is Verdict.HELD
    assert [r.brake for r in plan.brakes if r.tripped] == [Brake.CRM_BLANKED]
    assert scenario.picture().contacts == before.contacts


def test_s18_a_released_archive_all_empties_the_crm_and_later_cancels_nobody(
    scenario: Scenario,
) -> None:
    scenario.control.act("mailchimp", actor="staff", action="archive_all")
    plan = scenario.sync("full").plan

    scenario.apply(scenario.release(plan))

    assert {scenario.newsletter(name) for name in ORDINARY} == {NOT_SPECIFIED}


def test_s19_a_bounced_address_keeps_its_yes_and_is_not_tried_again(scenario: Scenario) -> None:
    scenario.staff("clean", "kunde-01")
    scenario.sync()
    scenario.control.forget_calls()

    scenario.sync("full")

    after = scenario.picture()
    assert (after.status("kunde-01"), after.newsletter("kunde-01")) == ("cleaned", YES)
    assert scenario.writes() == {}


def test_s19_a_bounce_is_booked_once_where_the_settings_ask_for_it(scenario: Scenario) -> None:
    scenario.change_settings(
        activities=Activities(hard_bounce=KindType(kind="Newsletter", type="nicht bestellt"))
    )
    scenario.staff("clean", "kunde-01")

    for mode in ("incremental", "full", "full"):
        scenario.sync(mode)

    assert scenario.picture().activities("kunde-01") == ["nicht bestellt"]


def test_s19_a_bounce_is_not_booked_by_default(scenario: Scenario) -> None:
    scenario.staff("clean", "kunde-01")

    scenario.sync()

    assert scenario.picture().activities("kunde-01") == []


def test_s19_a_corrected_address_is_tried_as_a_new_one(scenario: Scenario) -> None:
    scenario.staff("clean", "kunde-01")
    scenario.sync()
    scenario.control.act(
        "onoffice",
        actor="staff",
        action="change_email",
        email="kunde-01@kunde.example",
        new_email="richtig@kunde.example",
    )

    scenario.sync()

    assert scenario.status("richtig") == "subscribed"


def test_s22_and_s23_who_comes_back_counts_and_who_is_brought_back_does_not(
    scenario: Scenario,
) -> None:
    for name in ("kunde-01", "kunde-02", "kunde-03"):
        scenario.person("unsubscribe", name)
    scenario.sync()
    scenario.pass_time(by=timedelta(hours=1))
    scenario.person("subscribe", "kunde-01")
    scenario.staff("subscribe", "kunde-02", force=True)
    scenario.control.act(
        "mailchimp",
        actor="import",
        action="subscribe",
        email="kunde-03@kunde.example",
        force=True,
    )

    scenario.sync()

    after = scenario.picture()
    assert {n: (after.status(n), after.newsletter(n)) for n in ORDINARY[:3]} == {
        "kunde-01": ("subscribed", YES),
        "kunde-02": ("unsubscribed", CANCEL),
        "kunde-03": ("unsubscribed", CANCEL),
    }


def test_s31_an_import_over_our_own_unsubscribe_never_becomes_a_yes(scenario: Scenario) -> None:
    # Mailchimp does not protect an unsubscribe by API: an import of the list brings the address
    # back. Staff's No is not the person's, so nobody decides but staff.
    scenario.set_newsletter("kunde-01", CANCEL)
    scenario.set_newsletter("kunde-02", NO)
    scenario.sync()
    for name in ("kunde-01", "kunde-02"):
        scenario.control.act(
            "mailchimp", actor="import", action="subscribe", email=f"{name}@kunde.example"
        )

    scenario.sync()

    after = scenario.picture()
    assert after.newsletter("kunde-01") == CANCEL
    assert after.newsletter("kunde-02") == NO


def test_s27_people_who_were_there_before_us_are_left_alone(scenario: Scenario) -> None:
    scenario.sync("full")

    after = scenario.picture()
    assert [after.status(n) for n in ("foreign", "stranger")] == ["subscribed"] * 2
    assert (after.newsletter("foreign"), after.newsletter("stranger")) == (NOT_SPECIFIED, "")


def test_s27_people_who_were_there_before_us_are_imported_on_demand(unsynced: Scenario) -> None:
    unsynced.change_settings(adopt_existing=True)

    unsynced.start()

    after = unsynced.picture()
    assert [after.newsletter(n) for n in ("foreign", "stranger")] == [YES, YES]


def test_s32_a_deleted_contact_is_archived_and_its_opt_outs_are_kept(scenario: Scenario) -> None:
    scenario.person("unsubscribe", "kunde-02")
    scenario.sync()
    for name in ("kunde-01", "kunde-02"):
        scenario.control.act(
            "onoffice", actor="staff", action="delete", email=f"{name}@kunde.example"
        )
    scenario.sync("full")
    for name in ("kunde-01", "kunde-02"):
        scenario.add_contact(name, YES)

    scenario.sync("full")

    after = scenario.picture()
    assert (after.status("kunde-01"), after.status("kunde-02")) == ("subscribed", "unsubscribed")


def test_a_plan_that_was_replaced_cannot_be_released(scenario: Scenario) -> None:
    scenario.control.act("mailchimp", actor="staff", action="archive_all")
    held = scenario.sync("full").plan
    scenario.person("subscribe", "newcomer")
    scenario.sync()

    assert plans.load(scenario.link.warehouse, plan_id=held.plan_id).status == "expired"


@pytest.mark.parametrize("newsletter", [YES, CANCEL], ids=["yes", "cancelled"])
def test_s02_a_status_nobody_knows_is_an_alarm_and_nothing_is_written(
    scenario: Scenario, scenario_world: World, newsletter: str
) -> None:
    audience = scenario_world.mailchimp._account.audiences[scenario.audience_id]
    member = audience.find(address("kunde-01"))
    assert member is not None
    member.status = "snoozed"
    scenario.set_newsletter("kunde-01", newsletter)
    scenario.control.forget_calls()

    scenario.sync("full")

    problems = reports.list_problems(scenario.link.warehouse)
    assert [(p.code, p.result) for p in problems if p.address == address("kunde-01")] == [
        ("provider_unknown", "alarm")
    ]
    assert scenario.writes() == {}
    assert scenario.newsletter("kunde-01") == newsletter
