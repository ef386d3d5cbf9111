"""Fixtures of the sandbox's own tests: one server for all of them, a reset before each.

A server takes a fifth of a second to stop, which hundreds of small tests would feel. A test that
leaves calls hanging takes its own server, see test_faults.py.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nl_pipeline.sandbox.app import World
from nl_pipeline.sandbox.serve import running
from nl_pipeline_tests.conftest import SMALL_POPULATION
from nl_pipeline_tests.sandbox.onoffice_caller import OnOfficeCaller


@pytest.fixture(scope="session")
def shared_world() -> World:
    """The world that the tests of this folder share."""
    return World(contacts=0)


@pytest.fixture(scope="session")
def shared_url(shared_world: World) -> Iterator[str]:
    """The base URL of the server that the tests of this folder share."""
    with running(shared_world) as base_url:
        yield base_url


@pytest.fixture
def sandbox_world(shared_world: World) -> World:
    """The shared world, filled afresh with a small population."""
    shared_world.reset(contacts=SMALL_POPULATION, seed=1, options={})
    return shared_world


@pytest.fixture
def sandbox_url(sandbox_world: World, shared_url: str) -> str:
    """The base URL of the shared server, after the reset."""
    return shared_url


@pytest.fixture
def onoffice(sandbox_url: str) -> Iterator[OnOfficeCaller]:
    """A caller of the onOffice twin."""
    caller = OnOfficeCaller(sandbox_url)
    yield caller
    caller.close()
