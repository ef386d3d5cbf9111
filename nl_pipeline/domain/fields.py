"""Profile fields: what is kept in step beside the status, and in which form values are compared.

Belongs here: the description of a mapped field and the normal form of its values. The three-way
merge itself is set-based (``warehouse/sql/changes.sql.j2``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

#: Mailchimp cuts a text merge field after 255 bytes (Mailchimp docs, merge fields), so nothing
#: longer can ever be confirmed equal.
MOST_BYTES = 255
_SURELY_SHORT = MOST_BYTES // 4
"""Characters of UTF-8 have four bytes at most."""


class Direction(StrEnum):
    """Which side may change a field."""

    BOTH = "both"
    TO_PROVIDER = "to_provider"
    TO_CRM = "to_crm"
    OFF = "off"


@dataclass(frozen=True)
class ProfileField:
    """One mapped field: its name here, in the CRM, and at the provider.

    ``provider`` is "" where the name depends on the account and is looked up there.
    ``propagates_blank``: an emptied CRM value empties the provider's too.
    """

    name: str
    crm: str
    provider: str
    direction: Direction = Direction.BOTH
    propagates_blank: bool = False

    @property
    def column(self) -> str:
        """Column of this field in the warehouse."""
        return f"f_{self.name}"


def comparable(value: object) -> str:
    """The form in which values of both sides are compared and stored: text, '' for nothing."""
    if value is None:
        return ""
    text = value if type(value) is str else str(value)
    text = text.strip()
    if len(text) <= _SURELY_SHORT:
        return text
    raw = text.encode()
    if len(raw) <= MOST_BYTES:
        return text
    return raw[:MOST_BYTES].decode(errors="ignore").rstrip()


def comparables(values: Iterable[object]) -> list[str]:
    """``comparable`` of each value. Nearly all are short texts, which need no call of their own."""
    return [
        text
        if type(value) is str and len(text := value.strip()) <= _SURELY_SHORT
        else comparable(value)
        for value in values
    ]
