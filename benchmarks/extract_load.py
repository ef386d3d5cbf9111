"""Reading an audience into typed, validated, deduplicated tables, beside dlt and tap-mailchimp.

Every party reads the same members from the same twin, asks for the same fields, and runs in a
process of its own, as does the twin; the parties take turns. Ours is the use case itself: it finds
the audience, reads both sweeps, rejects what it cannot use, validates every row, removes repeats,
takes opt-outs into the ledger and replaces the picture in the warehouse. dlt writes one flat
parquet table; tap-mailchimp writes Singer messages, which nothing reads.

Seconds are those of the read, without starting the interpreter and importing. Memory and processor
time are those of the whole process; of several processes of one party memory is that of the
largest.

    python -m benchmarks.extract_load [--members 250000] [--runs 5] [--latency 0.1]
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import httpx
import msgspec
import pandas as pd

from benchmarks import audience_twin
from nl_pipeline import settings
from nl_pipeline.cli.sandbox import SANDBOX_SECRETS
from nl_pipeline.clients.mailchimp.paging import LARGEST_PAGE, member_fields
from nl_pipeline.sandbox.credentials import MAILCHIMP_API_KEY
from nl_pipeline.settings import SANDBOX_CONNECTION
from nl_pipeline.sync.link import open_link
from nl_pipeline.sync.observe import read_members
from nl_pipeline.sync.providers.mailchimp.columns import MemberColumns

CONNECTIONS = 10
"""What Mailchimp allows one user at a time."""

_RIVALS = Path(__file__).parent / "rivals"
_FIELDS = member_fields(prefix="members.") + ",total_items"


@dataclass(frozen=True)
class Run:
    """One read by one party: rows, seconds, and what its process took of the machine."""

    rows: int
    seconds: float
    megabytes_received: float
    peak_megabytes: float
    processor_seconds: float
    version: str

    @property
    def rows_a_second(self) -> float:
        return self.rows / self.seconds


def ours(url: str, *, folder: Path) -> dict[str, Any]:
    """Read the audience of the twin at ``url`` into a new warehouse in ``folder``."""
    received = 0
    send = httpx.Client.send

    def counted(client: httpx.Client, request: httpx.Request, **options: Any) -> httpx.Response:
        nonlocal received
        response = send(client, request, **options)
        received += len(response.content)
        return response

    httpx.Client.send = counted  # type: ignore[method-assign]
    text = settings.sandbox_text(port=httpx.URL(url).port or 0)
    text = text.replace(
        " mailchimp:\n", f" mailchimp:\n        max_connections: {CONNECTIONS}\n", 1
    )
    chosen = settings.parse(text, file="connections.yaml", folder=folder)
    with open_link(chosen, connection=SANDBOX_CONNECTION, environ=SANDBOX_SECRETS) as link:
        _load_what_is_loaded_late()
        start = time.perf_counter()
        result = read_members(link, mode="full")
        seconds = time.perf_counter() - start
    if not result.complete:
        raise SystemExit("the read was not complete, so its time means nothing")
    return {"rows": result.rows, "seconds": seconds, "bytes": received, "version": "nl-pipeline"}


def _load_what_is_loaded_late() -> None:
    """Validate nothing once: pandera loads its back end then, and no party is charged for its
    imports."""
    MemberColumns(()).take(observed_at=datetime.now(UTC))


def _measure(command: list[str]) -> Run:
    """Run one party to its end; its last line of output is JSON."""
    environment = os.environ | {"PYTHONPATH": str(Path.cwd())}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    told = process.stdout.read().splitlines()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode or not told:
        raise SystemExit(f"{Path(command[1]).name or command[2]} failed; its message stands above")
    result = json.loads(told[-1])
    return Run(
        rows=result["rows"],
        seconds=result["seconds"],
        megabytes_received=result["bytes"] / 1e6,
        # Kilobytes on Linux, bytes on macOS.
        peak_megabytes=used.ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2),
        processor_seconds=used.ru_utime + used.ru_stime,
        version=result["version"],
    )


class Parties:
    """The three ways to read the audience of one twin."""

    def __init__(self, url: str, *, rivals: Path) -> None:
        self._url = url
        self._rivals = rivals
        self._api = f"{url}/mailchimp/3.0"
        auth = ("any", MAILCHIMP_API_KEY)
        lists = httpx.get(f"{self._api}/lists", auth=auth, trust_env=False).raise_for_status()
        self._list_id = lists.json()["lists"][0]["id"]

    def set_latency(self, seconds: float) -> None:
        """Let every answer of the twin take so long; its connection is taken meanwhile."""
        httpx.post(
            f"{self._url}/_sandbox/mailchimp/switches",
            json={"name": "latency_seconds", "value": seconds},
            trust_env=False,
        ).raise_for_status()

    def run(self, party: str) -> Run:
        with tempfile.TemporaryDirectory() as folder:
            python = str(self._rivals / "bin" / "python")
            if party == "dlt":
                script = str(_RIVALS / "dlt_members.py")
                told = [self._api, MAILCHIMP_API_KEY, self._list_id, _FIELDS, folder]
                return _measure([python, script, *told])
            if party == "tap-mailchimp":
                script = str(_RIVALS / "tap_mailchimp_members.py")
                told = [self._api, MAILCHIMP_API_KEY, _FIELDS, f"{folder}/messages"]
                return _measure([python, script, *told])
            module = [sys.executable, "-m", "benchmarks.extract_load"]
            return _measure([*module, "--run-ours", self._url, "--folder", folder])


def _median(runs: list[Run], name: str) -> float:
    return statistics.median(getattr(run, name) for run in runs)


def compare(url: str, *, rivals: Path, runs: int, latency: float) -> None:
    """Let the parties take turns, print the medians and the ratios, then ours with latency."""
    parties = Parties(url, rivals=rivals)
    parties.set_latency(0)
    installed = (rivals / "bin" / "python").exists()
    names = ["ours", *(["dlt", "tap-mailchimp"] if installed else [])]
    if not installed:
        print(f"no rivals in {rivals}: `make bench` installs them")
    # Once for nothing: nobody shall pay for the twin's first answers.
    parties.run("ours")
    results: dict[str, list[Run]] = {name: [] for name in [*names, "late"]}
    for _ in range(runs):
        for name in names:
            results[name].append(parties.run(name))
        parties.set_latency(latency)
        results["late"].append(parties.run("ours"))
        parties.set_latency(0)
    late = results.pop("late")
    mine = _median(results["ours"], "rows_a_second")
    print(
        f"{'':14}{'rows':>9}{'seconds':>9}{'rows/s':>9}{'peak MB':>9}{'cpu s':>7}{'B/row':>7}"
        "  ours is"
    )
    for name, of_one in results.items():
        received = _median(of_one, "megabytes_received") * 1e6 / of_one[0].rows
        rate = _median(of_one, "rows_a_second")
        ratio = "" if name == "ours" else f"  {mine / rate:.1f} x as fast"
        print(
            f"{name:14}{of_one[0].rows:9,}{_median(of_one, 'seconds'):9.2f}{rate:9,.0f}"
            f"{_median(of_one, 'peak_megabytes'):9.0f}{_median(of_one, 'processor_seconds'):7.1f}"
            f"{received:7.0f}{ratio}"
        )
    print("versions: " + ", ".join(of_one[0].version for of_one in results.values()))
    print("of each party alone, the slowest and the fastest rows/s: " + _spread(results))
    _tell_latency(
        late, without=_median(results["ours"], "seconds"), latency=latency, rows=late[0].rows
    )


def _spread(results: dict[str, list[Run]]) -> str:
    rates = {name: sorted(run.rows_a_second for run in runs) for name, runs in results.items()}
    return ", ".join(f"{name} {r[0]:,.0f} to {r[-1]:,.0f}" for name, r in rates.items())


def _tell_latency(late: list[Run], *, without: float, latency: float, rows: int) -> None:
    pages = math.ceil(rows / LARGEST_PAGE)
    waiting = math.ceil(pages / CONNECTIONS) * latency
    ideal = max(waiting, without)
    seconds = _median(late, "seconds")
    print(
        f"every answer {latency * 1000:.0f} ms late, {CONNECTIONS} connections: {seconds:.2f} s;"
        f" {ideal / seconds:.0%} of the ideal"
    )
    print(
        f"  ideal: the larger of {waiting:.2f} s (the {pages} pages of the audience,"
        f" {CONNECTIONS} at a time, waiting only) and {without:.2f} s (the same read without"
        " latency)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=250_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--latency", type=float, default=0.1, help="seconds of every answer")
    parser.add_argument("--rivals", type=Path, default=Path(".venv-rivals"))
    parser.add_argument("--run-ours", metavar="URL", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.run_ours:
        print(json.dumps(ours(args.run_ours, folder=args.folder)))
        return
    print(
        f"{platform.platform()}, {os.cpu_count()} processors, Python {platform.python_version()},"
        f" duckdb {duckdb.__version__}, pandas {pd.__version__}, msgspec {msgspec.__version__},"
        f" httpx {httpx.__version__}; {args.members:,} members, median of {args.runs}, interleaved"
    )
    with audience_twin.running(members=args.members) as url:
        compare(url, rivals=args.rivals, runs=args.runs, latency=args.latency)
    with audience_twin.running(members=args.members // 5) as url, tempfile.TemporaryDirectory():
        parties = Parties(url, rivals=args.rivals)
        peak = _median([parties.run("ours") for _ in range(min(3, args.runs))], "peak_megabytes")
    print(f"ours with a fifth of the members: peak {peak:.0f} MB")


if __name__ == "__main__":
    main()
