"""Opening the warehouse: one file, one process at a time, for milliseconds.

DuckDB lets one process at a time open a file, readers included; so every use opens, does its work
and closes, and waits a bounded time when another process is at it. Never hold a session across an
HTTP call.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb

from nl_pipeline.domain.fields import ProfileField
from nl_pipeline.warehouse import templates


class WarehouseBusy(Exception):
    """Another process held the warehouse for longer than we may wait."""


class Warehouse:
    """The warehouse file of one connection and the fields its tables carry."""

    def __init__(
        self,
        path: Path,
        *,
        fields: tuple[ProfileField, ...],
        wait_seconds: float = 60.0,
        memory_limit: str | None = None,
    ) -> None:
        self.path = path
        self.fields = fields
        self._wait_seconds = wait_seconds
        self._memory_limit = memory_limit
        self._ready = False
        self._lock = threading.Lock()
        self._kept = threading.local()

    @property
    def exists(self) -> bool:
        return self.path.exists()

    @contextlib.contextmanager
    def session(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection outside any transaction; closed, and the file released, at the end."""
        with self._open() as db:
            yield db

    @contextlib.contextmanager
    def transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection inside one transaction: committed at the end, rolled back on an error."""
        with self._open() as db:
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
        with self._open() as db:
            outer = getattr(self._kept, "db", None)
            self._kept.db = db
            try:
                yield
            finally:
                self._kept.db = outer

    @contextlib.contextmanager
    def _open(self) -> Iterator[duckdb.DuckDBPyConnection]:
        kept = getattr(self._kept, "db", None)
        if kept is not None:
            yield kept
            return
        db = self._connect()
        try:
            db.execute("SET TimeZone = 'UTC'")
            db.execute("SET preserve_insertion_order = false")
            if self._memory_limit:
                db.execute(f"SET memory_limit = '{self._memory_limit}'")
            with self._lock:
                if not self._ready:
                    migrate(db, fields=self.fields)
                    self._ready = True
            yield db
        finally:
            db.close()

    def _connect(self) -> duckdb.DuckDBPyConnection:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        deadline = time.monotonic() + self._wait_seconds
        pause = 0.01
        while True:
            try:
                created = not self.path.exists()
                db = duckdb.connect(str(self.path))
                if created:
                    self.path.chmod(0o600)
                return db
            except duckdb.IOException as error:
                # DuckDB has one error class for every I/O problem; only its lock text is waited for.
                if "lock" not in str(error).lower():
                    raise
                if time.monotonic() > deadline:
                    raise WarehouseBusy(
                        f"warehouse {self.path.name} has been in use by another process for "
                        f"{self._wait_seconds:.0f} s; wait for the other run, or stop it, and start again"
                    ) from None
                time.sleep(pause * random.uniform(0.5, 1.5))
                pause = min(pause * 2, 0.5)


def migrate(db: duckdb.DuckDBPyConnection, *, fields: tuple[ProfileField, ...]) -> None:
    """Bring the file to the newest schema and give the tables a column per mapped field."""
    db.execute(
        "CREATE TABLE IF NOT EXISTS schema_migrations (name VARCHAR PRIMARY KEY, applied_at TIMESTAMP)"
    )
    done = {row[0] for row in db.execute("SELECT name FROM schema_migrations").fetchall()}
    for name in templates.migration_names():
        if name not in done:
            db.execute("BEGIN")
            db.execute(templates.migration(name))
            db.execute("INSERT INTO schema_migrations VALUES (?, now()::TIMESTAMP)", [name])
            db.execute("COMMIT")
    for table in ("contacts", "members", "base"):
        present = {row[0] for row in db.execute(f"SELECT column_name FROM (DESCRIBE {table})").fetchall()}
        for field in fields:
            if field.column not in present:
                db.execute(f"ALTER TABLE {table} ADD COLUMN {field.column} VARCHAR")
