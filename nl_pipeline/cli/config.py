"""Commands about the connections file: write an example, check it, print its JSON Schema.

Nothing here touches the network.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import typer

from nl_pipeline import settings
from nl_pipeline.cli.invocation import (
    AsJson,
    CommandError,
    ExitCode,
    Invocation,
    invocation_of,
    print_json,
)

commands = typer.Typer(help="Check and describe the connections file.", no_args_is_help=True)


def init(
    context: typer.Context,
    path: Annotated[
        Path | None, typer.Option(help="Where to write it. Default: connections.yaml here.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Write a commented example of the connections file."""
    target = path or invocation_of(context).config or Path(settings.DEFAULT_FILE)
    try:
        with target.open("w" if force else "x", encoding="utf-8") as file:
            file.write(settings.example_text())
    except FileExistsError:
        raise CommandError(
            f"{target} is already there and was not changed.",
            next_step="name another file with --path, or replace it with --force",
            exit_code=ExitCode.USAGE,
        ) from None
    except OSError as error:
        raise CommandError(
            f"{target} can't be written ({type(error).__name__}).",
            next_step="check that the folder exists and that you may write to it",
            exit_code=ExitCode.USAGE,
        ) from None
    typer.echo(f"Wrote {target}.")
    typer.echo("Next: adapt it, put the secrets into .env, then run `nl-pipeline config check`.")


@commands.command()
def check(context: typer.Context, as_json: AsJson = False) -> None:
    """Validate the connections file without touching the network."""
    invocation = invocation_of(context)
    try:
        loaded = invocation.load_settings()
    except settings.SettingsError as error:
        if not as_json:
            raise
        problems = [dataclasses.asdict(problem) for problem in error.problems]
        print_json({"valid": False, "problems": problems})
        raise typer.Exit(ExitCode.USAGE) from None
    summaries = [
        _summary(connection, invocation=invocation) for connection in loaded.connections.values()
    ]
    source = None if loaded.source is None else str(loaded.source)
    if as_json:
        print_json({"valid": True, "source": source, "connections": summaries})
        return
    if source is None:
        typer.echo(f"There is no {settings.DEFAULT_FILE} here; the embedded default is valid.")
    else:
        typer.echo(f"{source} is valid.")
    for summary in summaries:
        typer.echo(
            f"  {summary['name']}: onoffice and {summary['provider']}, "
            f"audience {summary['audience']}, {len(summary['fields'])} mapped fields"
        )
        for reference in summary["secrets_missing"]:
            typer.echo(f"    not set yet: {reference}")


@commands.command()
def schema() -> None:
    """Print the JSON Schema of the connections file, for completion in editors."""
    print_json(settings.json_schema())


def _summary(connection: settings.Connection, *, invocation: Invocation) -> dict[str, Any]:
    references = (connection.crm.token, connection.crm.secret, connection.provider.api_key)
    return {
        "name": connection.name,
        "provider": connection.provider.kind,
        "audience": connection.audience,
        "fields": [mapping.name for mapping in connection.fields],
        "secrets_missing": [
            str(reference)
            for reference in references
            if not _is_available(reference, invocation=invocation)
        ],
    }


def _is_available(reference: settings.SecretReference, *, invocation: Invocation) -> bool:
    try:
        reference.resolve(invocation.environ)
    except settings.SettingsError:
        return False
    return True
