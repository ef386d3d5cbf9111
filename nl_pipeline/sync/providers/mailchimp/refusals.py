"""What Mailchimp's answer says about a change, in the words of the outcomes.

Belongs here: error class to result, merge tags to fields. Must not be here: calls.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from nl_pipeline.clients.errors import ApiError, OperatorNeeded, Retryable, Withheld
from nl_pipeline.clients.mailchimp import MemberRefused, RefusalCause
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


def merge_fields(values: Mapping[str, str], *, fields: Sequence[ProfileField]) -> dict[str, str]:
    """Values by merge tag."""
    return {f.provider: values[f.name] for f in fields if f.name in values}


def drop_refused(
    tags: Collection[str], *, values: Mapping[str, str], fields: Sequence[ProfileField]
) -> tuple[DroppedField, ...]:
    """The fields to leave out after their values were refused: those of the named merge tags.

    All of them where none is named: which one is to blame is then not known.
    """
    cause = str(RefusalCause.MERGE_FIELDS)
    named = [f.name for f in fields if f.provider in tags and f.name in values]
    if named or len(values) == 1:
        return tuple(DroppedField(name, cause) for name in named or values)
    return tuple(DroppedField(name, cause, at_fault=False) for name in values)


def is_about_values(error: ApiError | None) -> bool:
    """Whether the values of fields were refused, and not the member."""
    return isinstance(error, MemberRefused) and error.cause is RefusalCause.MERGE_FIELDS


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
