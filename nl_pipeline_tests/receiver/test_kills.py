"""SIGKILL at any moment under load loses no event that was acknowledged.

The receiver runs as a process of its own, as `nl-pipeline receive` starts it. Ten kills, or as many
as the environment variable NL_KILLS says (`make kills`: 100). Printed: what was sent, acknowledged
and found, and the time from the start of a process to its first answer.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import statistics
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from nl_pipeline import settings
from nl_pipeline.settings import SANDBOX_CONNECTION
from nl_pipeline.webhook_log.keys import receiver_secret, webhook_path
from nl_pipeline.webhook_log.reading import BadLine, read, segments
from nl_pipeline_tests.webhook_log.logs import bodies_of

KILLS = int(os.environ.get("NL_KILLS", "10"))
CALLERS = 16
LONGEST_LIFE = 0.4
PATIENCE = 60.0

_RUN = "import sys; from nl_pipeline.cli import main; sys.exit(main())"


@dataclass
class Sent:
    """What the callers sent so far, and which of it was answered with 2xx."""

    number: int = 0
    acknowledged: list[bytes] = field(default_factory=list)
    first_answers: list[float] = field(default_factory=list)

    def next_body(self, chance: random.Random) -> bytes:
        """A body that nobody sent before; some are large, some are no UTF-8."""
        self.number += 1
        return b"event %d " % self.number + chance.randbytes(chance.choice((0, 20, 700, 30_000)))


async def started(file: Path) -> tuple[asyncio.subprocess.Process, int]:
    """A receiver that listens, and its port."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _RUN, "--config", str(file), "receive", "--port", "0"),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode()
    return process, int(line.partition(";")[0].rpartition(":")[2])


async def call_until_it_ends(
    port: int, *, path: str, sent: Sent, began: float, chance: random.Random
) -> None:
    """One caller after the other event, until the connection breaks."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        while True:
            body = sent.next_body(chance)
            head = f"POST {path} HTTP/1.1\r\nhost: receiver\r\ncontent-length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 200"), answer
            sent.acknowledged.append(body)
            if not sent.first_answers or sent.first_answers[-1] < began:
                sent.first_answers.append(time.monotonic())
    except (ConnectionError, asyncio.IncompleteReadError):
        return
    finally:
        writer.close()


async def one_life(file: Path, *, path: str, sent: Sent, chance: random.Random) -> float:
    """Start, load, kill; seconds until the first answer."""
    began = time.monotonic()
    process, port = await started(file)
    callers = [
        asyncio.create_task(
            call_until_it_ends(port, path=path, sent=sent, began=began, chance=chance)
        )
        for _ in range(CALLERS)
    ]
    while not sent.first_answers or sent.first_answers[-1] < began:
        await asyncio.wait(callers, timeout=0.001)
    # Any moment: in the middle of a write, of a sync, between sync and answer.
    await asyncio.wait(callers, timeout=chance.uniform(0, LONGEST_LIFE))
    process.send_signal(signal.SIGKILL)
    await asyncio.gather(process.wait(), *callers)
    return sent.first_answers[-1] - began


def torn_and_bad(folder: Path) -> tuple[int, int]:
    """Segments with a torn end, and lines that can't be read."""
    torn = bad = 0
    for segment in segments(folder):
        end = 0
        for at, line in read(folder, segment=segment.name):
            end = at
            bad += isinstance(line, BadLine)
        torn += end < segment.size
    return torn, bad


def test_every_acknowledged_event_is_in_the_log_exactly_as_sent_after_kills_at_random(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / settings.DEFAULT_FILE
    file.write_text(settings.sandbox_text(), encoding="utf-8")
    loaded = settings.load(file)
    path = webhook_path(
        receiver_secret(loaded),
        connection=SANDBOX_CONNECTION,
        provider="mailchimp",
        origin="person",
    )
    sent, chance = Sent(), random.Random(4)

    async def all_lives() -> list[float]:
        async with asyncio.timeout(PATIENCE * KILLS):
            return [await one_life(file, path=path, sent=sent, chance=chance) for _ in range(KILLS)]

    first_answers = asyncio.run(all_lives())

    folder = loaded.webhook_log_dir(SANDBOX_CONNECTION)
    found = Counter(bodies_of(folder))
    torn, bad = torn_and_bad(folder)
    with capsys.disabled():
        # To stderr, which a worker of pytest-xdist shares with the terminal.
        print(
            f"\n{KILLS} kills: {sent.number:,} events sent, {len(sent.acknowledged):,}"
            f" acknowledged, {found.total():,} found, {torn} torn ends; first answer after"
            f" {statistics.median(first_answers):.2f} s (longest {max(first_answers):.2f} s)",
            file=sys.stderr,
        )
    assert len(sent.acknowledged) >= KILLS
    assert [body for body in sent.acknowledged if found[body] != 1] == []
    assert bad == 0
