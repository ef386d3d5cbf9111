"""Fixtures of the LinkedIn twin's tests: a caller, and a receiver that passes challenges."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from nl_pipeline.sandbox.app import World
from nl_pipeline_tests.sandbox.linkedin.caller import LinkedInCaller, connected
from nl_pipeline_tests.sandbox.linkedin.hook import Hook
from nl_pipeline_tests.sandbox_control import SandboxControl


@pytest.fixture(scope="session")
def linkedin_http(shared_url: str) -> Iterator[httpx.Client]:
    """A connection to the shared server."""
    with connected(shared_url) as http:
        yield http


@pytest.fixture(scope="session")
def linkedin_control(shared_url: str) -> Iterator[SandboxControl]:
    """The control of the shared server."""
    control = SandboxControl(shared_url)
    yield control
    control.close()


@pytest.fixture
def linkedin(
    shared_world: World, linkedin_http: httpx.Client, linkedin_control: SandboxControl
) -> LinkedInCaller:
    """A caller of a twin with three forms that nobody has filled in."""
    shared_world.reset(contacts=0, seed=1, options={})
    return LinkedInCaller(linkedin_http, sandbox=linkedin_control)


@pytest.fixture(scope="session")
def running_hook() -> Iterator[Hook]:
    """The server of :func:`hook`, started once."""
    with Hook() as hook:
        yield hook


@pytest.fixture
def hook(running_hook: Hook) -> Hook:
    """A receiver of notifications that passes its challenges."""
    running_hook.start_over()
    return running_hook
