"""Reading the log: which segments there are, and their lines from a byte on.

Belongs here: listing and reading. Must not be here: remembering how far something was read, and
what a line means.

A segment may grow while it is read, and its last lines may not have been acknowledged. A last line
without a newline is not yielded: it is being written, or was torn when its writer ended.
"""

from __future__ import annotations

import contextlib
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


def segments(folder: Path, *, day: date | None = None, since: date | None = None) -> list[Segment]:
    """The segments of a connection, sorted by name: of one UTC ``day``, or of all ``since`` one.

    Looks at names and sizes only, and at nothing in folders of other days. Empty if nothing was
    ever received.
    """
    days = [day] if day is not None else _days(folder)
    found = [
        segment
        for one in days
        if since is None or one >= since
        for segment in _segments_of(folder, day=one)
    ]
    return sorted(found, key=lambda segment: segment.name)


def read(
    folder: Path, *, segment: str, from_byte: int = 0
) -> Iterator[tuple[int, LogLine | BadLine]]:
    """The lines of a segment that begin at ``from_byte`` or later, each with the byte after it.

    ``from_byte`` is 0 or a byte that an earlier read yielded. Nothing if the segment is gone: its
    writer took it back, and had acknowledged none of it. ValueError for a name that is not one of a
    segment.
    """
    try:
        opened = paths.segment_path(folder, segment=segment).open("rb")
    except FileNotFoundError:
        return
    with opened as file:
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


def _days(folder: Path) -> list[date]:
    """The days there are folders of; what only looks like a day, such as 2026-02-30, is none."""
    found = []
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            if paths.DAY.fullmatch(entry.name):
                with contextlib.suppress(ValueError):
                    found.append(date.fromisoformat(entry.name))
    return found


def _segments_of(folder: Path, *, day: date) -> Iterator[Segment]:
    try:
        with os.scandir(folder / day.isoformat()) as entries:
            for entry in entries:
                name = f"{day.isoformat()}/{entry.name}"
                if paths.SEGMENT.fullmatch(name):
                    try:
                        size = entry.stat().st_size
                    except FileNotFoundError:
                        # Its writer took it back.
                        continue
                    yield Segment(name, day, size)
    except (FileNotFoundError, NotADirectoryError):
        return
