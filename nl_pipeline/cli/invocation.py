"""What all commands share: global options, exit codes, the error a command ends with, JSON output.

Belongs here: only what at least two command modules need.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import typer

from nl_pipeline import settings


class ExitCode(IntEnum):
    """How a command ended. Scripts rely on these numbers."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    """The call or the settings are wrong; nothing was done."""
    HELD_OR_PARTIAL = 3
    """A plan is held, or some rows were refused while the rest was done."""


class CommandError(Exception):
    """A command can't do what it was asked to. `what` names no person and no secret."""

    def __init__(self, what: str, *, next_step: str, exit_code: ExitCode = ExitCode.FAILED) -> None:
        super().__init__(what)
        self.what = what
        self.next_step = next_step
        self.exit_code = exit_code


@dataclass
class Invocation:
    """The global options of one call, filled by the callback of the application."""

    config: Path | None = None
    debug: bool = False

    @cached_property
    def environ(self) -> Mapping[str, str]:
        """The environment of this call, the `.env` file of the current folder included."""
        return settings.environment()

    def load_settings(self) -> settings.Settings:
        """The settings this call is about; SettingsError names everything that is wrong."""
        return settings.load(self.config, environ=self.environ)


def invocation_of(context: typer.Context) -> Invocation:
    """The global options of the call that `context` belongs to."""
    invocation = context.obj
    if not isinstance(invocation, Invocation):
        raise TypeError("commands are started through nl_pipeline.cli.main")
    return invocation


AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]


def print_json(value: Any) -> None:
    """Write one JSON document to standard output."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))
