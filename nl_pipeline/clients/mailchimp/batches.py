"""Running many single-member writes: directly when few, as asynchronous batches when many.

Belongs here: sending operations and matching every one with its outcome. Does not belong here: what
an operation changes.

Batches: order is not kept, a finished batch may be full of refusals, and results are one archive of
JSON files (Mailchimp, run async requests; entry `./` and empty files occur). What the archive
does not tell is `OutcomeUnknown`.
"""

from __future__ import annotations

import io
import tarfile
import zlib
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from nl_pipeline.clients.errors import ApiError, OperatorNeeded, Withheld
from nl_pipeline.clients.mailchimp.models import OperationOutcome
from nl_pipeline.clients.mailchimp.operations import Operation
from nl_pipeline.clients.mailchimp.paging import collect
from nl_pipeline.clients.mailchimp.problems import SYSTEM, failure_of, unknown_outcome
from nl_pipeline.clients.mailchimp.session import Path, Session
from nl_pipeline.clients.mailchimp.times import moment_of

CHUNK = 1000
"""Operations of one batch; 500 to 1,000 are named by the sources as safe, and each batch costs
three calls at least."""

_BATCH = "/batches/{batch_id}"
_PENDING = 10
_FIRST_WAIT = 1.0
_LONGEST_WAIT = 30.0
_PATIENCE = 1800.0
"""Seconds without progress after which a batch is given up."""
_DOWNLOADS = 3

Progress = Callable[[int, int], None]
Asked = Callable[[Sequence[Operation]], Collection[str]]
"""Which of these operations, by reference, must not be sent after all."""


class _Batch(msgspec.Struct, frozen=True):
    id: str
    status: str = ""
    finished_operations: int = 0
    submitted_at: str = ""
    response_body_url: str = ""


class _Listed(msgspec.Struct, frozen=True):
    batches: list[_Batch]
    total_items: int


class _Row(msgspec.Struct, frozen=True):
    status_code: int
    operation_id: str = ""
    response: str | None = ""


@dataclass(frozen=True)
class _Submitted:
    """A chunk under way: its batch, or why there is none. ``slept``: the seconds waited before."""

    operations: Sequence[Operation]
    batch: _Batch | None
    error: ApiError | None
    slept: float = 0.0
    kept_back: Collection[str] = ()


class _Pause:
    """Waiting, with the seconds waited so far."""

    def __init__(self, sleep: Callable[[float], None]) -> None:
        self._sleep = sleep
        self.slept = 0.0

    def __call__(self, seconds: float) -> None:
        self._sleep(seconds)
        self.slept += seconds


def run_directly(
    session: Session,
    *,
    pool: ThreadPoolExecutor,
    audience_id: str,
    operations: Sequence[Operation],
    on_progress: Progress | None,
    withheld: Asked | None,
) -> list[OperationOutcome]:
    """Send each operation by itself, several at a time; one outcome each, in order.

    After a failure that concerns the whole account nothing more is sent.
    """
    stopped: list[ApiError] = []

    def perform(operation: Operation) -> OperationOutcome:
        if stopped:
            return OperationOutcome(operation.reference, None, None, stopped[0])

        def before() -> None:
            if withheld is not None and withheld([operation]):
                raise _kept_back()

        try:
            status, body = session.perform(
                operation.method,
                operation.path(audience_id),
                params=operation.params,
                body=operation.body,
                repeatable=operation.repeatable,
                before=before,
            )
        except ApiError as error:
            if isinstance(error, OperatorNeeded):
                stopped.append(error)
            return OperationOutcome(operation.reference, error.status, None, error)
        return OperationOutcome(operation.reference, status, body)

    outcomes = []
    for outcome in pool.map(perform, operations):
        outcomes.append(outcome)
        if on_progress is not None:
            on_progress(len(outcomes), len(operations))
    return outcomes


