"""Writing the log: a line is stored when `LogWriter.append` returns, whatever happens then.

Belongs here: collecting lines into groups, one write and one sync for each, and saying no in time.
Must not be here: the files themselves (``segment_file``) and HTTP.

While a group is being synced in a thread, whatever arrives forms the next one, so the cost of a
sync is shared by as many lines as are under way. Every connection has its own segment and its own
groups: a slow disk holds up all, a burst at one connection only that one.
"""

from __future__ import annotations

import asyncio
import logging
import math
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from nl_pipeline.webhook_log.disk_thread import DiskThread
from nl_pipeline.webhook_log.files import DiskFiles, Files
from nl_pipeline.webhook_log.lines import LogLine, body_fields, encode
from nl_pipeline.webhook_log.segment_file import SegmentFile

_log = logging.getLogger(__name__)

SPACE_CHECK_SECONDS = 1.0
WAITING_BYTES = 32 * 1024 * 1024
"""Lines waiting for the disk, over all connections; more would be memory that nothing bounds."""

SYNC_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
"""Upper bounds, in seconds, in which the length of syncs is counted."""


class LogFull(Exception):
    """Refused without trying: too little space is left, or too much waits for the disk already."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


@dataclass
class WriterCounts:
    """What was stored since the start. ``sync_buckets`` has one more entry for what is longer."""

    lines: int = 0
    bytes: int = 0
    groups: int = 0
    failed_groups: int = 0
    sync_seconds: float = 0.0
    sync_buckets: list[int] = field(default_factory=lambda: [0] * (len(SYNC_BUCKETS) + 1))

    def stored(self, *, lines: int, size: int, sync_seconds: float) -> None:
        """Count a group that is durable."""
        self.lines += lines
        self.bytes += size
        self.groups += 1
        self.sync_seconds += sync_seconds
        longer_than = sum(sync_seconds > bound for bound in SYNC_BUCKETS)
        self.sync_buckets[longer_than] += 1


@dataclass(slots=True)
class _Waiting:
    line: bytes
    hour: datetime
    done: asyncio.Future[None]


class _Stream:
    """The lines of one connection on their way to its segment."""

    def __init__(self, file: SegmentFile) -> None:
        self.file = file
        self.thread = DiskThread()
        self.waiting: list[_Waiting] = []
        self.task: asyncio.Task[None] | None = None

    def next_group(self) -> list[_Waiting]:
        """Everything that waits, as far as it belongs into one segment."""
        hour = self.waiting[0].hour
        if self.waiting[-1].hour == hour:
            group, self.waiting = self.waiting, []
            return group
        group = [item for item in self.waiting if item.hour == hour]
        self.waiting = [item for item in self.waiting if item.hour != hour]
        return group


def utc_now() -> datetime:
    """The clock of the log."""
    return datetime.now(UTC)


class LogWriter:
    """The log below ``root``, for one event loop. Several writers may share a root.

    ``min_free_bytes``: below that much free space nothing is stored any more. ``files`` and ``now``
    are the disk and the clock.
    """

    def __init__(
        self,
        root: Path,
        *,
        min_free_bytes: int = 0,
        files: Files | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.counts = WriterCounts()
        self.last_stored_at: datetime | None = None
        self.free_bytes = 0
        self._root = root
        self._min_free_bytes = min_free_bytes
        self._files: Files = DiskFiles() if files is None else files
        self._now = now
        self._writer = secrets.token_hex(6)
        self._number = 0
        self._waiting_bytes = 0
        self._streams: dict[str, _Stream] = {}
        self._space_checked_at = -math.inf
        self._nearly_full = False
        self._failure = ""

    async def append(
        self,
        connection: str,
        *,
        provider: str,
        origin: str,
        signature: str,
        headers: dict[str, str],
        body: bytes,
    ) -> str:
        """Store a request and return the id of its line once it is durable.

        LogFull if it was refused early, OSError if the disk failed. In both cases it may be sent
        again; after an OSError it may nevertheless turn up in the log.
        """
        self._refuse_early()
        self._number += 1
        received_at = self._now()
        line_id = f"{self._writer}-{self._number}"
        line = encode(
            LogLine(
                line_id,
                received_at,
                provider,
                origin,
                signature,
                headers,
                **body_fields(body),
            )
        )
        stream = self._stream(connection)
        loop = asyncio.get_running_loop()
        hour = received_at.replace(minute=0, second=0, microsecond=0)
        item = _Waiting(line, hour, loop.create_future())
        stream.waiting.append(item)
        self._waiting_bytes += len(line)
        if stream.task is None:
            stream.task = loop.create_task(self._write(stream))
        await item.done
        self.last_stored_at = received_at
        return line_id

    @property
    def problem(self) -> str:
        """Why nothing can be stored, in words; empty when all is well. Names nobody."""
        if self._nearly_full:
            return "the disk of the webhook log is nearly full"
        return self._failure

    def check_space(self) -> None:
        """Measure the free space now; otherwise it is done once a second while lines arrive."""
        self._space_checked_at = time.monotonic()
        try:
            self.free_bytes = self._files.free_bytes(self._root)
        except OSError as error:
            self._note(failure=_described(error))
            return
        self._note(nearly_full=self.free_bytes < self._min_free_bytes)

    async def probe(self) -> None:
        """Measure the space; if the last group failed, try whether the disk takes something."""
        self.check_space()
        if self._failure:
            try:
                await asyncio.to_thread(self._try_disk)
            except OSError as error:
                self._note(failure=_described(error))
            else:
                self._note(failure="")

    async def close(self) -> None:
        """Wait for what is under way, then close all segments."""
        for stream in self._streams.values():
            if stream.task is not None:
                await stream.task
            stream.thread.stop()
            stream.file.close()
        self._streams.clear()

    def prepare(self) -> None:
        """Make the folder of the log. OSError if it can't be made or written to."""
        self._files.make_folder(self._root)
        self._try_disk()
        self.check_space()

    def _refuse_early(self) -> None:
        if time.monotonic() - self._space_checked_at >= SPACE_CHECK_SECONDS:
            self.check_space()
        if self._nearly_full:
            raise LogFull("disk_full")
        if self._waiting_bytes > WAITING_BYTES:
            raise LogFull("overloaded")

    def _stream(self, connection: str) -> _Stream:
        stream = self._streams.get(connection)
        if stream is None:
            file = SegmentFile(
                self._root, connection=connection, writer=self._writer, files=self._files
            )
            stream = self._streams[connection] = _Stream(file)
        return stream

    async def _write(self, stream: _Stream) -> None:
        """Store group after group until nothing waits. Never raises: those who wait are told."""
        while stream.waiting:
            group = stream.next_group()
            data = b"".join([item.line for item in group])
            try:
                took = await stream.thread.run(partial(stream.file.store, data, hour=group[0].hour))
            except Exception as error:
                self._failed(group, error=error)
            else:
                self.counts.stored(lines=len(group), size=len(data), sync_seconds=took)
                self._note(failure="")
                for item in group:
                    if not item.done.done():
                        item.done.set_result(None)
            finally:
                self._waiting_bytes -= len(data)
        stream.task = None

    def _failed(self, group: list[_Waiting], *, error: Exception) -> None:
        self.counts.failed_groups += 1
        self._note(failure=_described(error))
        number = error.errno if isinstance(error, OSError) else None
        for item in group:
            if not item.done.done():
                # One for each: a shared one would collect the traces of all who wait.
                item.done.set_exception(OSError(number, "the webhook log could not be written"))

    def _try_disk(self) -> None:
        path = self._root / f".probe-{secrets.token_hex(4)}"
        descriptor = self._files.create(path)
        try:
            self._files.write(descriptor, memoryview(b"\n"))
            self._files.sync(descriptor)
        finally:
            self._files.close(descriptor)
            self._files.remove(path)

    def _note(self, *, nearly_full: bool | None = None, failure: str | None = None) -> None:
        """Remember what is wrong, and tell it once when it begins and when it ends."""
        before = self.problem
        if nearly_full is not None:
            self._nearly_full = nearly_full
        if failure is not None:
            self._failure = failure
        if self.problem and self.problem != before:
            _log.error("Webhooks are refused until this is mended: %s", self.problem)
        elif before and not self.problem:
            _log.warning("Webhooks are stored again")


def _described(error: Exception) -> str:
    number = getattr(error, "errno", None)
    return f"the webhook log could not be written ({type(error).__name__}, errno {number})"
