"""What the writer asks of the operating system, and nothing more.

Belongs here: the calls that create, write and sync files. Must not be here: when they are made.
A test puts another layer in its place, one that loses what was not synced or has no space.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

from nl_pipeline.webhook_log.paths import FILE_MODE, FOLDER_MODE


class Files(Protocol):
    """Files that only grow, named by descriptors. Every call may raise OSError."""

    def make_folder(self, folder: Path) -> None:
        """Create a folder and those above it, for the owner only; fine if it is there."""

    def create(self, path: Path) -> int:
        """Open a new file for writing. FileExistsError if there is one."""

    def write(self, descriptor: int, data: memoryview) -> int:
        """Append some of ``data``; how many bytes were taken."""

    def sync(self, descriptor: int) -> None:
        """Return when everything written to the file would survive a loss of power."""

    def sync_folder(self, folder: Path) -> None:
        """The same for the names in a folder."""

    def close(self, descriptor: int) -> None:
        """Give the descriptor back."""

    def remove(self, path: Path) -> None:
        """Delete a file."""

    def free_bytes(self, folder: Path) -> int:
        """Space that this user may still fill on the disk of ``folder``."""


class DiskFiles:
    """The real thing."""

    def make_folder(self, folder: Path) -> None:
        """Create a folder and those above it, for the owner only, with durable names."""
        for missing in reversed([path for path in (folder, *folder.parents) if not path.exists()]):
            missing.mkdir(mode=FOLDER_MODE, exist_ok=True)
            self.sync_folder(missing.parent)

    def create(self, path: Path) -> int:
        """Open a new file for writing, for the owner only."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        return os.open(path, flags, FILE_MODE)

    def write(self, descriptor: int, data: memoryview) -> int:
        """Append some of ``data``."""
        return os.write(descriptor, data)

    def sync(self, descriptor: int) -> None:
        """``fdatasync``: contents and length, not the times."""
        os.fdatasync(descriptor)

    def sync_folder(self, folder: Path) -> None:
        """``fsync`` of a folder."""
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def close(self, descriptor: int) -> None:
        """Give the descriptor back."""
        os.close(descriptor)

    def remove(self, path: Path) -> None:
        """Delete a file."""
        path.unlink()

    def free_bytes(self, folder: Path) -> int:
        """Space left for this user, without what only root may fill."""
        disk = os.statvfs(folder)
        return disk.f_bavail * disk.f_frsize
