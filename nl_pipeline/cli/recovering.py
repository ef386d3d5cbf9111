"""Commands about what happened while nobody listened: `backfill` and `webhooks`."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

import typer

from nl_pipeline.cli.invocation import (
    AsJson,
    CommandError,
    ExitCode,
    invocation_of,
    print_json,
)
from nl_pipeline.cli.output import as_plain, show_table, shown_progress
from nl_pipeline.cli.planning import ConnectionName
from nl_pipeline.sync import webhook_watch
from nl_pipeline.sync.history import HistoryResult, Window, WindowRefused, recover
from nl_pipeline.sync.link import open_link, utc_now
from nl_pipeline.sync.webhook_watch import WatchResult

_DAY = ["%Y-%m-%d"]


def backfill(
    context: typer.Context,
    connection: ConnectionName,
    first: Annotated[
        datetime, typer.Option("--from", formats=_DAY, help="First day, UTC (such as 2026-03-01).")
    ],
    last: Annotated[
        datetime, typer.Option("--to", formats=_DAY, help="Last day, UTC, itself included.")
    ],
    as_json: AsJson = False,
) -> None:
    """Find what happened at the provider on these days and carry through what nobody told us.

    Repeats nothing: what webhooks told already is known. It may be stopped and started again.
    """
    window = _window(first.date(), last=last.date())
    invocation = invocation_of(context)
    settings = invocation.load_settings()
    with (
        shown_progress() as progress,
        open_link(
            settings, connection=connection, environ=invocation.environ, progress=progress
        ) as link,
    ):
        result = recover(link, start=window.start, end=window.end)
    if as_json:
        print_json({"connection": connection, **_as_plain(result)})
    else:
        _show(result, connection=connection, first=first.date(), last=last.date())
    if not result.complete:
        raise typer.Exit(ExitCode.HELD_OR_PARTIAL)


def webhooks(
    context: typer.Context,
    connection: ConnectionName,
    repair: Annotated[
        bool, typer.Option("--repair", help="Create, correct and delete what is needed.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check the webhooks of the audience: are they there, right and alive? --repair mends them."""
    invocation = invocation_of(context)
    settings = invocation.load_settings()
    place = webhook_watch.place_of(settings, connection=connection, environ=invocation.environ)
    if place is None:
        raise CommandError(
            "No provider can reach us: webhooks.public_url is not set.",
            next_step="set it to the address under which the receiver is reached, see"
            " `nl-pipeline receive`; without webhooks, changes are found by reading",
            exit_code=ExitCode.USAGE,
        )
    with open_link(settings, connection=connection, environ=invocation.environ) as link:
        act = webhook_watch.repair if repair else webhook_watch.check
        result = act(link, place=place)
    if as_json:
        print_json({"connection": connection, **watch_as_plain(result)})
    else:
        show_watch(result, connection=connection)
    if not result.healthy:
        raise typer.Exit(ExitCode.HELD_OR_PARTIAL)


def watch_as_plain(result: WatchResult) -> dict[str, Any]:
    """The watch for JSON; no URL is shown, because each holds a secret."""
    findings = [{**as_plain(finding), "text": finding.text} for finding in result.findings]
    return {**as_plain(result), "findings": findings, "healthy": result.healthy}


def show_watch(result: WatchResult, *, connection: str) -> None:
    """Print what was found and mended."""
    if not result.findings:
        typer.echo(f"{connection}: the webhooks are there, right, and told what they should.")
    for finding in result.findings:
        typer.echo(f"{connection}: {finding.text}.")
    for note in result.mended:
        typer.echo(f"Mended: {note}.")
    if result.foreign:
        hosts = ", ".join(result.foreign)
        typer.echo(f"Webhooks of others, left alone, go to: {hosts}.")
    if not result.healthy:
        typer.echo(f"Next: nl-pipeline webhooks {connection} --repair")
    elif result.mended:
        typer.echo(
            f"Next: nl-pipeline backfill {connection} --from DATE --to DATE, for the time in which"
            " nothing was told"
        )


def _window(first: date, *, last: date) -> Window:
    try:
        return Window.of_days(first, last=last, today=utc_now().date())
    except WindowRefused as refused:
        raise CommandError(
            f"These days can't be recovered: {refused}.",
            next_step="name the first day with --from and the last one with --to, both included",
            exit_code=ExitCode.USAGE,
        ) from None


def _show(result: HistoryResult, *, connection: str, first: date, last: date) -> None:
    new, known = result.read.found.new, result.read.found.known
    kinds = sorted({*new, *known})
    show_table(
        f"{connection}: what happened from {first} to {last} (UTC)",
        columns=("event", "new", "known before"),
        rows=[(kind, new.get(kind, 0), known.get(kind, 0)) for kind in kinds],
    )
    if not kinds:
        typer.echo(f"{connection}: nothing happened from {first} to {last} (UTC).")
    applied = result.applied
    typer.echo(
        f"Opt-outs carried through: {applied.opt_outs_applied:,},"
        f" contacts cancelled: {applied.contacts_cancelled:,},"
        f" people looked at again: {applied.touched:,},"
        f" activities written: {applied.activities_written:,}."
    )
    typer.echo(f"Calls to the provider for finding it: {result.read.calls:,}.")
    if applied.stopped_by is not None:
        typer.echo(str(applied.stopped_by), err=True)
    if applied.opt_outs_pending:
        typer.echo(f"Opt-outs that wait for the CRM: {applied.opt_outs_pending:,}.")
    if not result.complete:
        typer.echo(f"Next: nl-pipeline errors {connection}; then repeat this command")


def _as_plain(result: HistoryResult) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "from": result.start.isoformat(),
        "to": result.end.isoformat(),
        "new": dict(result.read.found.new),
        "known": dict(result.read.found.known),
        "reports": result.read.reports,
        "calls": result.read.calls,
        "complete": result.complete,
    }
    applied = as_plain(result.applied)
    applied["stopped_by"] = (
        None if result.applied.stopped_by is None else str(result.applied.stopped_by)
    )
    shown["applied"] = applied
    shown["synced"] = None if result.synced is None else result.synced.complete
    return shown
