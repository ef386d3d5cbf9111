"""What is remembered about a connection by name: ``connection_state``.

Belongs here: writing one such fact. Must not be here: what the facts mean.
"""

from __future__ import annotations

import duckdb


def remember(db: duckdb.DuckDBPyConnection, *, name: str, value: str) -> None:
    """Write one fact over what was known of it.

    Almost every name is there already, and an UPDATE costs half of an INSERT that may conflict.
    """
    [(updated,)] = db.execute(
        "UPDATE connection_state SET value = ? WHERE name = ?", [value, name]
    ).fetchall()
    if not updated:
        db.execute("INSERT INTO connection_state VALUES (?, ?)", [name, value])
