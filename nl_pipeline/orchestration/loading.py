"""How the code location is loaded quickly: a run starts a process, and the process loads all of it.

Belongs here: what makes loading itself cheaper. Must not be here: what is loaded.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def garbage_left_alone() -> Iterator[None]:
    """Load modules in the block without looking for garbage among them, then or later.

    Nothing that is loaded is garbage before the process ends, but the collector walks over all of
    it again and again while it grows: a fifth of the time it takes to load this package.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
        gc.freeze()
        # At the end of the process it is garbage; libraries in C complain about what is left over.
        atexit.register(gc.unfreeze)
    finally:
        if was_on:
            gc.enable()
