"""T2: a person unsubscribes at Mailchimp and no webhook tells us.

Mostly no webhook exists at all here. Every opt-out is found by reading statuses, at whatever moment
of a sync it happens, and nothing in between subscribes the person again. At the end webhooks exist
and some of them are lost.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from nl_pipeline.sync.observe import Mode, read_contacts, read_members
from nl_pipeline.sync.planning import make_plan
from nl_pipeline.sync.push import confirm, push_to_crm, push_to_provider
from nl_pipeline_tests.scenario import CANCEL, NO, NOT_SPECIFIED, YES, Scenario
from nl_pipeline_tests.sync.hooked import Hooked

MODES: tuple[Mode, ...] = ("incremental", "full", "incremental")


def test_the_next_sync_takes_an_unsubscribe_over(scenario: Scenario) -> None:
    scenario.person("unsubscribe", "kunde-01")
    scenario.person("unsubscribe", "foreign")
    scenario.person("complain", "kunde-02")

    scenario.sync()

    after = scenario.picture()
    assert {n: after.newsletter(n) for n in ("kunde-01", "foreign", "kunde-02")} == dict.fromkeys(
        ("kunde-01", "foreign", "kunde-02"), CANCEL
    )


def test_an_unsubscribe_reaches_every_contact_that_has_the_address(scenario: Scenario) -> None:
    scenario.add_contact("assistant", YES, "gruppe@kunde.example")
    scenario.sync()
    scenario.person("unsubscribe", "gruppe")

    scenario.sync()

    after = scenario.picture()
    names = ("gruppe", "shouting", "assistant")
    assert [after.newsletter(name) for name in names] == [CANCEL] * 3


def test_a_contact_that_is_cancelled_for_its_second_address_gets_no_mail_at_its_first(
    scenario: Scenario,
) -> None:
    scenario.person("unsubscribe", "rita-zweit")

    scenario.sync()

    after = scenario.picture()
    assert (after.newsletter("rita"), after.status("rita")) == (CANCEL, "unsubscribed")


def test_no_sync_after_an_unsubscribe_subscribes_the_person(scenario: Scenario) -> None:
    before = scenario.picture().api_history()
    scenario.person("unsubscribe", "kunde-01")

    for mode in MODES:
        scenario.sync(mode)

    assert scenario.picture().api_history() == before


def test_a_yes_that_staff_sets_again_is_neither_pushed_nor_overwritten(
    scenario: Scenario,
) -> None:
    scenario.person("unsubscribe", "kunde-01")
    scenario.sync()
    scenario.set_newsletter("kunde-01", YES)

    scenario.sync()
    scenario.sync("full")

    after = scenario.picture()
    assert (after.newsletter("kunde-01"), after.status("kunde-01")) == (YES, "unsubscribed")


def test_an_unsubscribe_between_plan_and_push_is_not_undone(scenario: Scenario) -> None:
    scenario.set_field("kunde-01", Vorname="Neu")
    plan = scenario.plan()
    scenario.person("unsubscribe", "kunde-01")

    scenario.apply(plan)
    scenario.sync()

    after = scenario.picture()
    assert (after.newsletter("kunde-01"), after.status("kunde-01")) == (CANCEL, "unsubscribed")


def test_someone_who_signs_up_and_leaves_between_plan_and_push_is_not_subscribed(
    scenario: Scenario,
) -> None:
    scenario.add_contact("neu", YES)
    plan = scenario.plan()
    scenario.person("subscribe", "neu")
    scenario.person("unsubscribe", "neu")

    scenario.apply(plan)
    scenario.sync()

    after = scenario.picture()
    assert (after.newsletter("neu"), after.status("neu")) == (CANCEL, "unsubscribed")


def test_an_unsubscribe_between_the_reads_of_both_sides_is_seen_at_once(
    scenario: Scenario,
) -> None:
    scenario.pass_time()
    read_contacts(scenario.link, mode="incremental")
    scenario.person("unsubscribe", "kunde-01")
    read_members(scenario.link, mode="incremental")

    scenario.apply(make_plan(scenario.link, mode="incremental"))

    assert scenario.newsletter("kunde-01") == CANCEL


def test_an_unsubscribe_after_the_last_read_is_found_by_the_next_sync(scenario: Scenario) -> None:
    scenario.add_contact("neu", YES)
    plan = scenario.plan()
    push_to_crm(scenario.link, plan=plan)
    push_to_provider(scenario.link, plan=plan)
    scenario.person("unsubscribe", "neu")
    confirm(scenario.link, plan=plan)

    scenario.sync()

    after = scenario.picture()
    assert (after.newsletter("neu"), after.status("neu")) == (CANCEL, "unsubscribed")


@pytest.mark.parametrize("said", [NOT_SPECIFIED, CANCEL])
def test_a_sign_up_that_is_withdrawn_before_it_reaches_the_crm_ends_withdrawn(
    scenario: Scenario, said: str
) -> None:
    scenario.add_contact("neu", said)
    scenario.sync()
    scenario.person("subscribe", "neu", tags=["onoffice"])
    plan = scenario.plan()
    scenario.pass_time(by=timedelta(minutes=1))
    scenario.person("unsubscribe", "neu")

    scenario.apply(plan)
    scenario.sync()
    scenario.sync("full")

    after = scenario.picture()
    assert after.newsletter("neu") in (NO, CANCEL)
    assert after.status("neu") == "unsubscribed"


@pytest.mark.parametrize("others_change", [False, True], ids=["alone", "with other changes"])
def test_leaving_again_right_after_a_second_sign_up_causes_no_confirmation_mail(
    scenario: Scenario, others_change: bool
) -> None:
    scenario.person("unsubscribe", "kunde-01")
    scenario.sync()
    if others_change:
        scenario.set_field("kunde-02", Vorname="Neu")
    scenario.pass_time()
    scenario.person("subscribe", "kunde-01")
    plan = scenario.plan()
    scenario.pass_time(by=timedelta(minutes=1))
    scenario.person("unsubscribe", "kunde-01")

    scenario.apply(plan)
    scenario.sync()
    scenario.sync("full")

    after = scenario.picture()
    assert (after.newsletter("kunde-01"), after.status("kunde-01")) == (CANCEL, "unsubscribed")


@pytest.mark.parametrize("said", [CANCEL, NO, NOT_SPECIFIED])
def test_a_yes_that_is_taken_back_between_plan_and_push_subscribes_nobody(
    scenario: Scenario, said: str
) -> None:
    scenario.set_newsletter("none", YES)
    plan = scenario.plan()
    scenario.pass_time(by=timedelta(days=2))
    scenario.set_newsletter("none", said)

    assert scenario.apply(plan).complete

    after = scenario.picture()
    assert (after.newsletter("none"), after.status("none")) == (said, "absent")


def test_a_yes_that_is_taken_back_before_the_first_plan_is_approved_subscribes_nobody(
    unsynced: Scenario,
) -> None:
    plan = unsynced.set_up().plan
    unsynced.pass_time(by=timedelta(days=2))
    unsynced.control.act(
        "onoffice", actor="person", action="unsubscribe", email="kunde-01@kunde.example"
    )
    unsynced.set_field("kunde-02", DSGVOStatus="speicherungwiderrufen")
    # Another contact with the address, and with a No, beats the Yes of the first.
    unsynced.add_contact("kunde-03", NO)

    unsynced.apply_approved(plan)

    after = unsynced.picture()
    assert {after.status(name) for name in ("kunde-01", "kunde-02", "kunde-03")} == {"absent"}


@pytest.mark.parametrize("mode", ["incremental", "full"])
def test_an_unsubscribe_whose_webhook_is_lost_among_others_is_taken_over_all_the_same(
    hooked: Hooked, mode: Mode
) -> None:
    before = hooked.scenario.picture().api_history()
    hooked.scenario.control.fault("mailchimp", kind="drop_webhook", match="unsubscribe")
    hooked.scenario.person("unsubscribe", "kunde-01")
    hooked.person("unsubscribe", "kunde-02")
    hooked.ingest()

    hooked.scenario.sync(mode)
    hooked.ingest_and_sync()

    after = hooked.scenario.picture()
    assert [after.newsletter(name) for name in ("kunde-01", "kunde-02")] == [CANCEL] * 2
    assert [after.activities(name) for name in ("kunde-01", "kunde-02")] == [["nicht bestellt"]] * 2
    assert after.api_history() == before
