"""The adapter of each provider over the scenario after its first sync."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nl_pipeline_tests.sync.conformance.bench import Bench
from nl_pipeline_tests.sync.conftest import StartedScenario


@pytest.fixture(scope="module")
def bench(started_scenario: StartedScenario) -> Iterator[Bench]:
    """One for all tests of a module: each has people of its own."""
    with started_scenario() as scenario:
        scenario.pass_time()
        yield Bench(scenario, scenario.audience_id)
