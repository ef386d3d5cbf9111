"""Making very many records without Python's garbage collector in the way.

Belongs here: pausing it. Does not belong here: what is made.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """No garbage collection while millions of records are made, none of which is garbage; it
    would walk over all of them again and again and take a third of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
