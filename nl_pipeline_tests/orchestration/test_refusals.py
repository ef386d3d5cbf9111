"""A plan that may not be pushed is not pushed, however the push was launched."""

from __future__ import annotations

from collections.abc import Callable

import dagster as dg
import pytest

from nl_pipeline.sync.setup import set_up
from nl_pipeline_tests.orchestration.conftest import NORTH, Held
from nl_pipeline_tests.orchestration.deployment import Deployment

Launch = Callable[[Deployment], object]


def launch_what_the_sensor_requests(deployment: Deployment) -> None:
    """A tick that sees everything from the start, and all runs it asks for."""
    for request in deployment.tick(cursor=None).run_requests or []:
        deployment.launch(request)


LAUNCHES: dict[str, Launch] = {
    "push_plan": lambda d: d.run("push_plan", NORTH),
    "incremental_sync": lambda d: d.run("incremental_sync", NORTH),
    "crm_push": lambda d: d.materialize(NORTH, "crm_push"),
    "provider_push": lambda d: d.materialize(NORTH, "provider_push"),
    "sync_report": lambda d: d.materialize(NORTH, "sync_report"),
    "push_assets_of_a_sync_job": lambda d: d.run(
        "full_sync", NORTH, only=["crm_push", "provider_push"]
    ),
    "sensor": launch_what_the_sensor_requests,
}


def message_of(result: dg.ExecuteInProcessResult) -> str:
    """What the failed steps say."""
    failures = [
        event.step_failure_data.user_failure_data
        for event in result.all_events
        if event.is_step_failure
    ]
    return " ".join(str(failure.description) for failure in failures if failure)


@pytest.mark.parametrize("launch", LAUNCHES.values(), ids=LAUNCHES)
def test_a_first_sync_that_nobody_approved_is_not_pushed(
    launch: Launch, unapproved: Deployment
) -> None:
    unapproved.materialize(NORTH, "sync_plan")
    unapproved.controls[NORTH].forget_calls()

    launch(unapproved)

    assert unapproved.writes(NORTH) == 0
    assert unapproved.latest_plan(NORTH).first_sync


@pytest.mark.parametrize("asset", ["crm_push", "provider_push", "sync_report"])
def test_the_refusal_of_a_first_sync_names_the_way_out(asset: str, unapproved: Deployment) -> None:
    plan_id = unapproved.latest_plan(NORTH).plan_id

    result = unapproved.materialize(NORTH, asset)

    assert not result.success
    assert f"nl-pipeline apply {plan_id}" in message_of(result)


def test_the_id_of_another_plan_approves_nothing(unapproved: Deployment) -> None:
    unapproved.controls[NORTH].forget_calls()

    result = unapproved.approve(NORTH, plan_id="0123456789ab")

    assert not result.success
    assert unapproved.writes(NORTH) == 0


def test_a_first_sync_is_pushed_when_its_id_is_named(unapproved: Deployment) -> None:
    plan_id = unapproved.latest_plan(NORTH).plan_id

    result = unapproved.approve(NORTH, plan_id=plan_id)

    assert result.success
    assert unapproved.results(NORTH, plan_id=plan_id).keys() == {"confirmed"}


def test_an_approval_does_not_outlive_its_plan(unapproved: Deployment) -> None:
    plan_id = unapproved.latest_plan(NORTH).plan_id
    unapproved.controls[NORTH].act(
        "onoffice", actor="staff", action="create", email="neu@kunde.example", newsletter_aktiv="1"
    )
    with unapproved.link(NORTH) as link:
        set_up(link)
    unapproved.controls[NORTH].forget_calls()

    result = unapproved.approve(NORTH, plan_id=plan_id)

    assert "has expired" in message_of(result)
    assert unapproved.writes(NORTH) == 0


def test_a_connection_without_a_plan_has_nothing_to_push(deployment: Deployment) -> None:
    result = deployment.run("push_plan", NORTH)

    assert "has no plan yet" in message_of(result)


SENDS_TO_THE_PROVIDER = ("push_plan", "incremental_sync", "provider_push", "sensor")


@pytest.mark.parametrize("name", LAUNCHES)
def test_held_rows_are_not_sent_however_the_push_is_launched_and_the_rest_is(
    name: str, held: Held
) -> None:
    LAUNCHES[name](held.deployment)

    assert held.are_still_subscribed()
    assert held.name_has_arrived() or name not in SENDS_TO_THE_PROVIDER


def test_naming_a_held_plan_does_not_release_it(held: Held) -> None:
    held.deployment.approve(NORTH, plan_id=held.plan_id)

    assert held.are_still_subscribed()


def test_a_held_plan_warns_and_does_not_stop_the_run(held: Held) -> None:
    result = held.deployment.run("incremental_sync", NORTH)

    checks = {check.check_name: check for check in result.get_asset_check_evaluations()}
    verdict = checks["plan_may_be_pushed"]
    assert result.success
    assert (verdict.passed, verdict.severity) == (False, dg.AssetCheckSeverity.WARN)


def test_released_rows_are_sent(held: Held) -> None:
    deployment = held.deployment
    deployment.release(NORTH, plan_id=held.plan_id)

    result = deployment.run("push_plan", NORTH)

    assert result.success
    assert not set(held.unwanted) & set(deployment.subscribed(NORTH))


def test_a_release_that_can_not_be_given_says_why(synced: Deployment) -> None:
    plan_id = synced.latest_plan(NORTH).plan_id

    result = synced.release(NORTH, plan_id=plan_id)

    assert "nothing to release" in message_of(result)
