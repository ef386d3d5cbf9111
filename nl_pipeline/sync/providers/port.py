"""The port of an audience: what every provider must offer to the use cases.

Belongs here: the protocol and its records. Must not be here: anything of one provider.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import pandas as pd

from nl_pipeline.domain.least_calls import ProviderLimits, ProviderWork
from nl_pipeline.settings import Connection
from nl_pipeline.warehouse.observations import Evidence
from nl_pipeline.warehouse.outcomes import Pending, Result

#: The tag by which we know the members we added or took over. Never mirrored into the CRM.
OWNERSHIP_TAG = "onoffice"

#: Of these keys, those who must not be subscribed, asked or tagged now. May be asked from several
#: threads, and costs next to nothing.
Withdrawn = Callable[[Collection[str]], Collection[str]]


class MemberRead(Protocol):
    """One read of an audience: iterate ``frames``, then look at the counts."""

    frames: Iterator[pd.DataFrame]
    rejected: list[tuple[str, str]]

    @property
    def announced_before(self) -> int: ...
    @property
    def announced_after(self) -> int: ...
    @property
    def rows(self) -> int: ...
    @property
    def served_at(self) -> datetime | None:
        """The provider's time when the read began, once it has; None if the provider tells no
        time."""
        ...

    @property
    def complete(self) -> bool: ...


@dataclass(frozen=True)
class AudienceFound:
    """The audience a connection works with; ``created`` and ``fields_created`` tell what was
    made."""

    audience_id: str
    created: bool
    fields_created: tuple[str, ...]


class AudienceSide(Protocol):
    """A provider's audience in the words of the warehouse. Errors are those of
    ``clients.errors``."""

    @property
    def calls(self) -> Counter[str]: ...

    def now(self) -> datetime | None:
        """The provider's time by its last answer, None before one or if it tells no time."""

    def check(self, *, name: str, audience_id: str | None) -> AudienceFound:
        """Find the audience by stored id, then by exact name, and check the mapped fields."""

    def prepare(self, connection: Connection, *, audience_id: str | None) -> AudienceFound:
        """As ``check``, but create what is missing."""

    def read(
        self, audience_id: str, *, since: datetime | None, observed_at: datetime
    ) -> MemberRead:
        """All members, archived ones too, or those changed since (aware UTC, with overlap)."""

    def read_again(
        self, audience_id: str, people: Sequence[Sequence[str]], *, observed_at: datetime
    ) -> pd.DataFrame:
        """The members behind these references as they are now, archived ones too.

        Each person is named by what may find them, in order: stable ids, then addresses. Whoever is
        not found is missing in the frame."""

    def complaints(self, audience_id: str) -> list[str]:
        """Member ids with an abuse report."""

    def look_up_signups(
        self, audience_id: str, members: Sequence[tuple[str, str, datetime | None]]
    ) -> list[Evidence]:
        """Who subscribed these members: (key, member id, changed at)."""

    def look_up_archived(
        self, audience_id: str, members: Sequence[tuple[str, str, datetime | None]]
    ) -> list[Evidence]:
        """Whether these archived members had unsubscribed before they were archived."""

    @property
    def limits(self) -> ProviderLimits:
        """What fits into one call."""

    @property
    def passes(self) -> tuple[int, ...]:
        """Rows of each pass the latest ``read`` took."""

    @property
    def settings_calls(self) -> frozenset[str]:
        """Calls that ask about the audience as a whole, which once a sync is enough for."""

    def work_of(self, pending: Sequence[Pending]) -> ProviderWork:
        """What it takes to send these changes."""

    def push(
        self,
        audience_id: str,
        pending: Sequence[Pending],
        *,
        on_results: Callable[[list[Result]], None],
        withdrawn: Withdrawn,
    ) -> None:
        """Send changes with the fewest calls that cannot overwrite a status; results as they
        come.

        Right before each request that subscribes, asks or tags people ``withdrawn`` is asked for
        them, before each repeat too; whoever it names is left out and "overtaken"."""

    def settle(self, *, since: datetime) -> int:
        """Wait for what was sent since and is still being carried out; returns how much it was."""
