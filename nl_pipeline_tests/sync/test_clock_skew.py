"""Clocks that are wrong: ours by hours, or a service's, in either direction.

Cursors go by the clock of the service that stamps its records, so nothing is missed and nothing is
read again and again.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from nl_pipeline.warehouse import observations, plans
from nl_pipeline_tests.sandbox_control import Service
from nl_pipeline_tests.scenario import CANCEL, NO, YES, Scenario

WRONG = pytest.mark.parametrize("hours", [-5, 5], ids=["behind", "ahead"])


def set_our_clock(scenario: Scenario, *, hours: int) -> None:
    """The engine's clock is wrong from now on."""
    right = scenario.link.now
    scenario.link = replace(scenario.link, now=lambda: right() + timedelta(hours=hours))


def rows_read(scenario: Scenario, side: str) -> int:
    """Rows of the last read of a side."""
    with scenario.link.warehouse.session() as db:
        rows = db.execute(
            "SELECT rows_read FROM snapshots WHERE side = ? AND mode = 'incremental'"
            " ORDER BY rowid DESC LIMIT 1",
            [side],
        ).fetchall()
    return int(rows[0][0])


@WRONG
def test_with_our_clock_wrong_no_opt_out_is_missed(scenario: Scenario, hours: int) -> None:
    set_our_clock(scenario, hours=hours)
    scenario.sync()
    scenario.pass_time()
    scenario.person("unsubscribe", "kunde-01")
    scenario.set_newsletter("kunde-02", NO)

    scenario.sync()

    after = scenario.picture()
    assert (after.newsletter("kunde-01"), after.status("kunde-02")) == (CANCEL, "unsubscribed")


@WRONG
def test_with_our_clock_wrong_a_read_takes_what_changed_and_no_more(
    scenario: Scenario, hours: int
) -> None:
    set_our_clock(scenario, hours=hours)
    scenario.sync("full")
    scenario.pass_time()
    scenario.set_field("kunde-01", Vorname="Anders")
    scenario.person("update", "kunde-02", merge_fields={"FNAME": "Neu"})

    scenario.plan()

    assert (rows_read(scenario, "crm"), rows_read(scenario, "provider")) == (1, 1)


@WRONG
def test_when_our_clock_is_set_between_two_syncs_no_opt_out_is_missed(
    scenario: Scenario, hours: int
) -> None:
    scenario.sync()
    scenario.person("unsubscribe", "kunde-01")
    set_our_clock(scenario, hours=hours)

    scenario.sync()

    assert scenario.newsletter("kunde-01") == CANCEL


@pytest.mark.parametrize("service", ["onoffice", "mailchimp"])
@WRONG
def test_with_a_services_clock_wrong_both_sides_are_kept_in_step(
    scenario: Scenario, service: Service, hours: int
) -> None:
    scenario.control.switch(service, name="clock_skew_seconds", value=hours * 3600)
    scenario.sync("full")
    scenario.person("unsubscribe", "kunde-01")
    scenario.set_newsletter("kunde-02", NO)
    scenario.set_newsletter("none", YES)

    result = scenario.sync()

    after = scenario.picture()
    assert (after.newsletter("kunde-01"), after.status("kunde-02")) == (CANCEL, "unsubscribed")
    assert after.status("none") == "subscribed"
    assert result.complete


@WRONG
def test_what_we_write_is_read_back_with_our_clock_wrong(scenario: Scenario, hours: int) -> None:
    set_our_clock(scenario, hours=hours)
    scenario.set_newsletter("none", YES)
    scenario.set_newsletter("kunde-02", NO)

    result = scenario.sync()

    assert result.complete
    assert result.push is not None
    assert result.push.confirmed == 3  # two statuses and the tag of the new member


@WRONG
def test_a_sign_up_after_a_no_counts_with_our_clock_wrong(scenario: Scenario, hours: int) -> None:
    set_our_clock(scenario, hours=hours)
    scenario.set_newsletter("kunde-01", NO)
    scenario.sync()
    scenario.pass_time()
    scenario.person("subscribe", "kunde-01")

    scenario.sync()

    after = scenario.picture()
    assert (after.newsletter("kunde-01"), after.status("kunde-01")) == (YES, "subscribed")


@WRONG
def test_a_no_is_noted_in_the_providers_time(scenario: Scenario, hours: int) -> None:
    right = scenario.link.now
    set_our_clock(scenario, hours=hours)
    scenario.set_newsletter("kunde-01", NO)

    scenario.sync()

    with scenario.link.warehouse.session() as db:
        [(noted,)] = db.execute(
            "SELECT happened_at FROM consent_ledger WHERE event = 'WITHDRAW' AND actor = 'staff'"
            " AND key LIKE 'kunde-01@%'"
        ).fetchall()
    assert abs(noted - right().replace(tzinfo=None)) < timedelta(minutes=1)


@WRONG
def test_a_cancellation_after_a_sign_up_counts_with_the_crms_clock_wrong(
    scenario: Scenario, hours: int
) -> None:
    scenario.control.switch("onoffice", name="clock_skew_seconds", value=hours * 3600)
    scenario.person("subscribe", "none")
    scenario.pass_time()
    scenario.set_newsletter("none", CANCEL)

    scenario.sync()
    scenario.sync("full")

    after = scenario.picture()
    assert (after.newsletter("none"), after.status("none")) == (CANCEL, "unsubscribed")


def test_a_newer_plan_is_the_latest_although_our_clock_was_put_back(scenario: Scenario) -> None:
    set_our_clock(scenario, hours=5)
    scenario.set_newsletter("kunde-01", NO)
    scenario.sync()
    set_our_clock(scenario, hours=-5)
    scenario.set_newsletter("kunde-02", NO)

    plan = scenario.plan()

    assert plans.latest(scenario.link.warehouse) == plan


@pytest.mark.parametrize("side", ["crm", "provider"])
def test_a_cursor_is_the_services_time(scenario: Scenario, side: str) -> None:
    right = scenario.link.now
    set_our_clock(scenario, hours=5)

    scenario.sync()

    cursor = observations.read_cursor(scenario.link.warehouse, side=side)
    assert cursor is not None
    assert abs(cursor - right()) < timedelta(minutes=1)
