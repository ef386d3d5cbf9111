"""Fixtures of the Brevo twin's tests: a caller with an empty list ``onoffice``."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from nl_pipeline.sandbox.app import World
from nl_pipeline_tests.sandbox.brevo.caller import BrevoCaller, connected
from nl_pipeline_tests.sandbox.brevo.hooked import Hooked
from nl_pipeline_tests.sandbox.mailchimp.receiver import Receiver
from nl_pipeline_tests.sandbox_control import SandboxControl


@pytest.fixture(scope="session")
def brevo_http(shared_url: str) -> Iterator[httpx.Client]:
    """A connection to the shared server."""
    with connected(shared_url) as http:
        yield http


@pytest.fixture
def brevo(sandbox: SandboxControl, shared_world: World, brevo_http: httpx.Client) -> BrevoCaller:
    """A caller of an empty Brevo twin, whose limits are out of the way."""
    limits = {"contacts_per_second": 100_000, "other_per_hour": 100_000}
    shared_world.reset(contacts=0, seed=1, options=limits)
    return BrevoCaller(brevo_http, sandbox=sandbox)


@pytest.fixture
def hooked(brevo: BrevoCaller) -> Iterator[Hooked]:
    """The same twin with a receiver of webhooks on loopback."""
    with Receiver() as receiver:
        yield Hooked(brevo, receiver)
