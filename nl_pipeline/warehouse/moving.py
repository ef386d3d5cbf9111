"""Who has to be decided: everybody but those at rest.

A person is at rest when the last settlement found nothing to do, nothing to list and a base that
agrees; the prints of the rows it looked at are kept. Whose rows are still those, with no news in
the ledger, is at rest still, because a decision is a function of exactly that. Everybody else
moves, and with them whom they are connected with: by an address, a link, or a stable id.

Belongs here: finding the people who move, and the tables ``moving_*`` that the plan's SQL reads.
Must not be here: what is decided about them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from nl_pipeline.domain.fields import ProfileField
from nl_pipeline.warehouse.marking import mark_where_needed, sign_marks
from nl_pipeline.warehouse.remembering import remember
from nl_pipeline.warehouse.templates import run_template

_EPOCH = "rest_epoch"
_WATERMARK = "rest_ledger_entry"

#: What each table of the warehouse is called in the plan's SQL.
_MOVING = {
    "moving_contacts": "contacts",
    "moving_addresses": "contact_addresses",
    "moving_members": "members",
    "moving_base": "base",
    "moving_ledger": "consent_ledger",
}
#: Who moves, while they are being found.
_FOUND = ("moving_keys", "moving_crm_ids", "moving_provider_ids")


@dataclass(frozen=True)
class Moving:
    """Who is decided in this session. ``epoch``: everything a decision depends on beside rows.

    ``everybody``: the tables ``moving_*`` are views of whole tables.
    """

    epoch: str
    everybody: bool


def find_moving(
    db: duckdb.DuckDBPyConnection, *, fields: Sequence[ProfileField], options: Sequence[object]
) -> Moving:
    """Fill the tables ``moving_*`` with everybody who is not at rest.

    ``options``: what else the decision depends on. Nobody who came to rest under other options,
    rules, mappings or tag labels is at rest.
    """
    epoch = _epoch(db, fields=fields, options=options)
    known = _state(db, name=_EPOCH) == epoch
    if not known or not db.execute("SELECT 1 FROM members_at_rest LIMIT 1").fetchall():
        everybody_moves(db)
        return Moving(epoch, everybody=True)
    mark_where_needed(db)
    watermark = int(_state(db, name=_WATERMARK) or 0)
    _drop(db, *_FOUND, *_MOVING)
    run_template(db, "moving.sql.j2", parameters={"watermark": watermark})
    while _somebody_is_new(db):
        run_template(db, "connected.sql.j2")
    db.execute(
        "CREATE TEMP TABLE moving_contacts AS"
        " SELECT * FROM contacts WHERE crm_id IN (FROM moving_crm_ids)"
    )
    db.execute(
        "CREATE TEMP TABLE moving_ledger AS SELECT key, entry, event, actor, proof, happened_at"
        " FROM consent_ledger WHERE key IN (FROM moving_keys)"
    )
    _consents(db)
    return Moving(epoch, everybody=False)


def everybody_moves(db: duckdb.DuckDBPyConnection) -> None:
    """Let the tables ``moving_*`` stand for whole tables, without copying them."""
    _drop(db, *_FOUND, *_MOVING)
    for name, table in _MOVING.items():
        db.execute(f"CREATE TEMP VIEW {name} AS SELECT * FROM {table}")
    db.execute("CREATE TEMP VIEW moving_crm_ids AS SELECT crm_id FROM contacts_at_rest")
    db.execute("CREATE TEMP VIEW moving_keys AS SELECT key FROM members_at_rest")
    _consents(db)


def look_again(db: duckdb.DuckDBPyConnection, *, moving: Moving) -> None:
    """Fetch base and ledger of those who move again, after they were written."""
    if not moving.everybody:
        for name, table in (("moving_base", "base"), ("moving_ledger", "consent_ledger")):
            db.execute(
                f"CREATE OR REPLACE TEMP TABLE {name} AS"
                f" SELECT * FROM {table} WHERE key IN (FROM moving_keys)"
            )
    _consents(db)


def note_rest(db: duckdb.DuckDBPyConnection, *, moving: Moving) -> None:
    """Keep the rows of everybody for whom there was nothing to do.

    Reads what ``decide``, ``changes.sql.j2`` and ``agreed.sql.j2`` left; runs in the transaction
    that settled.
    """
    run_template(db, "rest.sql.j2")
    sign_marks(db)
    last = db.execute("SELECT coalesce(max(entry), 0) FROM consent_ledger").fetchall()[0][0]
    for name, value in ((_EPOCH, moving.epoch), (_WATERMARK, str(last))):
        remember(db, name=name, value=value)


def _consents(db: duckdb.DuckDBPyConnection) -> None:
    db.execute(
        "CREATE OR REPLACE TEMP TABLE moving_consents AS SELECT * FROM consents_in('moving_ledger')"
    )


def _somebody_is_new(db: duckdb.DuckDBPyConnection) -> bool:
    rows = db.execute(
        "SELECT (SELECT count(*) FROM new_keys) + (SELECT count(*) FROM new_crm_ids)"
    ).fetchall()
    return int(rows[0][0]) > 0


def _epoch(
    db: duckdb.DuckDBPyConnection, *, fields: Sequence[ProfileField], options: Sequence[object]
) -> str:
    labels = [
        sorted(db.execute(f"SELECT * FROM {table}").fetchall())
        for table in ("tag_options", "former_tag_labels", "field_options")
    ]
    told = repr((tuple(fields), list(options), labels))
    return hashlib.md5(told.encode(), usedforsecurity=False).hexdigest()


def _state(db: duckdb.DuckDBPyConnection, *, name: str) -> str | None:
    rows = db.execute("SELECT value FROM connection_state WHERE name = ?", [name]).fetchall()
    return str(rows[0][0]) if rows else None


def _drop(db: duckdb.DuckDBPyConnection, *names: str) -> None:
    """Drop temporary tables and views, whichever they were."""
    kinds = db.execute(
        "SELECT table_name, 'TABLE' FROM duckdb_tables() WHERE temporary"
        " UNION ALL SELECT view_name, 'VIEW' FROM duckdb_views() WHERE temporary"
    ).fetchall()
    for name, kind in kinds:
        if name in names:
            db.execute(f"DROP {kind} temp.{name}")
