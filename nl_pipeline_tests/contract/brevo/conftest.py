"""One recorded server, and the two kinds of traffic that are held against the document.

Belongs here: the traffic, made once. Not here: what is expected of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from nl_pipeline_tests.contract.brevo.busy_life import drive
from nl_pipeline_tests.contract.brevo.sdk_answers import Visit
from nl_pipeline_tests.contract.brevo.sdk_visit import OPTIONS, library, visit
from nl_pipeline_tests.contract.recording import Exchange, Recorded, recorded_sandbox
from nl_pipeline_tests.sandbox.mailchimp.receiver import Receiver


@pytest.fixture(scope="session")
def recorded() -> Iterator[Recorded]:
    """The server of this folder."""
    with recorded_sandbox(service="brevo", version="/v3") as recorded:
        yield recorded


@dataclass(frozen=True)
class SdkVisit:
    """What the library got, and what travelled."""

    visit: Visit
    exchanges: tuple[Exchange, ...]


@pytest.fixture(scope="session")
def sdk_visit(recorded: Recorded) -> SdkVisit:
    """One visit of Brevo's own client library."""
    pytest.importorskip("brevo")
    control = recorded.control
    control.reset(contacts=0, brevo=OPTIONS)
    recorded.taken()
    with Receiver() as receiver, library(control.brevo_url) as sdk:
        found = visit(sdk, control=control, hook_url=receiver.url)
    return SdkVisit(found, recorded.taken())


@dataclass(frozen=True)
class Life:
    """What travelled in a busy life of a connection, and how many calls were too many."""

    exchanges: tuple[Exchange, ...]
    violations: int


@pytest.fixture(scope="session")
def life(recorded: Recorded, tmp_path_factory: pytest.TempPathFactory) -> Life:
    """What our own client sends and gets, at the limits of every plan."""
    recorded.taken()
    drive(recorded.control, folder=tmp_path_factory.mktemp("busy"))
    exchanges = recorded.taken()
    return Life(exchanges, sum(recorded.control.dump("brevo")["violations"].values()))
