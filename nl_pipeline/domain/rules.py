"""The rule table: the first row that matches a case decides it.

Belongs here: the rows as data, and the lookup of the row for one case. The set-based plan joins
the same rows in SQL, the documentation and ``explain`` print them.
Must not be here: how a case is derived (``warehouse/sql``), how an effect is carried out
(``sync``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import cache
from typing import TypeVar

from nl_pipeline.domain.states import (
    Base,
    Eligibility,
    Ledger,
    Newsletter,
    ProviderState,
    Signup,
    SinceBase,
)


class ProviderAction(StrEnum):
    """What is done to the member. ``CONFIRM`` asks the person by a confirmation mail."""

    SUBSCRIBE = "subscribe"
    UNSUBSCRIBE = "unsubscribe"
    ARCHIVE = "archive"
    CONFIRM = "confirm"


class CrmAction(StrEnum):
    """What is done to the contacts of the address."""

    SET_CANCEL = "set_cancel"
    SET_YES = "set_yes"
    SET_NONE = "set_none"
    SET_DOI = "set_doi"
    CREATE = "create"


class LedgerEntry(StrEnum):
    """What the rule itself appends to the consent ledger.

    Opt-outs *observed* on either side are appended when they are observed, before any rule.
    """

    WITHDRAW_STAFF = "withdraw_staff"
    GRANT_CRM = "grant_crm"
    GRANT_SIGNUP = "grant_signup"


class Listing(StrEnum):
    """On which list of the report the address appears, besides what is done."""

    CONFLICT = "conflict"
    EXCLUDED = "excluded"
    FOREIGN = "foreign"
    LISTED = "listed"
    WAITING = "waiting"
    BOUNCED = "bounced"
    ALARM = "alarm"


@dataclass(frozen=True)
class Case:
    """Everything a rule may look at, for one address in one audience."""

    base: Base
    newsletter: Newsletter
    provider: ProviderState
    ledger: Ledger
    eligibility: Eligibility
    since_base: SinceBase
    signup: Signup
    complete: bool
    adopt_existing: bool


@dataclass(frozen=True)
class Rule:
    """One row. An empty condition means "any"; ``code`` is unique, ``id`` names the paragraph.

    ``profile``: the pair ends as Yes and subscribed, so profile fields and tags are kept in step.
    ``settles``: the pair becomes the base although it does not agree, because we made it so.
    """

    id: str
    code: str
    text: str
    base: frozenset[Base] = frozenset()
    newsletter: frozenset[Newsletter] = frozenset()
    provider: frozenset[ProviderState] = frozenset()
    ledger: frozenset[Ledger] = frozenset()
    eligibility: frozenset[Eligibility] = frozenset()
    since_base: frozenset[SinceBase] = frozenset()
    signup: frozenset[Signup] = frozenset()
    complete: frozenset[bool] = frozenset()
    adopt_existing: frozenset[bool] = frozenset()
    provider_action: ProviderAction | None = None
    crm_action: CrmAction | None = None
    ledger_entry: LedgerEntry | None = None
    listing: Listing | None = None
    profile: bool = False
    settles: bool = False

    def matches(self, case: Case) -> bool:
        """Whether every condition of this row holds for ``case``."""
        for name in CONDITIONS:
            allowed = getattr(self, name)
            if allowed and getattr(case, name) not in allowed:
                return False
        return True


CONDITIONS: tuple[str, ...] = tuple(f.name for f in fields(Case))

_T = TypeVar("_T")

N, P, B, L = Newsletter, ProviderState, Base, Ledger


def _any_but(every: Iterable[_T], *excluded: _T) -> frozenset[_T]:
    return frozenset(every) - frozenset(excluded)


_MISSING = frozenset({N.MISSING, N.MISSING_CONFIRMED})
_WITHDRAWN_FOR_GOOD = frozenset({L.WITHDRAW_PERSON, L.WITHDRAW_PROVIDER})
_NOT_WITHDRAWN_FOR_GOOD = _any_but(L, *_WITHDRAWN_FOR_GOOD)
_WITHDRAWN = frozenset({L.WITHDRAW_PERSON, L.WITHDRAW_STAFF, L.WITHDRAW_PROVIDER})
_GRANTED = frozenset({L.GRANT, L.GRANT_PROOF})
_NOT_WITHDRAWN = frozenset({L.NONE}) | _GRANTED
_ELIGIBLE = frozenset({Eligibility.ELIGIBLE})
_NOT_ELIGIBLE = _any_but(Eligibility, Eligibility.ELIGIBLE)
_OFF = frozenset({P.ARCHIVED, P.GONE})
_VETO = frozenset({N.NO, N.CANCEL})
_LATER = _any_but(B, B.SUB, B.FIRST)

RULES: tuple[Rule, ...] = (
    # S01: a cut read may show less than there is; only an opt-out that was seen counts.
    Rule(
        "S01",
        "incomplete_no_evidence",
        "The provider could not be read completely: what seems to be missing may be there.",
        provider=_any_but(P, P.SUB, P.UNSUB, P.COMPLAINT),
        complete=frozenset({False}),
    ),
    Rule(
        "S01",
        "incomplete_subscribed",
        "The provider could not be read completely: nothing but an opt-out is acted on.",
        provider=frozenset({P.SUB}),
        newsletter=_any_but(N, *_VETO),
        ledger=_NOT_WITHDRAWN_FOR_GOOD,
        complete=frozenset({False}),
    ),
    Rule(
        "S01",
        "incomplete_signup",
        "The provider could not be read completely: a sign-up waits for the next full picture.",
        provider=frozenset({P.SUB}),
        newsletter=_VETO,
        base=_LATER,
        ledger=_NOT_WITHDRAWN_FOR_GOOD,
        complete=frozenset({False}),
    ),
    Rule(
        "S01",
        "incomplete_signup_again",
        "The provider could not be read completely: a new sign-up after a withdrawal waits.",
        provider=frozenset({P.SUB}),
        ledger=frozenset({L.WITHDRAW_PERSON}),
        signup=frozenset({Signup.PERSON}),
        complete=frozenset({False}),
    ),
    Rule(
        "S01",
        "incomplete_proof",
        "The provider could not be read completely: a confirmation mail is not sent on half a"
        " read.",
        provider=frozenset({P.UNSUB}),
        newsletter=frozenset({N.YES}),
        ledger=frozenset({L.GRANT_PROOF}),
        since_base=frozenset({SinceBase.SET_AGAIN}),
        complete=frozenset({False}),
    ),
    Rule(
        "S02",
        "provider_unknown",
        "The provider reports a status this connector does not know: nothing is written.",
        provider=frozenset({P.UNKNOWN}),
        listing=Listing.ALARM,
    ),
    Rule(
        "S03",
        "complaint",
        "The person reported the newsletter as spam: cancelled in the CRM, suppressed for good.",
        newsletter=_any_but(N, N.NO, N.CANCEL, *_MISSING),
        provider=frozenset({P.COMPLAINT}),
        crm_action=CrmAction.SET_CANCEL,
    ),
    Rule(
        "S03",
        "complaint_known",
        "The person reported the newsletter as spam, and the CRM says so already.",
        base=frozenset({B.UNSUB, B.COMPLAINT}),
        newsletter=_VETO,
        provider=frozenset({P.COMPLAINT}),
    ),
    Rule(
        "S03",
        "complaint_others",
        "The person reported the newsletter as spam: every other contact with the address follows.",
        newsletter=_VETO,
        provider=frozenset({P.COMPLAINT}),
        crm_action=CrmAction.SET_CANCEL,
    ),
    Rule(
        "S03",
        "complaint_no_contact",
        "An address without a contact reported the newsletter as spam: kept in the ledger.",
        newsletter=_MISSING,
        provider=frozenset({P.COMPLAINT}),
    ),
    Rule(
        "S04",
        "unsubscribed_at_provider",
        "The person unsubscribed at the provider while the CRM said Yes: the opt-out wins.",
        newsletter=frozenset({N.YES}),
        provider=frozenset({P.UNSUB}),
        since_base=_any_but(SinceBase, SinceBase.SET_AGAIN),
        crm_action=CrmAction.SET_CANCEL,
    ),
    Rule(
        "S05",
        "unsubscribe_transferred",
        "Unsubscribed at the provider, and the CRM says neither Yes nor No: transferred.",
        newsletter=frozenset({N.NONE, N.DOI, N.UNDELIVERABLE, N.UNKNOWN}),
        provider=frozenset({P.UNSUB}),
        crm_action=CrmAction.SET_CANCEL,
    ),
    Rule(
        "S05",
        "unsubscribe_no_contact",
        "Unsubscribed at the provider, and no contact has the address: kept in the ledger.",
        newsletter=_MISSING,
        provider=frozenset({P.UNSUB}),
    ),
    Rule(
        "S06",
        "yes_after_withdrawal",
        "Yes was set again after the withdrawal without proof of a new consent: a person decides.",
        newsletter=frozenset({N.YES}),
        provider=frozenset({P.UNSUB}),
        ledger=_any_but(L, L.GRANT_PROOF),
        listing=Listing.CONFLICT,
    ),
    Rule(
        "S07",
        "yes_with_newer_proof",
        "A newer proven consent after the withdrawal: the provider asks the person to confirm.",
        newsletter=frozenset({N.YES}),
        provider=frozenset({P.UNSUB}),
        ledger=frozenset({L.GRANT_PROOF}),
        eligibility=_ELIGIBLE,
        provider_action=ProviderAction.CONFIRM,
        crm_action=CrmAction.SET_DOI,
    ),
    Rule(
        "S07",
        "newer_proof_not_eligible",
        "A newer proven consent, but the contact may not be written to.",
        newsletter=frozenset({N.YES}),
        provider=frozenset({P.UNSUB}),
        ledger=frozenset({L.GRANT_PROOF}),
        eligibility=_NOT_ELIGIBLE,
        listing=Listing.EXCLUDED,
    ),
    Rule(
        "S22",
        "signed_up_again_not_eligible",
        "The person signed up again after withdrawing, but the contact may not be written to.",
        newsletter=_any_but(N, *_MISSING),
        provider=frozenset({P.SUB}),
        ledger=frozenset({L.WITHDRAW_PERSON}),
        signup=frozenset({Signup.PERSON}),
        eligibility=_NOT_ELIGIBLE,
        listing=Listing.LISTED,
    ),
    Rule(
        "S22",
        "signed_up_again_agreed",
        "The person signed up again after withdrawing, and the CRM says Yes already.",
        newsletter=frozenset({N.YES}),
        provider=frozenset({P.SUB}),
        ledger=frozenset({L.WITHDRAW_PERSON}),
        signup=frozenset({Signup.PERSON}),
        ledger_entry=LedgerEntry.GRANT_SIGNUP,
        profile=True,
    ),
    Rule(
        "S22",
        "signed_up_again_new_contact",
        "The person signed up again after withdrawing; the contact is created.",
        newsletter=_MISSING,
        provider=frozenset({P.SUB}),
        ledger=frozenset({L.WITHDRAW_PERSON}),
        signup=frozenset({Signup.PERSON}),
        crm_action=CrmAction.CREATE,
        ledger_entry=LedgerEntry.GRANT_SIGNUP,
        profile=True,
    ),
    Rule(
        "S22",
        "signed_up_again",
        "The person signed up again after withdrawing: the new act beats the old one.",
        provider=frozenset({P.SUB}),
        ledger=frozenset({L.WITHDRAW_PERSON}),
        signup=frozenset({Signup.PERSON}),
        crm_action=CrmAction.SET_YES,
        ledger_entry=LedgerEntry.GRANT_SIGNUP,
        profile=True,
    ),
    # S08 stands before S23: both unsubscribe, but a withdrawal the CRM itself shows is no conflict.
    Rule(
        "S08",
        "withdrawn_in_crm",
        "The CRM says No or Cancellation: unsubscribed at the provider.",
        base=frozenset({B.SUB, B.FIRST}),
        newsletter=_VETO,
        provider=frozenset({P.SUB}),
        provider_action=ProviderAction.UNSUBSCRIBE,
        ledger_entry=LedgerEntry.WITHDRAW_STAFF,
    ),
    Rule(
        "S23",
        "subscribed_despite_withdrawal",
        "Someone other than the person subscribed a withdrawn address: unsubscribed again.",
        provider=frozenset({P.SUB}),
        ledger=_WITHDRAWN_FOR_GOOD,
        provider_action=ProviderAction.UNSUBSCRIBE,
        listing=Listing.CONFLICT,
        settles=True,
    ),
    Rule(
        "S09",
        "withdrawn_on_both_sides",
        "Both sides say withdrawn.",
        base=frozenset({B.UNSUB, B.COMPLAINT}),
        newsletter=_VETO,
        provider=frozenset({P.UNSUB}),
    ),
    Rule(
        "S09",
        "withdrawn_others",
        "Both sides say withdrawn: every other contact with the address follows.",
        newsletter=_VETO,
        provider=frozenset({P.UNSUB}),
        crm_action=CrmAction.SET_CANCEL,
    ),
    Rule(
        "S10",
        "not_specified_in_crm",
        'The CRM now says "not specified": sending stops; this is not an opt-out.',
        base=frozenset({B.SUB}),
        newsletter=frozenset({N.NONE}),
        provider=frozenset({P.SUB}),
        provider_action=ProviderAction.ARCHIVE,
    ),
    Rule(
        "S11",
        "storage_consent_revoked",
        "The consent to storage was revoked: unsubscribed at the provider.",
        base=frozenset({B.SUB}),
        newsletter=frozenset({N.YES}),
        provider=frozenset({P.SUB}),
        eligibility=frozenset({Eligibility.REVOKED}),
        provider_action=ProviderAction.UNSUBSCRIBE,
        ledger_entry=LedgerEntry.WITHDRAW_STAFF,
        settles=True,
    ),
    Rule(
        "S11",
        "no_longer_eligible",
        "Still Yes, but the contact may no longer be written to: sending stops; not an opt-out.",
        base=frozenset({B.SUB}),
        newsletter=frozenset({N.YES}),
        provider=frozenset({P.SUB}),
        eligibility=_NOT_ELIGIBLE,
        provider_action=ProviderAction.ARCHIVE,
    ),
    Rule(
        "S12",
        "subscribe_yes",
        "The CRM says Yes and the provider has never seen the address: subscribed.",
        base=_any_but(B, B.SUB),
        newsletter=frozenset({N.YES}),
        provider=frozenset({P.ABSENT}),
        ledger=_NOT_WITHDRAWN,
        eligibility=_ELIGIBLE,
        provider_action=ProviderAction.SUBSCRIBE,
        ledger_entry=LedgerEntry.GRANT_CRM,
        profile=True,
    ),
    Rule(
        "S12",
        "yes_not_eligible",
        "The CRM says Yes, but the contact may not be written to.",
        base=_any_but(B, B.SUB),
        newsletter=frozenset({N.YES}),
        provider=frozenset({P.ABSENT}),
        ledger=_NOT_WITHDRAWN,
        eligibility=_NOT_ELIGIBLE,
        listing=Listing.EXCLUDED,
    ),
    Rule(
        "S13",
        "withdrawn_and_forgotten",
        "Yes in the CRM, forgotten at the provider, withdrawn in the ledger: never created again.",
        newsletter=frozenset({N.YES}),
        provider=frozenset({P.ABSENT, *_OFF}),
        ledger=_WITHDRAWN,
        listing=Listing.CONFLICT,
    ),
    Rule(
        "S14",
        "removed_at_provider",
        'Archived or deleted at the provider: the CRM is set to "not specified".',
        base=frozenset({B.SUB}),
        newsletter=frozenset({N.YES}),
        provider=_OFF,
        since_base=frozenset({SinceBase.UNCHANGED}),
        crm_action=CrmAction.SET_NONE,
    ),
    Rule(
        "S15",
        "subscribe_again",
        "Archived before, and Yes is a fresh decision in the CRM: subscribed again.",
        base=frozenset({B.ARCHIVED}),
        newsletter=frozenset({N.YES}),
        provider=frozenset({P.ARCHIVED}),
        since_base=frozenset({SinceBase.CHANGED}),
        eligibility=_ELIGIBLE,
        provider_action=ProviderAction.SUBSCRIBE,
        ledger_entry=LedgerEntry.GRANT_CRM,
        profile=True,
    ),
    Rule(
        "S15",
        "forgotten",
        "Deleted for good at the provider: only the person can come back, by a form.",
        base=frozenset({B.GONE}),
        newsletter=frozenset({N.YES}),
        provider=frozenset({P.GONE}),
        listing=Listing.EXCLUDED,
    ),
    Rule(
        "S11",
        "off_the_list_not_eligible",
        "Still Yes, but the contact may not be written to and is off the list already.",
        base=frozenset({B.ARCHIVED}),
        newsletter=frozenset({N.YES}),
        provider=_OFF,
        eligibility=_NOT_ELIGIBLE,
        listing=Listing.EXCLUDED,
    ),
    Rule(
        "S16",
        "archived_before_us",
        "Archived before this connection knew the address: the state before it is unknown.",
        base=frozenset({B.NEW, B.FIRST}),
        newsletter=frozenset({N.YES}),
        provider=frozenset({P.ARCHIVED}),
        listing=Listing.LISTED,
    ),
    Rule(
        "S17",
        "removed_and_not_yes",
        "Archived or deleted at the provider and not Yes in the CRM: the CRM stays as it is.",
        newsletter=_any_but(N, N.YES),
        provider=_OFF,
    ),
    Rule(
        "S19",
        "address_bounced",
        "The address bounced for good: not tried again until it changes.",
        newsletter=frozenset({N.YES}),
        provider=frozenset({P.CLEANED}),
        listing=Listing.BOUNCED,
    ),
    # S24 stands before S20/S21/S25: a sign-up of a contact that may not be written to would be
    # set to Yes here and archived by S11 in the next run.
    Rule(
        "S24",
        "subscribed_not_eligible",
        "Subscribed at the provider, but private, archived or revoked in the CRM: listed.",
        base=_any_but(B, B.SUB),
        newsletter=_any_but(N, *_VETO, *_MISSING),
        provider=frozenset({P.SUB}),
        eligibility=frozenset({Eligibility.PRIVATE, Eligibility.ARCHIVED, Eligibility.REVOKED}),
        listing=Listing.LISTED,
    ),
    Rule(
        "S20",
        "new_subscriber_new_contact",
        "A new subscriber without a contact: the contact is created.",
        base=_LATER,
        newsletter=_MISSING,
        provider=frozenset({P.SUB}),
        crm_action=CrmAction.CREATE,
        ledger_entry=LedgerEntry.GRANT_SIGNUP,
        profile=True,
    ),
    Rule(
        "S20",
        "new_subscriber",
        "A new subscriber: the CRM is set to Yes.",
        base=_LATER,
        newsletter=frozenset({N.NONE, N.UNDELIVERABLE}),
        provider=frozenset({P.SUB}),
        eligibility=_ELIGIBLE,
        crm_action=CrmAction.SET_YES,
        ledger_entry=LedgerEntry.GRANT_SIGNUP,
        profile=True,
    ),
    Rule(
        "S21",
        "signup_beats_no",
        "A sign-up by the person, or by staff at the provider, after a No: the CRM is set to Yes.",
        base=_LATER,
        newsletter=_VETO,
        provider=frozenset({P.SUB}),
        signup=frozenset({Signup.PERSON, Signup.STAFF}),
        eligibility=_ELIGIBLE,
        crm_action=CrmAction.SET_YES,
        ledger_entry=LedgerEntry.GRANT_SIGNUP,
        profile=True,
    ),
    Rule(
        "S21",
        "signup_not_eligible",
        "A sign-up after a No, but the contact may not be written to: listed.",
        base=_LATER,
        newsletter=_VETO,
        provider=frozenset({P.SUB}),
        signup=frozenset({Signup.PERSON, Signup.STAFF}),
        eligibility=_NOT_ELIGIBLE,
        listing=Listing.LISTED,
    ),
    Rule(
        "S32",
        "contact_deleted",
        "The contact was deleted in the CRM, confirmed by its id: sending stops; not an opt-out.",
        base=frozenset({B.SUB}),
        newsletter=frozenset({N.MISSING_CONFIRMED}),
        provider=frozenset({P.SUB}),
        provider_action=ProviderAction.ARCHIVE,
        settles=True,
    ),
    Rule(
        "S25",
        "double_opt_in_confirmed",
        "The double opt-in was confirmed at the provider: the CRM is set to Yes.",
        newsletter=frozenset({N.DOI}),
        provider=frozenset({P.SUB}),
        eligibility=_ELIGIBLE,
        crm_action=CrmAction.SET_YES,
        ledger_entry=LedgerEntry.GRANT_SIGNUP,
        profile=True,
    ),
    Rule(
        "S26",
        "double_opt_in_pending",
        "The double opt-in is not confirmed yet: wait.",
        newsletter=frozenset({N.DOI}),
        provider=frozenset({P.PENDING, P.ABSENT}),
    ),
    Rule(
        "S27",
        "adopted_new_contact",
        "A subscriber from before the first sync, imported by the setting adopt_existing.",
        base=frozenset({B.FIRST}),
        newsletter=_MISSING,
        provider=frozenset({P.SUB}),
        adopt_existing=frozenset({True}),
        crm_action=CrmAction.CREATE,
        ledger_entry=LedgerEntry.GRANT_SIGNUP,
        profile=True,
    ),
    Rule(
        "S27",
        "adopted",
        "A subscriber from before the first sync, set to Yes by the setting adopt_existing.",
        base=frozenset({B.FIRST}),
        newsletter=frozenset({N.NONE}),
        provider=frozenset({P.SUB}),
        eligibility=_ELIGIBLE,
        adopt_existing=frozenset({True}),
        crm_action=CrmAction.SET_YES,
        ledger_entry=LedgerEntry.GRANT_SIGNUP,
        profile=True,
    ),
    Rule(
        "S27",
        "foreign",
        "A subscriber from before the first sync whom the CRM does not know as one: left alone.",
        base=frozenset({B.FIRST}),
        newsletter=frozenset({N.NONE, *_MISSING}),
        provider=frozenset({P.SUB}),
        listing=Listing.FOREIGN,
    ),
    Rule(
        "S28",
        "promote_granted",
        "Known to the provider without marketing consent, and the ledger holds a consent.",
        newsletter=frozenset({N.YES}),
        provider=frozenset({P.NONSUB}),
        ledger=_GRANTED,
        eligibility=_ELIGIBLE,
        provider_action=ProviderAction.SUBSCRIBE,
        ledger_entry=LedgerEntry.GRANT_CRM,
        profile=True,
    ),
    Rule(
        "S28",
        "never_promoted",
        "Known to the provider without marketing consent: never promoted without one.",
        newsletter=frozenset({N.YES}),
        provider=frozenset({P.NONSUB}),
        listing=Listing.EXCLUDED,
    ),
    Rule(
        "S29",
        "in_step",
        "Yes and subscribed: no status is written.",
        newsletter=frozenset({N.YES}),
        provider=frozenset({P.SUB}),
        eligibility=_ELIGIBLE,
        profile=True,
    ),
    Rule(
        "S29",
        "waiting_for_confirmation",
        "Yes, and the provider waits for the confirmation of the person.",
        newsletter=frozenset({N.YES}),
        provider=frozenset({P.PENDING}),
        eligibility=_ELIGIBLE,
        listing=Listing.WAITING,
    ),
    # A request that is newer than the cancellation is a fresh sign-up: it is left to the person,
    # and
    # S22 decides once it is confirmed. Withdrawing it would be T10.
    Rule(
        "S30",
        "request_withdrawn",
        "Cancelled in the CRM while the provider waits for a confirmation: the request is"
        " withdrawn.",
        base=frozenset({B.SUB, B.FIRST, B.PENDING}),
        newsletter=frozenset({N.CANCEL}),
        provider=frozenset({P.PENDING}),
        provider_action=ProviderAction.UNSUBSCRIBE,
        ledger_entry=LedgerEntry.WITHDRAW_STAFF,
    ),
    Rule(
        "S30",
        "nobody_sends",
        "Nobody wants to send and nobody is sent to.",
        newsletter=_any_but(N, N.YES, N.DOI),
        provider=frozenset({P.ABSENT, P.NONSUB, P.CLEANED, P.PENDING}),
    ),
    Rule(
        "S31",
        "undecided",
        "No other row decides: nothing is written, a person looks.",
        listing=Listing.LISTED,
    ),
)

RULE_BY_CODE: dict[str, Rule] = {rule.code: rule for rule in RULES}


@cache
def rule_for(case: Case) -> Rule:
    """The first row of :data:`RULES` that matches ``case``; the last row matches everything."""
    return next(rule for rule in RULES if rule.matches(case))
