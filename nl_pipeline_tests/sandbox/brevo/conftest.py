"""Fixtures of the Brevo twin's tests."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from nl_pipeline_tests.sandbox.brevo.hooked import Hooked, connected
from nl_pipeline_tests.sandbox.mailchimp.receiver import Receiver
from nl_pipeline_tests.sandbox_control import SandboxControl


@pytest.fixture(scope="session")
def brevo_http(shared_url: str) -> Iterator[httpx.Client]:
    """A connection to the shared server."""
    with connected(shared_url) as http:
        yield http


@pytest.fixture
def hooked(sandbox: SandboxControl, brevo_http: httpx.Client) -> Iterator[Hooked]:
    """The freshly reset Brevo twin with a list ``onoffice``, and a receiver on loopback."""
    for name in ("contacts_per_second", "other_per_hour"):
        sandbox.switch("brevo", name=name, value=10_000)
    body = {"name": "onoffice", "folderId": 1}
    list_id = brevo_http.post("/contacts/lists", json=body).raise_for_status().json()["id"]
    with Receiver() as receiver:
        yield Hooked(brevo_http, sandbox, receiver, list_id)
