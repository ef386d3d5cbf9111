"""LinkedIn's URNs: owners, forms with a version, responses.

Belongs here: both directions. Does not belong here: where a URN stands in an answer.
"""

from __future__ import annotations

import re

from nl_pipeline.domain.leads import Owner, OwnerKind

_OWNER_KEYS = {OwnerKind.AD_ACCOUNT: "sponsoredAccount", OwnerKind.ORGANIZATION: "organization"}
# LinkedIn's samples print a blank after the comma at times.
_VERSIONED = re.compile(r"urn:li:versionedLeadGenForm:\(urn:li:leadGenForm:([0-9]+),\s*([0-9]+)\)")
_RESPONSE = "urn:li:leadGenFormResponse:"


def number_of(value: object) -> int | None:
    """Return the number a URN ends with; newer answers have URNs where older ones have numbers."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    found = re.search(r"(?:^|:)([0-9]+)$", value) if isinstance(value, str) else None
    return int(found[1]) if found else None


def owner_parameter(owner: Owner) -> dict[str, str]:
    """Return an owner as a call wants it: the key of its kind, and its URN."""
    key = _OWNER_KEYS[owner.kind]
    return {key: f"urn:li:{key}:{owner.id}"}


def owner_of(union: object) -> Owner | None:
    """Return the owner in an answer, None where there is none that we know."""
    if isinstance(union, dict):
        for kind, key in _OWNER_KEYS.items():
            number = number_of(union.get(key))
            if number is not None:
                return Owner(kind, number)
    return None


def versioned_form(form_id: int, version: int, /) -> str:
    """Return the URN of one version of a form."""
    return f"urn:li:versionedLeadGenForm:(urn:li:leadGenForm:{form_id},{version})"


def form_and_version(urn: str) -> tuple[int, int] | None:
    """Return form id and version of a versioned form's URN."""
    found = _VERSIONED.fullmatch(urn.strip())
    return (int(found[1]), int(found[2])) if found else None


def response_id(urn: str) -> str:
    """Return the id of a lead from its URN; an id alone stays what it is."""
    return urn.removeprefix(_RESPONSE)
