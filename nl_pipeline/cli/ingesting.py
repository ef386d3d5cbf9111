"""The command that takes the webhook log in: `ingest`."""

from __future__ import annotations

from typing import Any

import typer

from nl_pipeline.cli.invocation import AsJson, ExitCode, invocation_of, print_json
from nl_pipeline.cli.output import as_plain, show_table, shown_progress
from nl_pipeline.cli.plan_view import next_step_of, show_push
from nl_pipeline.cli.planning import ConnectionName
from nl_pipeline.sync import activities
from nl_pipeline.sync.events.ingest import Freshness, IngestResult, ingest_and_sync
from nl_pipeline.sync.leads.push import PushResult, ingest_leads
from nl_pipeline.sync.link import open_link
from nl_pipeline.sync.run import SyncResult
from nl_pipeline.warehouse.events import list_poison


def ingest(context: typer.Context, connection: ConnectionName, as_json: AsJson = False) -> None:
    """Take in what webhooks have told since the last time: opt-outs into the CRM at once, then a
    sync of what changed, then leads.

    There is no sync before the first plan was applied; opt-outs do not wait for it.
    """
    invocation = invocation_of(context)
    settings = invocation.load_settings()
    with (
        shown_progress() as progress,
        open_link(
            settings, connection=connection, environ=invocation.environ, progress=progress
        ) as link,
    ):
        result, synced = ingest_and_sync(link)
        # After the opt-outs, which wait for nothing.
        leads = ingest_leads(link)
        if leads.imported is not None:
            activities.write(link)
        unusable = list_poison(link.warehouse)
    if as_json:
        shown = {"connection": connection, **_as_plain(result, synced=synced)}
        shown["leads"] = _leads_as_plain(leads)
        print_json({**shown, "could_not_be_used": as_plain(unusable)})
    else:
        _show(result, synced=synced, connection=connection)
        _show_leads(leads, connection=connection)
        show_table(
            "Lines of the log that could not be used so far",
            columns=("cause", "lines", "first segment", "at byte"),
            rows=[(u.cause, u.lines, u.first_segment, u.first_at_byte) for u in unusable],
        )
    for stopped_by in (result.stopped_by, leads.stopped_by):
        if stopped_by is not None:
            # What was done is shown; what a service did not do is the error of the command.
            raise stopped_by
    if result.opt_outs_pending or (synced is not None and not synced.complete):
        raise typer.Exit(ExitCode.HELD_OR_PARTIAL)


def _as_plain(result: IngestResult, *, synced: SyncResult | None) -> dict[str, Any]:
    shown: dict[str, Any] = as_plain(result)
    shown["stopped_by"] = None if result.stopped_by is None else str(result.stopped_by)
    shown["sync"] = None if synced is None else as_plain(synced.total)
    return shown


def _leads_as_plain(told: PushResult) -> dict[str, Any]:
    return {
        "notices": told.notices,
        "not_believed": told.not_believed,
        "waiting": told.waiting,
        "deleted": len(told.deleted),
        "created": 0 if told.imported is None else told.imported.created,
        "updated": 0 if told.imported is None else told.imported.updated,
        "errors": 0 if told.imported is None else told.imported.errors,
    }


def _show_leads(told: PushResult, *, connection: str) -> None:
    counted = _leads_as_plain(told)
    if any(counted.values()):
        rows = [(name.replace("_", " "), number) for name, number in counted.items()]
        show_table(f"{connection}: leads", columns=("what", "count"), rows=rows)


def _show(result: IngestResult, *, synced: SyncResult | None, connection: str) -> None:
    show_table(
        f"{connection}: ingest",
        columns=("what", "count"),
        rows=[
            ("lines of the webhook log", result.lines),
            *((f"  could not be used: {cause}", n) for cause, n in sorted(result.poison.items())),
            ("segments with a torn last line", result.torn),
            *((f"new: {kind}", n) for kind, n in sorted(result.new.items())),
            ("told before", sum(result.duplicates.values())),
            ("opt-outs that reached the CRM", result.opt_outs_applied),
            ("opt-outs to be tried again", result.opt_outs_pending),
            ("contacts cancelled", result.contacts_cancelled),
            ("people looked at again", result.touched),
            ("echoes", result.echoes),
            ("activities written", result.activities_written),
        ],
    )
    for since, measured in (
        ("they were received", result.from_received),
        ("they happened", result.from_happened),
    ):
        if measured is not None:
            typer.echo(_sentence(measured, since=since))
    if synced is None:
        return
    if synced.total is not None:
        show_push(synced.total, connection=connection)
    if next_step := next_step_of(synced.newest_plan):
        typer.echo(f"Next: {next_step}")


def _sentence(measured: Freshness, *, since: str) -> str:
    return (
        f"Opt-outs stood in the CRM {measured.p50:.1f} s (median) and {measured.p95:.1f} s (95 %)"
        f" after {since}."
    )
