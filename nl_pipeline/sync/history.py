"""Recovering what happened while nobody listened: from the provider's own records into the events.

Belongs here: a window of time into events, and reports of campaigns into events. Must not be here:
what a provider still tells (``providers``), what an event leads to (``sync.events``).

An event is stored once, whoever told it first; so a recovery fills gaps and repeats nothing, may be
started again after it was stopped, and may meet the webhooks of the same time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from nl_pipeline.domain.events import SubscriberEvent
from nl_pipeline.sync.booked import booked_kinds
from nl_pipeline.sync.clocks import provider_ahead
from nl_pipeline.sync.events.ingest import IngestResult, ingest
from nl_pipeline.sync.link import Link
from nl_pipeline.sync.observe import audience_of
from nl_pipeline.sync.providers.port import HistoryPortion
from nl_pipeline.sync.run import SyncResult, sync
from nl_pipeline.warehouse import events, history, observations, plans
from nl_pipeline.warehouse.history import DueReport, ReadReport

#: Reports of campaigns this old are looked at again.
_STILL_BOUNCING = timedelta(days=30)


class WindowRefused(ValueError):
    """The window cannot be recovered; the text says why."""


@dataclass(frozen=True)
class Window:
    """Whole days in UTC, [start, end)."""

    start: datetime
    end: datetime

    @classmethod
    def of_days(cls, first: date, *, last: date, today: date) -> Window:
        """The days ``first`` to ``last``, both included. Raises WindowRefused."""
        if last < first:
            raise WindowRefused(f"the window ends on {last} and begins on {first}, which is later")
        if last > today:
            raise WindowRefused(f"{last} has not come yet; today is {today} (UTC)")
        midnight = time(tzinfo=UTC)
        return cls(
            datetime.combine(first, midnight),
            datetime.combine(last + timedelta(days=1), midnight),
        )


@dataclass(frozen=True)
class Found:
    """Events that were found: new ones and known ones, by kind."""

    new: dict[str, int] = field(default_factory=dict)
    known: dict[str, int] = field(default_factory=dict)

    def __add__(self, other: Found) -> Found:
        return Found(
            dict(Counter(self.new) + Counter(other.new)),
            dict(Counter(self.known) + Counter(other.known)),
        )


@dataclass(frozen=True)
class WindowRead:
    """What was found in a window, in how many reports of campaigns, with how many calls to the
    provider."""

    found: Found
    reports: int
    calls: int


@dataclass(frozen=True)
class HistoryResult:
    """What a recovery found in its window, and what came of it: as for an ingest, and by a sync if
    anything was new."""

    start: datetime
    end: datetime
    read: WindowRead
    applied: IngestResult
    synced: SyncResult | None

    @property
    def complete(self) -> bool:
        """Whether nothing of it has to be tried again."""
        told = self.applied.stopped_by is None and not self.applied.opt_outs_pending
        return told and (self.synced is None or self.synced.complete)


@dataclass(frozen=True)
class ReportsRead:
    """How many reports of campaigns were looked at, and what was found in them."""

    reports: int
    found: Found


def recover(link: Link, *, start: datetime, end: datetime) -> HistoryResult:
    """Find what happened at the provider in [start, end), store what nobody had told us, and carry
    it through together with what waits in the webhook log.

    Raises ``clients.errors``; what was found until then stays stored, the opt-outs among it are
    carried out, and the same recovery may be started again.
    """
    try:
        read = find(link, start=start, end=end)
    except Exception:
        # An opt-out that is known does not wait for the rest.
        ingest(link)
        raise
    applied = ingest(link)
    synced = None
    # Whoever left and came back is cancelled by now; only a plan decides about the return.
    has_news = any((read.found.new, applied.needs_sync, applied.touched, applied.opt_outs_applied))
    may_sync = applied.stopped_by is None and plans.first_sync_is_done(link.warehouse)
    if has_news and may_sync:
        synced = sync(link, mode="incremental")
    return HistoryResult(start=start, end=end, read=read, applied=applied, synced=synced)


def find(link: Link, *, start: datetime, end: datetime) -> WindowRead:
    """The first half of a recovery: into the events, and opt-outs into the ledger with them."""
    before = link.audience.calls.total()
    audience_id = audience_of(link)
    ahead = provider_ahead(link)

    def is_ours(
        changes: Sequence[tuple[str, datetime]], *, actions: Collection[str] = ()
    ) -> list[bool]:
        return history.written_by_us(link.warehouse, changes=changes, actions=actions, ahead=ahead)

    found = _store(
        link,
        portions=link.audience.past.history(
            audience_id,
            start=start,
            end=end,
            now=link.now(),
            is_ours=is_ours,
            bounces=link.settings.activities.hard_bounce is not None,
        ),
    )
    reports = _read_reports(link, audience_id=audience_id, start=start, end=end, again=True)
    return WindowRead(
        found=found + reports.found,
        reports=reports.reports,
        calls=link.audience.calls.total() - before,
    )


def read_reports(link: Link) -> ReportsRead:
    """Look at the reports of campaigns we were told of, as far as they are due, and store who got
    mail, whose mail came back, and who opened it; the next ingest books the activities.

    Nothing is called if none of it is wanted as an activity. Not a part of an ingest, which
    opt-outs wait for: a report has as many rows as the campaign had recipients.
    """
    audience_id = observations.read_state(link.warehouse, name="audience_id") or ""
    now = link.now()
    return _read_reports(
        link, audience_id=audience_id, start=now - _STILL_BOUNCING, end=now, again=False
    )


def _read_reports(
    link: Link, *, audience_id: str, start: datetime, end: datetime, again: bool
) -> ReportsRead:
    if not booked_kinds(link.settings.activities):
        return ReportsRead(0, Found())
    due = history.reports_to_read(link.warehouse, start=start, end=end, now=link.now(), again=again)
    found = Found()
    for report in due:
        found += _read_report(link, audience_id=audience_id, due=report, again=again)
    return ReportsRead(len(due), found)


def _read_report(link: Link, *, audience_id: str, due: DueReport, again: bool) -> Found:
    """One report. One whose numbers are those of the last time is not read, unless ``again``:
    other activities may be wanted now."""
    campaign = link.audience.past.campaign(audience_id, due.campaign_id)
    now = link.now()
    if campaign is None:
        history.note_report(link.warehouse, report=ReadReport(due.campaign_id, None, 0, 0), now=now)
        return Found()
    read = ReadReport(due.campaign_id, campaign.sent_at, campaign.recipients, campaign.hard_bounces)
    found = Found()
    if again or due.known != read:
        found = _store(
            link,
            portions=link.audience.past.recipients(
                campaign,
                now=now,
                wanted=booked_kinds(link.settings.activities),
            ),
        )
    # After its last page: a report that was not read to its end is read again.
    history.note_report(link.warehouse, report=read, now=now)
    return found


def _store(link: Link, *, portions: Iterable[HistoryPortion]) -> Found:
    found = Found()
    for portion in portions:
        link.progress(f"history: {portion.what}", portion.done, portion.total)
        if portion.events:
            found += _store_portion(link, told=portion.events)
    return found


def _store_portion(link: Link, *, told: Sequence[SubscriberEvent]) -> Found:
    stored = events.store(link.warehouse, events=told, read=(), now=link.now())
    return Found(stored.new_by_kind, stored.duplicates_by_kind)
