"""Error paths of onOffice while a sync writes.

Here: contacts that may not be written, rights that are lost and given back, a door that is shut in
the middle; nobody is stopped by another's error, nothing is written twice, no opt-out is lost.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nl_pipeline.clients.errors import OperatorNeeded
from nl_pipeline.sync.advice import next_step_for_problem
from nl_pipeline.warehouse.reports import list_problems
from nl_pipeline_tests.scenario import CANCEL, NO, YES, Scenario
from nl_pipeline_tests.sync.failing import (
    assert_both_opt_outs_are_through,
    change_results,
)


@pytest.mark.parametrize("code", [80, 145, 261])
def test_one_contact_that_may_not_be_written_stops_no_other_opt_out(
    scenario: Scenario, code: int
) -> None:
    for name in ("kunde-01", "kunde-02"):
        scenario.person("unsubscribe", name)
    scenario.set_newsletter("kunde-03", NO)
    scenario.control.fault(
        "onoffice", kind="status", match="modify:address", errorcode=code, positions=[0], times=1
    )

    result = scenario.sync()

    after = scenario.picture()
    assert not result.complete
    assert sorted(after.newsletter(name) for name in ("kunde-01", "kunde-02")) == [YES, CANCEL]
    assert after.status("kunde-03") == "unsubscribed"
    assert (
        change_results(scenario, result.plan.plan_id)["set_newsletter", "refused", str(code)] == 1
    )


def lose_the_right_to_write(scenario: Scenario) -> None:
    scenario.control.act("onoffice", actor="staff", action="restrict_rights", write=False)


def give_the_right_to_write(scenario: Scenario) -> None:
    scenario.control.act("onoffice", actor="staff", action="restrict_rights", write=True)


def test_without_the_right_to_write_opt_outs_of_the_crm_still_reach_the_provider(
    scenario: Scenario,
) -> None:
    scenario.person("unsubscribe", "kunde-01")
    scenario.person("subscribe", "newcomer")
    scenario.set_newsletter("kunde-02", NO)
    lose_the_right_to_write(scenario)

    result = scenario.sync()

    told = change_results(scenario, result.plan.plan_id)
    assert (told["set_newsletter", "refused", "174"], told["create_contact", "refused", "131"]) == (
        1,
        1,
    )
    assert scenario.status("kunde-02") == "unsubscribed"


def test_a_missing_right_is_listed_with_what_to_do_about_it(scenario: Scenario) -> None:
    scenario.person("unsubscribe", "kunde-01")
    lose_the_right_to_write(scenario)

    scenario.sync()

    steps = {
        next_step_for_problem(code=problem.code, result=problem.result, cause=problem.cause)
        for problem in list_problems(scenario.link.warehouse)
    }
    assert [step for step in steps if "give the API user the right" in step]


def test_rights_to_write_that_come_back_let_the_next_sync_catch_up(scenario: Scenario) -> None:
    scenario.person("unsubscribe", "kunde-01")
    scenario.person("subscribe", "newcomer")
    lose_the_right_to_write(scenario)
    scenario.sync()
    give_the_right_to_write(scenario)

    result = scenario.sync()

    after = scenario.picture()
    assert result.complete
    assert (after.newsletter("kunde-01"), after.newsletter("newcomer")) == (CANCEL, YES)
    assert [after.activities(name) for name in ("kunde-01", "newcomer")] == [
        ["nicht bestellt"],
        ["bestellt"],
    ]


STOPS: dict[str, Callable[[Scenario], None]] = {
    "158": lambda s: s.control.switch("onoffice", name="ip_blocked", value=True),
    "137": lambda s: s.control.fault(
        "onoffice", kind="status", match="modify:address", errorcode=137, times=9
    ),
}


@pytest.mark.parametrize("code", STOPS)
def test_a_door_that_is_shut_while_we_write_and_opens_again_loses_no_opt_out(
    scenario: Scenario, code: str
) -> None:
    scenario.person("unsubscribe", "kunde-01")
    scenario.set_newsletter("kunde-02", NO)
    plan = scenario.plan()
    STOPS[code](scenario)
    with pytest.raises(OperatorNeeded) as caught:
        scenario.apply(plan)
    assert (caught.value.code, scenario.newsletter("kunde-01")) == (code, YES)
    scenario.control.clear_faults()
    scenario.control.switch("onoffice", name="ip_blocked", value=False)

    result = scenario.sync()

    assert result.complete
    assert_both_opt_outs_are_through(scenario.picture())


def test_an_opt_out_that_was_written_before_the_door_shut_is_not_written_again(
    scenario: Scenario,
) -> None:
    scenario.person("unsubscribe", "kunde-01")
    scenario.person("subscribe", "newcomer")
    plan = scenario.plan()
    scenario.control.fault(
        "onoffice", kind="status", match="create:address", errorcode=158, times=9
    )
    with pytest.raises(OperatorNeeded):
        scenario.apply(plan)
    scenario.control.clear_faults()

    scenario.sync()

    after = scenario.picture()
    assert (after.newsletter("kunde-01"), after.newsletter("newcomer")) == (CANCEL, YES)
    assert after.activities("kunde-01") == ["nicht bestellt"]


@pytest.mark.parametrize("code", [100, 174])
def test_an_activity_that_could_not_be_booked_is_booked_once_the_cause_is_mended(
    scenario: Scenario, code: int
) -> None:
    scenario.person("unsubscribe", "kunde-01")
    scenario.control.fault(
        "onoffice", kind="status", match="create:agentslog", errorcode=code, times=1
    )
    needs_operator = code != 174
    if needs_operator:
        with pytest.raises(OperatorNeeded) as caught:
            scenario.sync()
        assert caught.value.code == str(code)
    else:
        scenario.sync()
    before = scenario.picture()

    scenario.sync()

    assert (before.newsletter("kunde-01"), before.activities("kunde-01")) == (CANCEL, [])
    assert scenario.picture().activities("kunde-01") == ["nicht bestellt"]
