"""A disk in memory that knows what would survive a loss of power, and that can refuse.

Belongs here: the stand-in for `DiskFiles`. Must not be here: the writer's decisions.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

ROOT = Path("/log")


def always_well(_call: str) -> int:
    """No call is refused."""
    return 0


class MemoryDisk:
    """Files in memory. Contents survive once synced, names once their folder is synced.

    ``refuse`` is asked before each call with its name and gives the errno it fails with, or 0.
    ``most`` is how many bytes one write takes.
    """

    def __init__(self, *, refuse: Callable[[str], int] = always_well, most: int = 2**30) -> None:
        self.free = 10**12
        self.syncs = 0
        self.refuse = refuse
        self.most = most
        self.written: dict[Path, bytes] = {}
        self._synced: dict[Path, int] = {}
        self._folders: set[Path] = {ROOT.parent}
        self._names: set[Path] = {ROOT.parent}
        self._open: dict[int, Path] = {}
        self._next = count(3)

    def make_folder(self, folder: Path) -> None:
        self._asked("make_folder")
        self._folders |= {folder, *folder.parents}

    def create(self, path: Path) -> int:
        self._asked("create")
        if path in self.written:
            raise FileExistsError(errno.EEXIST, "exists")
        assert path.parent in self._folders
        self.written[path] = b""
        self._synced[path] = 0
        descriptor = next(self._next)
        self._open[descriptor] = path
        return descriptor

    def write(self, descriptor: int, data: memoryview) -> int:
        self._asked("write")
        taken = bytes(data[: self.most])
        self.written[self._open[descriptor]] += taken
        return len(taken)

    def sync(self, descriptor: int) -> None:
        self._asked("sync")
        self.syncs += 1
        path = self._open[descriptor]
        self._synced[path] = len(self.written[path])

    def sync_folder(self, folder: Path) -> None:
        self._asked("sync_folder")
        self._names |= {path for path in self.written if path.parent == folder}
        self._names |= {path for path in self._folders if path.parent == folder}

    def close(self, descriptor: int) -> None:
        del self._open[descriptor]

    def remove(self, path: Path) -> None:
        del self.written[path]
        del self._synced[path]

    def free_bytes(self, folder: Path) -> int:
        return self.free

    @property
    def open_files(self) -> int:
        """How many files are open."""
        return len(self._open)

    def survivors(self) -> dict[Path, bytes]:
        """What is there after a loss of power now, in the worst case."""
        return {
            path: content[: self._synced[path]]
            for path, content in self.written.items()
            if {path, *path.parents} <= self._names
        }

    def save(self, files: dict[Path, bytes], *, to: Path) -> None:
        """Put files of this disk into a real folder, for the reader."""
        for path, content in files.items():
            target = to / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)

    def _asked(self, call: str) -> None:
        if number := self.refuse(call):
            raise OSError(number, os.strerror(number))


def refusing(calls: dict[str, int]) -> Callable[[str], int]:
    """Refuse the calls named in ``calls``, each with its errno; change it to change the disk."""
    return lambda call: calls.get(call, 0)


def one_after_the_other(outcomes: Iterator[int]) -> Callable[[str], int]:
    """The outcome of each call in turn, and well from then on."""
    return lambda _call: next(outcomes, 0)
