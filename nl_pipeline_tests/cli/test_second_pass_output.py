"""What `sync` tells of an opt-out that comes while it pushes."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nl_pipeline import settings
from nl_pipeline.cli import main, pushing
from nl_pipeline.cli.invocation import ExitCode
from nl_pipeline_tests.cli.test_sync_commands import connect, subscribers
from nl_pipeline_tests.sandbox_control import SandboxControl

CONNECTION = settings.SANDBOX_CONNECTION


@pytest.fixture
def interrupted(
    tmp_path: Path,
    sandbox: SandboxControl,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., str]:
    """Runs a sync with something to push, during which the first of two people opts out."""
    monkeypatch.chdir(tmp_path)
    connect(sandbox)
    capsys.readouterr()
    assert main(["setup", CONNECTION, "--json"]) == ExitCode.DONE
    first: dict[str, Any] = json.loads(capsys.readouterr().out)["plan"]
    assert main(["apply", first["plan_id"]]) == ExitCode.DONE
    leaves, other = subscribers(sandbox, 2)
    left: list[str] = []

    def watch(what: str, _done: int, _total: int) -> None:
        if what == "changes to the provider" and not left:
            left.append(leaves)
            sandbox.act("mailchimp", actor="person", action="unsubscribe", email=leaves)

    @contextlib.contextmanager
    def watched() -> Iterator[Callable[[str, int, int], None]]:
        yield watch

    monkeypatch.setattr(pushing, "shown_progress", watched)

    def run(*options: str) -> str:
        sandbox.act(
            "onoffice", actor="staff", action="modify", email=other, fields={"Vorname": "Anders"}
        )
        capsys.readouterr()
        assert main(["sync", CONNECTION, *options]) == ExitCode.DONE
        assert left
        return capsys.readouterr().out

    return run


def test_a_sync_tells_of_both_passes(interrupted: Callable[..., str]) -> None:
    told = interrupted()

    assert told.count(" applied: ") == 2
    assert "there was a second pass" in told


def test_both_passes_are_in_the_document(interrupted: Callable[..., str]) -> None:
    (told,) = json.loads(interrupted("--json"))["connections"]

    changes = told["second_pass"]["plan"]["changes"]
    assert [(c["side"], c["action"], c["rows"]) for c in changes] == [("crm", "set_newsletter", 1)]
    assert told["second_pass"]["result"]["confirmed"] == 1
    assert told["complete"]
