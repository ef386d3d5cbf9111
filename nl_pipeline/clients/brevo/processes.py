"""Processes: what Brevo carries out after it has answered.

Belongs here: looking at them and waiting for them. Does not belong here: what an import or export
is about.

Looks count in the budget of a hundred calls an hour. So they grow rarer while a process lasts, one
look serves all processes that are waited for, and they may use the budget's reserve. No counters
and no times are told, only a status.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection

import msgspec

from nl_pipeline.clients.brevo.models import Process
from nl_pipeline.clients.brevo.session import Path, Session
from nl_pipeline.clients.errors import OperatorNeeded, Retryable

LARGEST_PAGE = 50
"""Processes of a page at most (Brevo)."""

IMPORT = "IMPORTUSER"

_FIRST_WAIT = 1.0
_LONGEST_WAIT = 90.0
_PATIENCE = 7200.0
"""Seconds after which processes are given up; they go on at Brevo."""

_LOOKS_FOR_UNKNOWN = 3
"""A process that was only just made may not be found yet."""

Progress = Callable[[int, int], None]

#: Spellings of older days.
_STATUS = {"in_process": "processing"}


class _Info(msgspec.Struct, frozen=True):
    reports: dict[str, str | None] | None = msgspec.field(name="import", default=None)


class _Shown(msgspec.Struct, frozen=True):
    id: int
    name: str = ""
    status: str = ""
    export_url: str | None = None
    info: _Info | None = None

    def process(self) -> Process:
        reports = (self.info.reports if self.info is not None else None) or {}
        return Process(
            id=self.id,
            name=self.name,
            status=_STATUS.get(self.status, self.status),
            export_url=self.export_url or "",
            reports={kind: url for kind, url in reports.items() if url},
        )


class _Listed(msgspec.Struct, frozen=True):
    count: int = 0
    processes: list[_Shown] | None = None


def process(session: Session, *, process_id: int) -> Process | None:
    """Return a process; None when Brevo does not know it."""
    try:
        shown = session.get(
            Path("/processes/{processId}", [process_id]), answer=_Shown, reserved=True
        )
    except OperatorNeeded as error:
        if error.status != 404:
            raise
        return None
    return shown.process()


def newest(session: Session) -> list[Process]:
    """Return the newest processes of the account, one page of them."""
    answer = session.get(
        Path("/processes"),
        answer=_Listed,
        params={"limit": LARGEST_PAGE, "sort": "desc"},
        reserved=True,
    )
    return [shown.process() for shown in answer.processes or ()]


def running_imports(session: Session) -> list[int]:
    """Return the imports that are under way, of whoever started them."""
    return [p.id for p in newest(session) if p.name == IMPORT and not p.is_over]


def await_over(
    session: Session,
    process_ids: Collection[int],
    *,
    sleep: Callable[[float], None],
    on_progress: Progress | None,
) -> dict[int, Process]:
    """Look until these processes are over; whoever is unknown or never ends is missing.

    A spent budget does not end the waiting, it makes it longer.
    """
    over: dict[int, Process] = {}
    left = set(process_ids)
    looked_for_in_vain: Counter[int] = Counter()
    everyone = len(left)
    wait = waited = 0.0
    while left:
        try:
            seen, unknown = _looked_at(session, left)
        except Retryable as error:
            if error.code != "budget":
                raise
            pause = max(wait, error.retry_after or _LONGEST_WAIT)
        else:
            over |= {found.id: found for found in seen if found.is_over}
            looked_for_in_vain.update(unknown)
            left -= over.keys()
            left -= {i for i in unknown if looked_for_in_vain[i] >= _LOOKS_FOR_UNKNOWN}
            pause = wait = min(max(2 * wait, _FIRST_WAIT), _LONGEST_WAIT)
        if on_progress is not None:
            on_progress(everyone - len(left), everyone)
        if waited >= _PATIENCE:
            break
        while left and pause > 0:
            # In slices, so that whoever is told of the progress is told that it goes on.
            slice_ = min(pause, _LONGEST_WAIT)
            sleep(slice_)
            waited += slice_
            pause -= slice_
            if pause > 0 and on_progress is not None:
                on_progress(everyone - len(left), everyone)
    return over


def _looked_at(session: Session, ids: Collection[int]) -> tuple[list[Process], set[int]]:
    """How these processes stand, and which of them Brevo does not know."""
    listed = newest(session) if len(ids) > 1 else []
    seen = [found for found in listed if found.id in ids]
    unknown = set()
    for process_id in sorted(set(ids) - {found.id for found in seen}):
        found = process(session, process_id=process_id)
        if found is None:
            unknown.add(process_id)
        else:
            seen.append(found)
    return seen, unknown
