"""Fixtures of the Mailchimp twin's tests: a caller with an empty audience ``onoffice``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nl_pipeline_tests.sandbox.mailchimp.caller import MailchimpCaller
from nl_pipeline_tests.sandbox.mailchimp.receiver import Receiver


@pytest.fixture
def mailchimp(sandbox_url: str) -> Iterator[MailchimpCaller]:
    """A caller of the Mailchimp twin, on a new audience."""
    caller = MailchimpCaller(sandbox_url)
    caller.create_audience()
    yield caller
    caller.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver of webhooks on loopback."""
    with Receiver() as receiver:
        yield receiver
