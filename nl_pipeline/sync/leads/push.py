"""Push: notices of the webhook log, each followed by reading the submission it is about.

Belongs here: reading the log for leads, and trying a notice until it is done. Must not be here: how
a notice is received (``receiver``), what becomes of a submission (``importing``, ``deleting``).

A notice holds no answers. One whose signature is wrong is kept and not carried out: the next pull
finds what is true of it, and nobody is erased on a stranger's word.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from nl_pipeline.clients.errors import ApiError
from nl_pipeline.clients.linkedin import UnreadableNotice, notices_in
from nl_pipeline.sync.events.told import is_believed
from nl_pipeline.sync.events.understanding import LEADS
from nl_pipeline.sync.leads.deleting import Deleted, delete
from nl_pipeline.sync.leads.forms import source_of
from nl_pipeline.sync.leads.importing import ImportResult, import_leads
from nl_pipeline.sync.leads.pull import WAIT_SECONDS, store
from nl_pipeline.sync.leads.wanted import linkedin_of, wish_of
from nl_pipeline.sync.link import Link
from nl_pipeline.sync.turns import turn
from nl_pipeline.warehouse import lead_forms, lead_notices, lead_runs
from nl_pipeline.warehouse.lead_notices import LeadNotice, WaitingNotice
from nl_pipeline.warehouse.lead_runs import LeadError
from nl_pipeline.webhook_log.lines import LogLine
from nl_pipeline.webhook_log.reading import BadLine, read, segments

#: A submission may be readable some time after its notice came; then the pull has a turn anyway.
_WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240))
_PORTION = 50


@dataclass(frozen=True)
class PushResult:
    """What the notices came to. ``poison``: lines that could not be used, by cause; ``waiting``:
    submissions that LinkedIn does not show yet; ``not_believed``: notices with a wrong signature.
    ``busy``: another process was at it. ``stopped_by``: what a service did not do."""

    notices: int = 0
    not_believed: int = 0
    poison: tuple[tuple[str, int], ...] = ()
    waiting: int = 0
    deleted: tuple[Deleted, ...] = ()
    imported: ImportResult | None = None
    stopped_by: ApiError | None = None
    busy: bool = False


def ingest_leads(link: Link, *, wait_seconds: float = WAIT_SECONDS) -> PushResult:
    """Take in the notices of the log that were not read yet, and carry out those that are due.

    Running it again, or two of them at once, does nothing twice. Raises nothing for what a service
    answers. ``wait_seconds``: how long another process may go on importing.
    """
    if linkedin_of(link.settings) is None:
        return PushResult()
    with turn(link.warehouse, name="leads", wait_seconds=wait_seconds) as ours:
        return _ingest(link) if ours else PushResult(busy=True)


def _ingest(link: Link) -> PushResult:
    taken = _TakenIn()
    if link.webhook_log is not None:
        _take_in(link, link.webhook_log, taken=taken)
    waiting = lead_notices.waiting(link.warehouse, now=link.now())
    deleted: list[Deleted] = []
    stopped_by: ApiError | None = None
    created: list[WaitingNotice] = []
    for one in waiting:
        if one.notice.action == "CREATED":
            created.append(one)
            continue
        try:
            deleted += delete(link, notice=one.notice)
        except ApiError as error:
            stopped_by = error
    imported = None
    still_waiting = 0
    try:
        still_waiting = _fetch(link, created)
    except ApiError as error:
        stopped_by = stopped_by or error
    form_ids = sorted({one.notice.form_id for one in created})
    if form_ids:
        imported = import_leads(link, told_by="push", form_ids=form_ids)
        stopped_by = stopped_by or imported.stopped_by
    return PushResult(
        notices=taken.notices,
        not_believed=taken.not_believed,
        poison=tuple(sorted(taken.poison.items())),
        waiting=still_waiting,
        deleted=tuple(deleted),
        imported=imported,
        stopped_by=stopped_by,
    )


class _TakenIn:
    """What was read of the log."""

    def __init__(self) -> None:
        self.notices = 0
        self.not_believed = 0
        self.poison: Counter[str] = Counter()


def _take_in(link: Link, log: Path, *, taken: _TakenIn) -> None:
    offsets = lead_notices.offsets(link.warehouse)
    for segment in segments(log):
        begin = offsets.get(segment.name, 0)
        if segment.size <= begin:
            continue
        at = begin
        notices: list[LeadNotice] = []
        for after, line in read(log, segment=segment.name, from_byte=begin):
            at = after
            # What cannot be read at all is listed by the ingest of events.
            if not isinstance(line, BadLine) and line.provider == LEADS:
                notices += _told_by(line, taken=taken)
        if at > begin:
            taken.notices += lead_notices.store(
                link.warehouse, notices=notices, read={segment.name: at}, now=link.now()
            )


def _told_by(line: LogLine, *, taken: _TakenIn) -> list[LeadNotice]:
    try:
        told = notices_in(line.raw_body())
    except UnreadableNotice:
        taken.poison["unreadable_notice"] += 1
        return []
    believed = line.signature == "valid" and is_believed(line)
    taken.not_believed += 0 if believed else len(told)
    return [
        LeadNotice(
            response_id=one.response_id,
            form_id=one.form[0] if one.form is not None else 0,
            action=one.action.value,
            occurred_at=one.occurred_at,
            received_at=line.received_at,
            believed=believed,
        )
        for one in told
    ]


def _fetch(link: Link, waiting: Sequence[WaitingNotice]) -> int:
    """Read the submissions of these notices and store them; returns how many are not there yet."""
    wanted = []
    for one in waiting:
        gate = wish_of(link, form_id=one.notice.form_id).gate
        if gate.import_on and (gate.form_enabled or not one.notice.form_id):
            wanted.append(one)
        else:
            lead_notices.note(link.warehouse, notices=[one.notice], state="left_out")
    not_yet = 0
    for start in range(0, len(wanted), _PORTION):
        not_yet += _fetch_portion(link, wanted[start : start + _PORTION])
    return not_yet


def _fetch_portion(link: Link, portion: Sequence[WaitingNotice]) -> int:
    _, client = source_of(link)
    if len(portion) == 1:
        single = client.lead(portion[0].notice.response_id)
        found = {} if single is None else {single.response_id: single}
    else:
        found = client.leads_by_id([one.notice.response_id for one in portion])
    enabled = {
        lead.form_id: wish_of(link, form_id=lead.form_id).gate.form_enabled
        for lead in found.values()
    }
    store(link, [lead for lead in found.values() if enabled[lead.form_id]], told_by="push")
    by_form = {lead.form_id for lead in found.values()}
    lead_forms.note_read(link.warehouse, form_ids=sorted(by_form), told_by="push", at=link.now())
    done = [one.notice for one in portion if one.notice.response_id in found]
    lead_notices.note(link.warehouse, notices=done, state="done")
    missing = [one for one in portion if one.notice.response_id not in found]
    for one in missing:
        if one.tries < len(_WAITS):
            until = link.now() + _WAITS[one.tries]
            lead_notices.put_off(link.warehouse, notice=one.notice, until=until)
        else:
            _give_up(link, one.notice)
    return len(missing)


def _give_up(link: Link, notice: LeadNotice) -> None:
    lead_notices.note(link.warehouse, notices=[notice], state="not_found")
    error = LeadError(
        notice.response_id,
        notice.form_id,
        "not_found",
        "LinkedIn told of this submission, but does not give it",
        "nothing, if it was deleted meanwhile; else the next pull finds it",
    )
    lead_runs.note_errors(link.warehouse, errors=[error], tried=(), now=link.now())
