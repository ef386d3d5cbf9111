"""Running the operations of batches that are due, and packing their results.

Belongs here: execution through the same endpoints as HTTP, the ``.tar.gz`` of results, the notice
that a batch is finished. Does not belong here: the batch endpoints (``batches``).
"""

from __future__ import annotations

import io
import random
import tarfile
from collections.abc import Awaitable, Iterator
from hashlib import md5
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from nl_pipeline.sandbox.mailchimp import errors, times
from nl_pipeline.sandbox.mailchimp.account import Account, Batch, Operation
from nl_pipeline.sandbox.mailchimp.batches import link
from nl_pipeline.sandbox.mailchimp.calls import Answer, ApiCall
from nl_pipeline.sandbox.mailchimp.errors import ApiProblem
from nl_pipeline.sandbox.mailchimp.router import Router

_WHOLE_PAGE = 1000
_ENDPOINTS_NOT_BATCHED = "/batches"


class OperationResult(msgspec.Struct):
    """One entry of a result file; ``response`` is JSON as text."""

    status_code: int
    operation_id: str
    response: str


def run_due(account: Account, *, router: Router) -> None:
    """Run every batch whose time has come by the sandbox's clock."""
    now = account.clock.epoch()
    for batch in list(account.batches.values()):
        if batch.archive is None and batch.finishes_at <= now:
            _run(account, batch, router=router)


def _run(account: Account, batch: Batch, *, router: Router) -> None:
    # Mailchimp does not promise an order; a fixed shuffle shows who relies on one.
    order = random.Random(batch.id).sample(batch.operations, k=len(batch.operations))
    results = [
        result
        for operation in order
        for result in _results(account, operation, batch=batch, router=router)
    ]
    batch.finished_operations = len(results)
    batch.errored_operations = sum(1 for result in results if result.status_code >= 400)
    batch.completed_at = account.now()
    batch.archive = _packed(results[account.switches.batch_lost_results :], batch=batch)
    _tell(account, batch)


def _results(
    account: Account, operation: Operation, *, batch: Batch, router: Router
) -> Iterator[OperationResult]:
    """The results of one operation: a GET without ``count`` pages through its collection."""
    whole = operation.method == "GET" and "count" not in operation.query
    offset = 0
    while True:
        status, content = _execute(
            account,
            operation,
            batch=batch,
            router=router,
            paging={"count": str(_WHOLE_PAGE), "offset": str(offset)} if whole else {},
        )
        text = "" if content is None else msgspec.json.encode(content).decode()
        yield OperationResult(status, operation.operation_id, text)
        total = content.get("total_items", 0) if isinstance(content, dict) else 0
        offset += _WHOLE_PAGE
        if not whole or status >= 400 or offset >= total:
            return


def _execute(
    account: Account,
    operation: Operation,
    *,
    batch: Batch,
    router: Router,
    paging: dict[str, str],
) -> tuple[int, object]:
    parts = urlsplit(operation.path)
    call = ApiCall(
        method=operation.method,
        path=unquote(parts.path),
        query=paging | dict(parse_qsl(parts.query)) | operation.query,
        body=operation.body,
        client_ip=batch.client_ip,
        base_url=batch.base_url,
    )
    try:
        if call.path.strip("/").startswith(_ENDPOINTS_NOT_BATCHED.strip("/")):
            raise errors.bad_request("This endpoint cannot be part of a batch.")
        handler, call = router.resolve(call)
        answer = handler(account, call)
        if not isinstance(answer, Answer):
            _discard(answer)
            raise errors.bad_request("This endpoint cannot be part of a batch.")
    except ApiProblem as problem:
        document = problem.document(
            instance=account.ids.hexadecimal("request", digits=32),
            omit_type=account.switches.omit_type_in_member_errors,
        )
        return problem.status, document
    return answer.status, answer.content


def _discard(answer: Awaitable[Answer]) -> None:
    """Endpoints that call back (webhook checks) cannot run here; avoid a dangling coroutine."""
    close = getattr(answer, "close", None)
    if close is not None:
        close()


def _packed(results: list[OperationResult], *, batch: Batch) -> bytes:
    """A directory entry, one file per operation, and an empty file, as found in real archives."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as archive:
        directory = tarfile.TarInfo("./")
        directory.type = tarfile.DIRTYPE
        archive.addfile(directory)
        contents = [msgspec.json.encode([result]) for result in results]
        for number, content in enumerate([*contents, b""]):
            name = md5(f"{batch.id}:{number}".encode(), usedforsecurity=False).hexdigest()[:10]
            entry = tarfile.TarInfo(f"./{name}.json")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def _tell(account: Account, batch: Batch) -> None:
    receivers = [webhook for webhook in account.batch_webhooks.values() if webhook.enabled]
    for webhook in receivers:
        data = {
            "id": batch.id,
            "status": "finished",
            "total_operations": str(batch.finished_operations),
            "finished_operations": str(batch.finished_operations),
            "errored_operations": str(batch.errored_operations),
            "submitted_at": times.iso(int(batch.submitted_at)),
            "completed_at": times.iso(batch.completed_at),
            "response_body_url": link(account, batch, base_url=batch.base_url),
        }
        fields = [("type", "batch_operation_completed"), ("fired_at", times.plain(account.now()))]
        fields += [(f"data[{name}]", value) for name, value in data.items()]
        account.announcer.announce_batch(webhook.url, fields=fields)
