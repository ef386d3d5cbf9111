"""Commands about leads of LinkedIn: `leads forms`, `sync`, `import`, `status`, `errors`.

Belongs here: options, order of the steps, exit codes. Not here: how results look (``lead_view``),
what an import takes (``domain.leads``) and does (``sync.leads``).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from nl_pipeline.cli.invocation import (
    AsJson,
    CommandError,
    ExitCode,
    invocation_of,
    print_json,
)
from nl_pipeline.cli.lead_view import (
    overview_as_plain,
    result_as_plain,
    show_overview,
    show_plan,
    show_result,
    show_statuses,
    show_sync,
    status_as_plain,
    sync_as_plain,
)
from nl_pipeline.cli.output import STANDARD_OUTPUT, as_plain, show_table, shown_progress, write_csv
from nl_pipeline.cli.planning import ConnectionName
from nl_pipeline.cli.reporting import refuse_two_outputs
from nl_pipeline.domain.leads import Colour, ManualOptions, mode_of
from nl_pipeline.settings import Settings
from nl_pipeline.sync import activities
from nl_pipeline.sync.leads import manual
from nl_pipeline.sync.leads import status as form_status
from nl_pipeline.sync.leads.errors_csv import COLUMNS, error_rows
from nl_pipeline.sync.leads.forms import discover
from nl_pipeline.sync.leads.overview import form_overviews
from nl_pipeline.sync.leads.run import sync_leads
from nl_pipeline.sync.leads.subscriptions import hearing_problem
from nl_pipeline.sync.leads.tokens import token_warnings
from nl_pipeline.sync.link import Link, open_link, open_warehouse
from nl_pipeline.sync.webhook_watch import place_of
from nl_pipeline.warehouse import lead_runs

commands = typer.Typer(
    help="Leads of LinkedIn: forms, pull, import by hand, status, errors.", no_args_is_help=True
)

FormNumber = Annotated[
    int, typer.Argument(metavar="FORM", min=1, help="Number of the form, see `leads forms`.")
]


@commands.command()
def forms(context: typer.Context, connection: ConnectionName, as_json: AsJson = False) -> None:
    """List the forms of the connection's owners: what each asks, and where it goes."""
    with _linked(context, connection) as link:
        found = discover(link)
        overviews = form_overviews(link)
    failed = [f"{owner.kind} {owner.id}: {error}" for owner, error in found.failed.items()]
    if as_json:
        shown = [overview_as_plain(one) for one in overviews]
        print_json({"connection": connection, "forms": shown, "failed": failed})
    else:
        for one in overviews:
            show_overview(one)
        if not overviews:
            typer.echo(f"{connection}: no form was found.")
    for text in failed:
        typer.echo(text, err=True)
    if failed or any(problem.stops for one in overviews for problem in one.problems):
        raise typer.Exit(ExitCode.HELD_OR_PARTIAL)


@commands.command()
def sync(context: typer.Context, connection: ConnectionName, as_json: AsJson = False) -> None:
    """Pull the forms that are due and take in what was told; put the subscriptions right.

    What the schedule of Dagster does every hour, for whoever has another one.
    """
    invocation = invocation_of(context)
    place = place_of(invocation.load_settings(), connection=connection, environ=invocation.environ)
    with _linked(context, connection) as link:
        done = sync_leads(link, place=place)
    if as_json:
        print_json({"connection": connection, **sync_as_plain(done)})
    else:
        show_sync(done, connection=connection)
    if done.stopped_by is not None:
        # What was done is shown; what a service did not do is the error of the command.
        raise done.stopped_by
    if done.subscribed is not None and done.subscribed.problems:
        raise typer.Exit(ExitCode.HELD_OR_PARTIAL)


