"""One recorded server, and the two kinds of traffic that are held against the document.

Belongs here: the traffic, made once. Not here: what is expected of it.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nl_pipeline_tests.contract.brevo.busy_life import drive
from nl_pipeline_tests.contract.recording import Exchange, Recorded, recorded_sandbox


@pytest.fixture(scope="session")
def recorded() -> Iterator[Recorded]:
    """The server of this folder."""
    with recorded_sandbox(service="brevo", version="/v3") as recorded:
        yield recorded


@pytest.fixture(scope="session")
def sync_exchanges(
    recorded: Recorded, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Exchange, ...]:
    """What our own client sends and gets in a busy life of a connection."""
    recorded.taken()
    drive(recorded.control, folder=tmp_path_factory.mktemp("busy"))
    return recorded.taken()
