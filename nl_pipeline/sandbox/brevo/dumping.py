"""The dump: all state of the twin as JSON-ready records, for the sandbox's own readers.

Belongs here: what tests and demos judge results by, in the API's field names plus ``history``.
Does not belong here: the API's own views. Deleted contacts appear with ``deleted: true``.
"""

from __future__ import annotations

from typing import Any

from nl_pipeline.sandbox.brevo.account import Account


def dumped(account: Account) -> dict[str, Any]:
    """Every kind of record, and ``violations``: calls refused for a rate limit."""
    return {"violations": dict(account.limiter.violations)}
