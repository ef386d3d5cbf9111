"""The receiver under load: durable events a second, latency, memory, beside the machine's limits.

The receiver runs as it is shipped (`nl-pipeline receive`, every limit at its default), takes signed
events of the usual size and answers when they are durable. Beside it: the same app with a writer
that stores nothing, and the syncs a second that this disk makes of one line at a time. Then again
with slow senders, who open a connection, send a byte a second and come back when they are cut.
Callers run in a process of their own, each sending the next event when the last one is answered,
and share the cores with the receiver.

    python -m benchmarks.receive [--events 40000] [--callers 32] [--slow 1000] [--rounds 3]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hmac
import json
import os
import platform
import resource
import secrets
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode

import uvloop

from nl_pipeline import settings
from nl_pipeline.receiver import serve
from nl_pipeline.settings import SANDBOX_CONNECTION
from nl_pipeline.webhook_log.keys import SigningKey, SigningKeys, receiver_secret, webhook_path
from nl_pipeline.webhook_log.writing import LogWriter

_PATIENCE = 60.0
_DISTINCT = 2000
_SECRET = "signing-secret-of-the-benchmark"
_WITHOUT, _DURABLE = "the same app without writing", "durable"
_BESIDE = "durable, {slow:,} slow senders"
_SLOW_START = b"POST /hooks/ HTTP/1.1\r\nhost: receiver\r\nx-slow: "


class _WithoutWriting(LogWriter):
    """Takes every event and stores none."""

    async def append(self, connection: str, **line: Any) -> str:
        return "not stored"


# Callers ------------------------------------------------------------------------------------------


class _Caller(asyncio.Protocol):
    """One connection that sends the next event when the last one was answered."""

    def __init__(self, load: _Load) -> None:
        self._load = load
        self._answer = b""
        self._sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if b"\r\n\r\n" not in self._answer:
            return
        self._load.seconds.append(time.perf_counter() - self._sent_at)
        if not self._answer.startswith(b"HTTP/1.1 200"):
            self._load.refused += 1
        self._answer = b""
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        self._load.gone()

    def _send(self) -> None:
        request = self._load.next_request()
        if request is None:
            self._transport.close()
            return
        self._sent_at = time.perf_counter()
        self._transport.write(request)


class _Load:
    """The events of all callers of one round."""

    def __init__(self, requests: list[bytes], *, events: int, callers: int) -> None:
        self.seconds: list[float] = []
        self.refused = 0
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._requests = requests
        self._left = events
        self._callers = callers

    def next_request(self) -> bytes | None:
        if self._left == 0:
            return None
        self._left -= 1
        return self._requests[self._left % len(self._requests)]

    def gone(self) -> None:
        self._callers -= 1
        if self._callers == 0:
            self.over.set_result(None)


def signed_requests(path: str) -> list[bytes]:
    """Events as Mailchimp sends them, each one different."""
    requests = []
    for number in range(_DISTINCT):
        fields = {
            "type": "unsubscribe",
            "fired_at": "2026-03-26 21:40:57",
            "data[action]": "unsub",
            "data[reason]": "manual",
            "data[id]": secrets.token_hex(5),
            "data[email]": f"person{number}@example.org",
            "data[email_type]": "html",
            "data[ip_opt]": "198.51.100.7",
            "data[web_id]": str(400_000_000 + number),
            "data[campaign_id]": "cb398d21d2",
            "data[list_id]": "a6b5da1054",
            "data[merges][EMAIL]": f"person{number}@example.org",
            "data[merges][ANREDE]": "Frau",
            "data[merges][FNAME]": "Erika",
            "data[merges][LNAME]": "Mustermann",
        }
        body = urlencode(fields).encode()
        at = str(int(time.time()))
        digest = hmac.new(_SECRET.encode(), f"{at}.".encode() + body, "sha256").hexdigest()
        head = (
            f"POST {path} HTTP/1.1\r\nhost: receiver\r\nuser-agent: MailChimp.com\r\n"
            "accept: */*\r\ncontent-type: application/x-www-form-urlencoded\r\n"
            f"x-mailchimp-signature: t={at},v1={digest}\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        requests.append(head.encode() + body)
    return requests


async def call(port: int, *, path: str, events: int, callers: int) -> dict[str, float]:
    """Send ``events`` and tell how it went."""
    load = _Load(signed_requests(path), events=events, callers=callers)
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    for _ in range(callers):
        await loop.create_connection(lambda: _Caller(load), "127.0.0.1", port)
    await load.over
    took = time.perf_counter() - began
    if load.refused or len(load.seconds) < events:
        raise RuntimeError(
            f"{load.refused} refused, {events - len(load.seconds)} without an answer"
        )
    *_, p99 = statistics.quantiles(load.seconds, n=100)
    median = statistics.median(load.seconds)
    return {"rate": events / took, "p50": median * 1000, "p99": p99 * 1000}


async def trickle(port: int, *, senders: int) -> None:
    """Slow senders: a byte a second, and a new connection when one is cut. Runs until killed."""

    async def one(number: int) -> None:
        await asyncio.sleep(number / senders)
        while True:
            # uvloop's own error for a connection that was cut.
            with contextlib.suppress(OSError, RuntimeError):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(_SLOW_START)
                while not reader.at_eof():
                    await asyncio.sleep(1)
                    writer.write(b"x")
                    await writer.drain()

    await asyncio.gather(*(one(number) for number in range(senders)))


# Servers ------------------------------------------------------------------------------------------


def serve_without_writing(file: Path) -> None:
    """The shipped server with a writer that stores nothing."""
    serve.LogWriter = _WithoutWriting  # type: ignore[misc]
    serve.serve(settings.load(file), port=0, on_ready=lambda url, _hooks: print(url, flush=True))


@contextlib.contextmanager
def _receiver(file: Path, *, writes: bool) -> Iterator[tuple[int, int]]:
    """A receiver in a process of its own; its port and process id."""
    if writes:
        code = "import sys; from nl_pipeline.cli import main; sys.exit(main())"
        command = [sys.executable, "-c", code, "--config", str(file), "receive", "--port", "0"]
    else:
        command = [sys.executable, "-m", "benchmarks.receive", "--serve-without-writing", str(file)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        if server.stdout is None:
            raise RuntimeError("no output to read the address from")
        first = next(word for word in server.stdout.readline().split() if "http://" in word)
        yield int(first.rstrip(";").rpartition(":")[2]), server.pid
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(_PATIENCE)


def _round(
    port: int, *, process_id: int, path: str, options: argparse.Namespace
) -> dict[str, float]:
    """One round of calls; `cpu` is of the receiver, in µs for an event."""
    numbers = [str(port), path, str(options.events), str(options.callers)]
    command = [sys.executable, "-m", "benchmarks.receive", "--call", *numbers]
    used = _cpu_seconds(process_id)
    told = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    used = _cpu_seconds(process_id) - used
    found: dict[str, float] = json.loads(told.stdout)
    return found | {"cpu": used / options.events * 1e6, "memory": _memory_mb(process_id)}


def _medians(rounds: list[dict[str, float]]) -> dict[str, float]:
    """Each figure by itself; of memory the most."""
    medians = {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}
    return medians | {"memory": max(one["memory"] for one in rounds)}


def _cpu_seconds(process_id: int) -> float:
    fields = Path(f"/proc/{process_id}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory_mb(process_id: int) -> float:
    status = Path(f"/proc/{process_id}/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def _open_connections(port: int) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as page:
        lines = page.read().decode().splitlines()
    return next(int(x.split()[1]) for x in lines if x.startswith("nl_receiver_open_connections "))


@contextlib.contextmanager
def _slow_senders(port: int, *, senders: int) -> Iterator[None]:
    command = [sys.executable, "-m", "benchmarks.receive", "--trickle", str(port), str(senders)]
    process = subprocess.Popen(command)
    try:
        deadline = time.monotonic() + _PATIENCE
        while _open_connections(port) < senders:
            if time.monotonic() > deadline:
                raise RuntimeError("the slow senders do not get through")
            time.sleep(0.1)
        yield
    finally:
        process.kill()
        process.wait()


def disk_rate(folder: Path, *, seconds: float = 2.0) -> float:
    """Syncs a second of one line at a time."""
    line = b"x" * 900
    descriptor = os.open(folder / "syncs", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    syncs, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        os.write(descriptor, line)
        os.fdatasync(descriptor)
        syncs += 1
    os.close(descriptor)
    return syncs / (time.perf_counter() - began)


# The page -----------------------------------------------------------------------------------------


def _row(name: str, *, found: dict[str, float]) -> None:
    print(
        f"{name:<34} {found['rate']:>9,.0f} {found['p50']:>9.2f} {found['p99']:>9.2f}"
        f" {found['cpu']:>13.0f} {found['memory']:>10.0f}"
    )


def measure(options: argparse.Namespace) -> None:
    """All rows, on one disk."""
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, ",
        end="",
    )
    print(", ".join(f"{name} {version(name)}" for name in ("uvicorn", "starlette", "uvloop")))
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        file = folder / settings.DEFAULT_FILE
        file.write_text(settings.sandbox_text(), encoding="utf-8")
        loaded = settings.load(file)
        secret = receiver_secret(loaded)
        path = webhook_path(
            secret, connection=SANDBOX_CONNECTION, provider="mailchimp", origin="person"
        )
        keys = SigningKeys(loaded.webhook_log_dir(SANDBOX_CONNECTION))
        keys.remember(SigningKey("benchmark", "person", _SECRET))

        print(f"syncs of one line after the other: {disk_rate(folder):,.0f} a second\n")
        print(
            f"{options.events:,} events, {options.callers} callers; {options.rounds} rounds in turn"
        )
        columns = ("events/s", "p50 ms", "p99 ms")
        print(f"{'':<34}", *(f"{c:>9}" for c in columns), f"{'CPU µs/event':>13} {'memory MB':>10}")
        rounds: dict[str, list[dict[str, float]]] = {_WITHOUT: [], _DURABLE: [], _BESIDE: []}
        with _receiver(file, writes=False) as idle, _receiver(file, writes=True) as writing:
            for _ in range(options.rounds):
                for name, (port, process_id) in ((_WITHOUT, idle), (_DURABLE, writing)):
                    found = _round(port, process_id=process_id, path=path, options=options)
                    rounds[name].append(found)
                port, process_id = writing
                with _slow_senders(port, senders=options.slow):
                    found = _round(port, process_id=process_id, path=path, options=options)
                rounds[_BESIDE].append(found)
        medians = {name: _medians(found) for name, found in rounds.items()}
        for name, found in medians.items():
            _row(name.format(slow=options.slow), found=found)
        without, durable, beside = medians.values()
        print(f"\ndurable / without writing: {durable['rate'] / without['rate']:.2f}")
        print(f"p99 with / without slow senders: {beside['p99'] / durable['p99']:.2f}")
        print(f"disk rate at the end: {disk_rate(folder):,.0f} syncs a second")


def main() -> None:
    """Read the options; the hidden ones are the processes this one starts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=40_000)
    parser.add_argument("--callers", type=int, default=32)
    parser.add_argument("--slow", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=None, help="on the disk to measure")
    parser.add_argument("--call", nargs=4, help=argparse.SUPPRESS)
    parser.add_argument("--trickle", nargs=2, type=int, help=argparse.SUPPRESS)
    parser.add_argument("--serve-without-writing", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    _, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))
    if options.call:
        port, path, events, callers = options.call
        calling = call(int(port), path=path, events=int(events), callers=int(callers))
        print(json.dumps(uvloop.run(calling)))
    elif options.trickle:
        port, senders = options.trickle
        uvloop.run(trickle(port, senders=senders))
    elif options.serve_without_writing:
        serve_without_writing(options.serve_without_writing)
    else:
        measure(options)


if __name__ == "__main__":
    main()
