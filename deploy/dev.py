"""The definitions for a look around: schedules and sensors run from the start.

`make dev` loads them over a sandbox. Elsewhere `nl_pipeline.definitions` is what Dagster loads, and
a person switches on what should run by itself.
"""

from __future__ import annotations

from nl_pipeline.definitions import build_defs

defs = build_defs(automation_runs=True)
