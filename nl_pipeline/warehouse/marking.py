"""Who may have moved, marked when rows are stored and not each time a plan is made.

``moved_contacts`` and ``moved_members`` name everybody whose row is not the one that came to rest.
Whoever changes a picture marks its side in the same transaction. A person missing here would be
taken for one at rest, so the marks are never trusted blindly: they carry a stamp of the rows they
were made for, and other rows than those are compared again.

Belongs here: the marks and their stamp. Must not be here: who moves with those who are marked
(``moving``), who comes to rest (``settling``).
"""

from __future__ import annotations

import duckdb

from nl_pipeline.warehouse.remembering import remember
from nl_pipeline.warehouse.templates import run_template

#: The tables of the two pictures, and under which name the stamp of their marks is remembered.
_STAMPS = {"contacts": "moved_contacts_stamp", "members": "moved_members_stamp"}


def mark(db: duckdb.DuckDBPyConnection, *, table: str) -> None:
    """Compare ``contacts`` or ``members`` with what came to rest and keep who differs."""
    # Outside a transaction each step is on its own: without a stamp half the marks are none.
    remember(db, name=_STAMPS[table], value="")
    run_template(db, "marks.sql.j2", table=table)
    _write_stamp(db, table=table)


def mark_where_needed(db: duckdb.DuckDBPyConnection) -> None:
    """Mark again what was changed by something that did not, or by an older version of us."""
    for table in stale_marks(db):
        mark(db, table=table)


def stale_marks(db: duckdb.DuckDBPyConnection) -> list[str]:
    """The tables whose marks were made for other rows than those that are there."""
    known = dict(db.execute("SELECT name, value FROM connection_state").fetchall())
    return [table for table, name in _STAMPS.items() if known.get(name) != _stamp(db, table=table)]


def sign_marks(db: duckdb.DuckDBPyConnection) -> None:
    """Declare the marks of both sides to be those of the rows as they are now."""
    for table in _STAMPS:
        _write_stamp(db, table=table)


def _write_stamp(db: duckdb.DuckDBPyConnection, *, table: str) -> None:
    remember(db, name=_STAMPS[table], value=_stamp(db, table=table))


def _stamp(db: duckdb.DuckDBPyConnection, *, table: str) -> str:
    """How many rows there are, now and at rest, and the sum of the prints there are now.

    It stands guard over code that forgets to mark; who is marked is found by the prints themselves.
    """
    rows = db.execute(
        "SELECT count(*), count(print), bit_xor(print),"
        f" (SELECT count(*) FROM {table}_at_rest) FROM {table}"
    ).fetchall()
    return "/".join(str(figure) for figure in rows[0])
