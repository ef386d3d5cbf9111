"""Accepted differences between traffic and a document.

Belongs here: what one is, and holding misfits against a table of them. Not here: the tables, one
per provider. A misfit that no row covers fails a test, and so does a row that covers nothing any
more.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from nl_pipeline_tests.contract.misfits import Misfit


@dataclass(frozen=True)
class Deviation:
    """One accepted difference. `operation` and `place` are patterns, in which `*` is anything."""

    operation: str
    place: str
    problem: str
    reason: str
    source: str

    def covers(self, misfit: Misfit) -> bool:
        """Whether the misfit is this difference."""
        return (
            fnmatchcase(misfit.operation, self.operation)
            and fnmatchcase(misfit.place, self.place)
            and misfit.problem == self.problem
        )


def unlisted(misfits: Iterable[Misfit], *, table: Iterable[Deviation]) -> list[str]:
    """Misfits that no row of the table covers."""
    rows = tuple(table)
    return sorted({str(misfit) for misfit in misfits if not any(r.covers(misfit) for r in rows)})
