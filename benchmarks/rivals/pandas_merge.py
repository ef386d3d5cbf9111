"""The rival pandas: both sides and the base as frames, merged, every mapped column compared.

Belongs here: pandas as it is used for this. Runs with the rivals' own interpreter, so nothing of
the package may be imported. Prints one line of JSON: rows that differ, seconds to load and to
compare.

    python pandas_merge.py WAREHOUSE FIELD [FIELD ...]
"""

from __future__ import annotations

import json
import sys
import time

import duckdb
import pandas as pd


def main(warehouse: str, *fields: str) -> None:
    """Load what the comparison needs and no more, then compare."""
    start = time.perf_counter()
    mapped = ", ".join(fields)
    with duckdb.connect(warehouse, read_only=True) as db:
        contacts = db.execute(f"SELECT key, newsletter, eligibility, {mapped} FROM contacts").df()
        members = db.execute(f"SELECT key, state, {mapped} FROM members").df()
        base = db.execute(f"SELECT key, newsletter, provider_state, {mapped} FROM base").df()
    loaded = time.perf_counter()
    merged = contacts.merge(members, on="key", how="outer", suffixes=("_crm", "_member"))
    merged = merged.merge(base.add_suffix("_base"), left_on="key", right_on="key_base", how="outer")
    changed = pd.Series(False, index=merged.index)
    for column in fields:
        crm, member, known = (merged[f"{column}_{side}"] for side in ("crm", "member", "base"))
        changed |= (crm != member) & ((crm != known) | (member != known))
    changed |= merged["newsletter"] != merged["newsletter_base"]
    changed |= merged["state"] != merged["provider_state_base"]
    rows = int(changed.sum())
    told = {"rows": rows, "load": loaded - start, "compare": time.perf_counter() - loaded}
    print(json.dumps({**told, "version": f"pandas {pd.__version__}"}))


if __name__ == "__main__":
    main(*sys.argv[1:])
