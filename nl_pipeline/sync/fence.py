"""The fence: whom nobody may subscribe, ask or tag, asked again right before each request.

Belongs here: putting ledger, events and the unread part of the webhook log together. Must not be
here: sending, understanding a line (``events``).

An opt-out that a receiver has acknowledged is on its way for some seconds before an ingest takes
it in; the fence reads the end of the log itself meanwhile. What another process has taken in since
stands in the ledger.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote_plus

from nl_pipeline.sync.events.told import HARMLESS, Unusable
from nl_pipeline.sync.events.understanding import may_have_left, understanding
from nl_pipeline.sync.link import Link
from nl_pipeline.warehouse import events
from nl_pipeline.webhook_log.lines import UnreadableLine, decode
from nl_pipeline.webhook_log.paths import segment_path
from nl_pipeline.webhook_log.reading import Segment, segments


class Fence:
    """The fence of one push. May be asked from several threads."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._tail = _Tail(link)
        self._stops = may_have_left(link)
        self._turn = threading.Lock()
        self._asked: set[str] = set()
        self._withdrawn: set[str] = set()
        self._version: tuple[int, ...] | None = None

    def prepare(self, keys: Collection[str]) -> None:
        """Ask for everybody who is going to be asked for, before threads do."""
        with self._turn:
            self._ask_ledger(keys)

    def withdrawn(self, keys: Collection[str]) -> set[str]:
        """Of these keys, those whose last word was a withdrawal, as far as anybody was told."""
        if not keys:
            return set()
        with self._turn:
            gone = self._tail.left(keys)
            self._ask_ledger(keys)
            return gone | (self._withdrawn & set(keys))

    def just_left(self, keys: Collection[str]) -> set[str]:
        """Of these keys, those who left by a notice that nobody has taken in yet."""
        if not keys:
            return set()
        with self._turn:
            return self._tail.left(keys)

    def _ask_ledger(self, keys: Collection[str]) -> None:
        """Ask for new keys, and for all of them once something was written to the warehouse.

        A thread that finds another one of this process at the warehouse goes by what is known: the
        file has not changed hands then, and new notices are in the log.
        """
        version = _version_of(self._link.warehouse.path)
        unasked = set(keys) - self._asked
        if not keys or (not unasked and version == self._version):
            return
        wanted = self._asked | unasked
        found = events.withdrawn_keys(
            self._link.warehouse, keys=wanted, kinds=self._stops, waits=bool(unasked)
        )
        if found is not None:
            self._asked, self._withdrawn = wanted, found
            # That of before: what was written since may have come after the question.
            self._version = version


class _Tail:
    """The part of the log that was not ingested when the push began, and what has come since."""

    def __init__(self, link: Link) -> None:
        self._folder = link.webhook_log
        self._understand = understanding(link)
        self._stops = may_have_left(link)
        self._link = link
        self._left: set[str] = set()
        self._strange: list[str] = []
        self._at: dict[str, int] = {}
        self._since: date | None = None
        if self._folder is not None:
            # Before the segments are listed: what is ingested in between is then read twice.
            self._at = events.read_offsets(link.warehouse)

    def left(self, keys: Collection[str]) -> set[str]:
        if self._folder is None:
            return set()
        for segment in self._segments(self._folder):
            begin = self._at.get(segment.name, 0)
            if segment.size > begin:
                self._at[segment.name] = self._read(self._folder, segment=segment, begin=begin)
        gone = self._left & set(keys)
        if self._strange:
            gone |= {key for key in keys if any(key in text for text in self._strange)}
        return gone

    def _segments(self, folder: Path) -> Iterator[Segment]:
        """All of the log once; later those of the days that may still grow."""
        if self._since is None:
            found = segments(folder)
            latest = max((segment.day for segment in found), default=self._today())
            self._since = min(latest, self._today()) - timedelta(days=1)
            yield from found
            return
        day = self._since
        while day <= self._today() + timedelta(days=1):
            yield from segments(folder, day=day)
            day += timedelta(days=1)

    def _today(self) -> date:
        return max(self._link.now(), datetime.now(UTC)).astimezone(UTC).date()

    def _read(self, folder: Path, *, segment: Segment, begin: int) -> int:
        """Take in what lies behind ``begin``; returns the byte behind the last whole line."""
        try:
            with segment_path(folder, segment=segment.name).open("rb") as file:
                file.seek(begin)
                whole, newline, rest = file.read().rpartition(b"\n")
        except FileNotFoundError:
            # Its writer took it back since it was listed: nothing of it was acknowledged.
            return begin
        for raw in whole.splitlines() if newline else ():
            self._take(raw)
        if rest:
            # Not acknowledged yet, or torn: counts all the same.
            self._take(rest)
        return begin + (len(whole) + 1 if newline else 0)

    def _take(self, raw: bytes) -> None:
        try:
            told = self._understand(decode(raw))
        except UnreadableLine:
            unusable = {"unreadable"}
        except Unusable as cause:
            unusable = {str(cause)}
        else:
            unusable = set(told.unusable)
            self._left |= {event.key for event in told.events if event.kind in self._stops}
        if unusable - HARMLESS:
            self._strange.append(_readable(raw.decode(errors="replace")))


def _readable(text: str) -> str:
    """A text in which an address can be found, whatever was done to it."""
    return f"{text.lower()}\n{unquote_plus(text).lower()}"


def _version_of(path: Path) -> tuple[int, ...]:
    """Changes with every write to the warehouse, also while it stands in DuckDB's own log."""
    version: list[int] = []
    for file in (path, path.with_name(f"{path.name}.wal")):
        try:
            found = file.stat()
        except FileNotFoundError:
            version += [0, 0]
        else:
            version += [found.st_mtime_ns, found.st_size]
    return tuple(version)
