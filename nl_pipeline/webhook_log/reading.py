"""Reading the log: which segments there are, and their lines from a byte on.

Belongs here: listing and reading. Must not be here: remembering how far something was read, and
what a line means.

A segment may grow while it is read, and its last lines may not have been acknowledged. A last line
without a newline is not yielded: it is being written, or was torn when its writer ended.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from nl_pipeline.webhook_log import paths
from nl_pipeline.webhook_log.lines import LogLine, UnreadableLine, decode


@dataclass(frozen=True)
class Segment:
    """A file of the log, named below the folder of its connection; ``size`` in bytes."""

    name: str
    day: date
    size: int


@dataclass(frozen=True)
class BadLine:
    """A line that can't be read: where it begins and why, never its text."""

    segment: str
    at_byte: int
    cause: str


def segments(folder: Path, *, day: date | None = None) -> list[Segment]:
    """The segments of a connection, those of one UTC day if ``day`` is given, sorted by name.

    Looks at names and sizes only. Empty if nothing was ever received.
    """
    days = [f"{day:%Y-%m-%d}"] if day is not None else _days(folder)
    found = [segment for name in days for segment in _segments_of(folder, day=name)]
    return sorted(found, key=lambda segment: segment.name)


def read(
    folder: Path, *, segment: str, from_byte: int = 0
) -> Iterator[tuple[int, LogLine | BadLine]]:
    """The lines of a segment that begin at ``from_byte`` or later, each with the byte after it.

    ``from_byte`` is 0 or a byte that an earlier read yielded. FileNotFoundError if the segment is
    gone; ValueError for a name that is not one of a segment.
    """
    with paths.segment_path(folder, segment=segment).open("rb") as file:
        file.seek(from_byte)
        at = from_byte
        for raw in file:
            if not raw.endswith(b"\n"):
                return
            begin, at = at, at + len(raw)
            try:
                yield at, decode(raw)
            except UnreadableLine as unreadable:
                yield at, BadLine(segment, begin, str(unreadable))


def _days(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries if paths.DAY.fullmatch(entry.name)]
    except FileNotFoundError:
        return []


def _segments_of(folder: Path, *, day: str) -> Iterator[Segment]:
    try:
        with os.scandir(folder / day) as entries:
            for entry in entries:
                name = f"{day}/{entry.name}"
                if paths.SEGMENT.fullmatch(name):
                    try:
                        size = entry.stat().st_size
                    except FileNotFoundError:
                        # An empty segment that its writer took back.
                        continue
                    yield Segment(name, date.fromisoformat(day), size)
    except FileNotFoundError:
        return
