"""Observing both sides: complete or incremental reads into the warehouse, and look-ups.

Belongs here: how a read is staged, judged complete and finished. Must not be here: decisions.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import pandas as pd

from nl_pipeline.domain.least_calls import CrmWork, ProviderWork
from nl_pipeline.sync import clocks
from nl_pipeline.sync.calls import counted
from nl_pipeline.sync.crm import ContactRead
from nl_pipeline.sync.link import Link
from nl_pipeline.sync.providers.port import MemberRead
from nl_pipeline.warehouse import observations, reasons, traits
from nl_pipeline.warehouse.observations import Evidence, Snapshot
from nl_pipeline.warehouse.planning import LookUps

Mode = Literal["full", "incremental"]

#: Rows kept in memory before they go to the warehouse.
_FLUSH_ROWS = 20_000
_TRIES = 2
#: Nobody is mailed who bounced, so an opt-out of theirs that nobody told of has some time.
_BOUNCE_HOLDS = timedelta(days=7)
_MAY_BE_COMPLAINTS = {"UNSUB", "CLEANED"}


@dataclass(frozen=True)
class ReadResult:
    """One read of one side: what was asked for, rows read, and whether nothing is missing."""

    side: str
    mode: Mode
    rows: int
    complete: bool
    rejected: int


def _contacts_read(_: Link, result: ReadResult) -> list[CrmWork]:
    return [CrmWork(passes=(result.rows,))]


def _members_read(link: Link, _: ReadResult) -> list[ProviderWork]:
    return [ProviderWork(passes=link.audience.passes)]


def read_contacts(link: Link, *, mode: Mode) -> ReadResult:
    """Read the CRM into the warehouse; incremental falls back to full before the first full
    read."""
    tags, selects, tags_known = link.crm.options()
    observations.store_options(link.warehouse, tags=tags if tags_known else None, fields=selects)
    observations.write_state(link.warehouse, name="tags_known", value="yes" if tags_known else "no")
    cursor = _cursor(link, side="crm") if mode == "incremental" else None
    return _read_contacts(link, since=cursor)


def pull_contacts(link: Link) -> None:
    """Read what changed in the CRM since the last read; nothing before the first full one."""
    cursor = _cursor(link, side="crm")
    if cursor is not None:
        _read_contacts(link, since=cursor)


@counted("read", work=_contacts_read)
def _read_contacts(link: Link, *, since: datetime | None) -> ReadResult:
    mode: Mode = "full" if since is None else "incremental"
    for attempt in range(_TRIES):
        started = link.now()
        read = link.crm.read(since=since, observed_at=started)
        observations.begin_read(link.warehouse, side="crm")
        rows = _stage(link, read=read, what="contacts").rows
        complete = read.complete
        if complete or attempt == _TRIES - 1:
            break
    clocks.note_crm(link)
    observations.finish_contacts(
        link.warehouse,
        snapshot=_snapshot(link, side="crm", mode=mode, started=started, read=read),
        # Rows shifted between pages may have been missed: the next read starts where the last
        # complete one did, by the clock of the service, which is the one its records go by.
        cursor=(read.served_at or started) if complete else None,
        now=link.now(),
    )
    if mode == "full":
        observations.store_rejected(link.warehouse, side="crm", rows=read.rejected, now=link.now())
    return ReadResult("crm", mode, rows, complete, len(read.rejected))


def read_members(link: Link, *, mode: Mode) -> ReadResult:
    """Read the audience into the warehouse; incremental falls back to full before the first one."""
    audience_id = audience_of(link)
    cursor = _cursor(link, side="provider") if mode == "incremental" else None
    return _read_members(link, audience_id=audience_id, since=cursor, mode=mode)


def pull_members(link: Link, *, mode: str = "incremental") -> None:
    """Read what changed in the audience since the last read: other people's changes and ours.

    The audience is the one that was read last; that it still stands was checked then. ``mode`` is
    how the read is named in the warehouse.
    """
    audience_id = observations.read_state(link.warehouse, name="audience_id") or ""
    since = _cursor(link, side="provider")
    _read_members(link, audience_id=audience_id, since=since, mode=mode)


@counted("read", work=_members_read)
def _read_members(link: Link, *, audience_id: str, since: datetime | None, mode: str) -> ReadResult:
    full = since is None
    for attempt in range(_TRIES):
        started = link.now()
        read = link.audience.read(audience_id, since=since, observed_at=started)
        observations.begin_read(link.warehouse, side="provider")
        staged = _stage(link, read=read, what="members")
        complete = read.complete
        if complete or attempt == _TRIES - 1:
            break
    if "UNSUB" in staged.states and not link.audience.traits.tells_why:
        _ask_why(link, audience_id=audience_id, full=full)
    clocks.note_provider(link)
    # Who complains is unsubscribed or cleaned by it, and so among what changed.
    may_complain = full or bool(staged.states & _MAY_BE_COMPLAINTS)
    observations.finish_members(
        link.warehouse,
        snapshot=_snapshot(
            link, side="provider", mode="full" if full else mode, started=started, read=read
        ),
        complaints=link.audience.complaints(audience_id) if may_complain else None,
        cursor=(read.served_at or started) if complete else None,
        now=link.now(),
    )
    if full:
        observations.store_rejected(
            link.warehouse, side="provider", rows=read.rejected, now=link.now()
        )
    return ReadResult(
        "provider", "full" if full else "incremental", staged.rows, complete, len(read.rejected)
    )


def _ask_why(link: Link, *, audience_id: str, full: bool) -> None:
    """Ask why people get no mail, once about each, and in full reads now and then about those who
    bounced; what was answered is kept as it comes."""
    wanted = reasons.unexplained(
        link.warehouse, bounced_before=link.now() - _BOUNCE_HOLDS if full else None
    )
    if wanted:
        done = 0
        with link.counting("look_up") as purpose:
            link.need(purpose, ProviderWork(single=(len(wanted),)))
            for answers in link.audience.why_left(audience_id, wanted):
                reasons.keep(link.warehouse, answers=answers, now=link.now())
                done += len(answers)
                link.progress("reasons of opt-outs", done, len(wanted))
    reasons.explain(link.warehouse)


def _snapshot(
    link: Link, *, side: str, mode: str, started: datetime, read: ContactRead | MemberRead
) -> Snapshot:
    return Snapshot(
        side=side,
        mode=mode,
        started_at=started,
        finished_at=link.now(),
        announced_before=read.announced_before,
        announced_after=read.announced_after,
        rows_read=read.rows,
        complete=read.complete,
    )


@dataclass(frozen=True)
class _Staged:
    """What a read has put into staging: its rows, and the states of members among them."""

    rows: int
    states: frozenset[str]


def _stage(link: Link, *, read: ContactRead | MemberRead, what: str) -> _Staged:
    """Stage frames in portions, so that memory stays flat and the file is held briefly."""
    waiting: dict[str, list[pd.DataFrame]] = {}
    held = rows = 0
    states: set[str] = set()
    for frame in read.frames:
        tables = frame if isinstance(frame, dict) else {"members": frame}
        main = tables.get("contacts", tables.get("members"))
        held += 0 if main is None else len(main)
        rows += 0 if main is None else len(main)
        if "members" in tables:
            states.update(tables["members"]["state"].unique())
        for table, part in tables.items():
            waiting.setdefault(table, []).append(part)
        if held >= _FLUSH_ROWS:
            _flush(link, waiting=waiting)
            waiting, held = {}, 0
        link.progress(what, rows, read.announced_before)
    _flush(link, waiting=waiting)
    return _Staged(rows, frozenset(states))


def _flush(link: Link, *, waiting: dict[str, list[pd.DataFrame]]) -> None:
    tables = {
        table: parts[0] if len(parts) == 1 else pd.concat(parts, ignore_index=True)
        for table, parts in waiting.items()
        if parts
    }
    filled = {table: frame for table, frame in tables.items() if len(frame)}
    if filled:
        observations.stage(link.warehouse, tables=filled)


def _cursor(link: Link, *, side: str) -> datetime | None:
    return observations.read_cursor(link.warehouse, side=side)


def audience_of(link: Link) -> str:
    """The id of the connection's audience, checked to exist and to carry the mapped fields."""
    shown = link.audience.traits
    traits.remember(
        link.warehouse,
        shown={
            "pending": shown.shows_pending,
            "removed": shown.shows_removed,
            "tags": shown.has_tags,
        },
    )
    stored = observations.read_state(link.warehouse, name="audience_id")
    found = link.audience.check(name=link.settings.audience, audience_id=stored)
    if stored is None:
        observations.write_state(link.warehouse, name="audience_id", value=found.audience_id)
    return found.audience_id


