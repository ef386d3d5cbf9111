"""Clients of a running sandbox.

Belongs here: fixtures for the contract tests of the clients. Not here: the sandbox itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from nl_pipeline.clients.brevo import BrevoClient
from nl_pipeline.clients.mailchimp import MailchimpClient
from nl_pipeline.clients.onoffice import OnOfficeClient
from nl_pipeline.sandbox.credentials import (
    BREVO_API_KEY,
    MAILCHIMP_API_KEY,
    ONOFFICE_SECRET,
    ONOFFICE_TOKEN,
)
from nl_pipeline_tests.clients.answering import Naps
from nl_pipeline_tests.sandbox_control import SandboxControl

CrmFactory = Callable[..., OnOfficeClient]
MailchimpFactory = Callable[..., MailchimpClient]
BrevoFactory = Callable[..., BrevoClient]


@pytest.fixture
def crm_with(sandbox: SandboxControl) -> Iterator[CrmFactory]:
    """Make clients of the onOffice twin with options; they are closed after the test."""
    made: list[OnOfficeClient] = []

    def make(**options: Any) -> OnOfficeClient:
        settings: dict[str, Any] = {
            "token": ONOFFICE_TOKEN,
            "secret": ONOFFICE_SECRET,
            "sleep": Naps(),
            **options,
        }
        made.append(OnOfficeClient(base_url=sandbox.onoffice_url, **settings))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def crm(crm_with: CrmFactory) -> OnOfficeClient:
    """A client of the onOffice twin."""
    return crm_with()


@pytest.fixture
def mailchimp_with(sandbox: SandboxControl) -> Iterator[MailchimpFactory]:
    """Make clients of the Mailchimp twin with options; they are closed after the test."""
    made: list[MailchimpClient] = []

    def make(**options: Any) -> MailchimpClient:
        settings: dict[str, Any] = {
            "api_key": MAILCHIMP_API_KEY,
            "sleep": Naps(),
            **options,
        }
        made.append(MailchimpClient(base_url=sandbox.mailchimp_url, **settings))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def mailchimp(mailchimp_with: MailchimpFactory) -> MailchimpClient:
    """A client of the Mailchimp twin."""
    return mailchimp_with()


@pytest.fixture
def brevo_with(sandbox: SandboxControl) -> Iterator[BrevoFactory]:
    """Make clients of the Brevo twin with options; they are closed after the test.

    What they wait passes at the twin, whose limits are counted by its clock.
    """
    made: list[BrevoClient] = []

    def make(**options: Any) -> BrevoClient:
        settings: dict[str, Any] = {
            "api_key": BREVO_API_KEY,
            "sleep": lambda seconds: sandbox.advance(seconds=seconds),
            **options,
        }
        made.append(BrevoClient(base_url=sandbox.brevo_url, **settings))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def brevo(brevo_with: BrevoFactory) -> BrevoClient:
    """A client of the Brevo twin."""
    return brevo_with()
