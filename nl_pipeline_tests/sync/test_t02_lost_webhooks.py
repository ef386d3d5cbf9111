"""T2: a person unsubscribes at the provider and no webhook tells us.

No webhook exists at all here. Every opt-out is found by reading statuses, at whatever moment of a
sync it happens, and nothing in between subscribes the person again.

Many people live through one thing each in the same syncs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest

from nl_pipeline.sync.observe import Mode, read_contacts, read_members
from nl_pipeline.sync.planning import make_plan
from nl_pipeline.sync.push import confirm, push_to_crm, push_to_provider
from nl_pipeline_tests.providers import each_provider
from nl_pipeline_tests.scenario import CANCEL, NO, NOT_SPECIFIED, YES, Picture, Scenario
from nl_pipeline_tests.sync.conftest import StartedScenario

pytestmark = each_provider

LATER: tuple[Mode, ...] = ("full", "incremental")


@dataclass(frozen=True)
class Told:
    """Before the opt-outs, after the sync that finds them, and after some more."""

    before: Picture
    found: Picture
    later: Picture


@pytest.fixture(scope="module")
def told(started_scenario: StartedScenario) -> Told:
    """Opt-outs between two syncs; later, staff sets one Yes again."""
    with started_scenario() as scenario:
        scenario.add_contact("assistant", YES, "gruppe@kunde.example")
        scenario.sync()
        before = scenario.picture()
        for name in ("kunde-01", "foreign", "gruppe", "rita-zweit", "kunde-03"):
            scenario.person("unsubscribe", name)
        scenario.person("complain", "kunde-02")
        scenario.sync()
        found = scenario.picture()
        scenario.set_newsletter("kunde-03", YES)
        for mode in LATER:
            scenario.sync(mode)
        return Told(before, found, scenario.picture())


def test_the_next_sync_takes_an_unsubscribe_over(told: Told) -> None:
    names = ("kunde-01", "foreign", "kunde-02")

    assert {n: told.found.newsletter(n) for n in names} == dict.fromkeys(names, CANCEL)


def test_an_unsubscribe_reaches_every_contact_that_has_the_address(told: Told) -> None:
    names = ("gruppe", "shouting", "assistant")

    assert [told.found.newsletter(name) for name in names] == [CANCEL] * 3


def test_a_contact_that_is_cancelled_for_its_second_address_gets_no_mail_at_its_first(
    told: Told,
) -> None:
    assert (told.found.newsletter("rita"), told.found.status("rita")) == (CANCEL, "unsubscribed")


def test_no_sync_after_an_unsubscribe_subscribes_the_person(told: Told) -> None:
    given = {
        (who, status)
        for who, status in told.later.api_history() - told.before.api_history()
        if status in ("subscribed", "pending", "allowed")
    }

    assert given == set()


def test_a_yes_that_staff_sets_again_is_neither_pushed_nor_overwritten(told: Told) -> None:
    after = told.later

    assert (after.newsletter("kunde-03"), after.status("kunde-03")) == (YES, "unsubscribed")


SAID_OF_JOINERS = {"joiner-none": NOT_SPECIFIED, "joiner-cancelled": CANCEL}
TAKEN_BACK = {"taken-back": CANCEL, "taken-back-no": NO, "taken-back-none": NOT_SPECIFIED}


@dataclass(frozen=True)
class Between:
    """Both sides after everything that happened between a plan and its push, and two more syncs;
    ``mails``: who was asked to confirm."""

    applied: bool
    after: Picture
    mails: dict[str, int]


@pytest.fixture(scope="module")
def between(started_scenario: StartedScenario) -> Between:
    with started_scenario() as scenario:
        for name, said in SAID_OF_JOINERS.items():
            scenario.add_contact(name, said)
        for name in TAKEN_BACK:
            scenario.add_contact(name, NOT_SPECIFIED)
        scenario.person("unsubscribe", "kunde-02")
        scenario.sync()
        scenario.set_field("kunde-01", Vorname="Neu")
        scenario.add_contact("neu", YES)
        for name in SAID_OF_JOINERS:
            scenario.person("subscribe", name, tags=["onoffice"])
        for name in TAKEN_BACK:
            scenario.set_newsletter(name, YES)
        scenario.pass_time()
        scenario.person("subscribe", "kunde-02")
        plan = scenario.plan()
        scenario.person("unsubscribe", "kunde-01")
        scenario.person("subscribe", "neu")
        scenario.person("unsubscribe", "neu")
        scenario.pass_time(by=timedelta(minutes=1))
        for name in (*SAID_OF_JOINERS, "kunde-02"):
            scenario.person("unsubscribe", name)
        for name, said in TAKEN_BACK.items():
            scenario.set_newsletter(name, said)
        applied = scenario.apply(plan).complete
        scenario.sync()
        scenario.sync("full")
        return Between(applied, scenario.picture(), dict(scenario.stage.confirmation_mails()))


def test_an_unsubscribe_between_plan_and_push_is_not_undone(between: Between) -> None:
    after = between.after

    assert (after.newsletter("kunde-01"), after.status("kunde-01")) == (CANCEL, "unsubscribed")


def test_someone_who_signs_up_and_leaves_between_plan_and_push_is_not_subscribed(
    between: Between,
) -> None:
    after = between.after

    assert (after.newsletter("neu"), after.status("neu")) == (CANCEL, "unsubscribed")


@pytest.mark.parametrize("name", SAID_OF_JOINERS)
def test_a_sign_up_that_is_withdrawn_before_it_reaches_the_crm_ends_withdrawn(
    between: Between, name: str
) -> None:
    assert between.after.newsletter(name) in (NO, CANCEL)
    assert between.after.status(name) == "unsubscribed"


def test_leaving_again_right_after_a_second_sign_up_causes_no_confirmation_mail(
    between: Between,
) -> None:
    after = between.after

    assert (after.newsletter("kunde-02"), after.status("kunde-02")) == (CANCEL, "unsubscribed")
    assert between.mails == {}


@pytest.mark.parametrize(("name", "said"), TAKEN_BACK.items())
def test_a_yes_that_is_taken_back_between_plan_and_push_subscribes_nobody(
    between: Between, name: str, said: str
) -> None:
    assert (between.after.newsletter(name), between.after.status(name)) == (said, "absent")


def test_what_was_overtaken_between_plan_and_push_fails_nobody_elses_change(
    between: Between,
) -> None:
    assert between.applied


def test_leaving_again_causes_no_confirmation_mail_where_nothing_else_changes(
    scenario: Scenario,
) -> None:
    scenario.person("unsubscribe", "kunde-01")
    scenario.sync()
    scenario.pass_time()
    scenario.person("subscribe", "kunde-01")
    plan = scenario.plan()
    scenario.pass_time(by=timedelta(minutes=1))
    scenario.person("unsubscribe", "kunde-01")

    scenario.apply(plan)
    scenario.sync()

    after = scenario.picture()
    assert (after.newsletter("kunde-01"), after.status("kunde-01")) == (CANCEL, "unsubscribed")
    assert scenario.stage.confirmation_mails() == {}


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
