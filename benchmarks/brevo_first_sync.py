"""The first sync of many contacts into Brevo at the limits of every plan: calls, refusals, memory.

The sandbox runs in a process of its own, and so does every step, so that each step's memory is its
own. Time is real: the twin counts ten calls a second, 36,000 and 100 an hour by the clock on the
wall, and each of its imports takes the seconds it is told. What is refused for a limit is counted
by the sandbox, not by the client.

The least possible: every page and every import as full as Brevo takes it, over the whole plan and
not portion by portion, and one read-back of whoever was imported. Looks whether an import is over
are told apart: how many there are is a matter of how long Brevo takes.

    python -m benchmarks.brevo_first_sync [--contacts 182000] [--import-seconds 30]
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
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.large_sync import Sandbox, measured
from nl_pipeline import settings
from nl_pipeline.domain.least_calls import least_at_provider
from nl_pipeline.settings import SANDBOX_BREVO_CONNECTION
from nl_pipeline.sync.link import Link, open_link
from nl_pipeline.sync.run import push_and_follow_up
from nl_pipeline.sync.setup import set_up
from nl_pipeline.warehouse import pending, plans
from nl_pipeline.warehouse.pending import Part

_LOOKS = ("GET /processes", "GET /processes/{processId}")
_EVERYTHING = 10**9
MARK = 1.05


def first_plan(link: Link) -> dict[str, Any]:
    """Set-up: checks, both sides in full, backup, plan."""
    plan = set_up(link).plan
    rows = sum(count.rows for count in plans.count_changes(link.warehouse, plan_id=plan.plan_id))
    return {"changes": rows, **_told(link)}


def writes_at_least(link: Link) -> dict[str, Any]:
    """The calls that would write the whole plan, had they been packed at once."""
    plan = _plan(link)
    changes = next(
        pending.portions(
            link.warehouse,
            plan_id=plan.plan_id,
            released=True,
            part=Part.PROVIDER,
            most=_EVERYTHING,
        )
    )
    work = link.audience.work_of(changes)
    return {
        "people": sum(p.change.action == "subscribe" for p in changes),
        "bytes": sum(work.imports),
        "least": least_at_provider(work, limits=link.audience.limits),
    }


def first_sync(link: Link) -> dict[str, Any]:
    """Apply the plan of the set-up by its id."""
    total = push_and_follow_up(link, plan=_plan(link), approved=True).total
    return {"changes": 0 if total is None else total.confirmed, **_told(link)}


STEPS: dict[str, Callable[[Link], dict[str, Any]]] = {
    "set-up": first_plan,
    "least": writes_at_least,
    "first sync": first_sync,
}


def _plan(link: Link) -> Any:
    plan = plans.latest(link.warehouse)
    if plan is None:
        raise SystemExit("there is no plan")
    return plan


def _told(link: Link) -> dict[str, Any]:
    """The calls to Brevo by what they were for, made and least, and to the CRM."""
    report = link.report_calls()
    mine = [count for count in report.purposes if count.side == "provider"]
    return {
        "purposes": {count.purpose: [count.made, count.least] for count in mine},
        "looks": sum(report.provider.get(name, 0) for name in _LOOKS),
        "imports": report.provider.get("POST /contacts/import", 0),
        "crm": [sum(c.made for c in report.purposes if c.side == "crm")],
    }


def run_step(name: str, *, file: Path) -> dict[str, Any]:
    """One step in this process, with what it took."""
    with open_link(settings.load(file), connection=SANDBOX_BREVO_CONNECTION) as link:
        start = time.perf_counter()
        told = STEPS[name](link)
        return {**told, "seconds": time.perf_counter() - start}


def measure(folder: Path, *, contacts: int, import_seconds: float) -> bool:
    """Run set-up and first sync once, print what they took; whether the mark is kept."""
    port = settings.SANDBOX_PORT + 9
    file = folder / "connections.yaml"
    file.write_text(settings.sandbox_text(port=port), encoding="utf-8")
    serve = f"from nl_pipeline.sandbox.serve import serve; serve(port={port}, contacts={contacts})"
    server = subprocess.Popen(
        [sys.executable, "-c", serve], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        sandbox = Sandbox(port)
        sandbox.wait()
        sandbox.post("brevo/switches", {"name": "import_seconds", "value": import_seconds})
        done = {name: measured("benchmarks.brevo_first_sync", name, file=file) for name in STEPS}
        return _print(done, calls=sandbox.get("calls")["calls"])
    finally:
        server.terminate()
        server.wait(timeout=60)


def _print(done: dict[str, dict[str, Any]], *, calls: list[dict[str, Any]]) -> bool:
    whole = done["least"]
    print(f"{whole['people']:,} people to import, {whole['bytes'] / 1e6:.1f} MB")
    print(f"{'':14}{'seconds':>9}{'changes':>9}{'peak MB':>9}{'calls to Brevo':>16}{'least':>7}")
    made = least = looks = 0
    for name in ("set-up", "first sync"):
        told = done[name]
        purposes = told["purposes"]
        if name == "first sync":
            purposes["write"][1] = whole["least"]
        step_made = sum(one for one, _ in purposes.values()) - told["looks"]
        step_least = sum(one for _, one in purposes.values())
        print(
            f"{name:14}{told['seconds']:9.1f}{told['changes']:9,}{told['peak']:9.0f}"
            f"{step_made:16,}{step_least:7,}"
        )
        print(f"{'':14}" + ", ".join(f"{p} {m} of {n}" for p, (m, n) in purposes.items()))
        made, least, looks = made + step_made, least + step_least, looks + told["looks"]
    brevo = [call for call in calls if call["service"] == "brevo"]
    refused = sum(call["count"] for call in brevo if call["status"] == 429)
    print(
        f"both: {made:,} calls over {least:,} at least ({made / least:.3f}), besides {looks} looks"
        f" whether {done['first sync']['imports']} imports are over"
    )
    print(f"calls the sandbox counted at Brevo: {sum(call['count'] for call in brevo):,}")
    print(f"calls refused for a limit: {refused}")
    kept = made <= MARK * least and refused == 0
    print(f"mark (at most {MARK} times the least, no refusal): {'kept' if kept else 'MISSED'}")
    return kept


def main() -> None:
    """Run both and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contacts", type=int, default=182_000)
    parser.add_argument("--import-seconds", type=float, default=30.0)
    parser.add_argument("--step", choices=list(STEPS), help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.step:
        print(json.dumps(run_step(args.step, file=args.file)))
        return
    print(
        f"{platform.platform()}, {os.cpu_count()} processors, Python {platform.python_version()};"
        f" {args.contacts:,} contacts in the CRM, imports of {args.import_seconds:.0f} s, each step"
        " once"
    )
    with tempfile.TemporaryDirectory() as folder:
        kept = measure(Path(folder), contacts=args.contacts, import_seconds=args.import_seconds)
    if not kept:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
