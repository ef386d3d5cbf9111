"""The push sensor: which plans it pushes, each once, and on what evidence."""

from __future__ import annotations

import dagster as dg
import pytest

from nl_pipeline.orchestration.sensors import PlanEvent, choose_pushes
from nl_pipeline.warehouse.connection import Warehouse
from nl_pipeline_tests.orchestration.conftest import NORTH, Held
from nl_pipeline_tests.orchestration.deployment import Deployment


def event(
    number: int, *, connection: str = NORTH, verdict: str = "clear", pushed: bool = False
) -> PlanEvent:
    return PlanEvent(
        storage_id=number,
        connection=connection,
        plan_id=f"plan{number}",
        verdict=verdict,
        pushed_by_its_run=pushed,
    )


def test_a_plan_made_by_hand_is_pushed(held: Held) -> None:
    result = held.deployment.tick(cursor=None)

    (request,) = result.run_requests or []
    assert (request.partition_key, dict(request.run_config)) == (NORTH, {})


def test_a_plan_is_requested_once(held: Held) -> None:
    first = held.deployment.tick(cursor=None)

    second = held.deployment.tick(cursor=first.cursor)

    assert (second.run_requests, second.cursor) == ([], first.cursor)


def test_the_same_plan_made_again_is_pushed_again(held: Held) -> None:
    deployment = held.deployment
    first = deployment.tick(cursor=None)
    deployment.materialize(NORTH, "sync_plan")
    assert deployment.latest_plan(NORTH).plan_id == held.plan_id

    second = deployment.tick(cursor=first.cursor)

    keys = [request.run_key for tick in (first, second) for request in tick.run_requests or []]
    assert len(set(keys)) == 2


def test_a_released_plan_is_pushed(held: Held) -> None:
    deployment = held.deployment
    for request in (before := deployment.tick(cursor=None)).run_requests or []:
        deployment.launch(request)
    deployment.release(NORTH, plan_id=held.plan_id)

    for request in deployment.tick(cursor=before.cursor).run_requests or []:
        deployment.launch(request)

    assert not set(held.unwanted) & set(deployment.subscribed(NORTH))


def test_a_plan_of_a_sync_job_is_left_to_the_job(synced: Deployment) -> None:
    synced.run("incremental_sync", NORTH)

    result = synced.tick(cursor=None)

    assert result.run_requests == []
    assert isinstance(result.skip_reason, dg.SkipReason)
    assert "its own run pushes it" in str(result.skip_reason.skip_message)


def test_a_plan_of_a_part_of_a_sync_job_is_pushed(synced: Deployment) -> None:
    synced.run("full_sync", NORTH, only=["crm_contacts", "audience_members", "sync_plan"])

    assert len(synced.tick(cursor=None).run_requests or []) == 1


def test_a_first_sync_is_not_requested(unapproved: Deployment) -> None:
    unapproved.materialize(NORTH, "sync_plan")

    result = unapproved.tick(cursor=None)

    assert result.run_requests == []
    assert isinstance(result.skip_reason, dg.SkipReason)
    assert "needs approval by id" in str(result.skip_reason.skip_message)


def test_the_sensor_does_not_open_the_warehouse(
    held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Warehouse) -> None:
        raise AssertionError("the warehouse was opened")

    monkeypatch.setattr(Warehouse, "_opened", refuse)

    assert held.deployment.tick(cursor=None).run_requests


def test_a_plan_of_a_connection_that_was_removed_is_ignored(deployment: Deployment) -> None:
    deployment.instance.report_runless_asset_event(
        dg.AssetMaterialization("sync_plan", partition="removed")
    )

    assert deployment.tick(cursor=None).run_requests == []


def test_of_several_plans_of_a_connection_only_the_newest_is_pushed() -> None:
    chosen, _ = choose_pushes([event(1), event(2), event(3, connection="south-2")])

    assert [e.storage_id for e in chosen] == [2, 3]


def test_a_plan_replaced_by_that_of_a_sync_job_is_not_pushed() -> None:
    chosen, _ = choose_pushes([event(1), event(2, pushed=True)])

    assert chosen == []


@pytest.mark.parametrize(
    ("verdict", "is_pushed"), [("clear", True), ("held", True), ("approval", False)]
)
def test_the_verdict_decides_whether_a_push_is_requested(verdict: str, is_pushed: bool) -> None:
    chosen, _ = choose_pushes([event(1, verdict=verdict)])

    assert bool(chosen) == is_pushed
