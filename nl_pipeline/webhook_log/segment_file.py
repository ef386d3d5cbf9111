"""The segment that one writer has open for one connection.

Belongs here: storing a group of lines so that it is durable, and giving a segment up. Must not be
here: who waits for it (``writing``). Runs in a thread; one call at a time for each connection.

A segment that refused a write or a sync is never written to again. After a failed sync nobody knows
what the disk holds; and a reader may have read beyond what counts, so shortening the file and
writing on would hide the new lines from it. What was not acknowledged stays at the end of the file,
where a torn line is tolerated, and the next group begins a new segment.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from nl_pipeline.webhook_log import paths
from nl_pipeline.webhook_log.files import Files


@dataclass(slots=True)
class _Open:
    path: Path
    descriptor: int
    hour: datetime
    durable_bytes: int = 0


class SegmentFile:
    """Where the lines of a connection go; a new file for every hour and after every failure."""

    def __init__(self, root: Path, *, connection: str, writer: str, files: Files) -> None:
        self._root = root
        self._folder = root / connection
        self._writer = writer
        self._files = files
        self._number = 0
        self._open: _Open | None = None

    def store(self, data: bytes, *, hour: datetime) -> float:
        """Append ``data``, whole lines received in ``hour``; returns when they are durable.

        The result is the time in seconds that syncing took. OSError if they are not durable: then
        none of them counts, and the segment is given up.
        """
        try:
            current = self._open
            if current is not None and current.hour != hour:
                self.close()
                current = None
            is_new = current is None
            if current is None:
                current = self._open = self._new(hour)
            self._write(current.descriptor, data)
            began = time.perf_counter()
            self._files.sync(current.descriptor)
            if is_new:
                self._sync_names(current.path)
            took = time.perf_counter() - began
        except BaseException:
            self._give_up()
            raise
        current.durable_bytes += len(data)
        return took

    def close(self) -> None:
        """Give the file back; the next line begins another."""
        if self._open is not None:
            descriptor, self._open = self._open.descriptor, None
            self._files.close(descriptor)

    def _new(self, hour: datetime) -> _Open:
        self._number += 1
        name = paths.segment_name(hour, writer=self._writer, number=self._number)
        path = self._folder / name
        self._files.make_folder(path.parent)
        return _Open(path, self._files.create(path), hour)

    def _write(self, descriptor: int, data: bytes) -> None:
        left = memoryview(data)
        while left:
            written = self._files.write(descriptor, left)
            if written == 0:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            left = left[written:]

    def _sync_names(self, path: Path) -> None:
        """A file counts only when every name on the way to it is on the disk.

        The folders as well, although they may be old: another writer may just have made them.
        """
        for folder in (path.parent, self._folder, self._root, self._root.parent):
            self._files.sync_folder(folder)

    def _give_up(self) -> None:
        given_up = self._open
        if given_up is None:
            return
        with contextlib.suppress(OSError):
            self.close()
        if given_up.durable_bytes == 0:
            # Nothing in it was acknowledged; a full disk would otherwise collect empty files.
            with contextlib.suppress(OSError):
                self._files.remove(given_up.path)
