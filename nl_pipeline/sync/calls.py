"""Calls made beside the least possible: by service and by what they were for.

Belongs here: the book a link keeps, its report, and what each part of a sync is for. Must not be
here: the arithmetic (``domain.least_calls``), and counting single requests (``clients``).
"""

from __future__ import annotations

import contextlib
import functools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Concatenate, Literal, ParamSpec, TypeVar

from nl_pipeline.domain.least_calls import CrmWork, ProviderWork
from nl_pipeline.warehouse.outcomes import Pending

if TYPE_CHECKING:
    from nl_pipeline.sync.link import Link

P = ParamSpec("P")
R = TypeVar("R")

Side = Literal["crm", "provider"]
Purpose = Literal["settings", "read", "look_up", "check", "write", "read_back", "other"]

#: ``settings``: what an account or audience looks like as a whole, whatever for it was asked;
#: ``check``: the look right before something is written; ``other``: what nobody entered.
PURPOSES: tuple[Purpose, ...] = (
    "settings",
    "read",
    "look_up",
    "check",
    "write",
    "read_back",
    "other",
)
SIDES: tuple[Side, ...] = ("crm", "provider")
CRM_SETTINGS_CALLS = frozenset({"get:fields", "get:actionkindtypes"})


@dataclass(frozen=True)
class CallCount:
    """Calls of one side for one purpose, made and least possible."""

    side: Side
    purpose: Purpose
    made: int
    least: int


@dataclass(frozen=True)
class CallReport:
    """Calls made over the least possible.

    ``crm`` and ``provider`` count by call: requests and, for onOffice, the actions inside them.
    ``over_least`` is ``made`` divided by ``least``, None where nothing had to be called.
    """

    made: int
    least: int
    over_least: float | None
    purposes: tuple[CallCount, ...]
    crm: Mapping[str, int]
    provider: Mapping[str, int]


@dataclass(frozen=True)
class Counters:
    """The calls of both sides by "METHOD template" and onOffice action, as they are counted.

    ``settings``: those of them that ask about an account or audience as a whole. Each is a request
    of its own.
    """

    calls: Mapping[Side, Counter[str]]
    settings: frozenset[str]

    def copied(self) -> Counters:
        """The same as it is now."""
        return Counters({side: Counter(self.calls[side]) for side in SIDES}, self.settings)

    def since(self, begun: Counters | None) -> Counters:
        """What was added since."""
        before = begun.calls if begun else {side: Counter[str]() for side in SIDES}
        return Counters({side: self.calls[side] - before[side] for side in SIDES}, self.settings)

    def requests(self, side: Side) -> int:
        """Requests that were not about settings. Names without a blank are actions inside of
        requests."""
        calls = self.calls[side]
        total = sum(count for name, count in calls.items() if " " in name)
        return total - sum(calls[name] for name in self.settings)

    def asked(self, side: Side) -> tuple[int, int]:
        """How often settings were asked for, and how often had been enough."""
        times = [self.calls[side][name] for name in self.settings]
        return sum(times), sum(min(1, count) for count in times)


class CallBook:
    """What one use case had to do and what it called, while it works.

    ``begun``: the counters when it began; ``whole``: the book of what it is a part of, which takes
    the same entries.
    """

    def __init__(self, *, begun: Counters | None = None, whole: CallBook | None = None) -> None:
        self.whole = whole
        self._begun = begun
        self._purpose: Purpose | None = None
        self._made: Counter[tuple[Side, Purpose]] = Counter()
        self._least: Counter[tuple[Side, Purpose]] = Counter()

    @contextlib.contextmanager
    def counting(self, purpose: Purpose, *, counters: Counters) -> Iterator[Purpose]:
        """Count what is called in the block; inside another block its purpose stays. Yields it."""
        if self._purpose is not None:
            yield self._purpose
            return
        before = {side: counters.requests(side) for side in SIDES}
        self._purpose = purpose
        try:
            yield purpose
        finally:
            self._purpose = None
            for side in SIDES:
                self._note_made(side, purpose, counters.requests(side) - before[side])

    def need(self, side: Side, purpose: Purpose, *, calls: int) -> None:
        """Enter how many calls were needed at least."""
        self._least[side, purpose] += calls
        if self.whole is not None:
            self.whole.need(side, purpose, calls=calls)

    def report(self, counters: Counters) -> CallReport:
        """What was called since the book was begun. Calls that no block counted are `other`."""
        since = counters.since(self._begun)
        made, least = Counter(self._made), Counter(self._least)
        for side in SIDES:
            counted = sum(count for (s, _), count in made.items() if s == side)
            made[side, "other"] = since.requests(side) - counted
            made[side, "settings"], least[side, "settings"] = since.asked(side)
        purposes = tuple(
            CallCount(side, purpose, made[side, purpose], least[side, purpose])
            for side in SIDES
            for purpose in PURPOSES
            if made[side, purpose] or least[side, purpose]
        )
        total, needed = sum(p.made for p in purposes), sum(p.least for p in purposes)
        return CallReport(
            made=total,
            least=needed,
            over_least=round(total / needed, 2) if needed else None,
            purposes=purposes,
            crm=dict(sorted(since.calls["crm"].items())),
            provider=dict(sorted(since.calls["provider"].items())),
        )

    def _note_made(self, side: Side, purpose: Purpose, count: int) -> None:
        self._made[side, purpose] += count
        if self.whole is not None:
            self.whole._note_made(side, purpose, count)


def crm_writes(pending: Sequence[Pending]) -> CrmWork:
    """What it takes to send these changes to the CRM: one action a contact.

    Addresses and new contacts may not be sent twice, everything else may: a lost answer must not
    make both kinds unknown.
    """
    once = {p.change.record_id for p in pending if p.change.action == "change_email"}
    created = sum(p.change.action == "create_contact" for p in pending)
    contacts = {p.change.record_id for p in pending if p.change.action != "create_contact"}
    return CrmWork(actions=(len(contacts - once), len(once) + created))


def counted(
    purpose: Purpose, *, work: Callable[[Link, R], Sequence[CrmWork | ProviderWork]]
) -> Callable[[Callable[Concatenate[Link, P], R]], Callable[Concatenate[Link, P], R]]:
    """Count what a use case calls as made for `purpose`; `work` tells from its result what was to
    be done. Within a `counting` block of another purpose it is a part of that."""

    def decorate(act: Callable[Concatenate[Link, P], R]) -> Callable[Concatenate[Link, P], R]:
        @functools.wraps(act)
        def counting(link: Link, /, *args: P.args, **kwargs: P.kwargs) -> R:
            with link.counting(purpose) as meant:
                result = act(link, *args, **kwargs)
            link.need(meant, *work(link, result))
            return result

        return counting

    return decorate
