"""Fixtures of what is Brevo's own: a small account, and the scenario with webhooks that are heard.

Belongs here: one server for the small accounts. Not here: people.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from nl_pipeline.sandbox.app import World
from nl_pipeline.sandbox.serve import running
from nl_pipeline.settings import SANDBOX_BREVO_CONNECTION
from nl_pipeline_tests.providers import Provider
from nl_pipeline_tests.sandbox_control import SandboxControl
from nl_pipeline_tests.scenario import Scenario
from nl_pipeline_tests.sync.brevo.account import NO_LIMITS, Account, opened
from nl_pipeline_tests.sync.brevo.hooked import Hooked
from nl_pipeline_tests.sync.listening import Listening, listening


@pytest.fixture(scope="module")
def provider() -> Provider:
    return "brevo"


@pytest.fixture
def heard(scenario_world: World, scenario: Scenario, tmp_path: Path) -> Iterator[Listening]:
    """The receiver, which serves the sandbox's connections at both providers."""
    port = httpx.URL(scenario.control.base_url).port or 0
    with listening(
        scenario_world,
        sandbox_port=port,
        folder=tmp_path / "receiver",
        connection=SANDBOX_BREVO_CONNECTION,
    ) as heard:
        yield heard


@pytest.fixture
def unhooked(scenario: Scenario, heard: Listening) -> Hooked:
    """The scenario with a receiver that nobody was told of yet."""
    scenario.pass_time()
    return Hooked(scenario, heard)


@pytest.fixture
def hooked(unhooked: Hooked) -> Hooked:
    """The scenario with the webhooks that its settings ask for."""
    unhooked.set_up()
    unhooked.pass_time()
    return unhooked


@pytest.fixture(scope="session")
def brevo_server() -> Iterator[SandboxControl]:
    """The control of the server that the small accounts share."""
    world = World(contacts=0)
    with running(world) as base_url:
        control = SandboxControl(base_url)
        yield control
        control.close()


@pytest.fixture
def control(brevo_server: SandboxControl) -> SandboxControl:
    """A sandbox without people, and without limits that real time would run into."""
    brevo_server.reset(contacts=0, brevo=NO_LIMITS)
    return brevo_server


@pytest.fixture
def account(control: SandboxControl, tmp_path: Path) -> Iterator[Account]:
    """A connection to Brevo that was never synced."""
    with opened(control, folder=tmp_path) as account:
        yield account
