"""One ingest: what the webhook log holds since the last one, into ledger, CRM and activities.

Belongs here: the order of the steps and what they came to. Must not be here: the steps.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from nl_pipeline.clients.errors import ApiError
from nl_pipeline.sync import activities
from nl_pipeline.sync.events import opt_outs
from nl_pipeline.sync.events.log import portions
from nl_pipeline.sync.events.opt_outs import OptOutsApplied
from nl_pipeline.sync.events.touched import LookedAgain, look_again
from nl_pipeline.sync.events.understanding import understanding
from nl_pipeline.sync.link import Link
from nl_pipeline.sync.run import SyncResult, sync
from nl_pipeline.warehouse import events, news, plans


@dataclass(frozen=True)
class Freshness:
    """Seconds until the CRM field was written: the middle one and the one that 95 % stay below."""

    p50: float
    p95: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Freshness | None:
        """None where there is nothing to measure."""
        if not seconds:
            return None
        ranked = sorted(seconds)
        return cls(*(ranked[max(0, math.ceil(share * len(ranked)) - 1)] for share in (0.5, 0.95)))


@dataclass(frozen=True)
class IngestResult:
    """What an ingest came to. ``new`` and ``duplicates`` are events by kind, ``poison`` lines that
    could not be used by cause, ``torn`` segments whose last line is not whole.

    ``opt_outs_pending`` are tried again by the next ingest; ``touched`` people were looked at
    again, ``echoes`` of their events told nothing new. ``needs_sync``: something changed that a
    plan has to decide. ``stopped_by``: what a service did not do; all else was done and noted.
    """

    lines: int
    poison: dict[str, int]
    torn: int
    new: dict[str, int]
    duplicates: dict[str, int]
    opt_outs_applied: int
    opt_outs_pending: int
    contacts_cancelled: int
    touched: int
    echoes: int
    activities_written: int
    needs_sync: bool
    from_received: Freshness | None
    from_happened: Freshness | None
    stopped_by: ApiError | None = None


@dataclass
class TakenIn:
    """What was read of the log: lines, those that could not be used by cause, segments whose last
    line is not whole, and events by kind."""

    lines: int
    poison: Counter[str]
    torn: int
    new: Counter[str]
    duplicates: Counter[str]


@dataclass(frozen=True)
class CarriedOut:
    """What came of the events that were not finished."""

    told: OptOutsApplied
    looked: LookedAgain
    needs_sync: bool
    stopped_by: ApiError | None


def ingest(link: Link) -> IngestResult:
    """Take in what the log of the link holds and was not read yet, and carry it through, opt-outs
    first.

    Running it again, or two of them at once, does nothing twice. A service that is away is no
    reason to leave the rest: the error is in ``stopped_by``, and the next ingest goes on.
    """
    stored = take_in(link)
    carried = carry_out(link)
    stopped_by, written = carried.stopped_by, 0
    try:
        written = activities.write(link)
    except ApiError as error:
        stopped_by = stopped_by or error
    return _result(stored, carried=carried, written=written, stopped_by=stopped_by)


def take_in(link: Link) -> TakenIn:
    """Read what the log holds and was not read yet, and store its events, with the withdrawals
    among them in the ledger."""
    log = link.webhook_log
    stored = TakenIn(0, Counter(), 0, Counter(), Counter())
    if log is None:
        return stored
    offsets = events.read_offsets(link.warehouse)
    for portion in portions(log, offsets=offsets, understand=understanding(link)):
        kept = events.store_frame(
            link.warehouse, frame=portion.events, read=portion.read, now=link.now()
        )
        stored.new.update(kept.new_by_kind)
        stored.duplicates.update(kept.duplicates_by_kind)
        for part in portion.read:
            stored.lines += part.lines
            stored.torn += part.torn
            stored.poison.update(line.cause for line in part.poison)
        link.progress("lines of the webhook log", stored.lines, 0)
    return stored


def carry_out(link: Link) -> CarriedOut:
    """Finish the events that are not: opt-outs into the CRM, everybody else is looked at again.

    A service that is away is no reason to leave the rest: its error is handed back.
    """
    touched = events.touched(link.warehouse)
    told = opt_outs.apply(link)
    looked, failed = LookedAgain(len(touched), 0), None
    try:
        looked = look_again(link, touched=touched)
    except ApiError as error:
        failed = error
    return CarriedOut(
        told=told,
        looked=looked,
        # Whoever left and came back is cancelled by now; only a plan decides about the return.
        needs_sync=told.applied > 0 or news.count(link.warehouse) > 0,
        stopped_by=told.stopped_by or failed,
    )


def ingest_and_sync(link: Link) -> tuple[IngestResult, SyncResult | None]:
    """An ingest, and an incremental sync if it brought something that a plan has to decide.

    No sync before the first plan of the connection was applied: there would only be another plan to
    look at.
    """
    result = ingest(link)
    if not (result.needs_sync and plans.first_sync_is_done(link.warehouse)):
        return result, None
    return result, sync(link, mode="incremental")


def _result(
    stored: TakenIn, *, carried: CarriedOut, written: int, stopped_by: ApiError | None
) -> IngestResult:
    told = carried.told
    return IngestResult(
        lines=stored.lines,
        poison=dict(stored.poison),
        torn=stored.torn,
        new=dict(stored.new),
        duplicates=dict(stored.duplicates),
        opt_outs_applied=told.applied,
        opt_outs_pending=told.pending,
        contacts_cancelled=told.contacts_cancelled,
        touched=carried.looked.touched,
        echoes=carried.looked.echoes,
        activities_written=written,
        needs_sync=carried.needs_sync,
        from_received=Freshness.of([received for received, _ in told.delays]),
        from_happened=Freshness.of([happened for _, happened in told.delays]),
        stopped_by=stopped_by,
    )
