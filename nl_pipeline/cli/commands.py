"""The list of commands, each loaded when it is called.

Belongs here: which command stands in which module, in the order of the help. Must not be here: what
a command does. `receive` runs all the time, and pandas, DuckDB and Dagster, which other commands
need, would cost it five times its memory.
"""

from __future__ import annotations

from collections import UserDict
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

COMMANDS: dict[str, str] = {
    "init": "config:init",
    "config": "config:commands",
    "sandbox": "sandbox:commands",
    "demo": "demo:demo",
    "setup": "planning:setup",
    "plan": "planning:plan",
    "apply": "pushing:apply",
    "sync": "pushing:sync",
    "release": "pushing:release",
    "receive": "receiving:receive",
    "ingest": "ingesting:ingest",
    "webhooks": "recovering:webhooks",
    "backfill": "recovering:backfill",
    "leads": "leads:commands",
    "status": "reporting:status",
    "errors": "reporting:errors",
    "explain": "reporting:explain",
    "quarantine": "quarantine:quarantine",
    "retry": "quarantine:retry",
}
"""Command -> module of this package and what it is called there: a function, or a group."""


class _Commands(UserDict[str, Any]):
    """The commands by name; a value is made when it is asked for."""

    def __getitem__(self, name: str) -> Any:
        found = self.data[name]
        if isinstance(found, str):
            found = self.data[name] = _loaded(name, place=found)
        return found


def _loaded(name: str, *, place: str) -> Any:
    module, _, attribute = place.partition(":")
    found = getattr(import_module(f"nl_pipeline.cli.{module}"), attribute)
    # Made by a group like the one of the application, from which a command takes its form.
    group = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    if isinstance(found, typer.Typer):
        group.add_typer(found, name=name)
    else:
        group.command(name)(found)
    return get_group(group).commands[name]


class LazyCommands(TyperGroup):
    """The group of all commands."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = _Commands(COMMANDS)
