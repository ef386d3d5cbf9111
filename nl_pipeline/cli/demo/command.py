"""The command itself: prepare a folder, play the day, print the proof."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from nl_pipeline import settings
from nl_pipeline.cli.demo.control import Sandbox
from nl_pipeline.cli.demo.dagster_jobs import (
    DAGSTER_FOLDER,
    DEFAULT_FOLDER,
    DagsterJobs,
    ui_command,
)
from nl_pipeline.cli.demo.day import Day, tell
from nl_pipeline.cli.demo.proof import Comparison
from nl_pipeline.cli.demo.receiver import free_port, receiving
from nl_pipeline.cli.demo.stories import LEAST_CONTACTS
from nl_pipeline.cli.invocation import CommandError, ExitCode
from nl_pipeline.cli.output import show_table
from nl_pipeline.cli.sandbox import ENVIRONMENT_FILE, write_secrets
from nl_pipeline.settings import Settings

_CHECKOUT = Path(__file__).parents[3]
#: Says that a folder was made by this command and may be replaced by it.
_MARKER = ".made-by-nl-pipeline-demo"


def demo(
    contacts: Annotated[
        int, typer.Option(min=LEAST_CONTACTS, help="Contacts in the sandbox's CRM.")
    ] = 3000,
    seed: Annotated[int, typer.Option(help="Another seed, other people.")] = 1,
    keep: Annotated[
        Path,
        typer.Option("--keep", metavar="DIR", help="Where warehouse and Dagster history are left."),
    ] = DEFAULT_FOLDER,
) -> None:
    """Show a whole two-way sync against a sandbox of its own, with a proof at the end."""
    # The web server is only needed here; the other commands start faster without it.
    from nl_pipeline.sandbox.app import World
    from nl_pipeline.sandbox.serve import running

    started = time.monotonic()
    _prepare(keep)
    tell(f"Starting a sandbox with {contacts:,} contacts")
    with running(World(contacts=contacts, seed=seed)) as base_url:
        loaded = _connect(keep, port=int(base_url.rsplit(":", 1)[1]))
        with closing(DagsterJobs(keep)) as jobs, receiving(keep, loaded) as receiver:
            jobs.prepare()
            lines = Day(Sandbox(base_url), loaded, receiver=receiver, jobs=jobs).play()
    tell("The proof, from the dumps of the twins and nothing else")
    _show_proof(lines)
    typer.echo(f"Took {time.monotonic() - started:.0f} s. The sandbox is gone, its traces stay:")
    for name in loaded.connections:
        typer.echo(f"  warehouse: {loaded.warehouse_path(name)}")
    typer.echo(f"  Dagster UI with the runs of the day: {ui_command(keep)}")
    differing = sum(not line.holds for line in lines)
    if differing:
        raise CommandError(
            f"{differing} of {len(lines)} lines of the proof differ.",
            next_step=f"nl-pipeline --config {keep / settings.DEFAULT_FILE} errors CONNECTION",
        )
    typer.echo(f"All {len(lines)} lines hold.")


def _show_proof(lines: Sequence[Comparison]) -> None:
    rows: list[tuple[object, ...]] = []
    last_story = ""
    for line in lines:
        story = "" if line.story == last_story else line.story
        last_story = line.story
        verdict = "ok" if line.holds else "DIFFERS"
        rows.append((story, line.what, line.expected, line.there, verdict))
    show_table("", columns=("story", "what", "expected", "there", ""), rows=rows)


def _prepare(folder: Path) -> None:
    """An empty folder with our marker; a folder that is not ours is left alone."""
    if folder.exists() and any(folder.iterdir()):
        if not (folder / _MARKER).exists():
            raise CommandError(
                f"{folder} is there, is not empty, and was not made by this command.",
                next_step="name another folder with --keep, or move it away",
                exit_code=ExitCode.USAGE,
            )
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder / _MARKER).touch()


def _connect(folder: Path, *, port: int) -> Settings:
    """Write connections file, keys and Dagster instance into the folder; returns the settings."""
    connections = folder / settings.DEFAULT_FILE
    text = settings.sandbox_text(port=port, receiver_port=free_port())
    connections.write_text(text, encoding="utf-8")
    write_secrets(folder / ENVIRONMENT_FILE)
    home = folder / DAGSTER_FOLDER
    home.mkdir()
    instance = _CHECKOUT / "deploy" / "dagster.yaml"
    if instance.exists():
        shutil.copy(instance, home / "dagster.yaml")
    return settings.load(connections)
