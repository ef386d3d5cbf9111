"""Commands that look and decide: `setup` and `plan`. Neither changes a contact or a member."""

from __future__ import annotations

from typing import Annotated

import typer

from nl_pipeline.cli.invocation import (
    AsJson,
    CommandError,
    ExitCode,
    invocation_of,
    print_json,
)
from nl_pipeline.cli.lead_view import show_lead_set_up
from nl_pipeline.cli.output import STANDARD_OUTPUT, as_plain, shown_progress
from nl_pipeline.cli.plan_view import next_step_of, plan_as_plain, show_plan, write_plan_csv
from nl_pipeline.domain.brakes import Verdict
from nl_pipeline.sync.leads.set_up import set_up_leads
from nl_pipeline.sync.link import open_link
from nl_pipeline.sync.planning import observe_and_plan
from nl_pipeline.sync.setup import set_up
from nl_pipeline.sync.webhook_watch import place_of

ConnectionName = Annotated[
    str, typer.Argument(metavar="CONNECTION", help="A connection of the connections file.")
]
Full = Annotated[
    bool, typer.Option("--full", help="Read both sides completely, not only what changed.")
]


def setup(context: typer.Context, connection: ConnectionName, as_json: AsJson = False) -> None:
    """Check rights and fields, create audience, its fields and webhooks, back up, make the first
    plan."""
    invocation = invocation_of(context)
    settings = invocation.load_settings()
    place = place_of(settings, connection=connection, environ=invocation.environ)
    with (
        shown_progress() as progress,
        open_link(
            settings, connection=connection, environ=invocation.environ, progress=progress
        ) as link,
    ):
        result = set_up(link, place=place)
        leads = set_up_leads(link, place=place)
        warehouse, calls = link.warehouse, link.report_calls()
    if as_json:
        shown = as_plain(result)
        shown["plan"] = plan_as_plain(result.plan, warehouse=warehouse, connection=connection)
        shown["leads"] = as_plain(leads)
        print_json({"connection": connection, **shown, "calls": as_plain(calls)})
        return
    typer.echo(f"The API user of {connection} sees {result.contacts_visible:,} contacts.")
    made = "created" if result.audience_created else "found"
    fields = ", ".join(result.fields_created) or "none, all were there"
    typer.echo(f"Audience {result.audience_id} was {made}; fields created there: {fields}.")
    rows = ", ".join(f"{count:,} rows of the {side}" for side, count in result.backup.items())
    typer.echo(f"Backup: {rows or 'both sides are empty'}.")
    if result.webhooks is None:
        typer.echo("No webhooks: webhooks.public_url is not set, so changes are found by reading.")
    for note in () if result.webhooks is None else result.webhooks.mended:
        typer.echo(f"Webhooks: {note}.")
    if leads is not None:
        show_lead_set_up(leads)
    show_plan(result.plan, warehouse=warehouse, connection=connection)
    if next_step := next_step_of(result.plan):
        typer.echo(f"Next: {next_step}")


def plan(
    context: typer.Context,
    connection: ConnectionName,
    full: Full = False,
    csv: Annotated[
        str | None,
        typer.Option(
            "--csv",
            metavar="FILE|-",
            help="Write every change with its values (personal data) as CSV; - prints it.",
        ),
    ] = None,
    rows: Annotated[
        int, typer.Option(min=0, help="List so many changes with their record ids.")
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Read both sides and show what a sync would do. Changes nothing."""
    if as_json and csv == STANDARD_OUTPUT:
        raise CommandError(
            "--json and --csv - both want standard output.",
            next_step="write the CSV to a file",
            exit_code=ExitCode.USAGE,
        )
    invocation = invocation_of(context)
    settings = invocation.load_settings()
    with (
        shown_progress() as progress,
        open_link(
            settings, connection=connection, environ=invocation.environ, progress=progress
        ) as link,
    ):
        made = observe_and_plan(link, mode="full" if full else "incremental")
        warehouse, calls = link.warehouse, link.report_calls()
    if csv is not None:
        write_plan_csv(made, warehouse=warehouse, target=csv)
    if as_json:
        shown = plan_as_plain(made, warehouse=warehouse, connection=connection)
        print_json({**shown, "calls": as_plain(calls)})
    elif csv != STANDARD_OUTPUT:
        show_plan(made, warehouse=warehouse, connection=connection, rows=rows)
        if next_step := next_step_of(made):
            typer.echo(f"Next: {next_step}")
    if made.verdict is Verdict.HELD:
        raise typer.Exit(ExitCode.HELD_OR_PARTIAL)
