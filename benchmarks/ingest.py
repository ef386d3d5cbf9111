"""Ingesting the webhook log: lines a second into deduplicated, validated events, and memory.

Run with ``python -m benchmarks.ingest [--lines N] [--repeated SHARE]``. Lines are as Mailchimp
sends them, with merge fields; every run is a process of its own over a fresh warehouse, so that its
peak memory is its own. Printed beside: how much of the time is reading and understanding, and how
much is storing, and the memory of a run over a tenth of the lines, which shows whether it grows.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from nl_pipeline.sync.events import mailchimp
from nl_pipeline.sync.events.log import portions
from nl_pipeline.sync.events.told import Told
from nl_pipeline.warehouse import events
from nl_pipeline.warehouse.connection import Warehouse
from nl_pipeline.webhook_log.lines import LogLine, body_fields, encode

AUDIENCE = "a6b5da1054"
START = datetime(2026, 3, 1, tzinfo=UTC)
KINDS = ("subscribe", "unsubscribe", "profile", "cleaned", "upemail")
_LINES_A_SECOND = 30
_LINES_A_SEGMENT = 50_000


def write_log(folder: Path, *, lines: int, repeated: float) -> None:
    """A log of so many lines, a share of which tells what an earlier one has told."""
    chance = random.Random(1)
    told: list[bytes] = []
    day = folder / f"{START:%Y-%m-%d}"
    day.mkdir(parents=True)
    for number in range(0, lines, _LINES_A_SEGMENT):
        name = f"{(number // _LINES_A_SEGMENT) % 24:02d}.bench-{number}.jsonl"
        with (day / name).open("wb") as segment:
            for place in range(number, min(number + _LINES_A_SEGMENT, lines)):
                if told and chance.random() < repeated:
                    body = chance.choice(told)
                else:
                    body = _body(place, chance=chance)
                    told = [*told[-500:], body]
                at = START + timedelta(seconds=place / _LINES_A_SECOND)
                segment.write(encode(_line(place, body=body, at=at)))


def _line(place: int, *, body: bytes, at: datetime) -> LogLine:
    return LogLine(
        id=f"bench-{place}",
        received_at=at,
        provider="mailchimp",
        origin="person",
        signature="valid",
        headers={
            "content-type": "application/x-www-form-urlencoded",
            "user-agent": "MailChimp.com",
            "x-mailchimp-signature": f"t={int(at.timestamp())},v1={'0' * 64}",
        },
        **body_fields(body),
    )


def _body(place: int, *, chance: random.Random) -> bytes:
    email = f"kunde.{chance.randrange(10**6):06d}@beispiel.example"
    at = START + timedelta(seconds=place // _LINES_A_SECOND)
    form = {
        "type": chance.choice(KINDS),
        "fired_at": f"{at:%Y-%m-%d %H:%M:%S}",
        "data[action]": "unsub",
        "data[reason]": "manual",
        "data[id]": f"{place:010x}",
        "data[email]": email,
        "data[new_email]": email,
        "data[old_email]": f"alt.{email}",
        "data[email_type]": "html",
        "data[ip_opt]": "192.0.2.7",
        "data[web_id]": str(place),
        "data[list_id]": AUDIENCE,
        "data[merges][EMAIL]": email,
        "data[merges][FNAME]": "Erika",
        "data[merges][LNAME]": "Müller-Lüdenscheid",
        "data[merges][ADDRESS][addr1]": "Musterstraße 1",
        "data[merges][ADDRESS][city]": "Köln",
    }
    return urlencode(form).encode()


def run(folder: Path) -> dict[str, float]:
    """One ingest of the log in ``folder``, without the services behind it."""
    warehouse = Warehouse(folder / "bench.duckdb", fields=())
    events.read_offsets(warehouse)
    zone = ZoneInfo("UTC")

    def understand(line: LogLine) -> Told:
        return Told((mailchimp.event_of(line, audience_id=AUDIENCE, zone=zone),))

    begun, cpu = time.perf_counter(), time.process_time()
    lines = new = 0
    storing = 0.0
    for portion in portions(folder, offsets={}, understand=understand):
        since = time.perf_counter()
        new += events.store_frame(warehouse, frame=portion.events, read=portion.read, now=START).new
        storing += time.perf_counter() - since
        lines += sum(part.lines for part in portion.read)
    seconds = time.perf_counter() - begun
    return {
        "lines": lines,
        "new": new,
        "seconds": seconds,
        "cpu_seconds": time.process_time() - cpu,
        "storing_seconds": storing,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def measured(*, lines: int, repeated: float) -> dict[str, float]:
    """The figures of a run in a process of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_log(folder, lines=lines, repeated=repeated)
        answer = subprocess.run(
            [sys.executable, "-m", "benchmarks.ingest", "--run", name],
            check=True,
            capture_output=True,
            text=True,
        )
        figures: dict[str, float] = json.loads(answer.stdout)
        return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=200_000)
    parser.add_argument("--repeated", type=float, default=0.1, help="share of repeated lines")
    parser.add_argument("--run", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.run is not None:
        print(json.dumps(run(chosen.run)))
        return
    for lines in (chosen.lines // 10, chosen.lines):
        f = measured(lines=lines, repeated=chosen.repeated)
        print(
            f"{f['lines']:>9,.0f} lines, {f['new']:>9,.0f} new events: "
            f"{f['lines'] / f['seconds']:>8,.0f} lines/s "
            f"({f['lines'] / f['cpu_seconds']:,.0f} per CPU second; "
            f"storing {f['storing_seconds'] / f['seconds']:.0%}), peak {f['peak_mb']:.0f} MB"
        )


if __name__ == "__main__":
    main()
