"""The rows of the status table as stories against the sandbox, told in the words of ``stories``.

Belongs here: rows that a few steps of one person show, named by the row. Must not be here: rows
that need a cut read, a plan by itself or settings (``test_t01_cut_reads``, ``test_status_rules``).
"""

from __future__ import annotations

import pytest

from nl_pipeline.sync.observe import Mode
from nl_pipeline_tests.providers import each_provider
from nl_pipeline_tests.sync.conftest import StartedScenario
from nl_pipeline_tests.sync.stories import Story, StoryTeller, read_stories, tell_all

pytestmark = each_provider

STORIES = read_stories("""
S03 a complaint cancels
    / complain a
    a unsubscribed, crm 1 a CANCEL
S03 a complaint is for good, whatever the person does later
    / complain a / join a
    a unsubscribed, crm 1 a CANCEL
S04 an unsubscribe cancels a Yes
    / leave a
    a unsubscribed, crm 1 a CANCEL
S05 an unsubscribe cancels a contact without a Yes
    contact b NONE / join b, leave b
    b unsubscribed, crm 2 b CANCEL
S05 an unsubscribe ends a double opt-in
    contact b DOI / ask b, leave b
    b unsubscribed, crm 2 b CANCEL
    brevo: contact b DOI / join b, leave b > b unsubscribed, crm 2 b CANCEL -- nobody is there yet
S05 an unsubscribe without a contact is kept for the contact that comes
    / join b, leave b / delete b / contact b YES
    b absent, crm 2 b YES, listed b withdrawn_and_forgotten
S06 a Yes that staff sets again is a conflict
    / leave a / wish 1 YES
    a unsubscribed, crm 1 a YES, listed a yes_after_withdrawal
S08 a No unsubscribes
    / wish 1 NO
    a unsubscribed, crm 1 a NO
    brevo: a archived, crm 1 a NO -- a No takes off the list
S08 a Cancellation unsubscribes
    / wish 1 CANCEL
    a unsubscribed, crm 1 a CANCEL
S09 a No and an unsubscribe agree
    / wish 1 NO, leave a
    a unsubscribed, crm 1 a NO
S09 a Cancellation and an unsubscribe agree
    / wish 1 CANCEL, leave a
    a unsubscribed, crm 1 a CANCEL
S10 not specified archives
    / wish 1 NONE
    a archived, crm 1 a NONE
S11 a private contact is archived
    / private 1
    a archived, crm 1 a YES
S11 a revoked consent to storage unsubscribes
    / revoke 1
    a unsubscribed, crm 1 a YES
    brevo: a archived, crm 1 a YES -- a No takes off the list
S12 a Yes is subscribed
    / contact b YES
    b subscribed, crm 2 b YES
S12 a private Yes is not
    / contact b YES, private 2
    b absent, crm 2 b YES
S13 a Yes after a withdrawal that the provider forgot is a conflict
    / leave a / delete a / wish 1 YES
    a absent, crm 1 a YES, listed a withdrawn_and_forgotten
S06 a Yes after a No is a conflict though the provider archived it
    / wish 1 NO / off a / wish 1 YES
    a archived, crm 1 a YES, listed a yes_after_withdrawal
    brevo: / wish 1 NO / wish 1 YES > a archived, crm 1 a YES, listed a withdrawn_and_forgotten \\
        -- a No takes off the list, which is all there is to see
S14 archived at the provider is not specified
    / off a
    a archived, crm 1 a NONE
S14 deleted at the provider is not specified
    / delete a
    a absent, crm 1 a NONE
S15 a fresh Yes subscribes the archived member again
    / off a / wish 1 YES
    a subscribed, a moved, crm 1 a YES
S16 who was archived before the pair was known is listed
    / import b, off b, contact b YES
    b archived, crm 2 b YES, listed b archived_before_us
    brevo: b subscribed, crm 2 b YES -- who was on it once is not told
S17 archiving erases no No
    / wish 1 NO / off a
    a archived, crm 1 a NO
    brevo: / wish 1 NO > a archived, crm 1 a NO -- a No has taken off the list
S17 archiving erases no Cancellation
    / leave a / off a
    a archived, crm 1 a CANCEL
    brevo: a unsubscribed, crm 1 a CANCEL -- blocklisted whatever the list
S17 deleting erases no Cancellation
    / leave a / delete a
    a absent, crm 1 a CANCEL
S19 a bounced address keeps its Yes and is listed
    / bounce a
    a cleaned, crm 1 a YES, listed a address_bounced
S20 a new subscriber sets a contact to Yes
    contact b NONE / join b
    b subscribed, crm 2 b YES
S20 an import sets a contact to Yes
    contact b NONE / import b
    b subscribed, crm 2 b YES
S21 a sign-up of the person beats a No
    contact b NO / join b
    b subscribed, crm 2 b YES
    brevo: b subscribed, crm 2 b NO, listed b undecided -- who signed up is not told
S21 a sign-up by staff at the provider beats a No
    contact b NO / add b
    b subscribed, crm 2 b YES
    brevo: b subscribed, crm 2 b NO, listed b undecided -- who signed up is not told
S22 a later act of the person beats the withdrawal
    / leave a / join a
    a subscribed, crm 1 a YES
    brevo: a unsubscribed, crm 1 a CANCEL, listed a -- who signed up is not told: S23
S22 a later act of the person beats a Cancellation of the CRM
    / wish 1 CANCEL / join a
    a subscribed, crm 1 a YES
    brevo: a unsubscribed, crm 1 a CANCEL, listed a -- who signed up is not told: S23
S22 who may not be written to is listed
    / leave a / private 1, join a
    crm 1 a CANCEL, listed a signed_up_again_not_eligible
    brevo: a unsubscribed, crm 1 a CANCEL, listed a -- who signed up is not told: S23
S23 an import over a withdrawal is undone
    / leave a / force a
    a unsubscribed, crm 1 a CANCEL
S23 an import over a withdrawal is undone though the CRM says Yes again
    / leave a / force a, wish 1 YES
    a unsubscribed, crm 1 a YES, listed a yes_after_withdrawal
S24 a private contact that subscribes is listed
    contact b NONE, private 2 / join b
    b subscribed, crm 2 b NONE, listed b subscribed_not_eligible
S25 a confirmed double opt-in is a Yes
    contact b DOI / ask b / confirm b
    b subscribed, crm 2 b YES
S26 a double opt-in waits
    contact b DOI / ask b
    b pending, crm 2 b DOI
    brevo: b absent, crm 2 b DOI -- who waits is not shown
S26 a double opt-in that nobody asked for waits
    / contact b DOI
    b absent, crm 2 b DOI
S28 a customer without consent is never promoted
    / order b / contact b YES
    b transactional, crm 2 b YES
    brevo: cannot -- there are no such customers
S29 a Yes that is subscribed or waits is left alone
    contact b YES, ask b / tag 1
    a subscribed, a moved, a tagged, b pending, crm 2 b YES
    brevo: a subscribed, a moved, b subscribed, crm 2 b YES -- who waits is not shown, no tags
S30 a Cancellation withdraws the request that waits
    contact b DOI / ask b / wish 2 CANCEL
    b unsubscribed, crm 2 b CANCEL
    brevo: b absent, crm 2 b CANCEL -- who waits is not shown
S30 a No leaves the request that waits
    contact b DOI / ask b / wish 2 NO
    b pending, crm 2 b NO
    brevo: b absent, crm 2 b NO -- who waits is not shown
S30 nobody sends to who says nothing
    / contact b NONE
    b absent, crm 2 b NONE
S31 an import over a No is left to a person
    contact b NO / import b
    b subscribed, crm 2 b NO, listed b undecided
S32 a deleted contact is archived
    / remove 1
    a archived
""")


@pytest.fixture(scope="module", params=["incremental", "full"])
def told(request: pytest.FixtureRequest, started_scenario: StartedScenario) -> StoryTeller:
    mode: Mode = request.param
    with started_scenario() as scenario:
        return tell_all(scenario, STORIES, mode=mode)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.title)
def test_a_row_of_the_status_table_ends_as_told(told: StoryTeller, story: Story) -> None:
    ended, should_have = told.ends(story)

    assert ended == should_have


def test_all_rows_come_to_rest(told: StoryTeller) -> None:
    assert told.told.writes_at_rest == {}


def test_no_row_goes_otherwise_at_a_provider_without_need(told: StoryTeller) -> None:
    assert told.needless == []