def run_in_batches(
    session: Session,
    *,
    audience_id: str,
    operations: Sequence[Operation],
    sleep: Callable[[float], None],
    on_progress: Progress | None,
    withheld: Asked | None = None,
) -> list[OperationOutcome]:
    """Send the operations as batches, wait for them and return one outcome each, in order."""
    outcomes: list[OperationOutcome] = []
    under_way: deque[_Submitted] = deque()
    chunks = iter(range(0, len(operations), CHUNK))
    start = next(chunks, None)
    refused: OperatorNeeded | None = None
    pause = _Pause(sleep)

    def progressed(finished: int) -> None:
        if on_progress is not None:
            on_progress(min(len(outcomes) + finished, len(operations)), len(operations))

    while start is not None or under_way:
        while start is not None and len(under_way) < _PENDING:
            chunk = operations[start : start + CHUNK]
            if refused is None:
                submitted = _submit(
                    session,
                    audience_id=audience_id,
                    operations=chunk,
                    slept=pause.slept,
                    withheld=withheld,
                )
                if isinstance(submitted.error, OperatorNeeded):
                    refused = submitted.error
            else:
                submitted = _Submitted(chunk, None, refused)
            under_way.append(submitted)
            start = next(chunks, None)
        submitted = under_way.popleft()
        outcomes.extend(_outcomes(session, submitted, sleep=pause, progressed=progressed))
        progressed(0)
    return outcomes


def wait_for_running(session: Session, *, since: datetime, sleep: Callable[[float], None]) -> int:
    """Wait until no batch submitted `since` is under way; returns how many were.

    A batch goes on when whoever sent it is gone. The list is of the whole account: one that stands
    still for too long is left alone, it may be somebody else's.
    """
    pages = collect(
        session,
        Path("/batches"),
        answer=_Listed,
        rows_of=lambda page: page.batches,
        total_of=lambda page: page.total_items,
        params={"fields": "batches.id,batches.status,batches.submitted_at,total_items"},
    )
    running = [
        batch
        for page in pages
        for batch in page.batches
        if batch.status != "finished" and (moment_of(batch.submitted_at) or since) >= since
    ]
    for batch in running:
        _finished(session, batch, sleep=sleep, progressed=lambda _: None)
    return len(running)


def _kept_back() -> Withheld:
    return Withheld(
        "a change of a member",
        system=SYSTEM,
        code="withheld",
        what_next="nothing; the next plan decides anew",
    )


def _submit(
    session: Session,
    *,
    audience_id: str,
    operations: Sequence[Operation],
    slept: float,
    withheld: Asked | None,
) -> _Submitted:
    kept_back = set(withheld(operations)) if withheld is not None else set()
    sent = [operation for operation in operations if operation.reference not in kept_back]
    if not sent:
        return _Submitted(operations, None, _kept_back())

    def before() -> None:
        if withheld is not None and withheld(sent):
            raise _kept_back()

    listed = [
        {
            "method": operation.method,
            "path": operation.path(audience_id).text,
            "operation_id": str(position),
            **({"params": dict(operation.params)} if operation.params else {}),
            **(
                {"body": msgspec.json.encode(operation.body).decode()}
                if operation.body is not None
                else {}
            ),
        }
        for position, operation in enumerate(operations)
        if operation.reference not in kept_back
    ]
    try:
        batch = session.send(
            "POST",
            Path("/batches"),
            answer=_Batch,
            body={"operations": listed},
            repeatable=False,
            before=before,
        )
    except Withheld:
        return _submit(
            session,
            audience_id=audience_id,
            operations=operations,
            slept=slept,
            withheld=withheld,
        )
    except ApiError as error:
        return _Submitted(operations, None, error, kept_back=kept_back)
    return _Submitted(operations, batch, None, slept, kept_back)


