"""Fixtures of the Dagster tests: a deployment with two connections on two sandboxes.

The servers serve all tests of this folder; each test starts with fresh populations, a warehouse
folder and a Dagster instance of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import dagster as dg
import pytest

from nl_pipeline.sandbox.app import World
from nl_pipeline.sandbox.serve import running
from nl_pipeline.sync.setup import set_up
from nl_pipeline_tests.conftest import SMALL_POPULATION
from nl_pipeline_tests.orchestration.deployment import SECRETS, Deployment, write_connections
from nl_pipeline_tests.sandbox_control import SandboxControl

NORTH, SOUTH = "north", "south-2"


@pytest.fixture(scope="session")
def two_sandboxes() -> Iterator[Mapping[str, SandboxControl]]:
    """Two running sandboxes by the connections they serve."""
    with running(World(contacts=0)) as north, running(World(contacts=0)) as south:
        controls = {NORTH: SandboxControl(north), SOUTH: SandboxControl(south)}
        yield controls
        for control in controls.values():
            control.close()


@pytest.fixture
def deployment(
    two_sandboxes: Mapping[str, SandboxControl], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Deployment]:
    """Two connections, never set up."""
    for seed, control in enumerate(two_sandboxes.values(), start=1):
        control.reset(contacts=SMALL_POPULATION, seed=seed)
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    file = write_connections(tmp_path, two_sandboxes)
    with dg.DagsterInstance.ephemeral() as instance:
        yield Deployment.over(file, instance=instance, controls=two_sandboxes)


@pytest.fixture
def unapproved(deployment: Deployment) -> Deployment:
    """Connection `north` is set up; its first plan waits for approval."""
    with deployment.link(NORTH) as link:
        set_up(link)
    return deployment


@pytest.fixture
def synced(unapproved: Deployment) -> Deployment:
    """Connection `north` has had its first sync."""
    plan = unapproved.latest_plan(NORTH)
    assert unapproved.approve(NORTH, plan_id=plan.plan_id).success
    return unapproved


@pytest.fixture
def held(synced: Deployment) -> Deployment:
    """Connection `north` has a plan of which a brake holds eight removals, and one change is free."""
    members = synced.subscribed(NORTH)
    synced.say_no(NORTH, members[:8])
    synced.rename(NORTH, members[-1], first_name="Anders")
    synced.materialize(NORTH, "crm_contacts", "audience_members", "sync_plan")
    return synced
