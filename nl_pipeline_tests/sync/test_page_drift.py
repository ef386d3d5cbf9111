"""Rows that move between pages while a side is read.

Nothing is missed for good, and a read that drifted proves nobody's absence. How a drift is noticed
is tested with the clients; here is what a sync makes of it.
"""

from __future__ import annotations

import pytest

from nl_pipeline.warehouse import observations
from nl_pipeline_tests.sandbox_control import Service
from nl_pipeline_tests.scenario import CANCEL, ORDINARY, Scenario
from nl_pipeline_tests.sync.happening import CONTACTS, MEMBERS, during
from nl_pipeline_tests.sync.test_t01_cut_reads import anybody_lost

BOTH: tuple[Service, ...] = ("onoffice", "mailchimp")
CHANGED = ORDINARY[:25]
"""More than two pages of them."""
SECOND_PAGE = {"onoffice": "read:address", "mailchimp": r"/members\?.*offset=(9|10)&"}


@pytest.fixture(autouse=True)
def _told_after_every_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Progress is told when a portion of rows is complete; here a page is one."""
    monkeypatch.setattr("nl_pipeline.sync.crm._PORTION", 1)
    monkeypatch.setattr("nl_pipeline.sync.providers.mailchimp.reading._PORTION", 1)


def one_leaves_one_comes(scenario: Scenario, *, side: str, number: int) -> None:
    """The first row of a side is gone and there is a new last one: the total stays."""
    newcomer = f"drift-{number}"
    if side == "crm":
        number_of_first = min(scenario.picture().contacts)
        scenario.control.act("onoffice", actor="staff", action="delete", id=number_of_first)
        scenario.add_contact(newcomer, "0")
    else:
        members = scenario.picture().members.values()
        first = min(
            (m for m in members if m["status"] == "subscribed"), key=lambda m: m["timestamp_opt"]
        )
        scenario.control.act(
            "mailchimp", actor="staff", action="delete_permanent", email=first["email_address"]
        )
        scenario.person("subscribe", newcomer)


@pytest.mark.parametrize(("side", "what"), [("crm", CONTACTS), ("provider", MEMBERS)])
def test_a_full_read_that_drifts_is_read_again(scenario: Scenario, side: str, what: str) -> None:
    during(scenario, what, lambda: one_leaves_one_comes(scenario, side=side, number=1))

    plan = scenario.plan("full")

    assert plan.complete


@pytest.mark.parametrize(("side", "what"), [("crm", CONTACTS), ("provider", MEMBERS)])
def test_a_full_read_that_drifts_twice_proves_nobodys_absence(
    scenario: Scenario, side: str, what: str
) -> None:
    cursor = observations.read_cursor(scenario.link.warehouse, side=side)
    numbers = iter(range(100))
    before = scenario.picture()
    during(
        scenario,
        what,
        lambda: one_leaves_one_comes(scenario, side=side, number=next(numbers)),
        times=100,
    )

    plan = scenario.plan("full")

    assert not plan.complete
    assert observations.read_cursor(scenario.link.warehouse, side=side) == cursor
    scenario.apply(plan)
    gone = {m for m in before.subscribed() if m not in scenario.picture().subscribed()}
    assert len(gone) == (0 if side == "crm" else next(numbers))


@pytest.mark.parametrize("service", BOTH)
def test_no_change_is_missed_for_good_when_an_incremental_read_drifts(
    scenario: Scenario, service: Service
) -> None:
    brakes = scenario.link.settings.brakes.model_copy(update={"overwritten_percent": 100.0})
    scenario.change_settings(brakes=brakes)
    scenario.pass_time()
    for name in CHANGED:
        if service == "onoffice":
            scenario.set_field(name, Vorname="Anders")
        else:
            scenario.person("update", name, merge_fields={"FNAME": "Anders"})
    scenario.control.fault(
        service,
        kind="page_drift",
        match=SECOND_PAGE[service],
        skip=2 if service == "onoffice" else 0,
        times=2,
    )
    scenario.plan()
    scenario.control.clear_faults()

    scenario.sync()

    after = scenario.picture()
    assert {after.contact(name)["Vorname"] for name in CHANGED} == {"Anders"}
    members = [after.member(name) or {} for name in CHANGED]
    assert {member["merge_fields"]["FNAME"] for member in members} == {"Anders"}


def test_members_who_change_while_an_incremental_read_goes_on_are_not_missed(
    scenario: Scenario,
) -> None:
    scenario.pass_time()
    for name in CHANGED:
        scenario.person("unsubscribe", name)

    def change_some() -> None:
        for name in CHANGED[:3]:
            scenario.person("update", name, merge_fields={"FNAME": "Neu"})

    during(scenario, MEMBERS, change_some)

    scenario.sync()

    assert {scenario.newsletter(name) for name in CHANGED} == {CANCEL}


def test_a_read_that_drifted_loses_nobody(scenario: Scenario) -> None:
    before = scenario.picture()
    for service in BOTH:
        match = "read:address" if service == "onoffice" else r"/members\?"
        scenario.control.fault(
            service,
            kind="page_drift",
            match=match,
            skip=1,
            times=40,
        )

    scenario.sync("full")
    scenario.sync()

    assert anybody_lost(before, scenario.picture()) == set()
