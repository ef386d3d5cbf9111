"""The plan of a million people against a pandas merge with column compare, and polars.

Ours decides by the rule table with base, ledger and field mask and stores the plan; the rivals join
both sides and the base and compare the mapped columns in memory, nothing more. All start from the
same warehouse file, in processes of their own, and take turns. Between the first plan and the one
that is measured, one person in a hundred changes on one side.

Whose row changed is marked when the row is stored, so our time is not that of comparing. Half of
it goes into finding whom those who changed are connected with and fetching their rows from the file
(six columns of text of a million values each), the rest into deciding, the changes and storing
them. A rival's comparing starts from frames that are in memory already; with its loading it is
measured like us. The CPU time is that of the whole process, imports included, and is what tells
something while others use the machine.

    python -m benchmarks.plan_diff [--people 1000000] [--runs 5] [--memory-limit 250MB]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from nl_pipeline.domain.brakes import Brakes
from nl_pipeline.domain.fields import ProfileField
from nl_pipeline.warehouse.connection import Warehouse
from nl_pipeline.warehouse.deciding import PlanningOptions
from nl_pipeline.warehouse.observations import (
    Snapshot,
    begin_read,
    finish_contacts,
    finish_members,
)
from nl_pipeline.warehouse.planning import compute
from nl_pipeline.warehouse.settling import settle

FIELDS = (
    ProfileField("salutation", "Anrede", "ANREDE"),
    ProfileField("first_name", "Vorname", "FNAME"),
    ProfileField("last_name", "Name", "LNAME"),
)
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_OPTIONS = PlanningOptions("full", Brakes(), False, "onoffice", True)
_RIVALS = Path(__file__).parent / "rivals"
_THIS = [sys.executable, "-m", "benchmarks.plan_diff"]
_ONCE = (("first plan", "s"), ("its settlement", "s"), ("peak", "MB"))

_PEOPLE = """
INSERT INTO staging_contacts BY NAME
SELECT i AS crm_id, 'person' || i || '@kunde-' || (i % 97) || '.example' AS key, key AS email,
    'YES' AS newsletter, 'ELIGIBLE' AS eligibility, []::VARCHAR[] AS tags, $now AS changed_at,
    $now AS observed_at, CASE i % 3 WHEN 0 THEN 'Herr' ELSE 'Frau' END AS f_salutation,
    'Anna ' || i % 5000 AS f_first_name, 'Muster' || i AS f_last_name
FROM range(1, $people + 1) AS t(i);
INSERT INTO staging_contact_addresses SELECT crm_id, key, true FROM staging_contacts;
INSERT INTO staging_members BY NAME
SELECT key, md5(key) AS member_id, md5('contact ' || crm_id) AS provider_id, email, 'SUB' AS state,
    'subscribed' AS status, NULL AS unsubscribed_by, true AS owned, tags, changed_at, observed_at,
    f_salutation, f_first_name, f_last_name
FROM staging_contacts;
INSERT INTO connection_state VALUES ('first_sync_done', 'yes');
"""
#: One in four hundred opts out on either side, one in two hundred has another name in the CRM.
_CHANGES = """
INSERT INTO staging_contacts BY NAME
SELECT * REPLACE (
    CASE WHEN crm_id % 400 = 0 THEN 'NO' ELSE newsletter END AS newsletter,
    CASE WHEN crm_id % 200 = 1 THEN 'Anne' ELSE f_first_name END AS f_first_name
) FROM contacts;
INSERT INTO staging_contact_addresses FROM contact_addresses;
INSERT INTO staging_members BY NAME
SELECT * REPLACE (CASE WHEN md5_number(key) % 400 = 3 THEN 'UNSUB' ELSE state END AS state)
FROM members;
"""


def fill(path: Path, *, people: int) -> dict[str, float]:
    """A warehouse of people at rest, one in a hundred of whom has changed since.

    Returns the seconds of the first plan, which decides everybody, and of its settlement.
    """
    warehouse = Warehouse(path, fields=FIELDS)
    _read(warehouse, _PEOPLE, people=people)
    start = time.perf_counter()
    plan_id = compute(warehouse, options=_OPTIONS, now=_NOW)
    planned = time.perf_counter()
    with warehouse.transaction() as db:
        settle(db, options=_OPTIONS, fields=FIELDS, plan_id=plan_id, now=_NOW)
    settled = time.perf_counter()
    _read(warehouse, _CHANGES, people=people)
    return {"first plan": planned - start, "its settlement": settled - planned}


def _read(warehouse: Warehouse, script: str, *, people: int) -> None:
    """Put rows into the warehouse the way a full read of both sides does."""
    for side in ("crm", "provider"):
        begin_read(warehouse, side=side)
    with warehouse.session() as db:
        for statement in duckdb.extract_statements(script):
            given = {"people": people, "now": _NOW.replace(tzinfo=None)}
            wanted = statement.named_parameters
            db.execute(statement, {k: v for k, v in given.items() if k in wanted})
    crm, provider = (
        Snapshot(side, "full", _NOW, _NOW, people, people, people, True)
        for side in ("crm", "provider")
    )
    finish_contacts(warehouse, snapshot=crm, cursor=None, now=_NOW)
    finish_members(warehouse, snapshot=provider, complaints=[], cursor=None, now=_NOW)


def ours(path: Path, *, memory_limit: str | None) -> dict[str, Any]:
    """Decide everybody who moved and store the plan.

    Starting DuckDB and opening the file is the load, as it is for the rivals; whatever is read from
    the file is read while deciding.
    """
    warehouse = Warehouse(path, fields=FIELDS, memory_limit=memory_limit)
    start = time.perf_counter()
    with warehouse.session():
        opened = time.perf_counter()
    closed = time.perf_counter()
    plan_id = compute(warehouse, options=_OPTIONS, now=_NOW)
    seconds = time.perf_counter() - closed
    with warehouse.session() as db:
        rows = db.execute("SELECT count(*) FROM changes WHERE plan_id = ?", [plan_id]).fetchall()
    return {
        "rows": rows[0][0],
        "load": opened - start,
        "compare": seconds,
        "version": f"duckdb {duckdb.__version__}",
    }


def _measure(command: list[str]) -> dict[str, Any]:
    """Run one party to its end; its last line of output is JSON."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    told = process.stdout.read().splitlines()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode or not told:
        raise SystemExit(f"{' '.join(command[:3])} failed; its message stands above")
    # Kilobytes on Linux, bytes on macOS.
    peak = used.ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)
    return {**json.loads(told[-1]), "peak": peak, "cpu": used.ru_utime + used.ru_stime}


