"""A first sync in a process of its own that is killed in the middle of its import.

Belongs here: opening the connection and dying. Not here: anything about what comes after.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from nl_pipeline_tests.sandbox_control import SandboxControl
from nl_pipeline_tests.sync.brevo.account import opened

_LOOKS = 4
"""Looks at the import until the end."""


def main(folder: str, base_url: str) -> None:
    """Sync for the first time; nothing of this process is left after a few looks."""
    looks = []

    def die(what: str, _done: int, _total: int) -> None:
        looks.extend([what] if what == "imports at Brevo" else [])
        if len(looks) == _LOOKS:
            os.kill(os.getpid(), signal.SIGKILL)

    with opened(SandboxControl(base_url), folder=Path(folder)) as account:
        account.watchers.append(die)
        account.start()


if __name__ == "__main__":
    main(*sys.argv[1:])
