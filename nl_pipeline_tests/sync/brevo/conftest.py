"""Fixtures of what is Brevo's own: a sandbox, and a connection to it.

Belongs here: one server for all of them. Not here: people.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nl_pipeline.sandbox.app import World
from nl_pipeline.sandbox.serve import running
from nl_pipeline_tests.sandbox_control import SandboxControl
from nl_pipeline_tests.sync.brevo.account import Account, opened

NO_LIMITS = {"contacts_per_second": 10**6, "contacts_per_hour": 10**6, "other_per_hour": 10**6}


@pytest.fixture(scope="session")
def brevo_server() -> Iterator[SandboxControl]:
    """The control of the server that the tests of this folder share."""
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
