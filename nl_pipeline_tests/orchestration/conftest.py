"""Fixtures of the Dagster tests: a deployment with two connections on two sandboxes, one to each
provider.

The servers serve all tests of this folder; each test has populations, warehouses and a Dagster
instance of its own. The first sync is made once and copied.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import dagster as dg
import pytest

from nl_pipeline.sandbox.app import World
from nl_pipeline.sandbox.serve import running
from nl_pipeline.sync.link import open_warehouse
from nl_pipeline.sync.setup import set_up
from nl_pipeline_tests.conftest import SMALL_POPULATION
from nl_pipeline_tests.orchestration.deployment import SECRETS, Deployment, write_connections
from nl_pipeline_tests.sandbox_control import SandboxControl
from nl_pipeline_tests.sync.conftest import Copy

NORTH, SOUTH = "north", "south-2"
NEW_NAME = "Anders"


@dataclass(frozen=True)
class Sandboxes:
    """Two running sandboxes by the connections they serve."""

    worlds: Mapping[str, World]
    controls: Mapping[str, SandboxControl]

    def refill(self) -> None:
        """Fresh populations, different ones for the two connections."""
        for seed, control in enumerate(self.controls.values(), start=1):
            control.clear_faults()
            control.reset(contacts=SMALL_POPULATION, seed=seed)


@pytest.fixture(scope="session")
def sandboxes() -> Iterator[Sandboxes]:
    """The servers of all tests of this folder."""
    worlds = {NORTH: World(contacts=0), SOUTH: World(contacts=0)}
    with contextlib.ExitStack() as running_servers:
        controls = {
            name: SandboxControl(running_servers.enter_context(running(world)))
            for name, world in worlds.items()
        }
        yield Sandboxes(worlds=worlds, controls=controls)
        for control in controls.values():
            control.close()


@dataclass(frozen=True)
class Moment:
    """What two connections had on all sides at one moment, to go back to."""

    twins: Mapping[str, Copy]
    folder: Path


def _moment(sandboxes: Sandboxes, *, folder: Path) -> Moment:
    return Moment({name: Copy.of(world) for name, world in sandboxes.worlds.items()}, folder)


@contextlib.contextmanager
def _deployed(sandboxes: Sandboxes, *, folder: Path) -> Iterator[Deployment]:
    file = write_connections(folder, sandboxes.controls, at_brevo={SOUTH})
    with dg.DagsterInstance.ephemeral() as instance, contextlib.ExitStack() as held_open:
        deployed = Deployment.over(file, instance=instance, controls=sandboxes.controls)
        for connection in sandboxes.controls:
            # Opening the file takes longer than most of what a step does with it.
            warehouse = open_warehouse(deployed.settings, connection=connection)
            held_open.enter_context(warehouse.session())
        yield deployed


@contextlib.contextmanager
def _deployed_at(moment: Moment, *, sandboxes: Sandboxes, folder: Path) -> Iterator[Deployment]:
    sandboxes.refill()
    for name, twins in moment.twins.items():
        twins.restore(sandboxes.worlds[name])
    shutil.copytree(moment.folder, folder, dirs_exist_ok=True)
    with _deployed(sandboxes, folder=folder) as deployed:
        yield deployed


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="session")
def moments(sandboxes: Sandboxes, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Moment]:
    """Connection `north` after its set-up, and after its first sync; made once."""
    sandboxes.refill()
    made = {name: tmp_path_factory.mktemp(name) for name in ("set_up", "synced")}
    with pytest.MonkeyPatch.context() as environment:
        for name, value in SECRETS.items():
            environment.setenv(name, value)
        with (
            _deployed(sandboxes, folder=made["set_up"]) as deployed,
            deployed.link(NORTH) as link,
        ):
            plan = set_up(link).plan
        after_set_up = _moment(sandboxes, folder=made["set_up"])
        shutil.copytree(made["set_up"], made["synced"], dirs_exist_ok=True)
        with _deployed(sandboxes, folder=made["synced"]) as deployed:
            assert deployed.approve(NORTH, plan_id=plan.plan_id).success
    return {"set_up": after_set_up, "synced": _moment(sandboxes, folder=made["synced"])}


@pytest.fixture
def deployment(sandboxes: Sandboxes, tmp_path: Path) -> Iterator[Deployment]:
    """Two connections, never set up."""
    sandboxes.refill()
    with _deployed(sandboxes, folder=tmp_path) as deployed:
        yield deployed


@pytest.fixture
def unapproved(
    moments: Mapping[str, Moment], sandboxes: Sandboxes, tmp_path: Path
) -> Iterator[Deployment]:
    """Connection `north` is set up; its first plan waits for approval."""
    with _deployed_at(moments["set_up"], sandboxes=sandboxes, folder=tmp_path) as deployed:
        yield deployed


@pytest.fixture
def synced(
    moments: Mapping[str, Moment], sandboxes: Sandboxes, tmp_path: Path
) -> Iterator[Deployment]:
    """Connection `north` has had its first sync."""
    with _deployed_at(moments["synced"], sandboxes=sandboxes, folder=tmp_path) as deployed:
        yield deployed


@dataclass(frozen=True)
class Held:
    """A plan of which a brake holds the removals of `unwanted`; the new name of one is free."""

    deployment: Deployment
    plan_id: str
    unwanted: list[str]
    renamed: str

    def are_still_subscribed(self) -> bool:
        """Whether nobody of `unwanted` was removed."""
        return set(self.unwanted) <= set(self.deployment.subscribed(NORTH))

    def name_has_arrived(self) -> bool:
        """Whether the change that nothing holds was sent."""
        members = self.deployment.members(NORTH)
        (member,) = [m for m in members if m["email_address"] == self.renamed]
        return bool(member["merge_fields"]["FNAME"] == NEW_NAME)


@pytest.fixture
def changed(synced: Deployment) -> Held:
    """Staff has said No for eight people and renamed a ninth; no plan was made since."""
    members = synced.subscribed(NORTH)
    synced.say_no(NORTH, members[:8])
    synced.rename(NORTH, members[-1], first_name=NEW_NAME)
    return Held(deployment=synced, plan_id="", unwanted=members[:8], renamed=members[-1])


@pytest.fixture
def held(changed: Held) -> Held:
    """The same with the plan, made by materializing the assets by hand."""
    deployment = changed.deployment
    deployment.materialize(NORTH, "crm_contacts", "audience_members", "sync_plan")
    return replace(changed, plan_id=deployment.latest_plan(NORTH).plan_id)
