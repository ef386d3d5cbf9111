"""What a refusal means for the next plan: data, one row per cause.

Belongs here: per cause what was refused, how often it is tried before it is quarantined, when it is
tried again, and whether it is evidence of an opt-out. Must not be here: how a service words a
refusal (``clients``), the sentences of advice (``sync.advice``).

Whatever stops mail (an unsubscribe, archiving, a cancellation in the CRM) is never quarantined: it
is sent again in every sync until it is done.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class About(StrEnum):
    """What was refused, and so what has to change before it is tried again by itself."""

    ADDRESS = "address"
    CHANGE = "change"
    """The change as it was planned."""
    FIELD = "field"
    """The value of one field."""


@dataclass(frozen=True)
class RefusalPolicy:
    """What is done about one cause.

    ``tries``: refusals after which the change is quarantined. ``again_after``: when it is tried
    again although nothing has changed; None: never by itself. ``withdraws``: the refusal is
    evidence that the person opted out at the provider.
    """

    about: About
    tries: int = 1
    again_after: timedelta | None = None
    withdraws: bool = False


#: Until a cause that names no remedy counts as final: it may be a race that the next read settles.
_SEVERAL = 3

NO_EFFECT = "no_effect"

_BY_CAUSE = {
    "fake_or_invalid": RefusalPolicy(About.ADDRESS),
    "invalid_email": RefusalPolicy(About.ADDRESS),
    "forgotten": RefusalPolicy(About.ADDRESS),
    "cleaned": RefusalPolicy(About.ADDRESS),
    "compliance": RefusalPolicy(About.ADDRESS, withdraws=True),
    "unsubscribed": RefusalPolicy(About.ADDRESS, withdraws=True),
    "too_many_signups": RefusalPolicy(About.ADDRESS, again_after=timedelta(days=1)),
    # The next read sees the member, and the plan decides over it; one that no read shows stays.
    "exists": RefusalPolicy(About.ADDRESS, tries=_SEVERAL),
    "archived": RefusalPolicy(About.ADDRESS, tries=_SEVERAL),
    "account_user": RefusalPolicy(About.ADDRESS),
    "merge_fields": RefusalPolicy(About.CHANGE),
    "attributes": RefusalPolicy(About.CHANGE),
    "too_large": RefusalPolicy(About.CHANGE),
    # Once the settings name a template it is tried again by itself.
    "double_opt_in_missing": RefusalPolicy(About.CHANGE, again_after=timedelta(days=1)),
    NO_EFFECT: RefusalPolicy(About.CHANGE, tries=_SEVERAL),
}
_OTHERWISE = {
    # onOffice has codes for "could not be modified" that may well pass.
    "crm": RefusalPolicy(About.CHANGE, tries=_SEVERAL, again_after=timedelta(days=1)),
    "provider": RefusalPolicy(About.CHANGE, tries=_SEVERAL),
}
_OF_A_FIELD = RefusalPolicy(About.FIELD)
_OF_A_FIELD_WITHOUT_EFFECT = RefusalPolicy(About.FIELD, tries=_SEVERAL)


def policy_of(cause: str, *, side: str) -> RefusalPolicy:
    """What is done about a whole change that was refused, or had no effect, for this cause."""
    return _BY_CAUSE.get(cause, _OTHERWISE[side])


def policy_of_field(cause: str) -> RefusalPolicy:
    """What is done about the value of one field."""
    return _OF_A_FIELD_WITHOUT_EFFECT if cause == NO_EFFECT else _OF_A_FIELD
