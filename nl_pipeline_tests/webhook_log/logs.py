"""Appending and reading back in one line, for the tests of the log."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

from nl_pipeline.webhook_log.lines import LogLine
from nl_pipeline.webhook_log.reading import read, segments
from nl_pipeline.webhook_log.writing import LogWriter

CONNECTION = "agency"

T = TypeVar("T")


async def append(writer: LogWriter, body: bytes, *, connection: str = CONNECTION) -> str:
    """Store ``body`` as an unsigned request of Mailchimp."""
    return await writer.append(
        connection,
        provider="mailchimp",
        origin="person",
        signature="unsigned",
        headers={"content-type": "application/x-www-form-urlencoded"},
        body=body,
    )


async def append_all(writer: LogWriter, bodies: Sequence[bytes]) -> list[bytes]:
    """Store all at the same time; the bodies that were acknowledged."""
    results = await asyncio.gather(*(append(writer, b) for b in bodies), return_exceptions=True)
    return [body for body, result in zip(bodies, results, strict=True) if isinstance(result, str)]


def using(writer: LogWriter, work: Coroutine[Any, Any, T]) -> T:
    """The result of ``work``; the writer is closed after it."""

    async def all_of_it() -> T:
        try:
            return await work
        finally:
            await writer.close()

    return asyncio.run(all_of_it())


def lines_of(folder: Path) -> list[LogLine]:
    """Every readable line of a connection, in the order of the segments."""
    return [
        line
        for segment in segments(folder)
        for _, line in read(folder, segment=segment.name)
        if isinstance(line, LogLine)
    ]


def bodies_of(folder: Path) -> list[bytes]:
    """Every body that can be read."""
    return [line.raw_body() for line in lines_of(folder)]
