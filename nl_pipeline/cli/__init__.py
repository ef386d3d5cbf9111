"""The `nl-pipeline` command.

Belongs here: reading arguments, calling one use case, showing its result, the exit code. Not here:
decisions of the sync (`domain`, `sync`), HTTP, SQL and Dagster, which are reached through their
own packages only.
"""

from __future__ import annotations

from nl_pipeline.cli.app import main

__all__ = ["main"]
