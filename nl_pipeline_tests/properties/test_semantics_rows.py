"""The rows of the semantics page one by one: concrete cases, the row expected, what it does.

A case that leaves out a condition takes the plain one: later than the first sync, Yes, never seen
at the provider, nothing in the ledger, eligible, complete.
"""

from __future__ import annotations

from typing import Any

import pytest

from nl_pipeline.domain.rules import Case, rule_for
from nl_pipeline.domain.states import (
    Base,
    Eligibility,
    Ledger,
    Newsletter,
    ProviderState,
    Signup,
    SinceBase,
)


def _case(text: str) -> Case:
    """``base newsletter provider``, then any of the other conditions by their value alone."""
    base, newsletter, provider, *others = text.split()
    values: dict[str, Any] = {
        "ledger": Ledger.NONE,
        "eligibility": Eligibility.ELIGIBLE,
        "since_base": SinceBase.UNCHANGED,
        "signup": Signup.OTHER,
        "complete": "incomplete" not in others,
        "adopt_existing": "adopt_existing" in others,
    }
    kinds = {
        "ledger": Ledger,
        "eligibility": Eligibility,
        "since_base": SinceBase,
        "signup": Signup,
    }
    for word in set(others) - {"incomplete", "adopt_existing"}:
        name = next(name for name, kind in kinds.items() if word in list(kind))
        values[name] = kinds[name](word)
    return Case(
        base=Base(base),
        newsletter=Newsletter(newsletter),
        provider=ProviderState(provider),
        **values,
    )


