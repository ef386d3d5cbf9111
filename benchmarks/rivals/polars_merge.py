"""The rival polars: both sides and the base as frames, joined lazily, mapped columns compared.

Belongs here: polars as it is used for this. Runs with the rivals' own interpreter, so nothing of
the package may be imported. Prints one line of JSON: rows that differ, seconds to load and to
compare.

    python polars_merge.py WAREHOUSE FIELD [FIELD ...]
"""

from __future__ import annotations

import json
import sys
import time

import duckdb
import polars as pl


def main(warehouse: str, *fields: str) -> None:
    """Load what the comparison needs and no more, then compare with the quicker of its engines."""
    start = time.perf_counter()
    mapped = ", ".join(fields)
    with duckdb.connect(warehouse, read_only=True) as db:

        def frame(query: str) -> pl.DataFrame:
            return pl.DataFrame(db.sql(query).to_arrow_table())

        contacts = frame(f"SELECT key, newsletter, eligibility, {mapped} FROM contacts")
        members = frame(f"SELECT key, state, {mapped} FROM members")
        base = frame(f"SELECT key, newsletter, provider_state, {mapped} FROM base")
    loaded = time.perf_counter()
    known = base.lazy().rename({name: f"{name}_base" for name in base.columns if name != "key"})
    merged = (
        contacts.lazy()
        .join(members.lazy(), on="key", how="full", suffix="_member", coalesce=True)
        .join(known, on="key", how="full", coalesce=True)
    )
    changed = pl.col("newsletter").ne_missing(pl.col("newsletter_base")) | pl.col(
        "state"
    ).ne_missing(pl.col("provider_state_base"))
    for column in fields:
        crm, member = pl.col(column), pl.col(f"{column}_member")
        before = pl.col(f"{column}_base")
        moved = crm.ne_missing(before) | member.ne_missing(before)
        changed |= crm.ne_missing(member) & moved
    rows = merged.filter(changed).select("key").collect(engine="streaming").height
    told = {"rows": rows, "load": loaded - start, "compare": time.perf_counter() - loaded}
    print(json.dumps({**told, "version": f"polars {pl.__version__}"}))


if __name__ == "__main__":
    main(*sys.argv[1:])
