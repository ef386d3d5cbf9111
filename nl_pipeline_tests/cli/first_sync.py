"""A user's folder after the first sync, made by the commands of the quick start.

Belongs here: the set-up of tests of commands. Not here: assertions about it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from nl_pipeline import settings
from nl_pipeline.cli import main
from nl_pipeline.cli.invocation import ExitCode
from nl_pipeline.sandbox.app import World
from nl_pipeline.sandbox.serve import running
from nl_pipeline.sync.link import open_warehouse
from nl_pipeline.warehouse import plans
from nl_pipeline_tests.sandbox_control import SandboxControl

CONNECTION = settings.SANDBOX_CONNECTION


@contextlib.contextmanager
def synced_once(folder: Path) -> Iterator[SandboxControl]:
    """A small sandbox that `folder` is connected to, and in which the block stands."""
    with running(World(contacts=10)) as base_url, pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        control = SandboxControl(base_url)
        assert main(["sandbox", "connect", "--port", str(urlsplit(base_url).port)]) == ExitCode.DONE
        assert main(["setup", CONNECTION]) == ExitCode.DONE
        plan = plans.latest(open_warehouse(settings.load(), connection=CONNECTION))
        assert plan is not None
        assert main(["apply", plan.plan_id]) == ExitCode.DONE
        yield control
        control.close()