# Rule and sentence; below it: case | at the provider | in the CRM | listed as
_ROWS = """
S01 an incomplete read takes nobody for gone
    SUB YES GONE incomplete | - | - | -
S01 an incomplete read subscribes nobody
    NEW YES ABSENT incomplete | - | - | -
S01 an incomplete read archives nobody
    SUB NONE SUB incomplete | - | - | -
S01 an incomplete read creates no contact
    NEW MISSING SUB incomplete | - | - | -
S01 an incomplete read asks for no confirmation
    UNSUB YES UNSUB GRANT_PROOF SET_AGAIN incomplete | - | - | -
S04 an incomplete read still transfers an opt-out
    SUB YES UNSUB WITHDRAW_PERSON incomplete | - | set_cancel | -
S05 an incomplete read still transfers an opt-out of a contact without a Yes
    NEW NONE UNSUB WITHDRAW_PERSON incomplete | - | set_cancel | -
S03 an incomplete read still transfers a complaint
    SUB YES COMPLAINT WITHDRAW_PROVIDER incomplete | - | set_cancel | -
S08 an incomplete read still transfers a No of the CRM
    SUB NO SUB incomplete | unsubscribe | - | -
S23 an incomplete read still takes off who withdrew
    SUB YES SUB WITHDRAW_PERSON incomplete | unsubscribe | - | conflict
S02 an unknown status is not acted on
    SUB YES UNKNOWN | - | - | alarm
S02 an unknown status with a No is not acted on
    SUB CANCEL UNKNOWN | - | - | alarm
S03 a complaint cancels a Yes
    SUB YES COMPLAINT WITHDRAW_PROVIDER | - | set_cancel | -
S03 a complaint beats a Yes that was set again
    COMPLAINT YES COMPLAINT WITHDRAW_PROVIDER SET_AGAIN | - | set_cancel | -
S03 a complaint cancels a contact without a Yes
    NEW NONE COMPLAINT WITHDRAW_PROVIDER | - | set_cancel | -
S03 a known complaint writes nothing again
    COMPLAINT CANCEL COMPLAINT WITHDRAW_PROVIDER | - | - | -
S03 a complaint reaches the other contacts of a group with a No
    SUB NO COMPLAINT WITHDRAW_PROVIDER | - | set_cancel | -
S03 a complaint without a contact stays in the ledger
    NEW MISSING COMPLAINT WITHDRAW_PROVIDER | - | - | -
S04 an unsubscribe cancels a Yes that was in step
    SUB YES UNSUB WITHDRAW_PERSON | - | set_cancel | -
S04 an unsubscribe cancels a Yes at the first sync
    FIRST YES UNSUB WITHDRAW_PERSON | - | set_cancel | -
S04 an unsubscribe cancels a Yes of a new pair
    NEW YES UNSUB WITHDRAW_PERSON | - | set_cancel | -
S04 departure: other bases too, as long as the Yes was not set again
    PENDING YES UNSUB WITHDRAW_PERSON CHANGED | - | set_cancel | -
S04 departure: also when the contact may not be written to
    SUB YES UNSUB WITHDRAW_PERSON PRIVATE | - | set_cancel | -
S05 not specified is cancelled
    SUB NONE UNSUB WITHDRAW_PERSON | - | set_cancel | -
S05 a pending double opt-in is cancelled
    PENDING DOI UNSUB WITHDRAW_PERSON | - | set_cancel | -
S05 an undeliverable contact is cancelled
    NEW UNDELIVERABLE UNSUB WITHDRAW_PERSON | - | set_cancel | -
S05 an unknown value is cancelled
    FIRST UNKNOWN UNSUB WITHDRAW_PERSON | - | set_cancel | -
S05 without a contact the ledger keeps it
    NEW MISSING UNSUB WITHDRAW_PERSON | - | - | -
S06 a Yes set again without proof is a conflict
    UNSUB YES UNSUB WITHDRAW_PERSON SET_AGAIN | - | - | conflict
S06 a grant without proof does not lift it
    UNSUB YES UNSUB GRANT SET_AGAIN | - | - | conflict
S07 a newer proof asks the person to confirm
    UNSUB YES UNSUB GRANT_PROOF SET_AGAIN | confirm | set_doi | -
S07 a newer proof of a private contact is listed
    UNSUB YES UNSUB GRANT_PROOF SET_AGAIN PRIVATE | - | - | excluded
S22 the person came back
    UNSUB CANCEL SUB WITHDRAW_PERSON PERSON | - | set_yes | -
S22 the person came back and the CRM says Yes already
    UNSUB YES SUB WITHDRAW_PERSON PERSON SET_AGAIN | - | - | -
S22 the person came back without a contact
    UNSUB MISSING SUB WITHDRAW_PERSON PERSON | - | create | -
S22 the person came back, the contact is archived
    UNSUB CANCEL SUB WITHDRAW_PERSON PERSON ARCHIVED | - | - | listed
S23 somebody else subscribed a withdrawn address
    UNSUB CANCEL SUB WITHDRAW_PERSON | unsubscribe | - | conflict
S23 staff subscribed a withdrawn address
    UNSUB CANCEL SUB WITHDRAW_PERSON STAFF | unsubscribe | - | conflict
S23 also while the CRM says Yes
    UNSUB YES SUB WITHDRAW_PERSON SET_AGAIN | unsubscribe | - | conflict
S23 departure: a complaint is not lifted even by the person
    COMPLAINT CANCEL SUB WITHDRAW_PROVIDER PERSON | unsubscribe | - | conflict
S08 a No in the CRM takes off the list
    SUB NO SUB GRANT | unsubscribe | - | -
S08 a Cancellation takes off the list at the first sync
    FIRST CANCEL SUB WITHDRAW_STAFF | unsubscribe | - | -
S09 both withdrawn
    UNSUB CANCEL UNSUB WITHDRAW_PERSON | - | - | -
S09 both withdrawn for the first time: the other contacts follow
    SUB NO UNSUB WITHDRAW_PERSON | - | set_cancel | -
S10 not specified stops sending
    SUB NONE SUB GRANT | archive | - | -
S11 a private contact stops sending
    SUB YES SUB GRANT PRIVATE | archive | - | -
S11 an archived contact stops sending
    SUB YES SUB ARCHIVED | archive | - | -
S11 a revoked storage consent unsubscribes
    SUB YES SUB REVOKED | unsubscribe | - | -
S12 a Yes is subscribed
    NEW YES ABSENT | subscribe | - | -
S12 a Yes is subscribed at the first sync
    FIRST YES ABSENT GRANT | subscribe | - | -
S12 a private Yes is excluded
    NEW YES ABSENT PRIVATE | - | - | excluded
S13 withdrawn and forgotten at the provider
    NEW YES ABSENT WITHDRAW_PERSON | - | - | conflict
S13 withdrawn by staff and deleted for good
    UNSUB YES GONE WITHDRAW_STAFF SET_AGAIN | - | - | conflict
S13 withdrawn and archived
    SUB YES ARCHIVED WITHDRAW_PROVIDER | - | - | conflict
S14 archived at the provider
    SUB YES ARCHIVED GRANT | - | set_none | -
S14 deleted at the provider
    SUB YES GONE | - | set_none | -
S15 a fresh Yes after an archiving
    ARCHIVED YES ARCHIVED GRANT CHANGED | subscribe | - | -
S15 a fresh Yes after a deletion for good
    GONE YES GONE CHANGED | - | - | excluded
S16 archived before us
    FIRST YES ARCHIVED | - | - | listed
S16 archived before the pair was known
    NEW YES ARCHIVED GRANT | - | - | listed
S17 a Cancellation survives an archiving
    SUB CANCEL ARCHIVED WITHDRAW_PERSON | - | - | -
S17 a No survives a deletion
    SUB NO GONE | - | - | -
S17 not specified stays
    NEW NONE ARCHIVED | - | - | -
S19 a bounced address is not tried again
    SUB YES CLEANED | - | - | bounced
S20 a new subscriber gets a contact
    NEW MISSING SUB | - | create | -
S20 a new subscriber of a known contact
    NEW NONE SUB | - | set_yes | -
S20 an undeliverable contact that subscribed
    UNSUB UNDELIVERABLE SUB WITHDRAW_STAFF | - | set_yes | -
S21 a sign-up by the person beats a No
    NEW NO SUB WITHDRAW_STAFF PERSON | - | set_yes | -
S21 a sign-up by staff at the provider beats a No
    UNSUB CANCEL SUB WITHDRAW_STAFF STAFF | - | set_yes | -
S21 departure: not eligible is listed
    NEW NO SUB WITHDRAW_STAFF PERSON PRIVATE | - | - | listed
S32 the contact was deleted
    SUB MISSING_CONFIRMED SUB GRANT | archive | - | -
S24 a private contact subscribed
    NEW YES SUB PRIVATE | - | - | listed
S24 departure: before S20, a private contact without a Yes
    NEW NONE SUB PRIVATE PERSON | - | - | listed
S24 revoked at the first sync
    FIRST DOI SUB REVOKED | - | - | listed
S25 the double opt-in was confirmed
    PENDING DOI SUB | - | set_yes | -
S26 the double opt-in waits
    PENDING DOI PENDING | - | - | -
S26 a double opt-in the provider does not know
    NEW DOI ABSENT | - | - | -
S27 there before us
    FIRST NONE SUB | - | - | foreign
S27 there before us without a contact
    FIRST MISSING SUB | - | - | foreign
S27 taken over by the setting
    FIRST NONE SUB adopt_existing | - | set_yes | -
S27 taken over with a new contact
    FIRST MISSING SUB adopt_existing | - | create | -
S28 known without consent
    NEW YES NONSUB | - | - | excluded
S28 known without consent, granted since
    NEW YES NONSUB GRANT | subscribe | - | -
S29 in step
    SUB YES SUB GRANT | - | - | -
S29 waiting for the person
    PENDING YES PENDING | - | - | waiting
S30 a Cancellation withdraws a pending request
    PENDING CANCEL PENDING | unsubscribe | - | -
S30 a No leaves a pending request alone
    PENDING NO PENDING | - | - | -
S30 nobody sends
    NEW NONE ABSENT | - | - | -
S30 departure: undeliverable counts among them
    NEW UNDELIVERABLE NONSUB | - | - | -
S31 missing but not looked up
    SUB MISSING SUB | - | - | listed
S31 an unknown value in the CRM
    SUB UNKNOWN SUB | - | - | listed
S31 a Yes changed while the provider archived
    SUB YES ARCHIVED CHANGED | - | - | listed
S31 a sign-up after a No whose author is unknown
    NEW NO SUB WITHDRAW_STAFF | - | - | listed
S31 a double opt-in at an address that bounced
    NEW DOI CLEANED | - | - | listed
"""

_LINES = [line.strip() for line in _ROWS.strip().splitlines()]
_CASES = [
    pytest.param(title, *(part.strip() for part in case.split("|")), id=title)
    for title, case in zip(_LINES[::2], _LINES[1::2], strict=True)
]


@pytest.mark.parametrize(
    ("row", "case", "provider_action", "crm_action", "listing"),
    _CASES,
)
def test_the_table_decides_as_the_semantics_say(
    row: str, case: str, provider_action: str, crm_action: str, listing: str
) -> None:
    rule = rule_for(_case(case))

    found = (rule.id, rule.provider_action or "-", rule.crm_action or "-", rule.listing or "-")
    assert found == (row.split()[0], provider_action, crm_action, listing)
