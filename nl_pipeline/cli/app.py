"""The application: global options, the boundary that catches errors.

Belongs here: what all commands have in common. Not here: what a command does.

To add a command: write a function in `cli/<topic>.py` whose first parameter is
`context: typer.Context`; it gets the settings from `invocation_of(context).load_settings()`, raises
`CommandError` or lets the errors of the other packages pass, and ends with
`raise typer.Exit(ExitCode.HELD_OR_PARTIAL)` where the exit code is not 0. Name it in
`commands.COMMANDS`. A new family of errors gets a case in `failures.failure_of`.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from typer.main import get_command

from nl_pipeline.cli.commands import LazyCommands
from nl_pipeline.cli.failures import failure_of, places_of
from nl_pipeline.cli.invocation import Invocation, invocation_of

app = typer.Typer(
    cls=LazyCommands,
    help="Keeps newsletter contacts of onOffice and a newsletter provider in step.",
    epilog="Exit codes: 0 done, 1 failed, 2 wrong call or settings, 3 held or partial.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"nl-pipeline {version('nl-pipeline')}")
        raise typer.Exit


@app.callback()
def _global_options(
    context: typer.Context,
    config_file: Annotated[
        Path | None,
        typer.Option(
            "--config",
            metavar="PATH",
            help="Connections file. Default: $NL_PIPELINE_CONFIG, else connections.yaml here, "
            "else a sandbox on this machine.",
        ),
    ] = None,
    debug: Annotated[
        bool, typer.Option("--debug", help="On an unexpected error, show where it happened.")
    ] = False,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    invocation = invocation_of(context)
    invocation.config = config_file
    invocation.debug = debug


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; `arguments` default to those of the process."""
    invocation = Invocation()
    command = get_command(app)
    try:
        command.main(
            args=None if arguments is None else list(arguments),
            prog_name="nl-pipeline",
            obj=invocation,
        )
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except Exception as error:
        failure = failure_of(error)
        typer.echo(failure.text, err=True)
        if invocation.debug:
            typer.echo(places_of(error), err=True)
        return int(failure.exit_code)
    return 0
