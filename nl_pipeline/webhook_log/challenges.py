"""When a provider last asked whether the receiver answers, in a file beside the segments.

Belongs here: writing and reading that time. Must not be here: the answer (``receiver``), what it
means that nobody asks any more (``sync``).

LinkedIn asks every two hours and blocks whoever fails three times; nothing else tells that it still
knows our webhook while no lead comes.
"""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from pathlib import Path

from nl_pipeline.webhook_log.paths import FOLDER_MODE

_FILE = "{provider}_asked_at"


def note_challenge(folder: Path, *, provider: str, at: datetime) -> None:
    """Remember the time; without any effect where it can't be written: the answer comes first."""
    with contextlib.suppress(OSError):
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        (folder / _FILE.format(provider=provider)).write_text(
            at.astimezone(UTC).isoformat(), encoding="ascii"
        )


def last_challenge(folder: Path, *, provider: str) -> datetime | None:
    """The time of the last one; None where none came or the file says nothing."""
    try:
        text = (folder / _FILE.format(provider=provider)).read_text(encoding="ascii")
        return datetime.fromisoformat(text.strip())
    except (OSError, ValueError):
        return None
