"""The Dagster layer: assets along the way of the data, and everything that starts them.

Belongs here: assets, checks, jobs, schedules, sensors, partitions, the resource, metadata, and how
an error becomes a Dagster event. Must not be here: decisions, SQL, HTTP; an asset reads its
partition and its config, calls one function of ``sync`` and reports counts.

Whatever leaves this package for Dagster's logs and metadata is a count, a reason code or a record
id: the event log is kept for long and read by many.
"""

import warnings

import dagster as dg

# Dagster calls these beta. Its version is pinned and the tests run them; telling every user at
# every start would help nobody.
for _name in ("backfill_policy", "MultiToSingleDimensionPartitionMapping"):
    warnings.filterwarnings("ignore", message=f".*`{_name}`.*", category=dg.BetaWarning)