def compare(file: Path, *, runs: int, limit: str, rivals: Path) -> None:
    """Let the parties take turns over copies of the file; print the medians and the ratios."""
    module = [*_THIS, "--run-ours", str(file)]
    columns = [field.column for field in FIELDS]
    commands = {
        "ours": module,
        f"ours, {limit}": [*module, "--memory-limit", limit],
    }
    python = rivals / "bin" / "python"
    if python.exists():
        for name in ("pandas", "polars"):
            commands[name] = [str(python), str(_RIVALS / f"{name}_merge.py"), str(file), *columns]
    else:
        print(f"no rivals in {rivals}: `make bench` installs them")
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in commands}
    original = file.with_suffix(".original")
    shutil.copy(file, original)
    for _ in range(runs):
        for name, command in commands.items():
            shutil.copy(original, file)
            results[name].append(_measure(command))
    _tell(results)


def _tell(results: dict[str, list[dict[str, Any]]]) -> None:
    def median(name: str, figure: str) -> float:
        return statistics.median(run[figure] for run in results[name])

    print(
        f"{'':14}{'changes':>9}{'load s':>8}{'compare s':>11}{'CPU s':>7}{'peak MB':>9}"
        "   ours is, compare only / with loading"
    )
    mine = median("ours", "compare")
    mine_loaded = mine + median("ours", "load")
    for name, runs in results.items():
        load, comparing = median(name, "load"), median(name, "compare")
        ratio = (
            ""
            if name.startswith("ours")
            else f"   {comparing / mine:.1f} x / {(load + comparing) / mine_loaded:.1f} x"
        )
        print(
            f"{name:14}{runs[0]['rows']:9,}{load:8.2f}{comparing:11.2f}{median(name, 'cpu'):7.2f}"
            f"{median(name, 'peak'):9.0f}{ratio}"
        )
    print("versions: " + ", ".join(dict.fromkeys(runs[0]["version"] for runs in results.values())))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--memory-limit", help="DuckDB's own limit in the second of our rows")
    parser.add_argument("--rivals", type=Path, default=Path(".venv-rivals"))
    parser.add_argument("--run-ours", metavar="FILE", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--fill", metavar="FILE", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.run_ours:
        print(json.dumps(ours(args.run_ours, memory_limit=args.memory_limit)))
        return
    if args.fill:
        print(json.dumps(fill(args.fill, people=args.people)))
        return
    print(
        f"{platform.platform()}, {os.cpu_count()} processors, Python {platform.python_version()};"
        f" {args.people:,} people, median of {args.runs}, interleaved"
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "bench.duckdb"
        # In a process of its own, because a child starts with the peak memory of its parent.
        once = _measure([*_THIS, "--fill", str(file), "--people", str(args.people)])
        print(
            "once: "
            + ", ".join(
                f"{name} {value:.1f} {unit}" for name, unit in _ONCE if (value := once[name])
            )
        )
        compare(file, runs=args.runs, limit=args.memory_limit or "250MB", rivals=args.rivals)


if __name__ == "__main__":
    main()
