"""Fixtures of the sync tests: the scenario before and after its first sync.

One server serves them all. The first sync is made once; a test gets copies of what it left on
either side and in the warehouse, which takes a fraction of the time.
"""

from __future__ import annotations

import contextlib
import copy
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from nl_pipeline.sandbox.app import World
from nl_pipeline.sandbox.serve import running
from nl_pipeline_tests.sandbox_control import SandboxControl
from nl_pipeline_tests.scenario import Scenario, connected, populate
from nl_pipeline_tests.sync.hooked import Hooked
from nl_pipeline_tests.sync.mailbox import listening


@dataclass(frozen=True)
class Copy:
    """Both twins at one moment. The clock is real time, which goes on meanwhile."""

    onoffice: dict[str, Any]
    mailchimp: Any

    @classmethod
    def of(cls, world: World) -> Copy:
        """A copy of the twins' state; clock and sender of webhooks are the world's own."""
        account = world.mailchimp._account
        shared = {id(part): part for part in (world.clock, account.clock, world.mailchimp._sender)}
        return cls(
            onoffice=copy.deepcopy(vars(world.onoffice.state), shared),
            mailchimp=copy.deepcopy(account, shared),
        )

    def restore(self, world: World) -> None:
        """Put a fresh copy of this state into the world."""
        again = copy.deepcopy(self, {id(world.clock): world.clock, **_sender(world)})
        state = world.onoffice.state
        version = state.version
        vars(state).update(again.onoffice)
        # Answers are remembered by this number, which therefore only ever rises.
        state.version = version + 1
        world.mailchimp._account = again.mailchimp
        world.mailchimp._sender.switches = again.mailchimp.switches


def _sender(world: World) -> dict[int, Any]:
    return {id(world.mailchimp._sender): world.mailchimp._sender}


@pytest.fixture(scope="session")
def scenario_world() -> World:
    """The world that the tests of this folder share."""
    return World(contacts=0)


@pytest.fixture(scope="session")
def scenario_control(scenario_world: World) -> Iterator[SandboxControl]:
    """The control of the server that the tests of this folder share."""
    with running(scenario_world) as base_url:
        control = SandboxControl(base_url)
        yield control
        control.close()


@pytest.fixture(scope="session")
def before_first_sync(scenario_world: World, scenario_control: SandboxControl) -> Copy:
    """The twins with the scenario's people, never synced."""
    scenario_control.reset(contacts=0, existing_audience=True)
    populate(scenario_control)
    return Copy.of(scenario_world)


@pytest.fixture(scope="session")
def after_first_sync(
    scenario_world: World,
    scenario_control: SandboxControl,
    before_first_sync: Copy,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Copy, Path]:
    """The twins after the first sync, and the folder of its warehouse."""
    folder = tmp_path_factory.mktemp("first_sync")
    scenario_control.reset(contacts=0)
    before_first_sync.restore(scenario_world)
    with connected(scenario_control, folder=folder) as scenario:
        scenario.start()
    return Copy.of(scenario_world), folder


@pytest.fixture
def unsynced(
    scenario_world: World,
    scenario_control: SandboxControl,
    before_first_sync: Copy,
    tmp_path: Path,
) -> Iterator[Scenario]:
    """The scenario before its first sync."""
    scenario_control.reset(contacts=0)
    before_first_sync.restore(scenario_world)
    with connected(scenario_control, folder=tmp_path) as scenario:
        yield scenario


StartedScenario = Callable[[], AbstractContextManager[Scenario]]


@pytest.fixture(scope="session")
def started_scenario(
    scenario_world: World,
    scenario_control: SandboxControl,
    after_first_sync: tuple[Copy, Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> StartedScenario:
    """Opens the scenario after its first sync, for a story that several tests look at.

    There is one sandbox: a story has to be told to its end before the next one begins.
    """
    twins, first_sync = after_first_sync

    @contextlib.contextmanager
    def opened() -> Iterator[Scenario]:
        folder = tmp_path_factory.mktemp("scenario")
        scenario_control.reset(contacts=0)
        twins.restore(scenario_world)
        shutil.copytree(first_sync, folder, dirs_exist_ok=True)
        with connected(scenario_control, folder=folder) as scenario:
            yield scenario

    return opened


@pytest.fixture
def scenario(started_scenario: StartedScenario) -> Iterator[Scenario]:
    """The scenario after its first sync."""
    with started_scenario() as scenario:
        yield scenario


@pytest.fixture
def hooked(scenario: Scenario, tmp_path: Path) -> Iterator[Hooked]:
    """The scenario after its first sync, with webhooks that are stored in a log."""
    with listening(scenario, root=tmp_path / "webhooks") as mailbox:
        scenario.pass_time()
        yield Hooked(scenario, mailbox)
