"""The whole graph over sandboxes: what a run does, for one connection and for another."""

from __future__ import annotations

import pytest

from nl_pipeline.domain.brakes import Verdict
from nl_pipeline.sync.setup import set_up
from nl_pipeline_tests.orchestration.conftest import NORTH, SOUTH
from nl_pipeline_tests.orchestration.deployment import Deployment

ASSETS = {
    "crm_contacts",
    "audience_members",
    "sync_plan",
    "crm_push",
    "provider_push",
    "sync_report",
}


def test_the_whole_graph_is_materialized_for_two_connections(deployment: Deployment) -> None:
    for connection in (NORTH, SOUTH):
        with deployment.link(connection) as link:
            plan = set_up(link).plan
        deployment.approve(connection, plan_id=plan.plan_id)

        result = deployment.run("full_sync", connection)

        assert result.success
        materialized = result.get_asset_materialization_events()
        assert {event.asset_key.to_user_string() for event in materialized} == ASSETS
        assert {event.partition for event in materialized} == {connection}


def test_held_debug(held: Deployment) -> None:
    plan = held.latest_plan(NORTH)
    print(plan)
    assert plan.verdict is Verdict.HELD
