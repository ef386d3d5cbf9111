"""Fixtures of the sync tests: the scenario before and after its first sync.

One server serves them all. The first sync is made once; a test gets copies of what it left on
either side and in the warehouse, which takes a fraction of the time.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from nl_pipeline.sandbox.app import World
from nl_pipeline.sandbox.serve import running
from nl_pipeline.settings import FieldMapping
from nl_pipeline_tests.providers import PROVIDERS, STAGES, Provider
from nl_pipeline_tests.providers.exceptions import mark_exceptions
from nl_pipeline_tests.providers.stage import copied_but
from nl_pipeline_tests.sandbox_control import SandboxControl
from nl_pipeline_tests.scenario import Scenario, connected, populate
from nl_pipeline_tests.sync.hooked import Hooked
from nl_pipeline_tests.sync.mailbox import listening


@dataclass(frozen=True)
class Copy:
    """All twins at one moment. The clock is real time, which goes on meanwhile."""

    onoffice: dict[str, Any]
    providers: Mapping[Provider, Any]

    @classmethod
    def of(cls, world: World) -> Copy:
        """A copy of the twins' state; clock and senders of webhooks are the world's own."""
        return cls(
            onoffice=copied_but(vars(world.onoffice.state), shared=[world.clock]),
            providers={name: stage.copied(world) for name, stage in STAGES.items()},
        )

    def restore(self, world: World) -> None:
        """Put a fresh copy of this state into the world."""
        state = world.onoffice.state
        version = state.version
        vars(state).update(copied_but(self.onoffice, shared=[world.clock]))
        # Answers are remembered by this number, which therefore only ever rises.
        state.version = version + 1
        for name, copy in self.providers.items():
            STAGES[name].put_back(world, copy)


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


FolderMaker = Callable[[str], Path]


@dataclass(frozen=True)
class Prepared:
    """A moment that tests begin at: the twins, and the folder of the warehouse."""

    twins: Copy
    folder: Path


class Beginnings:
    """The moments tests begin at, each prepared once for all tests of a provider.

    Not a fixture for each provider: pytest would throw one away when a test needs the other.
    """

    def __init__(self, world: World, control: SandboxControl, *, folders: FolderMaker) -> None:
        self.world = world
        self.control = control
        self._folders = folders
        self._before: dict[Provider, Prepared] = {}
        self._after: dict[Provider, Prepared] = {}

    def before_first_sync(self, provider: Provider) -> Prepared:
        """The twins with the scenario's people, never synced."""
        if provider not in self._before:
            self.control.reset(contacts=0, **STAGES[provider].with_audience)
            populate(self.control, provider=provider)
            self._before[provider] = Prepared(Copy.of(self.world), self._folders("unsynced"))
        return self._before[provider]

    def after_first_sync(self, provider: Provider) -> Prepared:
        """The twins after the first sync."""
        if provider not in self._after:
            before = self.before_first_sync(provider)
            folder = self._folders("first_sync")
            self.control.reset(contacts=0)
            before.twins.restore(self.world)
            with connected(self.control, folder=folder, provider=provider) as scenario:
                scenario.start()
            self._after[provider] = Prepared(Copy.of(self.world), folder)
        return self._after[provider]

    @contextlib.contextmanager
    def opened(
        self,
        beginning: Prepared,
        *,
        provider: Provider,
        more_fields: tuple[FieldMapping, ...] = (),
    ) -> Iterator[Scenario]:
        """A scenario that begins at this moment.

        There is one sandbox: a story has to be told to its end before the next one begins.
        """
        folder = self._folders("scenario")
        self.control.reset(contacts=0)
        beginning.twins.restore(self.world)
        shutil.copytree(beginning.folder, folder, dirs_exist_ok=True)
        with connected(
            self.control, folder=folder, provider=provider, more_fields=more_fields
        ) as scenario:
            yield scenario


@pytest.fixture(scope="session")
def beginnings(
    scenario_world: World,
    scenario_control: SandboxControl,
    tmp_path_factory: pytest.TempPathFactory,
) -> Beginnings:
    """What every test of this folder begins with."""
    return Beginnings(scenario_world, scenario_control, folders=tmp_path_factory.mktemp)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests marked ``each_provider`` run at every provider."""
    marked = metafunc.definition.get_closest_marker("each_provider") is not None
    is_done = hasattr(metafunc.module, "pytest_generate_tests")
    if marked and not is_done and "provider" in metafunc.fixturenames:
        metafunc.parametrize("provider", PROVIDERS, indirect=True, scope="module")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that a provider cannot pass are expected to fail there, see ``exceptions``."""
    mark_exceptions(items)


@pytest.fixture(scope="module")
def provider(request: pytest.FixtureRequest) -> Provider:
    """The provider of the connection: Mailchimp, where a test does not ask for each."""
    chosen: Provider = getattr(request, "param", "mailchimp")
    return chosen


@pytest.fixture(scope="session")
def after_first_sync(beginnings: Beginnings) -> tuple[Copy, Path]:
    """The twins after the first sync at Mailchimp, and the folder of its warehouse."""
    prepared = beginnings.after_first_sync("mailchimp")
    return prepared.twins, prepared.folder


@pytest.fixture
def unsynced(beginnings: Beginnings, provider: Provider) -> Iterator[Scenario]:
    """The scenario before its first sync."""
    beginning = beginnings.before_first_sync(provider)
    with beginnings.opened(beginning, provider=provider) as scenario:
        yield scenario


StartedScenario = Callable[[], AbstractContextManager[Scenario]]


@pytest.fixture(scope="module")
def started_scenario(beginnings: Beginnings, provider: Provider) -> StartedScenario:
    """Opens the scenario after its first sync, for a story that several tests look at."""

    def opened() -> AbstractContextManager[Scenario]:
        beginning = beginnings.after_first_sync(provider)
        return beginnings.opened(beginning, provider=provider)

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
