"""Fixtures that several packages of tests share: a clean environment and a running sandbox.

Belongs here: nothing that only one package needs. The sandbox is imported when a test asks for it,
so that the tests of pure code start fast.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from nl_pipeline_tests.sandbox_control import SandboxControl

if TYPE_CHECKING:
    from nl_pipeline.sandbox.app import World

SMALL_POPULATION = 60
"""Contacts of the sandbox of a test: enough for every awkward kind, fast to fill."""


@pytest.fixture(autouse=True)
def _no_settings_of_the_developer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the settings and the Dagster instance of whoever runs the tests out of them."""
    for variable in ("NL_PIPELINE_CONFIG", "DAGSTER_HOME"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture(autouse=True, scope="session")
def _one_thread_per_engine() -> Iterator[None]:
    """Every core has a worker of its own, and the tables are small: a second thread of DuckDB's
    would only take time from the other workers."""
    connect: Any = duckdb.connect

    def with_one_thread(*args: Any, config: dict[str, Any] | None = None, **options: Any) -> Any:
        return connect(*args, config={"threads": 1, **(config or {})}, **options)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(duckdb, "connect", with_one_thread)
        yield


@pytest.fixture
def sandbox_world() -> World:
    """The state of a fresh sandbox with a small population."""
    from nl_pipeline.sandbox.app import World

    return World(contacts=SMALL_POPULATION, seed=1)


@pytest.fixture
def sandbox_url(sandbox_world: World) -> Iterator[str]:
    """The base URL of a running sandbox that only this test uses."""
    from nl_pipeline.sandbox.serve import running

    with running(sandbox_world, port=0) as base_url:
        yield base_url


@pytest.fixture
def sandbox(sandbox_url: str) -> Iterator[SandboxControl]:
    """The control of a running sandbox that only this test uses."""
    control = SandboxControl(sandbox_url)
    yield control
    control.close()
