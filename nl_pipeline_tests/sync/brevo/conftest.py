"""The scenario at Brevo after its first sync, with webhooks that are heard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from nl_pipeline.sandbox.app import World
from nl_pipeline.settings import SANDBOX_BREVO_CONNECTION
from nl_pipeline_tests.providers import Provider
from nl_pipeline_tests.scenario import Scenario
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
