"""A receiver that one test uses alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nl_pipeline_tests.receiver.serving import Running, serving


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Running]:
    """A receiver with the default limits and a short deadline for requests."""
    with serving(tmp_path, limits="request_seconds: 0.4") as running:
        yield running
