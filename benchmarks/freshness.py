"""From the click to the CRM, and a burst: sandbox, receiver and Dagster's daemon as real processes.

Clicks come at random moments, one after the other, with the sensors as they are shipped; measured
is the time from the click until the contact says Cancellation. Then a burst is stored in the log as
a receiver would store it, a tenth of it opt-outs, and measured is the time until every event is
finished, with everything Dagster does in between.

    python -m benchmarks.freshness [--clicks 20] [--burst 10000] [--contacts 6000]
"""

from __future__ import annotations

import argparse
import asyncio
import platform
import random
import statistics
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlencode

import dagster as dg
import duckdb

from nl_pipeline import settings
from nl_pipeline.settings import DEFAULT_FILE, SANDBOX_CONNECTION
from nl_pipeline.webhook_log.writing import LogWriter
from nl_pipeline_tests.end_to_end.processes import Processes, deployed

_OPT_OUTS_OF_TEN = 1
_LONGEST_PAUSE = 6.0
_PATIENCE = 300.0
_LOOK_EVERY = 0.1
_AT_ONCE = 500


def click(running: Processes, *, clicks: int, chance: random.Random) -> list[float]:
    """Seconds from each click to the CRM."""
    taken = []
    for _, email in zip(range(clicks), running.someone(), strict=False):
        time.sleep(chance.random() * _LONGEST_PAUSE)
        running.unsubscribe(email)
        taken.append(running.seconds_until_cancelled(email))
        print(f"  {len(taken)}: {taken[-1]:.1f} s", flush=True)
    return taken


def burst(running: Processes, *, events: int, chance: random.Random) -> float:
    """Seconds from the first stored line until the last event is finished."""
    people = list(running.someone())
    chance.shuffle(people)
    leaving = events * _OPT_OUTS_OF_TEN // 10
    if len(people) < leaving:
        raise SystemExit(f"a burst of {events:,} needs {leaving:,} subscribers: more --contacts")
    before = _finished(running.folder)
    bodies = [_body("unsubscribe", email) for email in people[:leaving]]
    bodies += [
        _body("profile", chance.choice(people[leaving:] or people)) + b"&n=%d" % number
        for number in range(events - leaving)
    ]
    chance.shuffle(bodies)
    began = time.monotonic()
    asyncio.run(_store(running.folder, bodies=bodies))
    stored = time.monotonic() - began
    _wait_until_idle(running)
    taken = time.monotonic() - began
    finished = _finished(running.folder) - before
    print(f"  stored in {stored:.1f} s; opt-outs in the CRM: {finished:,} of {leaving:,}")
    if finished < leaving:
        raise RuntimeError("not every opt-out of the burst has arrived")
    return taken


def _body(kind: str, email: str) -> bytes:
    form = {
        "type": kind,
        "fired_at": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}",
        "data[email]": email,
        "data[reason]": "manual",
        "data[merges][EMAIL]": email,
        "data[merges][FNAME]": "Erika",
    }
    return urlencode(form).encode()


async def _store(folder: Path, *, bodies: list[bytes]) -> None:
    loaded = settings.load(folder / DEFAULT_FILE)
    writer = LogWriter(loaded.webhook_root)
    writer.prepare()
    for start in range(0, len(bodies), _AT_ONCE):
        await asyncio.gather(
            *(
                writer.append(
                    SANDBOX_CONNECTION,
                    provider="mailchimp",
                    origin="person",
                    signature="unsigned",
                    headers={"content-type": "application/x-www-form-urlencoded"},
                    body=body,
                )
                for body in bodies[start : start + _AT_ONCE]
            )
        )
    await writer.close()


def _wait_until_idle(running: Processes) -> None:
    """Until no run goes on or waits, and none has begun for a while."""
    busy = [
        status
        for status in dg.DagsterRunStatus
        if status not in (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE)
    ]
    deadline = time.monotonic() + _PATIENCE
    with dg.DagsterInstance.from_config(str(running.folder / "dagster_home")) as instance:
        known = instance.get_runs_count()
        while time.monotonic() < deadline:
            ran = instance.get_runs_count(dg.RunsFilter(job_name="ingest_webhooks")) and (
                instance.get_runs_count() > known
            )
            if ran and not instance.get_runs_count(dg.RunsFilter(statuses=busy)):
                return
            time.sleep(_LOOK_EVERY)
    raise TimeoutError(f"the burst was not finished in {_PATIENCE:.0f} s")


def _finished(folder: Path) -> int:
    """Opt-outs told by webhooks that are in the CRM; waits while a run has the file."""
    file = folder / "data" / f"{SANDBOX_CONNECTION}.duckdb"
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            with duckdb.connect(str(file), read_only=True) as db:
                rows = db.execute(
                    "SELECT count(*) FROM subscriber_events"
                    " WHERE kind = 'UNSUBSCRIBE' AND outcome = 'applied' AND source = 'webhook'"
                ).fetchall()
                return int(rows[0][0])
        except duckdb.IOException:
            if time.monotonic() > deadline:
                raise
            time.sleep(_LOOK_EVERY)


def main() -> None:
    """Run both and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clicks", type=int, default=20)
    parser.add_argument("--burst", type=int, default=10_000)
    parser.add_argument("--contacts", type=int, default=6_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    versions = ", ".join(f"{name} {version(name)}" for name in ("dagster", "duckdb", "httpx"))
    print(f"{platform.platform()}, Python {platform.python_version()}, {versions}")
    with (
        tempfile.TemporaryDirectory() as folder,
        deployed(Path(folder), contacts=options.contacts) as running,
    ):
        running.start_daemon()
        print(f"{options.clicks} clicks, {options.contacts:,} contacts")
        taken = sorted(click(running, clicks=options.clicks, chance=chance))
        p95 = taken[min(len(taken) - 1, round(0.95 * len(taken)))]
        print(f"click to CRM: p50 {statistics.median(taken):.1f} s, p95 {p95:.1f} s")
        print(f"burst of {options.burst:,} events, {_OPT_OUTS_OF_TEN} of 10 an opt-out")
        seconds = burst(running, events=options.burst, chance=chance)
        print(f"burst applied in {seconds:.1f} s, Dagster included")


if __name__ == "__main__":
    main()