def _outcomes(
    session: Session,
    submitted: _Submitted,
    *,
    sleep: _Pause,
    progressed: Callable[[int], None],
) -> Iterator[OperationOutcome]:
    batch = submitted.batch
    if batch is None:
        for operation in submitted.operations:
            unsent = operation.reference in submitted.kept_back
            error = _kept_back() if unsent else submitted.error
            yield OperationOutcome(operation.reference, None, None, error)
        return
    # Batches run side by side: the time waited for an earlier one was waited for this one too.
    wait = max(0.0, _FIRST_WAIT - (sleep.slept - submitted.slept))
    try:
        finished = _finished(session, batch, sleep=sleep, progressed=progressed, wait=wait)
        if finished is None:
            # It would run later, over whatever has changed by then.
            session.perform("DELETE", Path(_BATCH, [batch.id]), repeatable=True)
        rows = _results(session, finished)
    except ApiError:
        # The batch goes on without us (or is forgotten): which of its operations were applied
        # cannot be told, and one lost answer must not hide the outcomes of other batches.
        rows = {}
    for position, operation in enumerate(submitted.operations):
        if operation.reference in submitted.kept_back:
            yield OperationOutcome(operation.reference, None, None, _kept_back())
        else:
            yield _outcome(operation, rows.get(str(position)), batch_id=batch.id)


def _finished(
    session: Session,
    batch: _Batch,
    *,
    sleep: Callable[[float], None],
    progressed: Callable[[int], None],
    wait: float = _FIRST_WAIT,
) -> _Batch | None:
    """Poll until the batch is finished; None when it stood still for too long.

    ``wait``: seconds before the first look; 0 looks at once.
    """
    idle = 0.0
    while batch.status != "finished":
        if idle >= _PATIENCE:
            return None
        if wait:
            sleep(wait)
        before = (batch.status, batch.finished_operations)
        batch = _status(session, batch.id)
        moved = (batch.status, batch.finished_operations) != before
        idle = 0.0 if moved else idle + wait
        wait = min(max(wait * 2, _FIRST_WAIT), _LONGEST_WAIT)
        progressed(batch.finished_operations)
    return batch


def _status(session: Session, batch_id: str) -> _Batch:
    return session.get(Path(_BATCH, [batch_id]), answer=_Batch)


def _results(session: Session, batch: _Batch | None) -> dict[str, _Row]:
    """Fetch and unpack the archive; its link lives ten minutes, a status call makes a new one."""
    rows: dict[str, _Row] = {}
    if batch is None:
        return rows
    for _ in range(_DOWNLOADS):
        if batch.response_body_url:
            try:
                content = session.download(batch.response_body_url, template="(batch archive)")
            except ApiError:
                content = b""
            whole, found = _unpack(content)
            rows |= found
            if whole:
                break
        batch = _status(session, batch.id)
    return rows


def _unpack(content: bytes) -> tuple[bool, dict[str, _Row]]:
    """Return whether the archive was read to its end, and the rows read."""
    rows: dict[str, _Row] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
            for entry in archive:
                stream = archive.extractfile(entry) if entry.isfile() else None
                text = stream.read() if stream is not None else b""
                if text.strip():
                    listed = msgspec.json.decode(text, type=list[_Row], strict=False)
                    rows.update((row.operation_id, row) for row in listed)
    except (tarfile.TarError, EOFError, OSError, zlib.error, msgspec.DecodeError):
        return False, rows
    return True, rows


def _outcome(operation: Operation, row: _Row | None, *, batch_id: str) -> OperationOutcome:
    what = f"{operation.method} {operation.template}"
    if row is None:
        error: ApiError | None = unknown_outcome(f"{what} in batch {batch_id}", code="no-result")
        return OperationOutcome(operation.reference, None, None, error)
    answer = (row.response or "").encode()
    error = failure_of(row.status_code, body=answer, what=what, scope="member")
    body = None if error is not None else _body(answer)
    return OperationOutcome(operation.reference, row.status_code, body, error)


def _body(answer: bytes) -> dict[str, Any] | None:
    """Return the answer of an applied operation; unreadable means applied all the same."""
    try:
        return msgspec.json.decode(answer, type=dict[str, Any]) if answer else None
    except msgspec.DecodeError:
        return None
