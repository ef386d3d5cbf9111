"""A large connection from its first sync on: time, calls over the least possible, peak memory.

The sandbox runs in a process of its own, and so does every step, so that each step's memory is its
own. The steps: set-up (both sides read in full, the first plan), the first sync, a full sync and an
incremental one with nothing to do, then one contact in a hundred changes, and an incremental and a
full sync after it.

    python -m benchmarks.large_sync [--contacts 250000]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from nl_pipeline import settings
from nl_pipeline.cli.sandbox import SANDBOX_SECRETS
from nl_pipeline.settings import SANDBOX_CONNECTION
from nl_pipeline.sync.link import Link, open_link
from nl_pipeline.sync.observe import Mode
from nl_pipeline.sync.run import SyncResult, push_and_follow_up, sync
from nl_pipeline.sync.setup import set_up
from nl_pipeline.warehouse import plans

_PATIENCE = 300.0


def first_plan(link: Link) -> dict[str, Any]:
    """Set-up: checks, both sides in full, backup, plan."""
    plan = set_up(link).plan
    rows = sum(count.rows for count in plans.count_changes(link.warehouse, plan_id=plan.plan_id))
    return {"changes": rows}


def first_sync(link: Link) -> dict[str, Any]:
    """Apply the plan of the set-up by its id."""
    plan = plans.latest(link.warehouse)
    if plan is None:
        raise SystemExit("there is no plan")
    return _done(push_and_follow_up(link, plan=plan, approved=True))


def later_sync(mode: Mode) -> Callable[[Link], dict[str, Any]]:
    """One run of a schedule."""
    return lambda link: _done(sync(link, mode=mode))


def _done(result: SyncResult) -> dict[str, Any]:
    total = result.total
    return {"changes": 0 if total is None else total.confirmed}


STEPS: dict[str, Callable[[Link], dict[str, Any]]] = {
    "set-up": first_plan,
    "first sync": first_sync,
    "full, nothing to do": later_sync("full"),
    "incremental, nothing to do": later_sync("incremental"),
    "incremental, 1 % changed": later_sync("incremental"),
    "full, after it": later_sync("full"),
}


def run_step(name: str, *, file: Path) -> dict[str, Any]:
    """One step in this process, with what it took."""
    with open_link(settings.load(file), connection=SANDBOX_CONNECTION) as link:
        start = time.perf_counter()
        told = STEPS[name](link)
        seconds = time.perf_counter() - start
        calls = link.report_calls()
    return {**told, "seconds": seconds, "calls": calls.made, "least": calls.least}


def measured(module: str, name: str, *, file: Path) -> dict[str, Any]:
    """What a step of a benchmark prints from a process of its own, and its peak of memory."""
    command = [sys.executable, "-m", module, "--step", name, "--file", str(file)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=os.environ | SANDBOX_SECRETS
    )
    assert process.stdout is not None
    printed = process.stdout.read().splitlines()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode or not printed:
        raise SystemExit(f"{name} failed; its message stands above")
    # Kilobytes on Linux, bytes on macOS.
    peak = used.ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)
    return {**json.loads(printed[-1]), "peak": peak}


class Sandbox:
    """The control API of the sandbox, as far as it is needed here."""

    def __init__(self, port: int) -> None:
        self._root = f"http://127.0.0.1:{port}/_sandbox"
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def wait(self) -> None:
        """Until the sandbox answers, which takes as long as its people take to be made."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                self._opener.open(f"{self._root}/health", timeout=60).close()
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def get(self, path: str) -> Any:
        """Look at something."""
        with self._opener.open(f"{self._root}/{path}", timeout=120) as answer:
            return json.load(answer)

    def post(self, path: str, document: dict[str, Any]) -> Any:
        """Have something done."""
        request = urllib.request.Request(
            f"{self._root}/{path}",
            data=json.dumps(document).encode(),
            headers={"content-type": "application/json"},
        )
        with self._opener.open(request, timeout=120) as answer:
            return json.load(answer)

    def change(self, ids: list[int], *, members: list[str]) -> None:
        """Another first name for these contacts, and an opt-out of every tenth as many members."""
        for crm_id in ids:
            self.post(
                "onoffice/act",
                {
                    "actor": "staff",
                    "action": "modify",
                    "id": crm_id,
                    "fields": {"Vorname": "Kim"},
                },
            )
        for email in members:
            self.post("mailchimp/act", {"actor": "person", "action": "unsubscribe", "email": email})


def _some(file: Path, *, contacts: int, members: int) -> tuple[list[int], list[str]]:
    """Contacts that are kept in step, and addresses of other subscribers."""
    path = settings.load(file).warehouse_path(SANDBOX_CONNECTION)
    with duckdb.connect(str(path), read_only=True) as db:
        ids = db.execute(
            "SELECT b.crm_id FROM base AS b WHERE b.kind = 'pair' AND b.provider_state = 'SUB'"
            " AND b.newsletter = 'YES' AND b.crm_id IS NOT NULL ORDER BY b.crm_id LIMIT ?",
            [contacts],
        ).fetchall()
        emails = db.execute(
            "SELECT m.email FROM base AS b JOIN members AS m ON m.key = b.key"
            " WHERE b.kind = 'pair' AND b.provider_state = 'SUB' AND b.newsletter = 'YES'"
            " ORDER BY b.crm_id DESC LIMIT ?",
            [members],
        ).fetchall()
    return [int(row[0]) for row in ids], [str(row[0]) for row in emails]


def measure(folder: Path, *, contacts: int) -> None:
    """Run every step once and print what it took."""
    port = settings.SANDBOX_PORT + 7
    file = folder / "connections.yaml"
    file.write_text(settings.sandbox_text(port=port), encoding="utf-8")
    serve = f"from nl_pipeline.sandbox.serve import serve; serve(port={port}, contacts={contacts})"
    server = subprocess.Popen(
        [sys.executable, "-c", serve], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        sandbox = Sandbox(port)
        sandbox.wait()
        print(f"{'':28}{'seconds':>9}{'changes':>9}{'calls':>7}{'least':>7}{'peak MB':>9}")
        for name in STEPS:
            sandbox.post("clock", {"advance": 1800})
            if "changed" in name:
                ids, emails = _some(file, contacts=contacts // 100, members=contacts // 1000)
                sandbox.change(ids, members=emails)
            told = measured("benchmarks.large_sync", name, file=file)
            print(
                f"{name:28}{told['seconds']:9.1f}{told['changes']:9,}{told['calls']:7,}"
                f"{told['least']:7,}{told['peak']:9.0f}",
                flush=True,
            )
    finally:
        server.terminate()
        server.wait(timeout=60)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contacts", type=int, default=250_000)
    parser.add_argument("--step", choices=list(STEPS), help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.step:
        print(json.dumps(run_step(args.step, file=args.file)))
        return
    print(
        f"{platform.platform()}, {os.cpu_count()} processors, Python {platform.python_version()};"
        f" {args.contacts:,} contacts, each step once"
    )
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), contacts=args.contacts)


if __name__ == "__main__":
    main()
