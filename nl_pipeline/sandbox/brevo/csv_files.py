"""CSV files that processes give out.

Belongs here: their one layout, semicolons as in Brevo's imports [inferred]. Does not belong here:
what stands in them.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from nl_pipeline.sandbox.brevo.state import File


def csv_file(name: str, *, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> File:
    """A file ``{name}.csv`` with a header."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return File(f"{name}.csv", "text/csv", text.getvalue().encode())
