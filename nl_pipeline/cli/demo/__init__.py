"""`nl-pipeline demo`: a whole two-way sync against the sandbox, with a proof at the end.

Belongs here: a scripted day (`stories`), what the twins look like (`picture`), and the comparison
of both (`proof`). The sync runs through the same use cases and the same Dagster job as any other.
"""

from __future__ import annotations

from nl_pipeline.cli.demo.command import demo

__all__ = ["demo"]