@commands.command("import")
def import_(
    context: typer.Context,
    connection: ConnectionName,
    form: FormNumber,
    existing: Annotated[
        bool, typer.Option("--existing", help="Also contacts that were imported before.")
    ] = False,
    restart_workflows: Annotated[
        bool,
        typer.Option(
            "--restart-workflows",
            help="Let those enter the workflow again, within its limit; only with --existing.",
        ),
    ] = False,
    everything: Annotated[
        bool,
        typer.Option(
            "--all", help="Every submission since the form was created, not since the last run."
        ),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Stop at the plan.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Import the submissions of a form by hand: first the plan, then the import.

    The counters of the form begin anew; the history of runs stays.
    """
    options = ManualOptions(existing=existing, restart_workflows=restart_workflows, all=everything)
    if refusal := mode_of(options).refusal:
        raise CommandError(
            f"This import is refused: {refusal}.",
            next_step="repeat it with --existing, or without --restart-workflows",
            exit_code=ExitCode.USAGE,
        )
    with _linked(context, connection) as link:
        planned = manual.plan(link, form_id=form, options=options)
        if not as_json:
            show_plan(planned)
        goes_on = not dry_run and (yes or as_json or _is_wanted())
        result = manual.run(link, planned=planned) if goes_on else None
        if result is not None:
            activities.write(link)
    if as_json:
        print_json(
            {
                "connection": connection,
                "plan": {**as_plain(planned), "taken": planned.taken},
                "result": None if result is None else result_as_plain(result),
            }
        )
    elif result is not None:
        show_result(result, connection=connection)
    if result is None:
        return
    if result.stopped_by is not None:
        # What was done is shown; what a service did not do is the error of the command.
        raise result.stopped_by
    if planned.conflicts or planned.unusable or result.errors:
        raise typer.Exit(ExitCode.HELD_OR_PARTIAL)


@commands.command()
def status(context: typer.Context, connection: ConnectionName, as_json: AsJson = False) -> None:
    """Show the light of each form, its counters, when it was read and when it is next."""
    with _linked(context, connection) as link:
        deaf = hearing_problem(link)
        found = form_status.status(link, push_works=not deaf)
        warnings = [*([deaf] if deaf else []), *token_warnings(link)]
    if as_json:
        shown = [status_as_plain(one) for one in found]
        print_json({"connection": connection, "forms": shown, "warnings": warnings})
    else:
        show_statuses(found, connection=connection)
        for warning in warnings:
            typer.echo(f"Warning: {warning}.")
    if any(one.light.colour is Colour.YELLOW for one in found):
        raise typer.Exit(ExitCode.HELD_OR_PARTIAL)


@commands.command()
def errors(
    context: typer.Context,
    connection: ConnectionName,
    form: Annotated[
        int | None, typer.Option("--form", min=1, help="Only this form. Default: all.")
    ] = None,
    csv: Annotated[
        str | None,
        typer.Option(
            "--csv", metavar="FILE|-", help="Write all of them, settled ones too, as CSV."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what stands in the way of submissions, and what to do. Asks no service anything."""
    refuse_two_outputs(csv, as_json=as_json)
    settings = invocation_of(context).load_settings()
    warehouse = open_warehouse(settings, connection=connection)
    if csv is not None:
        write_csv(csv, columns=COLUMNS, rows=error_rows(warehouse, form_id=form))
    known = [k for k in lead_runs.errors_of(warehouse, form_id=form) if k.settled_at is None]
    if as_json:
        shown = [{**as_plain(k.error), "since": as_plain(k.since)} for k in known]
        print_json({"connection": connection, "errors": shown})
    elif csv != STANDARD_OUTPUT:
        show_table(
            f"{connection}: errors of leads",
            columns=("submission", "form", "since (UTC)", "what happened", "what to do"),
            rows=[
                (
                    k.error.response_id,
                    str(k.error.form_id),
                    k.since,
                    k.error.text,
                    k.error.what_next,
                )
                for k in known
            ],
        )
        if not known:
            typer.echo(f"{connection}: nothing stands in the way of any submission.")
    if known:
        raise typer.Exit(ExitCode.HELD_OR_PARTIAL)


@contextmanager
def _linked(context: typer.Context, connection: str) -> Iterator[Link]:
    invocation = invocation_of(context)
    settings = invocation.load_settings()
    _require_leads(settings, connection=connection)
    with (
        shown_progress() as progress,
        open_link(
            settings, connection=connection, environ=invocation.environ, progress=progress
        ) as link,
    ):
        yield link


def _require_leads(settings: Settings, *, connection: str) -> None:
    if settings.connection(connection).leads.linkedin is None:
        raise CommandError(
            f"The connection {connection} has no leads of LinkedIn.",
            next_step="add `leads:` to it, see docs/linkedin-leads.md",
            exit_code=ExitCode.USAGE,
        )


def _is_wanted() -> bool:
    """Whether the person at the terminal says so; where nobody sits, the command was enough."""
    return not sys.stdin.isatty() or typer.confirm("Import?")
