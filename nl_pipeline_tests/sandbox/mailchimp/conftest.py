"""Fixtures of the Mailchimp twin's tests: a caller with an empty audience ``onoffice``."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from nl_pipeline_tests.sandbox.mailchimp.caller import MailchimpCaller, connected
from nl_pipeline_tests.sandbox.mailchimp.receiver import Receiver


@pytest.fixture(scope="session")
def mailchimp_http(shared_url: str) -> Iterator[httpx.Client]:
    """A connection to the shared server."""
    with connected(shared_url) as http:
        yield http


@pytest.fixture
def mailchimp(sandbox_url: str, mailchimp_http: httpx.Client) -> MailchimpCaller:
    """A caller of the freshly reset Mailchimp twin, on a new audience."""
    caller = MailchimpCaller(mailchimp_http)
    caller.create_audience()
    return caller


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver of webhooks on loopback."""
    with Receiver() as receiver:
        yield receiver
