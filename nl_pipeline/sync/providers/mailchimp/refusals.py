"""What Mailchimp's refusal says about the fields of a change.

Belongs here: merge tags to fields. Must not be here: error class to result (``results``), calls.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from nl_pipeline.clients.errors import ApiError
from nl_pipeline.clients.mailchimp import MemberRefused, RefusalCause
from nl_pipeline.domain.fields import ProfileField
from nl_pipeline.warehouse.outcomes import DroppedField


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
