"""Turns: what of a connection one process does at a time, beside the warehouse.

Belongs here: taking turns through a file beside the warehouse. Must not be here: what is done.

The system gives a turn back when a process dies, so nobody waits for the dead. The warehouse has a
lock of its own; a turn may be kept across calls, which that lock never is.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from filelock import FileLock, Timeout

from nl_pipeline.warehouse.connection import Warehouse


@contextlib.contextmanager
def turn(warehouse: Warehouse, *, name: str, wait_seconds: float) -> Iterator[bool]:
    """The only one doing ``name`` at this connection; False if another still was after waiting."""
    if not warehouse.exists:
        # What is no file yet is nobody else's.
        yield True
        return
    path = warehouse.path.with_suffix(f".{name}.lock")
    lock = FileLock(path, timeout=wait_seconds, mode=0o600, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()