@dataclass(frozen=True)
class LookUpResult:
    """How many members and contacts were looked up one by one."""

    archived: int
    signups: int
    missing: int


def _looked_up(link: Link, result: LookUpResult) -> list[CrmWork | ProviderWork]:
    # Where nobody can be asked who signed up, the answer takes no call.
    members = result.archived + (result.signups if link.audience.traits.tells_signups else 0)
    return [CrmWork(ids=result.missing), ProviderWork(single=(members,))]


@counted("look_up", work=_looked_up)
def look_up(link: Link, *, wanted: LookUps) -> LookUpResult:
    """Ask what the pictures cannot tell: who signed up, what archiving hides, who is really
    gone."""
    evidence: list[Evidence] = []
    if wanted.archived or wanted.signups:
        audience_id = observations.read_state(link.warehouse, name="audience_id") or ""
        link.progress("look-ups", 0, len(wanted.archived) + len(wanted.signups))
        evidence += link.audience.look_up_archived(audience_id, wanted.archived)
        evidence += link.audience.look_up_signups(audience_id, wanted.signups)
    if wanted.missing:
        _, found = link.crm.read_ids(
            [crm_id for _, crm_id in wanted.missing], observed_at=link.now()
        )
        evidence += [
            Evidence("contact_missing", key, str(crm_id), None, None)
            for key, crm_id in wanted.missing
            if crm_id not in found
        ]
    if evidence:
        observations.store_evidence(link.warehouse, evidence=evidence, now=link.now())
    return LookUpResult(len(wanted.archived), len(wanted.signups), len(wanted.missing))
