"""What a provider's answer says about a change, in the words of the outcomes.

Belongs here: error class to result, and the values of a change by field; the same for every
provider. Must not be here: a provider's causes and field names (its own adapter), calls.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nl_pipeline.clients.errors import ApiError, OperatorNeeded, Retryable, Withheld
from nl_pipeline.domain.fields import ProfileField
from nl_pipeline.warehouse.outcomes import DroppedField, Result


def values_of(after: Mapping[str, Any], *, fields: Sequence[ProfileField]) -> dict[str, str]:
    """The mapped values of a change by field; a creation marks them with ``field:``."""
    return {
        f.name: str(after[name])
        for f in fields
        for name in (f.name, f"field:{f.name}")
        if name in after
    }


def result_of(
    seq: int,
    error: ApiError | None,
    *,
    record_id: str,
    dropped: tuple[DroppedField, ...] = (),
) -> Result:
    """The result of a change that ended with this error, or well."""
    if error is None:
        return Result(seq, "sent", record_id=record_id, dropped=dropped)
    if isinstance(error, Withheld):
        return Result(seq, "overtaken", cause="withdrawn", dropped=dropped)
    if error.may_be_applied:
        # What may have been applied is read back, however often it was tried.
        return Result(seq, "unknown", cause=error.code, dropped=dropped)
    if isinstance(error, (Retryable, OperatorNeeded)):
        return Result(seq, "failed", cause=error.code, dropped=dropped)
    return Result(seq, "refused", cause=error.code, dropped=dropped)
