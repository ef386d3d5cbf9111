"""Commands about what was refused: `quarantine` lists it, `retry` lets it be tried again."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import typer

from nl_pipeline.cli.invocation import (
    AsJson,
    CommandError,
    ExitCode,
    invocation_of,
    print_json,
)
from nl_pipeline.cli.output import STANDARD_OUTPUT, as_plain, show_table, write_csv
from nl_pipeline.cli.planning import ConnectionName
from nl_pipeline.cli.reporting import CsvTarget, refuse_two_outputs
from nl_pipeline.sync.quarantine import QuarantineReport, lift_quarantine, list_quarantine

_COLUMNS = (
    "side",
    "contact_id",
    "member_id",
    "action",
    "field",
    "cause",
    "since",
    "last_tried_at",
    "tries",
    "next_try_at",
    "waiting",
    "meaning",
    "next_step",
)


def quarantine(
    context: typer.Context,
    connection: ConnectionName,
    csv: CsvTarget = None,
    as_json: AsJson = False,
) -> None:
    """Show what was refused and is not sent again until it changes, its time comes, or `retry`."""
    refuse_two_outputs(csv, as_json=as_json)
    settings = invocation_of(context).load_settings()
    found = list_quarantine(settings, connection=connection)
    if csv is not None:
        write_csv(
            csv,
            columns=(*_COLUMNS, "address"),
            rows=[(*_row(item), item.row.address) for item in found],
        )
    if as_json:
        shown = [dict(zip(_COLUMNS, _row(item), strict=True)) for item in found]
        print_json({"connection": connection, "quarantine": as_plain(shown)})
        return
    if csv == STANDARD_OUTPUT:
        return
    if not found:
        typer.echo(f"{connection}: nothing is quarantined.")
        return
    counts = Counter((item.row.cause, item.meaning, item.next_step) for item in found)
    show_table(
        f"{connection}: quarantined",
        columns=("cause", "meaning", "what to do", "rows"),
        rows=[(*group, count) for group, count in counts.items()],
    )
    show_table(
        "Rows (UTC)",
        columns=("side", "contact", "member", "what", "cause", "since", "tries", "next try"),
        rows=[
            (
                item.row.side,
                item.row.contact_id,
                item.row.member_id,
                item.row.field or item.row.action,
                item.row.cause,
                item.row.since,
                str(item.row.tries),
                item.row.next_try_at or "when it changes",
            )
            for item in found
        ],
    )


def _row(item: QuarantineReport) -> tuple[object, ...]:
    own = tuple(getattr(item.row, name) for name in _COLUMNS[:11])
    return (*own, item.meaning, item.next_step)


def retry(
    context: typer.Context,
    connection: ConnectionName,
    cause: Annotated[
        list[str] | None, typer.Option(help="Only rows of this cause; may be repeated.")
    ] = None,
    contact: Annotated[int | None, typer.Option(help="Only rows of this contact.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All rows.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take rows out of the quarantine: the next sync tries them once more.

    An opt-out is not lifted by this.
    """
    if everything == bool(cause or contact is not None):
        raise CommandError(
            "Which rows are meant? Either some, or all of them.",
            next_step="repeat it with --cause or --contact, or with --all",
            exit_code=ExitCode.USAGE,
        )
    settings = invocation_of(context).load_settings()
    lifted = lift_quarantine(
        settings, connection=connection, causes=cause or (), contact_id=contact
    )
    if as_json:
        print_json({"connection": connection, "lifted": lifted})
        return
    typer.echo(f"{connection}: {lifted:,} rows are tried again.")
    if lifted:
        typer.echo(f"Next: nl-pipeline sync {connection}")
