"""Where the segments of a connection lie.

Belongs here: names of folders and segments, made and taken apart. Must not be here: reading or
writing them.

``<log>/<connection>/<YYYY-MM-DD>/<HH>.<writer id>-<n>.jsonl``, date and hour of receiving in UTC. A
segment has one writer and is never opened for writing a second time, so a torn line stands only at
its end, and bytes that were read once never change.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path

FOLDER_MODE = 0o700
FILE_MODE = 0o600

SEGMENT = re.compile(r"(\d{4}-\d{2}-\d{2})/(\d{2})\.[0-9a-z]+(?:-\d+)?\.jsonl")
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def segment_name(at: datetime, *, writer: str, number: int) -> str:
    """The name of a segment for what is received at ``at`` (aware)."""
    hour = at.astimezone(UTC)
    return f"{hour:%Y-%m-%d}/{hour:%H}.{writer}-{number}.jsonl"


def day_of(segment: str) -> date:
    """The UTC day of a segment. ValueError for anything that is not the name of one."""
    if not (match := SEGMENT.fullmatch(segment)):
        raise ValueError("this is not the name of a segment of the webhook log")
    return date.fromisoformat(match[1])


def segment_path(folder: Path, *, segment: str) -> Path:
    """The file of a segment below the folder of its connection. ValueError as `day_of`."""
    day_of(segment)
    return folder / segment
