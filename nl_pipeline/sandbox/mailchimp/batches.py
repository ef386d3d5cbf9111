"""Endpoints of batches: submitting calls, watching them, and the links to their results.

Belongs here: ``/batches`` and what a batch looks like over time. Does not belong here: running
the operations and packing the results (``batch_runs``).
"""

from __future__ import annotations

from typing import Any

import msgspec

from nl_pipeline.sandbox.mailchimp import errors, times
from nl_pipeline.sandbox.mailchimp.account import Account, Batch, Operation
from nl_pipeline.sandbox.mailchimp.calls import NO_CONTENT, Answer, ApiCall
from nl_pipeline.sandbox.mailchimp.paging import page_of

PENDING_LIMIT = 500
KEPT_SECONDS = 7 * 86_400
LINK_SECONDS = 600


class _OperationBody(msgspec.Struct):
    method: str
    path: str
    params: dict[str, Any] = {}
    body: str = ""
    operation_id: str = ""


class _BatchBody(msgspec.Struct):
    operations: list[_OperationBody]


def create_batch(account: Account, call: ApiCall) -> Answer:
    """``POST /batches``: 429 with more than 500 pending."""
    body = call.read(_BatchBody)
    if not body.operations:
        raise errors.invalid_body(
            errors.FieldError("operations", "This value should not be blank.")
        )
    pending = sum(1 for batch in account.batches.values() if batch.archive is None)
    if pending >= PENDING_LIMIT:
        raise errors.ApiProblem(
            429,
            "TooManyRequests",
            "You have more than 500 pending webhooks. Please wait for some to complete before "
            "adding any more batches.",
        )
    now = account.clock.epoch()
    batch = Batch(
        id=account.ids.hexadecimal("batch", digits=10),
        operations=[_operation(operation) for operation in body.operations],
        submitted_at=now,
        finishes_at=now + account.switches.batch_seconds,
        client_ip=call.client_ip,
        base_url=call.base_url,
    )
    account.batches[batch.id] = batch
    return Answer(rendered(account, batch, call=call), items={"operations": len(batch.operations)})


def list_batches(account: Account, call: ApiCall) -> Answer:
    """``GET /batches``: those of the last seven days."""
    oldest = account.clock.epoch() - KEPT_SECONDS
    kept = [batch for batch in account.batches.values() if batch.submitted_at > oldest]
    page = page_of(kept, call=call)
    rows = [rendered(account, batch, call=call) for batch in page.rows]
    return Answer({"batches": rows, "total_items": page.total, "_links": []})


def read_batch(account: Account, call: ApiCall) -> Answer:
    """``GET /batches/{batch_id}``: each answer brings a fresh link, valid for ten minutes."""
    return Answer(rendered(account, _find(account, call), call=call))


def delete_batch(account: Account, call: ApiCall) -> Answer:
    """``DELETE /batches/{batch_id}``: stops it; results are lost."""
    del account.batches[_find(account, call).id]
    return NO_CONTENT


def result_archive(account: Account, *, token: str) -> bytes | None:
    """The ``.tar.gz`` behind a link, ``None`` when the link is unknown or too old."""
    batch_id, expires = account.archive_links.get(token, ("", 0.0))
    batch = account.batches.get(batch_id)
    if batch is None or account.clock.epoch() > expires:
        return None
    return batch.archive


def rendered(account: Account, batch: Batch, *, call: ApiCall) -> dict[str, Any]:
    """A batch as the API shows it at this moment."""
    return {
        "id": batch.id,
        "status": status_of(account, batch),
        # Right after the submission the total is still 0 (seen by tap-mailchimp).
        "total_operations": batch.finished_operations if batch.archive is not None else 0,
        "finished_operations": batch.finished_operations,
        "errored_operations": batch.errored_operations,
        "submitted_at": times.iso(int(batch.submitted_at)),
        "completed_at": times.iso(batch.completed_at),
        "response_body_url": link(account, batch, base_url=call.base_url),
        "_links": [],
    }


def status_of(account: Account, batch: Batch) -> str:
    """``pending``, ``preprocessing``, ``started``, ``finalizing`` or ``finished``."""
    if batch.archive is not None:
        return "finished"
    duration = max(batch.finishes_at - batch.submitted_at, 0.001)
    progress = (account.clock.epoch() - batch.submitted_at) / duration
    steps = ((0.2, "pending"), (0.4, "preprocessing"), (0.8, "started"))
    return next((name for limit, name in steps if progress < limit), "finalizing")


def link(account: Account, batch: Batch, *, base_url: str) -> str:
    """A new link to the results, ``""`` while there are none."""
    if batch.archive is None:
        return ""
    token = account.ids.hexadecimal("archive", digits=32)
    account.archive_links[token] = (batch.id, account.clock.epoch() + LINK_SECONDS)
    return f"{base_url}/archives/{token}"


def _find(account: Account, call: ApiCall) -> Batch:
    batch = account.batches.get(call.parameters["batch_id"])
    if batch is None or batch.submitted_at <= account.clock.epoch() - KEPT_SECONDS:
        raise errors.not_found()
    return batch


def _operation(body: _OperationBody) -> Operation:
    if body.method not in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        raise errors.invalid_body(errors.FieldError("operations", "Unknown method."))
    return Operation(
        method=body.method,
        path=body.path,
        operation_id=body.operation_id,
        body=body.body.encode(),
        query={name: _text(value) for name, value in body.params.items()},
    )


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
