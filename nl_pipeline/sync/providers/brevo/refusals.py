"""What Brevo's refusal says about the fields of a change.

Belongs here: attributes to fields. Must not be here: error class to result (``results``), calls.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from nl_pipeline.clients.brevo import ContactRefused, RefusalCause
from nl_pipeline.clients.errors import ApiError
from nl_pipeline.domain.fields import ProfileField
from nl_pipeline.warehouse.outcomes import DroppedField

#: Refusals that may be for a value, where Brevo names no attribute.
_MAYBE_VALUES = frozenset({RefusalCause.ATTRIBUTES, RefusalCause.OTHER})


def attributes_of(values: Mapping[str, str], *, names: Mapping[str, str]) -> dict[str, str]:
    """Values by attribute."""
    return {names[field]: value for field, value in values.items()}


def drop_refused(
    attributes: Collection[str],
    *,
    values: Mapping[str, str],
    names: Mapping[str, str],
    fields: Sequence[ProfileField],
) -> tuple[DroppedField, ...]:
    """The fields to leave out after their values were refused: those of the named attributes.

    All of them where none is named: which one is to blame is then not known.
    """
    cause = str(RefusalCause.ATTRIBUTES)
    named = [f.name for f in fields if f.name in values and names[f.name] in attributes]
    if named or len(values) == 1:
        return tuple(DroppedField(name, cause) for name in named or values)
    return tuple(DroppedField(name, cause, at_fault=False) for name in values)


def is_about_values(error: ApiError | None) -> bool:
    """Whether the values of fields may have been refused, and not the contact."""
    return isinstance(error, ContactRefused) and error.cause in _MAYBE_VALUES
