"""One recorded server, and the two kinds of traffic that are held against the document.

Belongs here: the traffic, made once. Not here: what is expected of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from nl_pipeline.sandbox.credentials import MAILCHIMP_API_KEY
from nl_pipeline_tests.contract.mailchimp.busy_scenario import drive
from nl_pipeline_tests.contract.mailchimp.sdk_answers import Visit
from nl_pipeline_tests.contract.mailchimp.sdk_visit import visit
from nl_pipeline_tests.contract.recording import Exchange, Recorded, recorded_sandbox
from nl_pipeline_tests.sandbox.mailchimp.receiver import Receiver


@pytest.fixture(scope="session")
def recorded() -> Iterator[Recorded]:
    """The server of this folder."""
    with recorded_sandbox(service="mailchimp", version="/3.0") as recorded:
        yield recorded


@dataclass(frozen=True)
class SdkVisit:
    """What the library got, and what travelled."""

    visit: Visit
    exchanges: tuple[Exchange, ...]


@pytest.fixture(scope="session")
def sdk_visit(recorded: Recorded) -> SdkVisit:
    """One visit of Mailchimp's own client library."""
    mailchimp_marketing = pytest.importorskip("mailchimp_marketing")
    client: Any = mailchimp_marketing.Client({"api_key": MAILCHIMP_API_KEY})
    # The library knows hosts of Mailchimp only; its parts share this one object.
    client.lists.api_client.host = recorded.control.mailchimp_url
    client.lists.api_client.server = ""
    recorded.control.reset(contacts=0)
    recorded.taken()
    with Receiver() as receiver:
        found = visit(client, control=recorded.control, hook_url=receiver.url)
    return SdkVisit(found, recorded.taken())


@pytest.fixture(scope="session")
def sync_exchanges(
    recorded: Recorded, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Exchange, ...]:
    """What our own client sends and gets in a busy life of a connection."""
    recorded.taken()
    drive(recorded.control, folder=tmp_path_factory.mktemp("busy"))
    return recorded.taken()
