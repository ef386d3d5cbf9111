"""One read that goes page by page, in progress: frames first, counts afterwards.

Belongs here: what the counts of pages say about a read. Must not be here: what is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, Protocol, TypeVar

Frame = TypeVar("Frame")


class Pages(Protocol):
    """What a client tells of the pages it has read so far."""

    @property
    def announced_first(self) -> int | None: ...
    @property
    def announced_last(self) -> int | None: ...
    @property
    def rows(self) -> int: ...
    @property
    def served_at(self) -> datetime | None: ...
    @property
    def complete(self) -> bool: ...


@dataclass
class PagedRead(Generic[Frame]):
    """Iterate ``frames``, then look at the counts. ``rejected``: (record id, cause)."""

    pages: Pages
    frames: Iterator[Frame]
    rejected: list[tuple[str, str]] = field(default_factory=list)

    @property
    def announced_before(self) -> int:
        return self.pages.announced_first or 0

    @property
    def announced_after(self) -> int:
        return self.pages.announced_last or 0

    @property
    def rows(self) -> int:
        return self.pages.rows

    @property
    def served_at(self) -> datetime | None:
        """The service's time when the read began, once it has; None if it tells no time."""
        return self.pages.served_at

    @property
    def complete(self) -> bool:
        return self.pages.complete
