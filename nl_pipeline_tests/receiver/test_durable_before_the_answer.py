"""The answer leaves after the sync, seen from inside the server on a disk that loses the rest."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.types import Message, Scope

from nl_pipeline.receiver.app import Receiver, create_receiver
from nl_pipeline.receiver.routes import hooks_of
from nl_pipeline.settings import ReceiverLimits
from nl_pipeline.webhook_log.writing import LogWriter
from nl_pipeline_tests.receiver.serving import SECRET, loaded, path_of
from nl_pipeline_tests.webhook_log.disks import ROOT, MemoryDisk, one_after_the_other

EVENTS = 200


def receiver_on(disk: MemoryDisk, *, folder: Path) -> tuple[Receiver, LogWriter]:
    disk.make_folder(ROOT)
    writer = LogWriter(ROOT, files=disk)
    hooks = hooks_of(loaded(folder), secret=SECRET)
    return create_receiver(hooks, writer=writer, limits=ReceiverLimits()), writer


async def answered(receiver: Receiver, body: bytes, *, disk: MemoryDisk) -> tuple[int, bool]:
    """The status, and whether the body would have survived at the moment the answer began."""
    told: list[tuple[int, bool]] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            survives = any(body in content for content in disk.survivors().values())
            told.append((message["status"], survives))

    scope: Scope = {
        "type": "http",
        "method": "POST",
        "path": path_of(),
        "root_path": "",
        "query_string": b"",
        "headers": [],
    }
    await receiver.app(scope, receive, send)
    (only,) = told
    return only


def outcomes() -> Iterator[int]:
    """A disk that refuses one call in 23: a new segment needs eight, so some groups succeed."""
    for number in range(10_000):
        yield 5 if number % 23 == 22 else 0


@pytest.mark.parametrize("disk_fails", [False, True], ids=["disk is well", "disk fails at times"])
def test_what_is_answered_with_200_would_survive_a_loss_of_power_already(
    disk_fails: bool, tmp_path: Path
) -> None:
    disk = MemoryDisk()
    receiver, writer = receiver_on(disk, folder=tmp_path)
    if disk_fails:
        disk.refuse = one_after_the_other(outcomes())

    async def all_of_them() -> list[tuple[int, bool]]:
        left = iter(range(EVENTS))

        async def caller() -> list[tuple[int, bool]]:
            return [await answered(receiver, b"<%d>" % n, disk=disk) for n in left]

        found = await asyncio.gather(*(caller() for _ in range(8)))
        await writer.close()
        return [one for caller_found in found for one in caller_found]

    found = asyncio.run(all_of_them())

    assert len(found) == EVENTS
    assert {survives for status, survives in found if status == 200} == {True}
    assert {status for status, _ in found} == ({200, 503} if disk_fails else {200})
