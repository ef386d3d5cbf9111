"""URNs: building and reading them.

Belongs here: the texts ``urn:li:…`` and the union of owners. Does not belong here: what they name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

OwnerKind = Literal["sponsoredAccount", "organization"]
OWNER_KINDS: tuple[OwnerKind, ...] = ("sponsoredAccount", "organization")

_VERSIONED = re.compile(
    r"urn:li:versionedLeadGenForm:\(urn:li:leadGenForm:(\d+),\s*(\d+)\)", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose forms and leads: an ad account or a page."""

    kind: OwnerKind
    id: int

    @property
    def urn(self) -> str:
        """Such as ``urn:li:sponsoredAccount:1``."""
        return urn(self.kind, self.id)

    @property
    def union(self) -> dict[str, str]:
        """Such as ``{"sponsoredAccount": "urn:li:sponsoredAccount:1"}``."""
        return {self.kind: self.urn}


def urn(kind: str, number: int | str) -> str:
    """``urn:li:{kind}:{number}``."""
    return f"urn:li:{kind}:{number}"


def number_in(text: Any, *, kind: str) -> int | None:
    """The number of ``urn:li:{kind}:{number}``; ``None`` for anything else."""
    start, _, digits = str(text).rpartition(":")
    if start != f"urn:li:{kind}" or not (digits.isascii() and digits.isdecimal()):
        return None
    return int(digits)


def owner_in(union: Any) -> Owner | None:
    """The owner of ``{"sponsoredAccount": URN}`` or ``{"organization": URN}``."""
    if not isinstance(union, dict) or len(union) != 1:
        return None
    for kind in OWNER_KINDS:
        number = number_in(union.get(kind), kind=kind)
        if number is not None:
            return Owner(kind, number)
    return None


def versioned_form(form_id: int, *, version_id: int, with_space: bool) -> str:
    """``urn:li:versionedLeadGenForm:(urn:li:leadGenForm:1,2)``, with a blank after the comma in
    some of LinkedIn's samples."""
    blank = " " if with_space else ""
    return f"urn:li:versionedLeadGenForm:({urn('leadGenForm', form_id)},{blank}{version_id})"


def versioned_form_in(text: Any) -> tuple[int, int] | None:
    """Form and version of such a URN."""
    found = _VERSIONED.fullmatch(str(text))
    return (int(found[1]), int(found[2])) if found else None
