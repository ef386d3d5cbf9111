"""The words of a decision: every value a contact, a member, the base or the ledger can have.

Belongs here: enumerations and the one function that says which pairs are in agreement.
Must not be here: rules (``rules``), reading of vendor payloads (``sync``).
"""

from __future__ import annotations

from enum import StrEnum


class Newsletter(StrEnum):
    """CRM newsletter state ``N`` of an address; never a boolean.

    ``MISSING``: no contact has the address. ``MISSING_CONFIRMED``: additionally the record that
    was linked before has been looked up by its id and is gone.
    """

    NO = "NO"
    YES = "YES"
    CANCEL = "CANCEL"
    DOI = "DOI"
    NONE = "NONE"
    UNDELIVERABLE = "UNDELIVERABLE"
    UNKNOWN = "UNKNOWN"
    MISSING = "MISSING"
    MISSING_CONFIRMED = "MISSING_CONFIRMED"


#: onOffice keys of ``newsletter_aktiv``; every other value is UNKNOWN, an empty one NONE.
#: Source: onOffice apidoc (address create/modify) for 0-4, field configurations for 5.
NEWSLETTER_BY_KEY: dict[str, Newsletter] = {
    "0": Newsletter.NO,
    "1": Newsletter.YES,
    "2": Newsletter.CANCEL,
    "3": Newsletter.DOI,
    "4": Newsletter.NONE,
    "": Newsletter.NONE,
    "5": Newsletter.UNDELIVERABLE,
}
KEY_BY_NEWSLETTER: dict[Newsletter, str] = {
    Newsletter.NO: "0",
    Newsletter.YES: "1",
    Newsletter.CANCEL: "2",
    Newsletter.DOI: "3",
    Newsletter.NONE: "4",
    Newsletter.UNDELIVERABLE: "5",
}

#: Of several contacts with one address, the first state of this order is the state of the group:
#: a cancellation suppresses, a No vetoes, what is unknown or undeliverable stops, a Yes beats
#: "pending" and "not specified".
GROUP_ORDER: tuple[Newsletter, ...] = (
    Newsletter.CANCEL,
    Newsletter.NO,
    Newsletter.UNKNOWN,
    Newsletter.UNDELIVERABLE,
    Newsletter.YES,
    Newsletter.DOI,
    Newsletter.NONE,
)


class ProviderState(StrEnum):
    """Provider state ``P`` of an address in the audience."""

    SUB = "SUB"
    PENDING = "PENDING"
    UNSUB = "UNSUB"
    COMPLAINT = "COMPLAINT"
    CLEANED = "CLEANED"
    ARCHIVED = "ARCHIVED"
    NONSUB = "NONSUB"
    GONE = "GONE"
    ABSENT = "ABSENT"
    UNKNOWN = "UNKNOWN"


class Base(StrEnum):
    """The last pair confirmed equal, named by its provider state; or why there is none.

    ``FIRST``: the address was there at the first sync and has never been in agreement since.
    ``NEW``: the address turned up later.
    """

    FIRST = "FIRST"
    NEW = "NEW"
    SUB = "SUB"
    PENDING = "PENDING"
    UNSUB = "UNSUB"
    COMPLAINT = "COMPLAINT"
    CLEANED = "CLEANED"
    ARCHIVED = "ARCHIVED"
    NONSUB = "NONSUB"
    GONE = "GONE"


class Ledger(StrEnum):
    """Last consent event ``L`` of an address in the audience, with its actor or proof."""

    NONE = "NONE"
    GRANT = "GRANT"
    GRANT_PROOF = "GRANT_PROOF"
    WITHDRAW_PERSON = "WITHDRAW_PERSON"
    WITHDRAW_STAFF = "WITHDRAW_STAFF"
    WITHDRAW_PROVIDER = "WITHDRAW_PROVIDER"


class Eligibility(StrEnum):
    """May this contact be written to at all, leaving its newsletter field aside?

    ``UNUSABLE``: the address is nobody's main address (a secondary one only).
    """

    ELIGIBLE = "ELIGIBLE"
    PRIVATE = "PRIVATE"
    ARCHIVED = "ARCHIVED"
    REVOKED = "REVOKED"
    UNUSABLE = "UNUSABLE"


class SinceBase(StrEnum):
    """What the CRM did to the newsletter field since the base.

    ``SET_AGAIN``: the base holds a withdrawal, and the field was set to something else after it.
    Without a base nothing can have changed: ``UNCHANGED``.
    """

    UNCHANGED = "UNCHANGED"
    CHANGED = "CHANGED"
    SET_AGAIN = "SET_AGAIN"


class Signup(StrEnum):
    """Who made the member a subscriber, looked up at the provider.

    ``PERSON`` only if the act is later than the last withdrawal in the ledger.
    ``OTHER``: import, API, unknown, or not looked up.
    """

    PERSON = "PERSON"
    STAFF = "STAFF"
    OTHER = "OTHER"


WITHDRAWN = frozenset({Ledger.WITHDRAW_PERSON, Ledger.WITHDRAW_STAFF, Ledger.WITHDRAW_PROVIDER})
OPTED_OUT = frozenset({ProviderState.UNSUB, ProviderState.COMPLAINT})

_MISSING = {Newsletter.MISSING, Newsletter.MISSING_CONFIRMED}
_AGREED: dict[ProviderState, frozenset[Newsletter]] = {
    ProviderState.SUB: frozenset({Newsletter.YES}),
    ProviderState.PENDING: frozenset(
        {Newsletter.DOI, Newsletter.YES, Newsletter.NO, Newsletter.NONE, Newsletter.UNDELIVERABLE}
        | _MISSING
    ),
    ProviderState.UNSUB: frozenset({Newsletter.NO, Newsletter.CANCEL} | _MISSING),
    ProviderState.COMPLAINT: frozenset({Newsletter.NO, Newsletter.CANCEL} | _MISSING),
    ProviderState.CLEANED: frozenset(set(Newsletter) - {Newsletter.UNKNOWN}),
    ProviderState.ARCHIVED: frozenset(set(Newsletter) - {Newsletter.YES}),
    ProviderState.GONE: frozenset(set(Newsletter) - {Newsletter.YES}),
    ProviderState.NONSUB: frozenset(
        {Newsletter.NO, Newsletter.CANCEL, Newsletter.NONE, Newsletter.UNDELIVERABLE} | _MISSING
    ),
}


def pair_agrees(
    newsletter: Newsletter, *, provider: ProviderState, eligibility: Eligibility
) -> bool:
    """Whether CRM and provider say the same, so that the pair may become the base.

    A Yes that may not be written to agrees with "taken off the list" (archived, or unsubscribed
    after a revoked storage consent) and not with "subscribed".
    """
    if newsletter is Newsletter.YES and eligibility is not Eligibility.ELIGIBLE:
        off_the_list = {ProviderState.ARCHIVED, ProviderState.CLEANED}
        if eligibility is Eligibility.REVOKED:
            off_the_list |= OPTED_OUT
        return provider in off_the_list
    return newsletter in _AGREED.get(provider, frozenset())
