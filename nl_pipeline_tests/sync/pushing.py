"""Changes pushed straight to the adapter, without a plan.

Belongs here: making changes as plans have them, and their results. Not here: assertions.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from nl_pipeline.domain.plan import Change
from nl_pipeline.sync.providers.port import AudienceSide, Withdrawn
from nl_pipeline.warehouse.outcomes import Pending, Result

CANCELLATION = "withdrawn_in_crm"


def change(
    action: str,
    email: str,
    *,
    record_id: int | str = "",
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    code: str = CANCELLATION,
    seq: int = 1,
) -> Pending:
    """A change of the member with this address."""
    planned = Change(
        seq=seq,
        key=email,
        side="provider",
        action=action,
        record_id=str(record_id),
        rule_id="S08",
        code=code,
        before=before or {},
        after=after or {},
    )
    return Pending(planned, email)


def subscription(email: str, *, seq: int = 1, **values: str) -> Pending:
    """A subscription with these values of fields."""
    fields = {f"field:{name}": value for name, value in values.items()}
    return change("subscribe", email, after={"state": "SUB", "email": email} | fields, seq=seq)


def nobody(_: Collection[str]) -> Collection[str]:
    return ()


def push(
    audience: AudienceSide,
    audience_id: str | int,
    pending: Sequence[Pending],
    *,
    withdrawn: Withdrawn = nobody,
) -> list[Result]:
    """Push and return the results in the order of the changes."""
    results: list[Result] = []
    audience.push(str(audience_id), pending, on_results=results.extend, withdrawn=withdrawn)
    return sorted(results, key=lambda result: result.seq)
