"""What was seen on either side: pages go to staging, a finished read becomes the picture.

A read is staged beside the file, because pages come over HTTP and the file must not be held
meanwhile; a read that breaks off leaves nothing in it. ``finish_*`` replaces (full) or merges
(incremental) in one transaction, and appends every opt-out it finds to the consent ledger in that
same transaction.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb
import pandas as pd

from nl_pipeline.warehouse import news, requests
from nl_pipeline.warehouse.connection import Warehouse
from nl_pipeline.warehouse.marking import mark
from nl_pipeline.warehouse.remembering import remember
from nl_pipeline.warehouse.templates import run_template
from nl_pipeline.warehouse.traits import shows


@dataclass(frozen=True)
class Snapshot:
    """How complete one read of one side was. Times are aware UTC, counts are rows."""

    side: str
    mode: str
    started_at: datetime
    finished_at: datetime
    announced_before: int
    announced_after: int
    rows_read: int
    complete: bool


@dataclass(frozen=True)
class Evidence:
    """The answer to one look-up. ``happened_at`` is None where the service gives no time."""

    kind: str
    key: str
    detail: str
    happened_at: datetime | None
    member_changed_at: datetime | None


def naive(moment: datetime | None) -> datetime | None:
    """UTC without a zone, as the warehouse stores it."""
    if moment is None:
        return None
    return moment.astimezone(UTC).replace(tzinfo=None)


def begin_read(warehouse: Warehouse, *, side: str) -> None:
    """Empty the staging of one side."""
    with warehouse.session() as db:
        for table in _STAGED[side]:
            db.execute(
                f"CREATE OR REPLACE TABLE memory.staging_{table} AS SELECT * FROM {table} LIMIT 0"
            )


def _forget_read(warehouse: Warehouse, *, side: str) -> None:
    with warehouse.beside_the_file() as db:
        for table in _STAGED[side]:
            db.execute(f"DROP TABLE memory.staging_{table}")


#: What DuckDB may use of memory while a read is taken in, so that it does not grow with the read;
#: the rest lies in the folder beside the file. A million members were taken in with it.
_SPARING_MIB = 128
#: So few rows never need as much, and to set the limit costs more than to take them in.
_FEW_ROWS = 1_000


@contextlib.contextmanager
def sparing(db: duckdb.DuckDBPyConnection, *, rows: int) -> Iterator[None]:
    """Let DuckDB use no more memory in the block, which handles so many rows, than a read may, and
    after it what it might."""
    if rows < _FEW_ROWS:
        yield
        return
    [(before,)] = db.execute("SELECT current_setting('memory_limit')").fetchall()
    number, unit = before.split()
    if unit not in ("GiB", "TiB") and not (unit == "MiB" and float(number) > _SPARING_MIB):
        yield
        return
    db.execute(f"SET memory_limit = '{_SPARING_MIB}MiB'")
    try:
        yield
    finally:
        db.execute(f"SET memory_limit = '{before}'")


_STAGED = {"crm": ("contacts", "contact_addresses"), "provider": ("members",)}


def stage(warehouse: Warehouse, *, tables: dict[str, pd.DataFrame]) -> None:
    """Append frames with the columns of ``contacts``, ``contact_addresses`` or ``members``."""
    rows = sum(len(frame) for frame in tables.values())
    with warehouse.beside_the_file() as db, sparing(db, rows=rows):
        for table, frame in tables.items():
            _append(db, table=f"memory.staging_{table}", frame=frame)


def _append(db: duckdb.DuckDBPyConnection, *, table: str, frame: pd.DataFrame) -> None:
    db.register("incoming", frame)
    db.execute(f"INSERT INTO {table} BY NAME SELECT * FROM incoming")
    db.unregister("incoming")


def _number(db: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[object] = ()) -> int:
    row = db.execute(query, list(parameters)).fetchall()[0]
    return int(row[0] or 0)


def picture_rows(warehouse: Warehouse, *, side: str) -> int:
    """Contacts or members as last read, incremental reads included."""
    with warehouse.session() as db:
        return _number(db, f"SELECT count(*) FROM {'contacts' if side == 'crm' else 'members'}")


def _keep_first(db: duckdb.DuckDBPyConnection, *, table: str, of: str, order: str) -> None:
    """Of rows with the same ``of`` keep the first in ``order``.

    Only what occurs more than once is sorted, which is next to nothing: sorting all of a large
    table would take its size in memory once more.
    """
    db.execute(
        f"DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} WHERE {of} IN"
        f" (SELECT {of} FROM {table} GROUP BY {of} HAVING count(*) > 1)"
        f" QUALIFY row_number() OVER (PARTITION BY {of} ORDER BY {order}) > 1)"
    )


def _replaces(snapshot: Snapshot) -> bool:
    return snapshot.mode == "full" and snapshot.complete


def finish_contacts(
    warehouse: Warehouse, *, snapshot: Snapshot, cursor: datetime | None, now: datetime
) -> None:
    """Make the staged contacts the picture of the CRM and take in the cancellations they show.

    A full read that is not complete is merged like an incremental one: it proves what it saw, not
    that the rest is gone.
    """
    with warehouse.beside_the_file() as db:
        staged = _number(db, "SELECT count(*) FROM memory.staging_contacts")
        if staged:
            _keep_first(db, table="memory.staging_contacts", of="crm_id", order="observed_at DESC")
    with warehouse.transaction() as db:
        # Nothing new leaves picture and marks as they are.
        if staged or _replaces(snapshot):
            _take_in_contacts(db, warehouse=warehouse, snapshot=snapshot, now=now)
        _finish(db, snapshot=snapshot, cursor=cursor, now=now)
    _forget_read(warehouse, side=snapshot.side)


def _take_in_contacts(
    db: duckdb.DuckDBPyConnection, *, warehouse: Warehouse, snapshot: Snapshot, now: datetime
) -> None:
    replaces = _replaces(snapshot)
    contact_print = _print("contacts", warehouse, "others")
    # Whoever left an address takes its opt-outs of until now along, whoever else still has it.
    db.execute(
        "INSERT INTO left_addresses SELECT DISTINCT c.crm_id, c.key, ?::TIMESTAMP"
        " FROM contacts AS c JOIN staging_contacts AS s ON s.crm_id = c.crm_id"
        " WHERE c.key IS NOT NULL AND s.key IS DISTINCT FROM c.key",
        [naive(now)],
    )
    if snapshot.mode != "full":
        news.note(db, side="crm")
    if replaces:
        db.execute("DELETE FROM contacts")
        db.execute("DELETE FROM contact_addresses")
        db.execute("DELETE FROM evidence WHERE kind = 'contact_missing'")
    else:
        db.execute("DELETE FROM contacts WHERE crm_id IN (SELECT crm_id FROM staging_contacts)")
        db.execute(
            "DELETE FROM contact_addresses WHERE crm_id IN (SELECT crm_id FROM staging_contacts)"
        )
    db.execute(
        f"INSERT INTO contacts BY NAME SELECT * EXCLUDE (others) REPLACE ({contact_print} AS"
        " print) FROM (SELECT s.*, o.others FROM staging_contacts AS s LEFT JOIN"
        " (SELECT crm_id, list_sort(list(DISTINCT key)) AS others FROM"
        " staging_contact_addresses WHERE NOT is_main GROUP BY crm_id) AS o USING (crm_id))"
    )
    db.execute(
        "INSERT INTO contact_addresses BY NAME SELECT DISTINCT * FROM staging_contact_addresses"
    )
    mark(db, table="contacts")


def finish_members(
    warehouse: Warehouse,
    *,
    snapshot: Snapshot,
    complaints: Iterable[str] | None,
    cursor: datetime | None,
    now: datetime,
) -> None:
    """Make the staged members the picture of the audience and take in the opt-outs they show.

    ``complaints``: member ids with an abuse report, None if they were not asked for; an
    unsubscribed or cleaned one of them is a COMPLAINT. Whoever is ABSENT was read and is not on
    the list, and loses its row.
    """
    with warehouse.beside_the_file() as db:
        staged = _number(db, "SELECT count(*) FROM memory.staging_members")
        if staged:
            _keep_first(
                db,
                table="memory.staging_members",
                of="member_id",
                order="changed_at DESC NULLS LAST, observed_at DESC",
            )
    if staged:
        _drop_strangers(warehouse)
    with warehouse.transaction() as db:
        # Nothing new leaves picture and marks as they are, unless who waits for an answer has to be
        # worked out anew.
        told = staged or _replaces(snapshot) or complaints is not None
        if told or not shows(db, what="pending"):
            _take_in_members(
                db, warehouse=warehouse, snapshot=snapshot, rows=staged, complaints=complaints
            )
        _finish(
            db, snapshot=snapshot, cursor=cursor, now=now, told_complaints=complaints is not None
        )
    _forget_read(warehouse, side=snapshot.side)


def _take_in_members(
    db: duckdb.DuckDBPyConnection,
    *,
    warehouse: Warehouse,
    snapshot: Snapshot,
    rows: int,
    complaints: Iterable[str] | None,
) -> None:
    replaces = _replaces(snapshot)
    member_print = _print("members", warehouse)
    if snapshot.mode != "full":
        news.note(db, side="provider")
    requests.note_answers(db)
    if replaces:
        db.execute("DELETE FROM members")
    else:
        # An address change gives a member a new key and member id; the stable id finds the old
        # row.
        db.execute(
            "DELETE FROM members WHERE member_id IN (SELECT member_id FROM staging_members)"
            " OR (provider_id <> '' AND provider_id IN (SELECT provider_id FROM"
            " staging_members))"
        )
    with sparing(db, rows=rows):
        db.execute(
            f"INSERT INTO members BY NAME SELECT * REPLACE ({member_print} AS print) FROM"
            " staging_members WHERE state <> 'ABSENT'"
        )
    # Two spellings of one address can be two members: the more restrictive one speaks for it.
    _keep_first(
        db,
        table="members",
        of="key",
        order="state IN ('UNSUB', 'COMPLAINT') DESC, changed_at DESC NULLS LAST",
    )
    if complaints is not None:
        reported = pd.DataFrame({"member_id": pd.Series(list(complaints), dtype="str")})
        db.execute("DELETE FROM complaints")
        _append(db, table="complaints", frame=reported)
    db.execute(
        "UPDATE members SET state = 'COMPLAINT', print = md5_number(print || '!')"
        " WHERE state IN ('UNSUB', 'CLEANED')"
        " AND member_id IN (SELECT member_id FROM complaints)"
    )
    requests.wait_for_answers(db)
    mark(db, table="members")


def _drop_strangers(warehouse: Warehouse) -> None:
    """Forget staged people who are not on the list and never were: they are none of ours."""
    with warehouse.beside_the_file() as db:
        absent = "SELECT 1 FROM memory.staging_members WHERE state = 'ABSENT' LIMIT 1"
        if not db.execute(absent).fetchall():
            return
    with warehouse.session() as db:
        db.execute(
            "DELETE FROM memory.staging_members WHERE state = 'ABSENT'"
            " AND member_id NOT IN (SELECT member_id FROM members)"
        )


def take_in_members(
    warehouse: Warehouse, *, frame: pd.DataFrame, snapshot: Snapshot, now: datetime
) -> None:
    """Take single members that were looked at again into the picture, with the opt-outs they show.

    The cursor stays, and a read of this process that is under way goes on undisturbed.
    """
    with warehouse.kept_open():
        with warehouse.beside_the_file() as db:
            under_way = bool(
                db.execute(
                    "SELECT 1 FROM duckdb_tables() WHERE database_name = 'memory'"
                    " AND table_name = 'staging_members'"
                ).fetchall()
            )
            if under_way:
                db.execute("ALTER TABLE memory.staging_members RENAME TO waiting_members")
        try:
            begin_read(warehouse, side="provider")
            stage(warehouse, tables={"members": frame})
            finish_members(warehouse, snapshot=snapshot, complaints=None, cursor=None, now=now)
        finally:
            if under_way:
                with warehouse.beside_the_file() as db:
                    db.execute("DROP TABLE IF EXISTS memory.staging_members")
                    db.execute("ALTER TABLE memory.waiting_members RENAME TO staging_members")


#: What a decision looks at in a contact and in a member, beside the mapped fields and the tags.
_PRINTED = {
    "contacts": ("crm_id", "key", "email", "newsletter", "eligibility", "changed_at"),
    "members": (
        "key",
        "member_id",
        "provider_id",
        "email",
        "state",
        "status",
        "unsubscribed_by",
        "owned",
        "changed_at",
    ),
}


def _print(table: str, warehouse: Warehouse, *others: str) -> str:
    """SQL of the print of a row: an MD5, because DuckDB's ``hash`` gives the same number to
    thousands of different addresses and would hide their changes."""
    columns = [*_PRINTED[table], *(field.column for field in warehouse.fields), *others]
    values = ", ".join(f"'{column}': {column}" for column in columns)
    return f"md5_number(to_json({{{values}, 'tags': list_sort(tags)}})::VARCHAR)"


#: Base and ledger as the last intake of opt-outs left them.
_TAKEN_IN = "opt_outs_taken_in"


def _finish(
    db: duckdb.DuckDBPyConnection,
    *,
    snapshot: Snapshot,
    cursor: datetime | None,
    now: datetime,
    told_complaints: bool = False,
) -> None:
    db.execute(
        "INSERT INTO snapshots VALUES (?, ?, ?, ?, ?, ?, ?, ?, false)",
        [
            snapshot.side,
            snapshot.mode,
            naive(snapshot.started_at),
            naive(snapshot.finished_at),
            snapshot.announced_before,
            snapshot.announced_after,
            snapshot.rows_read,
            snapshot.complete,
        ],
    )
    if cursor is not None:
        _write_cursor(db, side=snapshot.side, value=cursor)
    # A read that brought nothing, over the base and the ledger of the last intake, shows no opt-out
    # that this one did not take in.
    has_news = snapshot.mode == "full" or snapshot.rows_read > 0 or told_complaints
    if has_news or _knowledge(db) != _read_state(db, name=_TAKEN_IN):
        take_in_opt_outs(db, now=now)


def take_in_opt_outs(db: duckdb.DuckDBPyConnection, *, now: datetime) -> None:
    """Append every observed withdrawal that the ledger does not hold yet."""
    run_template(db, "intake.sql.j2", parameters={"now": naive(now)})
    remember(db, name=_TAKEN_IN, value=_knowledge(db))


def _knowledge(db: duckdb.DuckDBPyConnection) -> str:
    """What the intake depends on beside the rows that were read: base and ledger, by version."""
    rows = db.execute(
        "SELECT coalesce((SELECT value FROM connection_state WHERE name = 'base_version'), '0')"
        " || '/' || coalesce((SELECT max(entry) FROM consent_ledger), 0)"
    ).fetchall()
    return str(rows[0][0])


def read_cursor(warehouse: Warehouse, *, side: str) -> datetime | None:
    """Where the next incremental read of a side starts, or None before a full one.

    Aware UTC by the clock of the service, whose records are stamped by it.
    """
    with warehouse.session() as db:
        rows = db.execute("SELECT value FROM cursors WHERE side = ?", [side]).fetchall()
    return rows[0][0].replace(tzinfo=UTC) if rows else None


def set_back_cursor(warehouse: Warehouse, *, side: str, value: datetime) -> None:
    """Let the next incremental read start earlier than the last one would have it."""
    with warehouse.transaction() as db:
        _write_cursor(db, side=side, value=value)


def _write_cursor(db: duckdb.DuckDBPyConnection, *, side: str, value: datetime) -> None:
    db.execute("DELETE FROM cursors WHERE side = ?", [side])
    db.execute("INSERT INTO cursors VALUES (?, ?)", [side, naive(value)])


def store_options(
    warehouse: Warehouse, *, tags: dict[str, str] | None, fields: Mapping[str, Iterable[str]]
) -> None:
    """Remember the CRM's tag labels by option key and the permitted values of select fields.

    ``tags`` None: the list could not be read, what is known of it stays. A label that changed is
    kept as a former one.
    """
    with warehouse.transaction() as db:
        if tags is not None:
            frame = pd.DataFrame(list(tags.items()), columns=["key", "label"], dtype="str")
            db.register("incoming", frame)
            db.execute(
                "INSERT INTO former_tag_labels SELECT o.key, o.label FROM tag_options AS o"
                " JOIN incoming AS n ON n.key = o.key AND n.label <> o.label"
                " WHERE (o.key, o.label) NOT IN (SELECT key, label FROM former_tag_labels)"
            )
            db.execute("DELETE FROM tag_options")
            db.execute("INSERT INTO tag_options BY NAME SELECT * FROM incoming")
            db.unregister("incoming")
        db.execute("DELETE FROM field_options")
        rows = [(name, key) for name, keys in fields.items() for key in keys]
        _append(
            db,
            table="field_options",
            frame=pd.DataFrame(rows, columns=["field", "key"], dtype="str"),
        )


def store_rejected(
    warehouse: Warehouse, *, side: str, rows: Iterable[tuple[str, str]], now: datetime
) -> None:
    """Keep the rows that could not be used: (record id, cause)."""
    frame = pd.DataFrame(list(rows), columns=["record_id", "cause"], dtype="str")
    frame["side"] = side
    frame["seen_at"] = naive(now)
    with warehouse.transaction() as db:
        db.execute("DELETE FROM rejected_rows WHERE side = ?", [side])
        _append(db, table="rejected_rows", frame=frame)


def store_evidence(warehouse: Warehouse, *, evidence: Sequence[Evidence], now: datetime) -> None:
    """Keep the answers of look-ups, and take in the opt-outs they reveal."""
    with warehouse.transaction() as db:
        _store(db, evidence=evidence, now=now)
        take_in_opt_outs(db, now=now)


def store_answers(warehouse: Warehouse, *, answers: Sequence[Evidence], now: datetime) -> None:
    """Keep answers about members who are not in the picture yet."""
    with warehouse.transaction() as db:
        _store(db, evidence=answers, now=now)


def _store(db: duckdb.DuckDBPyConnection, *, evidence: Sequence[Evidence], now: datetime) -> None:
    frame = pd.DataFrame(
        {
            "kind": pd.Series([e.kind for e in evidence], dtype="str"),
            "key": pd.Series([e.key for e in evidence], dtype="str"),
            "detail": pd.Series([e.detail for e in evidence], dtype="str"),
            "happened_at": pd.Series(
                [naive(e.happened_at) for e in evidence], dtype="datetime64[us]"
            ),
            "member_changed_at": pd.Series(
                [naive(e.member_changed_at) for e in evidence], dtype="datetime64[us]"
            ),
        }
    )
    frame["looked_up_at"] = naive(now)
    db.register("answers", frame)
    db.execute("DELETE FROM evidence WHERE (kind, key) IN (SELECT kind, key FROM answers)")
    db.execute("INSERT INTO evidence BY NAME SELECT * FROM answers")
    db.unregister("answers")


def back_up(warehouse: Warehouse, *, backup_id: str, now: datetime) -> dict[str, int]:
    """Store both sides as they are now; returns rows per side."""
    with warehouse.transaction() as db:
        db.execute(
            "INSERT INTO backups SELECT ?, 'crm', crm_id::VARCHAR, to_json(contacts), ? FROM"
            " contacts",
            [backup_id, naive(now)],
        )
        db.execute(
            "INSERT INTO backups SELECT ?, 'provider', member_id, to_json(members), ? FROM members",
            [backup_id, naive(now)],
        )
        rows = db.execute(
            "SELECT side, count(*) FROM backups WHERE backup_id = ? GROUP BY side", [backup_id]
        ).fetchall()
    return {side: int(count) for side, count in rows}


def read_state(warehouse: Warehouse, *, name: str) -> str | None:
    """One remembered fact about the connection, e.g. the audience id."""
    with warehouse.session() as db:
        return _read_state(db, name=name)


def _read_state(db: duckdb.DuckDBPyConnection, *, name: str) -> str | None:
    rows = db.execute("SELECT value FROM connection_state WHERE name = ?", [name]).fetchall()
    return str(rows[0][0]) if rows else None


def write_state(warehouse: Warehouse, *, name: str, value: str) -> None:
    """Remember one fact about the connection."""
    with warehouse.transaction() as db:
        remember(db, name=name, value=value)
