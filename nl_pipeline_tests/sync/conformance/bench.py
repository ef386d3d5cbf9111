"""An adapter at work on a twin, and what the tests of the port ask of it.

Belongs here: reading, pushing, and acting between two requests. Not here: assertions.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx
import pandas as pd

from nl_pipeline.domain.address import address_key
from nl_pipeline.sync.providers.port import AudienceSide, MemberRead
from nl_pipeline.warehouse.outcomes import Pending, Result
from nl_pipeline_tests.providers import Record, Stage
from nl_pipeline_tests.scenario import Scenario, address
from nl_pipeline_tests.sync.pushing import change, nobody, subscription


@dataclass
class Bench:
    """One scenario whose adapter is spoken to directly; people are named as in the scenario."""

    scenario: Scenario
    audience_id: str
    asked: list[frozenset[str]] = field(default_factory=list)

    @property
    def audience(self) -> AudienceSide:
        return self.scenario.link.audience

    @property
    def stage(self) -> Stage:
        return self.scenario.stage

    def subscribed(self) -> set[str]:
        """Keys of everybody who gets mail."""
        found = {address_key(email) for email in self.scenario.picture().subscribed()}
        return {key for key in found if key is not None}

    def now(self) -> datetime:
        return self.scenario.link.now()

    # Reading

    def begin_read(self, *, since: datetime | None = None) -> MemberRead:
        return self.audience.read(self.audience_id, since=since, observed_at=self.now())

    def read(self, *, since: datetime | None = None) -> tuple[MemberRead, pd.DataFrame]:
        """A read to its end, and its rows."""
        read = self.begin_read(since=since)
        frames = list(read.frames)
        return read, pd.concat(frames) if frames else pd.DataFrame(columns=["key", "state"])

    def read_again(self, *people: Sequence[str]) -> pd.DataFrame:
        return self.audience.read_again(self.audience_id, people, observed_at=self.now())

    def states(self, rows: pd.DataFrame) -> dict[str, str]:
        """The state of everybody in these rows by address, with the reasons of those who left."""
        found = dict(zip(rows["key"], rows["state"], strict=True))
        if self.audience.traits.tells_why:
            return found
        left = [
            (str(key), str(member_id), changed_at)
            for key, member_id, changed_at, state, by in zip(
                rows["key"],
                rows["member_id"],
                rows["changed_at"],
                rows["state"],
                rows["unsubscribed_by"],
                strict=True,
            )
            if state == "UNSUB" and not isinstance(by, str)
        ]
        for answers in self.audience.why_left(self.audience_id, left):
            found |= {answer.key: str(answer.state) for answer in answers}
        return found

    # Pushing

    def record(self, name: str) -> Record:
        """Somebody as the twin knows them."""
        found = self.scenario.picture().member(name)
        assert found is not None
        return found

    def status(self, name: str) -> str:
        return self.scenario.status(name)

    def of(self, action: str, name: str, *, seq: int = 1, **change_of: Any) -> Pending:
        """A change of somebody who is there."""
        record_id = self.record(name)["id"]
        return change(action, address(name), record_id=record_id, seq=seq, **change_of)

    def new(self, name: str, *, seq: int = 1, **values: str) -> Pending:
        """A subscription of somebody who is not."""
        return subscription(address(name), seq=seq, **values)

    def push(
        self,
        *pending: Pending,
        withdrawn: Callable[[Collection[str]], Collection[str]] = nobody,
    ) -> dict[int, Result]:
        """Push and return the results by number; whoever is asked about is kept in ``asked``."""
        results: list[Result] = []

        def ask(keys: Collection[str]) -> Collection[str]:
            self.asked.append(frozenset(keys))
            return withdrawn(keys)

        self.audience.push(self.audience_id, pending, on_results=results.extend, withdrawn=ask)
        assert len({one.seq for one in results}) == len(results)
        return {one.seq: one for one in results}

    @contextlib.contextmanager
    def watched(self, on_request: Callable[[httpx.Request], None]) -> Iterator[None]:
        """Within the block every request is seen right before it goes out."""
        http = self.audience.client._session._http  # type: ignore[attr-defined]
        hooks = http.event_hooks
        http.event_hooks = {**hooks, "request": [*hooks["request"], on_request]}
        try:
            yield
        finally:
            http.event_hooks = hooks

    @contextlib.contextmanager
    def broken(self, *, kind: str, match: str, times: int = 1, **options: Any) -> Iterator[None]:
        """Within the block calls to the provider fail."""
        control = self.scenario.control
        control.fault(self.stage.service, kind=kind, match=match, times=times, **options)
        try:
            yield
        finally:
            control.clear_faults()

    def calls_made(self) -> int:
        return sum(self.audience.calls.values())


def texts_with_addresses(error: BaseException | None) -> list[str]:
    """Everything a log would show of an error, as far as it names somebody."""
    found = []
    while error is not None:
        found += [text for text in (str(error), repr(error)) if "@" in text or "kunde-0" in text]
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return found
