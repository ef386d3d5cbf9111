"""The three-way diff with rules against a plain pandas merge with column compare.

Ours decides everybody by the rule table and stores a plan; the rival only joins both sides and the
base and compares the profile columns in memory. Both start from the same warehouse file; the
rival's loading is timed apart.

    python -m benchmarks.plan_diff [--people 1000000] [--runs 5] [--memory-limit 450MB]
"""

from __future__ import annotations

import argparse
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pandas as pd

from nl_pipeline.domain.brakes import Brakes
from nl_pipeline.domain.fields import ProfileField
from nl_pipeline.warehouse.connection import Warehouse
from nl_pipeline.warehouse.deciding import PlanningOptions
from nl_pipeline.warehouse.planning import compute

FIELDS = (
    ProfileField("salutation", "Anrede", "ANREDE"),
    ProfileField("first_name", "Vorname", "FNAME"),
    ProfileField("last_name", "Name", "LNAME"),
)
_NOW = datetime(2026, 1, 1, tzinfo=UTC)

_FILL = """
INSERT INTO contacts BY NAME
SELECT i AS crm_id, 'person' || i || '@kunde-' || (i % 97) || '.example' AS key, key AS email,
    CASE WHEN i % 50 = 0 THEN 'NO' ELSE 'YES' END AS newsletter, 'ELIGIBLE' AS eligibility,
    []::VARCHAR[] AS tags, $now AS changed_at, $now AS observed_at,
    'Frau' AS f_salutation, 'Anna' || CASE WHEN i % 100 = 1 THEN 'x' ELSE '' END AS f_first_name,
    'Muster' || i AS f_last_name
FROM range(1, $n + 1) AS t(i);
INSERT INTO contact_addresses SELECT crm_id, key, true FROM contacts;
INSERT INTO members BY NAME
SELECT key, md5(key) AS member_id, 'p' || crm_id AS provider_id, email,
    CASE WHEN crm_id % 200 = 3 THEN 'UNSUB' ELSE 'SUB' END AS state, '' AS status,
    NULL AS unsubscribed_by, true AS owned, []::VARCHAR[] AS tags, $now AS changed_at,
    $now AS observed_at, f_salutation, 'Anna' AS f_first_name, f_last_name
FROM contacts;
INSERT INTO base BY NAME
SELECT key, 'pair' AS kind, c.crm_id, m.member_id, m.provider_id, 'YES' AS newsletter,
    'ELIGIBLE' AS eligibility, 'SUB' AS provider_state, []::VARCHAR[] AS tags, $now AS confirmed_at,
    m.f_salutation, m.f_first_name, m.f_last_name
FROM contacts AS c JOIN members AS m USING (key);
INSERT INTO consent_ledger BY NAME
SELECT key, 'GRANT' AS event, 'staff' AS actor, false AS proof, $now AS happened_at,
    $now AS recorded_at, 'bench' AS source FROM contacts;
INSERT INTO snapshots SELECT side, 'full', $now, $now, $n, $n, $n, true, true
FROM (VALUES ('crm'), ('provider')) AS t(side);
INSERT INTO connection_state VALUES ('first_sync_done', 'yes');
"""


def fill(path: Path, *, people: int) -> None:
    """A warehouse of ``people`` contacts and members, 1-2 % of them changed."""
    with Warehouse(path, fields=FIELDS).transaction() as db:
        for statement in duckdb.extract_statements(_FILL):
            given = {"n": people, "now": _NOW.replace(tzinfo=None)}
            db.execute(
                statement, {k: v for k, v in given.items() if k in statement.named_parameters}
            )


def ours(path: Path, *, memory_limit: str | None) -> dict[str, float]:
    """Decide everybody and store the plan."""
    warehouse = Warehouse(path, fields=FIELDS, memory_limit=memory_limit)
    options = PlanningOptions("full", Brakes(), False, "onoffice", True)
    start = time.perf_counter()
    compute(warehouse, options=options, now=_NOW)
    return {"seconds": time.perf_counter() - start}


def pandas_merge(path: Path) -> dict[str, float]:
    """Load three frames, merge them, compare the columns."""
    start = time.perf_counter()
    with duckdb.connect(str(path), read_only=True) as db:
        contacts = db.execute("SELECT * FROM contacts").df()
        members = db.execute("SELECT * FROM members").df()
        base = db.execute("SELECT * FROM base").df()
    loaded = time.perf_counter()
    merged = contacts.merge(members, on="key", how="outer", suffixes=("_crm", "_member"))
    merged = merged.merge(base.add_suffix("_base"), left_on="key", right_on="key_base", how="outer")
    changed = pd.Series(False, index=merged.index)
    for column in ("f_salutation", "f_first_name", "f_last_name"):
        crm, member, known = (merged[f"{column}_{side}"] for side in ("crm", "member", "base"))
        changed |= (crm != member) & ((crm != known) | (member != known))
    changed |= (merged["newsletter"] != merged["newsletter_base"]) | (
        merged["state"] != merged["provider_state_base"]
    )
    int(changed.sum())
    return {"seconds": time.perf_counter() - loaded, "with_loading": time.perf_counter() - start}


def _one(args: argparse.Namespace) -> None:
    result = (
        ours(args.file, memory_limit=args.memory_limit)
        if args.run == "ours"
        else pandas_merge(args.file)
    )
    result["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(" ".join(f"{name}={value}" for name, value in result.items()))


def _measure(which: str, *, file: Path, memory_limit: str | None) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.plan_diff", "--run", which, "--file", str(file)]
    if memory_limit:
        command += ["--memory-limit", memory_limit]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return {name: float(value) for name, value in (pair.split("=") for pair in printed.split())}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--memory-limit", default=None, help="DuckDB's own limit, e.g. 250MB")
    parser.add_argument("--run", choices=["ours", "pandas"])
    parser.add_argument("--file", type=Path)
    args = parser.parse_args()
    if args.run:
        _one(args)
        return
    print(
        f"{platform.platform()}, Python {platform.python_version()}, duckdb {duckdb.__version__},"
        f" pandas {pd.__version__}; {args.people:,} people, median of {args.runs}, interleaved"
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "bench.duckdb"
        fill(file, people=args.people)
        runs: dict[str, list[dict[str, float]]] = {"ours": [], "pandas": []}
        for _ in range(args.runs):
            for which, results in runs.items():
                results.append(
                    _measure(
                        which,
                        file=file,
                        memory_limit=args.memory_limit if which == "ours" else None,
                    )
                )
    medians = {
        which: {name: statistics.median(r[name] for r in results) for name in results[0]}
        for which, results in runs.items()
    }
    mine, rival = medians["ours"], medians["pandas"]
    print(f"plan with rules (ours)    {mine['seconds']:6.2f} s   peak {mine['peak_mb']:6.0f} MB")
    print(f"pandas merge and compare  {rival['seconds']:6.2f} s   peak {rival['peak_mb']:6.0f} MB")
    print(f"pandas with its loading   {rival['with_loading']:6.2f} s")
    print(
        f"ratio {rival['seconds'] / mine['seconds']:.1f} x without,"
        f" {rival['with_loading'] / mine['seconds']:.1f} x with the rival's loading"
    )


if __name__ == "__main__":
    main()
