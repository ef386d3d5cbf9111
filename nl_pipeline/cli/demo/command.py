"""The command itself: prepare a folder, play the day, print the proof."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from nl_pipeline import settings
from nl_pipeline.cli.demo.control import Sandbox
from nl_pipeline.cli.demo.picture import take_picture
from nl_pipeline.cli.demo.proof import Comparison, compare
from nl_pipeline.cli.demo.receiver import Receiver, free_port, receiving
from nl_pipeline.cli.demo.stories import (
    EVENING,
    LEAST_CONTACTS,
    MORNING,
    NOON,
    OUTAGE,
    Story,
    write_stories,
)
from nl_pipeline.cli.invocation import CommandError, ExitCode
from nl_pipeline.cli.output import show_table, shown_progress
from nl_pipeline.cli.plan_view import show_plan, show_push
from nl_pipeline.cli.sandbox import ENVIRONMENT_FILE, SANDBOX_SECRETS, write_secrets
from nl_pipeline.settings import Settings
from nl_pipeline.sync.events.ingest import ingest
from nl_pipeline.sync.link import Link, open_link
from nl_pipeline.sync.push import apply_plan
from nl_pipeline.sync.run import sync
from nl_pipeline.sync.setup import set_up
from nl_pipeline.sync.webhook_watch import place_of

DEFAULT_FOLDER = Path("demo")
_CHECKOUT = Path(__file__).parents[3]
DAGSTER_FOLDER = "dagster_home"
#: Says that a folder was made by this command and may be replaced by it.
_MARKER = ".made-by-nl-pipeline-demo"
#: Between two parts of the day: people don't do two things in one second. Kept small, because
#: onOffice refuses calls whose time is 120 s away from its own.
_PAUSE_SECONDS = 40
_DAGSTER_TIMEOUT_SECONDS = 600
_CONNECTION = settings.SANDBOX_CONNECTION


def demo(
    contacts: Annotated[
        int, typer.Option(min=LEAST_CONTACTS, help="Contacts in the sandbox's CRM.")
    ] = 5000,
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
    _tell(f"Starting a sandbox with {contacts:,} contacts")
    with running(World(contacts=contacts, seed=seed)) as base_url:
        loaded = _connect(keep, port=int(base_url.rsplit(":", 1)[1]))
        with receiving(keep, loaded) as receiver:
            lines = _play(Sandbox(base_url), loaded, folder=keep, receiver=receiver)
    _tell("The proof, from the dumps of both twins and nothing else")
    _show_proof(lines)
    typer.echo(f"Took {time.monotonic() - started:.0f} s. The sandbox is gone, its traces stay:")
    typer.echo(f"  warehouse: {loaded.warehouse_path(_CONNECTION)}")
    typer.echo(f"  Dagster UI with the runs of the day: {_ui_command(keep)}")
    differing = sum(not line.holds for line in lines)
    if differing:
        raise CommandError(
            f"{differing} of {len(lines)} lines of the proof differ.",
            next_step=f"nl-pipeline --config {keep / settings.DEFAULT_FILE} errors {_CONNECTION}",
        )
    typer.echo(f"All {len(lines)} lines hold.")


def _play(
    sandbox: Sandbox, loaded: Settings, *, folder: Path, receiver: Receiver
) -> list[Comparison]:
    """The whole day; returns the proof."""
    audience = loaded.connection(_CONNECTION).audience
    _tell("Set-up: rights, fields, audience, webhooks, backup, first plan")
    with _linked(loaded) as link:
        made = set_up(link, place=place_of(loaded, connection=_CONNECTION))
        first = made.plan
        for note in () if made.webhooks is None else made.webhooks.mended:
            typer.echo(f"Webhooks: {note}.")
        show_plan(first, warehouse=link.warehouse, connection=_CONNECTION)
        _tell(f"nl-pipeline apply {first.plan_id}")
        show_push(apply_plan(link, plan=first, approved=True), connection=_CONNECTION)
    before = take_picture(sandbox, audience=audience)
    stories = write_stories(before)

    _tell("Life happens, in the morning")
    _live(sandbox, stories, part=MORNING)
    _tell("The quarter-hourly sync: only what changed is read")
    with _linked(loaded) as link:
        result = sync(link, mode="incremental")
        show_plan(result.plan, warehouse=link.warehouse, connection=_CONNECTION)
        if result.push is not None:
            show_push(result.push, connection=_CONNECTION)

    between = {}
    receiver.hear(more=0)
    _tell("Life happens, at noon: Mailchimp tells the receiver, and no sync runs")
    acts = _live(sandbox, stories, part=NOON)
    receiver.hear(more=acts)
    _tell("What the webhook sensor asks for: the Dagster job ingest_webhooks")
    _run_dagster_job("ingest_webhooks", folder=folder, day=datetime.now(UTC).date())
    between[NOON] = take_picture(sandbox, audience=audience)

    _tell("The receiver is killed, and life goes on")
    receiver.stop()
    _live(sandbox, stories, part=OUTAGE)
    receiver.start()
    _tell("After an outage, by the provider's own records: the Dagster job recover_history")
    _run_dagster_job("recover_history", folder=folder, day=datetime.now(UTC).date())
    between[OUTAGE] = take_picture(sandbox, audience=audience)

    _tell("Life happens, in the evening")
    _live(sandbox, stories, part=EVENING)
    _tell("The nightly full sync, as the Dagster job full_sync")
    _run_dagster_job("full_sync", folder=folder)
    _tell("What webhooks told meanwhile is known by now: nl-pipeline ingest")
    with _linked(loaded) as link:
        late = ingest(link)
    typer.echo(f"{late.lines} lines; contacts that had to be cancelled: {late.contacts_cancelled}.")

    _tell("One more full sync: there is nothing left to write")
    sandbox.forget_calls()
    with _linked(loaded) as link:
        again = sync(link, mode="full")
        show_plan(again.plan, warehouse=link.warehouse, connection=_CONNECTION)
    reads, writes = sandbox.count_calls()
    typer.echo(f"The twins counted {reads} reading and {writes} writing calls.")
    after = take_picture(sandbox, audience=audience)
    return [
        *compare(stories, before=before, after=after, between=between),
        Comparison("The last sync", "writing calls, counted by the twins", 0, writes),
    ]


def _tell(step: str) -> None:
    typer.secho(f"\n== {step}", bold=True)


@contextmanager
def _linked(loaded: Settings) -> Iterator[Link]:
    with (
        shown_progress() as progress,
        open_link(
            loaded, connection=_CONNECTION, environ=SANDBOX_SECRETS, progress=progress
        ) as link,
    ):
        yield link


def _live(sandbox: Sandbox, stories: Iterable[Story], *, part: int) -> int:
    """Let everything of a part happen; how many acts that were."""
    sandbox.advance(seconds=_PAUSE_SECONDS)
    rows = []
    for story in stories:
        acts = [act for act in story.acts if act.part == part]
        for act in acts:
            sandbox.act(act.service, act.payload)
        if acts:
            rows.append((story.title, len(acts)))
    show_table("", columns=("what", "acts"), rows=rows)
    return sum(number for _, number in rows)


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


def _dagster_environment(folder: Path) -> Mapping[str, str]:
    return {
        **os.environ,
        **SANDBOX_SECRETS,
        "DAGSTER_HOME": str((folder / DAGSTER_FOLDER).absolute()),
        settings.CONFIG_VARIABLE: str((folder / settings.DEFAULT_FILE).absolute()),
        "DAGSTER_DISABLE_TELEMETRY": "yes",
    }


def _run_dagster_job(name: str, *, folder: Path, day: date | None = None) -> None:
    """Run a job of the code location in a process of its own, as a schedule or sensor would start
    it; of one day of the connection if ``day`` is given."""
    partition = _CONNECTION if day is None else f"{_CONNECTION}|{day}"
    tags = json.dumps({"dagster/partition": partition})
    job = ("-m", "nl_pipeline.definitions", "-j", name, "--tags", tags)
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "dagster", "job", "execute", *job],
            cwd=folder,
            env=dict(_dagster_environment(folder)),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_DAGSTER_TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CommandError(
            f"The Dagster job {name} did not end within {_DAGSTER_TIMEOUT_SECONDS} s.",
            next_step=f"look at its run: {_ui_command(folder)}",
        ) from None
    if ended.returncode:
        raise CommandError(
            f"The Dagster job {name} ended with exit code {ended.returncode}.",
            next_step=f"look at its run: {_ui_command(folder)}",
        )
    typer.echo(f"Job {name} of partition {partition}: success.")


def _ui_command(folder: Path) -> str:
    if folder == DEFAULT_FOLDER:
        return "make demo-ui, then http://127.0.0.1:3000"
    return (
        f"DAGSTER_HOME={(folder / DAGSTER_FOLDER).absolute()}"
        f" {settings.CONFIG_VARIABLE}={(folder / settings.DEFAULT_FILE).absolute()}"
        " dagster-webserver -m nl_pipeline.definitions"
    )
