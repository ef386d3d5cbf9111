"""What changes while a plan is pushed is acted on in the same sync, once.

Here: the second pass after a push. Not here: what a single plan does about events between its
reads and its writes (T2, T10).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from nl_pipeline.domain.brakes import Verdict
from nl_pipeline.sync.run import push_and_follow_up
from nl_pipeline.warehouse import plans
from nl_pipeline_tests.scenario import CANCEL, NO, ORDINARY, YES, Scenario
from nl_pipeline_tests.sync.happening import TO_CRM, TO_PROVIDER, during


def something_to_push(scenario: Scenario) -> None:
    """A change of either side for the other."""
    scenario.set_field("kunde-30", Vorname="Anders")
    scenario.person("update", "kunde-29", merge_fields={"FNAME": "Neu"})


PUSHES = pytest.mark.parametrize("push", [TO_CRM, TO_PROVIDER])


@PUSHES
def test_an_opt_out_during_the_push_reaches_the_crm_in_the_same_sync(
    scenario: Scenario, push: str
) -> None:
    something_to_push(scenario)
    during(scenario, push, lambda: scenario.person("unsubscribe", "kunde-01"))

    result = scenario.sync()

    assert scenario.newsletter("kunde-01") == CANCEL
    assert result.complete


def test_an_opt_out_of_somebody_who_is_just_written_to_reaches_the_crm_in_the_same_sync(
    scenario: Scenario,
) -> None:
    something_to_push(scenario)
    during(scenario, TO_PROVIDER, lambda: scenario.person("unsubscribe", "kunde-30"))

    scenario.sync()

    assert scenario.newsletter("kunde-30") == CANCEL


@PUSHES
def test_a_no_in_the_crm_during_the_push_reaches_the_provider_in_the_same_sync(
    scenario: Scenario, push: str
) -> None:
    something_to_push(scenario)
    during(scenario, push, lambda: scenario.set_newsletter("kunde-01", NO))

    scenario.sync()

    assert scenario.status("kunde-01") == "unsubscribed"


def test_a_sign_up_during_the_push_reaches_the_crm_in_the_same_sync(scenario: Scenario) -> None:
    something_to_push(scenario)
    during(scenario, TO_PROVIDER, lambda: scenario.person("subscribe", "none"))

    scenario.sync()

    assert scenario.newsletter("none") == YES


def test_what_overtook_a_change_is_decided_in_the_same_sync(scenario: Scenario) -> None:
    scenario.set_newsletter("none", YES)
    scenario.person("update", "kunde-29", merge_fields={"FNAME": "Neu"})
    during(scenario, TO_CRM, lambda: scenario.person("subscribe", "none"))

    scenario.sync()

    after = scenario.picture()
    assert (after.status("none"), after.newsletter("none")) == ("subscribed", YES)
    assert (after.member("none") or {})["tags"] == ["onoffice"]


def test_our_own_changes_are_no_reason_for_a_second_pass(scenario: Scenario) -> None:
    something_to_push(scenario)
    scenario.person("unsubscribe", "kunde-01")
    scenario.person("subscribe", "newcomer")
    scenario.set_newsletter("kunde-02", NO)
    scenario.set_newsletter("none", YES)
    scenario.control.act(
        "onoffice",
        actor="staff",
        action="change_email",
        email="kunde-03@kunde.example",
        new_email="anders-03@kunde.example",
    )

    result = scenario.sync()

    assert result.complete
    assert result.second is None


def test_a_quiet_sync_does_not_look_again(scenario: Scenario) -> None:
    scenario.sync()
    scenario.control.forget_calls()

    scenario.sync()

    reads = [call for call in scenario.control.calls() if "read:address" in call.actions]
    assert sum(call.actions["read:address"] for call in reads) == 1


def test_there_is_no_third_pass(scenario: Scenario) -> None:
    something_to_push(scenario)
    names = iter(ORDINARY)
    during(
        scenario, TO_CRM, lambda: scenario.person("unsubscribe", next(names)), times=len(ORDINARY)
    )

    scenario.sync()

    said = Counter(scenario.picture().newsletter(name) for name in ORDINARY)
    assert said == {CANCEL: 1, YES: len(ORDINARY) - 1}


def test_a_brake_holds_the_second_plan_too(scenario: Scenario) -> None:
    something_to_push(scenario)

    def mass() -> None:
        for name in ORDINARY[:10]:
            scenario.set_newsletter(name, NO)

    during(scenario, TO_PROVIDER, mass)

    result = scenario.sync()

    assert result.newest_plan.verdict is Verdict.HELD
    assert result.total is not None
    assert result.total.held == 10
    assert not result.complete
    assert {scenario.status(name) for name in ORDINARY[:10]} == {"subscribed"}


def test_what_the_second_pass_holds_can_be_released(scenario: Scenario) -> None:
    something_to_push(scenario)

    def mass() -> None:
        for name in ORDINARY[:10]:
            scenario.set_newsletter(name, NO)

    during(scenario, TO_PROVIDER, mass)
    result = scenario.sync()

    scenario.apply(scenario.release(result.newest_plan))

    assert {scenario.status(name) for name in ORDINARY[:10]} == {"unsubscribed"}


def test_a_refused_change_is_not_sent_again_in_the_second_pass(scenario: Scenario) -> None:
    scenario.control.switch("mailchimp", name="fake_domains", value=["gibt-es-nicht.example"])
    scenario.add_contact("fake", YES)
    scenario.control.act(
        "onoffice",
        actor="staff",
        action="change_email",
        email="fake@kunde.example",
        new_email="fake@gibt-es-nicht.example",
    )
    creations = "POST /3.0/lists/{list_id}"
    sent = []

    def leave() -> None:
        sent.append(scenario.writes()[creations])
        scenario.person("unsubscribe", "kunde-01")

    during(scenario, TO_PROVIDER, leave)
    scenario.control.forget_calls()

    result = scenario.sync()

    assert [scenario.writes()[creations]] == sent
    assert result.total is not None
    assert result.total.refused == 1
    assert scenario.newsletter("kunde-01") == CANCEL


def test_an_opt_out_that_the_crm_could_not_take_is_tried_again_in_the_second_pass(
    scenario: Scenario,
) -> None:
    something_to_push(scenario)
    scenario.person("unsubscribe", "kunde-01")
    scenario.control.fault("onoffice", kind="status", match="modify:address", status=500, times=3)
    during(scenario, TO_CRM, lambda: scenario.person("unsubscribe", "kunde-02"))

    scenario.sync()

    after = scenario.picture()
    assert (after.newsletter("kunde-01"), after.newsletter("kunde-02")) == (CANCEL, CANCEL)


def test_a_second_plan_that_needs_an_approval_is_not_pushed(unsynced: Scenario) -> None:
    # The first sync is not done as long as a side was not read whole.
    unsynced.control.fault("onoffice", kind="short_page", match="read:address", times=20)
    plan = unsynced.set_up().plan
    unsynced.control.clear_faults()
    unsynced.pass_time()
    unsynced.person("unsubscribe", "member")

    result = push_and_follow_up(unsynced.link, plan=plan, approved=True)

    assert result.second is not None
    assert (result.second.plan.verdict, result.second.push) == (Verdict.APPROVAL, None)
    assert unsynced.newsletter("member") == YES


@pytest.mark.parametrize("run", [Scenario.apply_approved, None], ids=["push alone", "follow up"])
def test_an_opt_out_while_a_first_plan_waited_is_acted_on_with_it(
    unsynced: Scenario, run: Callable[..., object] | None
) -> None:
    plan = unsynced.set_up().plan
    unsynced.pass_time()
    unsynced.person("unsubscribe", "member")

    if run is None:
        push_and_follow_up(unsynced.link, plan=plan, approved=True)
    else:
        run(unsynced, plan)
        unsynced.sync()

    assert unsynced.newsletter("member") == CANCEL
    newest = plans.latest(unsynced.link.warehouse)
    assert newest is not None
    assert newest.plan_id != plan.plan_id
