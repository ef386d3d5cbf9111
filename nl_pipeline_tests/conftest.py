"""Fixtures that several packages of tests share: a clean environment and a running sandbox.

Belongs here: nothing that only one package needs. The sandbox is imported when a test asks for it,
so that the tests of pure code start fast.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from nl_pipeline_tests.sandbox_control import SandboxControl

if TYPE_CHECKING:
    from nl_pipeline.sandbox.app import World

SMALL_POPULATION = 60
"""Contacts of the sandbox of a test: enough for every awkward kind, fast to fill."""

SMALL_TABLES: dict[str, Any] = {"threads": 1, "enable_optimizer": False, "fsync_mode": "NONE"}
"""Settings of the engines of the tests, see `_duckdb_for_small_tables`."""


LONGEST_FIRST = (
    "sync/test_every_call_can_fail.py",
    "properties/",
    "cli/test_sync_commands.py",
    "receiver/test_kills.py",
    "end_to_end/",
    "sync/",
    "orchestration/",
)
"""Files that take long whatever their number of tests, by the beginning of their path."""


def pytest_configure(config: pytest.Config) -> None:
    """Declare our marks."""
    config.addinivalue_line("markers", "each_provider: runs once at every provider")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let long files begin first: one that begins last keeps one core busy and the others idle."""
    tests = Path(__file__).parent

    def turn(item: pytest.Item) -> int:
        path = item.path.relative_to(tests).as_posix()
        return next((n for n, start in enumerate(LONGEST_FIRST) if path.startswith(start)), 99)

    items.sort(key=turn)


def pytest_collection_finish() -> None:
    """Spare the garbage collector the modules and tests, which stay to the end."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


def pytest_unconfigure() -> None:
    """Let the collector see everything again: DuckDB complains at the end of what it missed."""
    gc.unfreeze()


@pytest.fixture(autouse=True)
def _no_settings_of_the_developer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the settings and the Dagster instance of whoever runs the tests out of them."""
    for variable in ("NL_PIPELINE_CONFIG", "DAGSTER_HOME"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture(autouse=True, scope="session")
def _duckdb_for_small_tables() -> Iterator[None]:
    """Engines that spend as little as they can on statements over a few dozen rows.

    Every core has a worker of its own, so a second thread would only take time from the others. A
    text is parsed once. Plans are not optimized, which takes a fifth of the time otherwise and
    changes no result; the random worlds and the tests that start processes run them as they run in
    earnest. Nothing here survives a loss of power, so nothing waits for the disk.
    """
    connect: Any = duckdb.connect
    execute: Any = duckdb.DuckDBPyConnection.execute
    parsed: dict[str, list[duckdb.Statement]] = {}

    def small(*args: Any, config: dict[str, Any] | None = None, **options: Any) -> Any:
        return connect(*args, config={**SMALL_TABLES, **(config or {})}, **options)

    def parsed_once(self: Any, query: Any, *args: Any, **options: Any) -> Any:
        if isinstance(query, str):
            statements = parsed.get(query)
            if statements is None:
                statements = parsed[query] = duckdb.extract_statements(query)
            if len(statements) == 1:
                query = statements[0]
        return execute(self, query, *args, **options)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(duckdb, "connect", small)
        patched.setattr(duckdb.DuckDBPyConnection, "execute", parsed_once)
        yield


@pytest.fixture(scope="session")
def shared_world() -> World:
    """The world of the shared server."""
    from nl_pipeline.sandbox.app import World

    return World(contacts=0)


@pytest.fixture(scope="session")
def shared_url(shared_world: World) -> Iterator[str]:
    """The base URL of the server that all tests share which need no more than a fresh world.

    A server takes a fifth of a second to stop, which hundreds of small tests would feel. A test
    that leaves calls hanging takes its own server, see sandbox/test_faults.py.
    """
    from nl_pipeline.sandbox.serve import running

    with running(shared_world) as base_url:
        yield base_url


@pytest.fixture
def sandbox_world(shared_world: World) -> World:
    """The shared world, filled afresh with a small population."""
    shared_world.reset(contacts=SMALL_POPULATION, seed=1, options={})
    return shared_world


@pytest.fixture
def sandbox_url(sandbox_world: World, shared_url: str) -> str:
    """The base URL of the shared server, after the reset."""
    return shared_url


@pytest.fixture
def sandbox(sandbox_url: str) -> Iterator[SandboxControl]:
    """The control of a running sandbox, fresh for this test."""
    control = SandboxControl(sandbox_url)
    yield control
    control.close()
