"""What the provider of this warehouse does not show, remembered with what it did show.

Belongs here: the facts of a provider that pictures and plans depend on. Must not be here: which
provider has which (``sync.providers``). Without an entry a provider shows everything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import duckdb

from nl_pipeline.warehouse.connection import Warehouse
from nl_pipeline.warehouse.remembering import remember as remember_fact

Shown = Literal["pending", "removed", "tags"]


def shows(db: duckdb.DuckDBPyConnection, *, what: Shown) -> bool:
    """Whether the provider shows ``pending`` requests, ``removed`` members, or ``tags``."""
    rows = db.execute("SELECT value FROM connection_state WHERE name = ?", [_name(what)]).fetchall()
    return not rows or rows[0][0] != "no"


def remember(warehouse: Warehouse, *, shown: Mapping[Shown, bool]) -> None:
    """Remember what the provider shows."""
    with warehouse.session() as db:
        news = {what: told for what, told in shown.items() if shows(db, what=what) != told}
    if not news:
        return
    with warehouse.transaction() as db:
        for what, told in news.items():
            remember_fact(db, name=_name(what), value="yes" if told else "no")


def _name(what: Shown) -> str:
    return f"provider_shows_{what}"
