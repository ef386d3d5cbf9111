"""Commands that change something: `apply`, `release` and `sync`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import typer

from nl_pipeline.cli.failures import failure_of, places_of
from nl_pipeline.cli.invocation import (
    AsJson,
    CommandError,
    ExitCode,
    Invocation,
    invocation_of,
    print_json,
)
from nl_pipeline.cli.output import as_plain, shown_progress
from nl_pipeline.cli.plan_view import (
    next_step_of,
    plan_as_plain,
    show_calls,
    show_plan,
    show_push,
)
from nl_pipeline.cli.planning import Full
from nl_pipeline.domain.brakes import Verdict
from nl_pipeline.domain.plan import Plan
from nl_pipeline.settings import Settings
from nl_pipeline.sync.link import open_link, open_warehouse, utc_now
from nl_pipeline.sync.report import find_plan
from nl_pipeline.sync.run import SyncResult, push_and_follow_up
from nl_pipeline.sync.run import sync as run_sync
from nl_pipeline.warehouse import plans
from nl_pipeline.warehouse.connection import Warehouse

PlanId = Annotated[str, typer.Argument(metavar="PLAN_ID", help="As `plan` and `status` show it.")]
OfConnection = Annotated[
    str | None,
    typer.Option(
        "--connection", metavar="NAME", help="Where the plan is, if several connections have it."
    ),
]


def apply(
    context: typer.Context,
    plan_id: PlanId,
    connection: OfConnection = None,
    as_json: AsJson = False,
) -> None:
    """Push a plan both ways and read everything back. Approves the plan of a first sync."""
    invocation = invocation_of(context)
    settings = invocation.load_settings()
    name, plan = _one_plan(settings, plan_id=plan_id, connection=connection)
    with (
        shown_progress() as progress,
        open_link(settings, connection=name, environ=invocation.environ, progress=progress) as link,
    ):
        result = push_and_follow_up(link, plan=plan, approved=True)
        newest = plans.load(link.warehouse, plan_id=result.newest_plan.plan_id)
        second = _second_as_plain(result, warehouse=link.warehouse, connection=name)
    if as_json:
        shown = {"connection": name, "complete": result.complete, "result": as_plain(result.push)}
        print_json({**shown, "second_pass": second, "calls": as_plain(result.calls)})
    else:
        _show_passes(result, connection=name)
        show_calls(result.calls)
        if next_step := next_step_of(newest):
            typer.echo(f"Next: {next_step}")
    if not result.complete:
        raise typer.Exit(ExitCode.FAILED if result.in_vain else ExitCode.HELD_OR_PARTIAL)


def release(
    context: typer.Context,
    plan_id: PlanId,
    by: Annotated[str, typer.Option(help="Who releases it.")],
    reason: Annotated[str, typer.Option(help="Why it is right in spite of the brake.")],
    connection: OfConnection = None,
    as_json: AsJson = False,
) -> None:
    """Let the rows go that a brake holds; `apply` then pushes them."""
    settings = invocation_of(context).load_settings()
    if not by.strip() or not reason.strip():
        raise CommandError(
            "A release names who and why; one of both is empty.",
            next_step="repeat it with --by and --reason",
            exit_code=ExitCode.USAGE,
        )
    name, _ = _one_plan(settings, plan_id=plan_id, connection=connection)
    warehouse = open_warehouse(settings, connection=name)
    try:
        released = plans.release(
            warehouse, plan_id=plan_id, by=by.strip(), reason=reason.strip(), now=utc_now()
        )
    except ValueError as refused:
        raise CommandError(
            f"Nothing was released: {refused}.", next_step="nl-pipeline status"
        ) from None
    if as_json:
        print_json(plan_as_plain(released, warehouse=warehouse, connection=name))
        return
    typer.echo(f"Plan {plan_id} of {name} is released by {released.released_by}.")
    typer.echo(f"Next: nl-pipeline apply {plan_id}")


def sync(
    context: typer.Context,
    connection: Annotated[
        str | None, typer.Argument(metavar="[CONNECTION]", help="Default: all, one by one.")
    ] = None,
    full: Full = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Stop at the plan.")] = False,
    as_json: AsJson = False,
) -> None:
    """Read both sides, plan, and push what may be pushed.

    A connection that fails does not stop the others.
    """
    invocation = invocation_of(context)
    settings = invocation.load_settings()
    names = list(settings.connections)
    if connection is not None:
        names = [settings.connection(connection).name]
    runs = [
        _sync_one(invocation, settings, name=name, full=full, dry_run=dry_run, quiet=as_json)
        for name in names
    ]
    if as_json:
        print_json({"connections": [run.shown for run in runs]})
    codes = {run.exit_code for run in runs}
    for code in (ExitCode.FAILED, ExitCode.USAGE, ExitCode.HELD_OR_PARTIAL):
        if code in codes:
            raise typer.Exit(code)


@dataclass(frozen=True)
class _Run:
    """How the sync of one connection ended, and what of it goes into the JSON."""

    exit_code: ExitCode
    shown: dict[str, Any]


def _sync_one(
    invocation: Invocation, settings: Settings, *, name: str, full: bool, dry_run: bool, quiet: bool
) -> _Run:
    try:
        with (
            shown_progress() as progress,
            open_link(
                settings, connection=name, environ=invocation.environ, progress=progress
            ) as link,
        ):
            result = run_sync(link, mode="full" if full else "incremental", dry_run=dry_run)
            warehouse = link.warehouse
            plan = plans.load(warehouse, plan_id=result.plan.plan_id)
            newest = plans.load(warehouse, plan_id=result.newest_plan.plan_id)
    except Exception as error:
        failure = failure_of(error)
        typer.echo(f"{name}: {failure.text}", err=True)
        if invocation.debug:
            typer.echo(places_of(error), err=True)
        return _Run(failure.exit_code, {"connection": name, "error": failure.text})
    if not quiet:
        if result.push is None:
            show_plan(plan, warehouse=warehouse, connection=name)
        else:
            _show_passes(result, connection=name)
        show_calls(result.calls)
        if next_step := next_step_of(newest):
            typer.echo(f"Next: {next_step}")
    shown = {
        "connection": name,
        "complete": result.complete,
        "plan": plan_as_plain(plan, warehouse=warehouse, connection=name),
        "result": as_plain(result.push),
        "second_pass": _second_as_plain(result, warehouse=warehouse, connection=name),
        "calls": as_plain(result.calls),
    }
    return _Run(_exit_code(result, dry_run=dry_run), shown)


def _show_passes(result: SyncResult, *, connection: str) -> None:
    if result.push is not None:
        show_push(result.push, connection=connection)
    if result.second is not None:
        typer.echo("Something changed meanwhile, so there was a second pass.")
        if result.second.push is not None:
            show_push(result.second.push, connection=connection)


def _second_as_plain(
    result: SyncResult, *, warehouse: Warehouse, connection: str
) -> dict[str, Any] | None:
    if result.second is None:
        return None
    plan = plans.load(warehouse, plan_id=result.second.plan.plan_id)
    return {
        "plan": plan_as_plain(plan, warehouse=warehouse, connection=connection),
        "result": as_plain(result.second.push),
    }


def _exit_code(result: SyncResult, *, dry_run: bool) -> ExitCode:
    if dry_run:
        held = result.plan.verdict is Verdict.HELD
        return ExitCode.HELD_OR_PARTIAL if held else ExitCode.DONE
    if result.in_vain:
        return ExitCode.FAILED
    return ExitCode.DONE if result.complete else ExitCode.HELD_OR_PARTIAL


def _one_plan(settings: Settings, *, plan_id: str, connection: str | None) -> tuple[str, Plan]:
    found = find_plan(settings, plan_id=plan_id, connection=connection)
    if len(found) > 1:
        raise CommandError(
            f"{len(found)} connections have a plan {plan_id}: {', '.join(n for n, _ in found)}.",
            next_step="repeat the command with --connection",
            exit_code=ExitCode.USAGE,
        )
    return found[0]
