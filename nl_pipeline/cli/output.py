"""How results leave a command: tables, JSON, CSV files, and a progress bar while it works.

Belongs here: forms of output that several commands share. Not here: what is shown.
"""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import io
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.table import Table

from nl_pipeline.cli.invocation import CommandError, ExitCode
from nl_pipeline.domain.spreadsheet import formula_safe
from nl_pipeline.sync import link

#: Width where nobody watches; a terminal brings its own.
_WIDTH = 120
STANDARD_OUTPUT = "-"


def show_table(title: str, *, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table; numbers are set to the right, a table without rows is left out."""
    cells = [tuple(row) for row in rows]
    if not cells:
        return
    table = Table(title=title, title_justify="left", title_style="bold", header_style="")
    for place, name in enumerate(columns):
        is_number = all(type(row[place]) is int for row in cells)
        table.add_column(name, justify="right" if is_number else "left", overflow="fold")
    for row in cells:
        table.add_row(*(_cell(value) for value in row))
    console = Console(width=None if sys.stdout.isatty() else _WIDTH, highlight=False, markup=False)
    console.print(table)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def as_plain(value: Any) -> Any:
    """`value` in the types of JSON: dataclasses as objects, times as ISO 8601, enums as text."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            item.name: as_plain(getattr(value, item.name)) for item in dataclasses.fields(value)
        }
    match value:
        case datetime():
            return value.isoformat()
        case Enum():
            return value.value
        case Mapping():
            return {str(key): as_plain(item) for key, item in value.items()}
        case list() | tuple():
            return [as_plain(item) for item in value]
        case _:
            return value


def write_csv(target: str, *, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write rows as CSV that a spreadsheet can't take for formulas; `-` is standard output.

    A file is readable for its owner only, because the rows hold addresses.
    """
    text = csv_text(columns=columns, rows=rows)
    if target == STANDARD_OUTPUT:
        typer.echo(text, nl=False)
        return
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        # With a byte order mark: without it spreadsheets read umlauts wrongly.
        with os.fdopen(descriptor, "w", encoding="utf-8-sig", newline="") as file:
            file.write(text)
    except OSError as error:
        raise CommandError(
            f"{Path(target)} can't be written ({type(error).__name__}).",
            next_step="check that the folder exists and that you may write to it",
            exit_code=ExitCode.USAGE,
        ) from None


def csv_text(*, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """The rows as CSV text with a header; every cell that could be a formula is quoted by `'`."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([formula_safe(value) for value in row])
    return buffer.getvalue()


@contextlib.contextmanager
def shown_progress() -> Iterator[link.Progress]:
    """A progress bar on standard error within a `with` block; none where nobody watches."""
    if not sys.stderr.isatty():
        yield link.silent
        return
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    tasks: dict[str, TaskID] = {}

    def show(what: str, done: int, total: int) -> None:
        if what not in tasks:
            tasks[what] = bar.add_task(what)
        bar.update(tasks[what], completed=done, total=total or None)

    with bar:
        yield show
