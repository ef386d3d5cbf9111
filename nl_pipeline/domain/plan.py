"""The plan as a value: what will be changed, why, and whether it may be pushed.

Belongs here: the records a plan is made of. Must not be here: how it is computed (``warehouse``) or
carried out (``sync``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from nl_pipeline.domain.brakes import BrakeReading, Verdict


@dataclass(frozen=True)
class Change:
    """One change of one record.

    ``side``: crm or provider. ``record_id``: address id or member id, '' for a creation.
    ``before``/``after``: what is there and what will be there, by name; values are text.
    """

    seq: int
    key: str
    side: str
    action: str
    record_id: str
    rule_id: str
    code: str
    before: dict[str, Any]
    after: dict[str, Any]
    held_by: str | None = None


@dataclass(frozen=True)
class Plan:
    """The head of a stored plan. ``status``: open, applied, partial or expired."""

    plan_id: str
    created_at: datetime
    mode: str
    first_sync: bool
    complete: bool
    verdict: Verdict
    base_version: int
    status: str
    released_by: str | None
    release_reason: str | None
    brakes: tuple[BrakeReading, ...] = field(default=())

    @property
    def released(self) -> bool:
        return self.released_by is not None
