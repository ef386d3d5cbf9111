"""Whole traffic held against the document, batches and their results included.

Belongs here: what belongs to which operation. Not here: the judgement of one call (`spec`).
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from nl_pipeline_tests.contract.mailchimp.spec import (
    Operation,
    Spec,
    answer_misfits,
    query_misfits,
    request_misfits,
)
from nl_pipeline_tests.contract.misfits import Misfit
from nl_pipeline_tests.contract.recording import Exchange

_ARCHIVES = "/archives/"
"""Where the results of batches lie: a storage of its own, which the document does not describe."""


def misfits_of(exchanges: Iterable[Exchange], *, spec: Spec) -> Iterator[Misfit]:
    """Everything in the traffic that does not fit the document."""
    batches: dict[str, list[Mapping[str, Any]]] = {}
    batch_of_link: dict[str, str] = {}
    for exchange in exchanges:
        if exchange.path.startswith(_ARCHIVES):
            operations = batches[batch_of_link[exchange.path.removeprefix(_ARCHIVES)]]
            yield from _archive_misfits(exchange, operations=operations, spec=spec)
            continue
        found = spec.operation(exchange.method, exchange.path)
        if found is None:
            yield Misfit(f"{exchange.method} {exchange.path}", "path", "unknown")
            continue
        operation, path = found
        yield from _request(operation, path, dict(exchange.query), exchange.request_body)
        yield from answer_misfits(
            operation,
            status=exchange.status,
            content_type=exchange.content_type,
            body=exchange.answer_body,
        )
        if operation.name == "POST /batches" and exchange.status == 200:
            batches[exchange.answer["id"]] = exchange.request["operations"]
            for item in exchange.request["operations"]:
                yield from _operation_misfits(item, spec=spec)
        if operation.name == "GET /batches/{batch_id}" and exchange.status == 200:
            link = exchange.answer.get("response_body_url", "")
            batch_of_link[link.rpartition("/")[2]] = exchange.answer["id"]


def _request(
    operation: Operation, path: Mapping[str, str], query: Mapping[str, str], body: bytes
) -> Iterator[Misfit]:
    yield from query_misfits(operation, path=path, query=query)
    yield from request_misfits(operation, body)


def _operation_misfits(item: Mapping[str, Any], *, spec: Spec) -> Iterator[Misfit]:
    found = spec.operation(item["method"], item["path"])
    if found is None:
        yield Misfit(f"{item['method']} {item['path']}", "path", "unknown")
        return
    operation, path = found
    query = {name: str(value) for name, value in item.get("params", {}).items()}
    yield from _request(operation, path, query, item.get("body", "").encode())


def _archive_misfits(
    exchange: Exchange, *, operations: list[Mapping[str, Any]], spec: Spec
) -> Iterator[Misfit]:
    by_id = {item["operation_id"]: item for item in operations}
    with tarfile.open(fileobj=io.BytesIO(exchange.answer_body), mode="r:gz") as archive:
        for entry in archive:
            stream = archive.extractfile(entry) if entry.isfile() else None
            for row in msgspec.json.decode((stream and stream.read()) or b"[]"):
                item = by_id[row["operation_id"]]
                found = spec.operation(item["method"], item["path"])
                if found is not None:
                    yield from answer_misfits(
                        found[0],
                        status=row["status_code"],
                        content_type=None,
                        body=row["response"].encode(),
                    )
