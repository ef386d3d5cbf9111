"""Opening the warehouse: one file, one process at a time, for milliseconds.

DuckDB lets one process at a time open a file, readers included; so every use attaches the file,
does its work and detaches it, and waits a bounded time when another process is at it. Attaching to
an engine that is already running costs a tenth of starting one. Never hold a session across an HTTP
call.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
import weakref
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import duckdb

from nl_pipeline.domain.events import SAME_WITHIN
from nl_pipeline.domain.fields import ProfileField
from nl_pipeline.warehouse import templates


class WarehouseBusy(Exception):
    """Another process held the warehouse for longer than we may wait."""


class _Engine:
    """A running DuckDB for one file.

    ``turn`` lets one thread of this process at a time use the file: its lock keeps other processes
    out, but not a second engine of the same one. ``opened`` is the connection of that thread.
    """

    def __init__(self, path: Path) -> None:
        # What exceeds the memory limit lies beside the file; the default is the current folder.
        self.spill = path.with_suffix(".spill")
        self.duckdb = duckdb.connect(":memory:", config={"temp_directory": str(self.spill)})
        self.turn = threading.RLock()
        self.opened: duckdb.DuckDBPyConnection | None = None


_engines: weakref.WeakValueDictionary[Path, _Engine] = weakref.WeakValueDictionary()
_engines_turn = threading.Lock()


def _engine_for(path: Path) -> _Engine:
    with _engines_turn:
        engine = _engines.get(path)
        if engine is None:
            engine = _engines[path] = _Engine(path)
        return engine


class Warehouse:
    """The warehouse file of one connection and the fields its tables carry.

    ``same_within``: two tellings of the same event lie at most this far apart at its provider.
    """

    def __init__(
        self,
        path: Path,
        *,
        fields: tuple[ProfileField, ...],
        same_within: timedelta = SAME_WITHIN["mailchimp"],
        wait_seconds: float = 60.0,
        memory_limit: str | None = None,
    ) -> None:
        self.path = path
        self.fields = fields
        self.same_within = same_within
        self._wait_seconds = wait_seconds
        self._memory_limit = memory_limit
        self._engine: _Engine | None = None
        self._ready = False

    @property
    def exists(self) -> bool:
        return self.path.exists()

    @contextlib.contextmanager
    def session(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection outside any transaction; the file is released at the end."""
        with self._opened() as db:
            yield db

    @contextlib.contextmanager
    def session_if_free(self, *, waits: bool) -> Iterator[duckdb.DuckDBPyConnection | None]:
        """As ``session``; unless it ``waits``, None where another thread of this process is at the
        file. For threads of a pool whose starter may be the other one and waits for them."""
        turn = self._running_engine().turn
        if not turn.acquire(blocking=waits):
            yield None
            return
        try:
            with self.session() as db:
                yield db
        finally:
            turn.release()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection inside one transaction: committed at the end, rolled back on an error."""
        with self._opened() as db:
            db.execute("BEGIN")
            try:
                yield db
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")

    @contextlib.contextmanager
    def kept_open(self) -> Iterator[None]:
        """One opening for several steps of this thread, with no call to a service between them."""
        with self._opened():
            yield

    @contextlib.contextmanager
    def beside_the_file(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection to the tables ``memory.…``, which live in this process and as long as this
        warehouse; the file is not touched, so no other process waits for it."""
        engine = self._running_engine()
        with engine.turn:
            if engine.opened is not None:
                yield engine.opened
                return
            db = engine.duckdb.cursor()
            try:
                yield db
            finally:
                db.close()

    def _running_engine(self) -> _Engine:
        if self._engine is None:
            self._engine = _engine_for(self.path.resolve())
        return self._engine

    @contextlib.contextmanager
    def _opened(self) -> Iterator[duckdb.DuckDBPyConnection]:
        engine = self._running_engine()
        with engine.turn:
            if engine.opened is not None:
                yield engine.opened
                return
            db = engine.duckdb.cursor()
            try:
                self._attach(db, spill=engine.spill)
                try:
                    self._prepare(db)
                    engine.opened = db
                    yield db
                finally:
                    engine.opened = None
                    db.execute("USE memory")
                    db.execute("DETACH warehouse")
            finally:
                db.close()

    def _attach(self, db: duckdb.DuckDBPyConnection, *, spill: Path) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        spill.mkdir(exist_ok=True, mode=0o700)
        deadline = time.monotonic() + self._wait_seconds
        pause = 0.01
        created = not self.path.exists()
        while True:
            try:
                quoted = str(self.path).replace("'", "''")
                db.execute(f"ATTACH '{quoted}' AS warehouse")
                break
            except duckdb.IOException as error:
                # DuckDB has one error class for every I/O problem; only its lock text is waited
                # for.
                if "lock" not in str(error).lower():
                    raise
                if time.monotonic() > deadline:
                    raise WarehouseBusy(
                        f"warehouse {self.path.name} has been in use by another process for "
                        f"{self._wait_seconds:.0f} s; wait for the other run, or stop it, and"
                        f" start again"
                    ) from None
                time.sleep(pause * random.uniform(0.5, 1.5))
                pause = min(pause * 2, 0.5)
        if created:
            self.path.chmod(0o600)

    def _prepare(self, db: duckdb.DuckDBPyConnection) -> None:
        # Unqualified names are those of the file, else those beside it.
        db.execute("SET search_path = 'warehouse,memory'")
        db.execute("SET TimeZone = 'UTC'")
        db.execute("SET preserve_insertion_order = false")
        if self._memory_limit:
            db.execute(f"SET memory_limit = '{self._memory_limit}'")
        if not self._ready:
            migrate(db, fields=self.fields)
            self._ready = True


def migrate(db: duckdb.DuckDBPyConnection, *, fields: tuple[ProfileField, ...]) -> None:
    """Bring the file to the newest schema and give the tables a column per mapped field."""
    db.execute(
        "CREATE TABLE IF NOT EXISTS schema_migrations (name VARCHAR PRIMARY KEY, applied_at"
        " TIMESTAMP)"
    )
    done = {row[0] for row in db.execute("SELECT name FROM schema_migrations").fetchall()}
    for name in templates.migration_names():
        if name not in done:
            db.execute("BEGIN")
            db.execute(templates.migration(name))
            db.execute("INSERT INTO schema_migrations VALUES (?, now()::TIMESTAMP)", [name])
            db.execute("COMMIT")
    for table in ("contacts", "members", "base"):
        present = {
            row[0] for row in db.execute(f"SELECT column_name FROM (DESCRIBE {table})").fetchall()
        }
        for field in fields:
            if field.column not in present:
                db.execute(f"ALTER TABLE {table} ADD COLUMN {field.column} VARCHAR")
