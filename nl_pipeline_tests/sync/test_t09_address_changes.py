"""T9: an address changes, in either direction, and the old one never stays subscribed.

Belongs here: every row of the page on changes of an address, alone and together with opt-outs,
other members and other contacts. Must not be here: what contacts with one address decide together
(``test_t08_duplicates``).

The table tells stories in the words of ``stories``: a sentence, what happens, how it ends. All of
them are told in one world, once with incremental and once with full syncs.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from nl_pipeline.sync.observe import Mode
from nl_pipeline_tests.providers import each_provider
from nl_pipeline_tests.scenario import CANCEL, NOT_SPECIFIED, YES, Scenario
from nl_pipeline_tests.sync.conftest import StartedScenario
from nl_pipeline_tests.sync.stories import Story, StoryTeller, read_stories, tell_all

_IN_THE_CRM = """
an address the provider does not know moves the member
    / crm 1 b
    a absent, b subscribed, b moved, crm 1 b YES
tags go along
    tag 1 / crm 1 b
    a absent, b tagged, b moved
    brevo: a absent, b moved -- there are no tags
a subscribed address takes over
    / import b, crm 1 b
    a archived, b subscribed, b another, crm 1 b YES
an unsubscribed address takes over and cancels
    / join b, leave b, crm 1 b
    a archived, b unsubscribed, crm 1 b CANCEL
an address that complained takes over and cancels
    / join b, complain b, crm 1 b
    a archived, crm 1 b CANCEL
a bounced address takes over and is listed
    / import b, bounce b, crm 1 b
    a archived, b cleaned, crm 1 b YES, listed b address_bounced
an archived address takes over and is listed
    / import b, off b, crm 1 b
    a archived, b archived, crm 1 b YES, listed b archived_before_us
    brevo: a archived, b subscribed, b another, crm 1 b YES, listed b -- it is not told
an address that waits for its confirmation takes over
    / ask b, crm 1 b
    a archived, b pending, crm 1 b YES
    brevo: a absent, b subscribed, b moved, crm 1 b YES -- who waits is not shown
an address that waits is subscribed once it is confirmed
    / ask b, crm 1 b / confirm b
    a archived, b subscribed, crm 1 b YES
    brevo: a absent, b subscribed, crm 1 b YES -- who waits is not shown
an address of another contact that says No is not sent to
    / contact b NO, crm 1 b
    a archived, b absent, crm 1 b YES, crm 2 b NO
an address of another contact that cancelled is not sent to
    / contact b CANCEL, crm 1 b
    a archived, b absent, crm 1 b YES, crm 2 b CANCEL
an address of another subscriber takes over
    contact b YES / crm 1 b
    a archived, b subscribed, b another, crm 1 b YES, crm 2 b YES
an address of another contact that says nothing moves the member
    contact b NONE / crm 1 b
    a absent, b subscribed, b moved, crm 1 b YES, crm 2 b NONE
a deleted member's contact is subscribed at its new address
    / delete a, crm 1 b
    a absent, b subscribed, crm 1 b YES
an archived member's contact is not
    / off a, crm 1 b
    a archived, b absent, crm 1 b NONE
    brevo: a archived, b subscribed, crm 1 b YES -- off the list is like deleted
whom the provider never knew is subscribed at the new address
    wish 1 NONE / crm 1 b, wish 1 YES
    a absent, b subscribed, crm 1 b YES
an address that had unsubscribed hands it on
    / leave a / crm 1 b / wish 1 YES
    a unsubscribed, b absent, crm 1 b YES, listed a yes_after_withdrawal
an unsubscribe before the change in one window reaches the contact
    / leave a, crm 1 b
    a unsubscribed, b absent, crm 1 b CANCEL
an unsubscribe after the change in one window reaches the contact
    / crm 1 b, leave a
    a unsubscribed, b absent, crm 1 b CANCEL
a Yes after that subscribes nobody
    / leave a, crm 1 b / wish 1 YES
    a unsubscribed, b absent, crm 1 b YES, listed a yes_after_withdrawal
a complaint reaches the contact
    / complain a, crm 1 b
    b absent, crm 1 b CANCEL
who unsubscribed and was deleted stays withdrawn
    / leave a / delete a / crm 1 b, wish 1 YES
    a absent, b absent, crm 1 b YES, listed b withdrawn_and_forgotten
a No is handed on
    / wish 1 NO / crm 1 b, wish 1 YES
    a unsubscribed, b absent, crm 1 b YES, listed a yes_after_withdrawal
    brevo: a archived, b absent, crm 1 b YES, listed b withdrawn_and_forgotten \\
        -- a No takes off the list
an address after a bounce is a fresh one
    / bounce a / crm 1 b
    a cleaned, b subscribed, b another, crm 1 b YES
a bounce in the same window makes a fresh one too
    / bounce a, crm 1 b
    a cleaned, b subscribed, b another, crm 1 b YES
a request that waits stays where it was
    ask a / crm 1 b
    a pending, b absent, crm 1 b YES
    brevo: a absent, b subscribed, crm 1 b YES -- who waits is not shown
a request that is confirmed later moves then
    ask a / crm 1 b / confirm a
    a absent, b subscribed, b moved, crm 1 b YES
    brevo: a subscribed, b subscribed, crm 1 b YES -- who waits is not shown
a No with it unsubscribes
    / crm 1 b, wish 1 NO
    a unsubscribed, b absent, crm 1 b NO
    brevo: a archived, b absent, crm 1 b NO -- a No takes off the list
a Cancellation with it unsubscribes
    / crm 1 b, wish 1 CANCEL
    a unsubscribed, b absent, crm 1 b CANCEL
not specified with it archives
    / crm 1 b, wish 1 NONE
    a archived, b absent, crm 1 b NONE
a private mark with it archives
    / crm 1 b, private 1
    a archived, b absent, crm 1 b YES
a revoked consent with it unsubscribes
    / crm 1 b, revoke 1
    a unsubscribed, b absent, crm 1 b YES
    brevo: a archived, b absent, crm 1 b YES -- a No takes off the list
an address that is deleted ends the old one
    / crm 1 -
    a archived
two changes in one window are one
    / crm 1 b, crm 1 c
    a absent, b absent, c subscribed, c moved, crm 1 c YES
two changes over two syncs are two
    / crm 1 b / crm 1 c
    a absent, b absent, c subscribed, c moved, crm 1 c YES
there and back in one window is no change
    / crm 1 b, crm 1 a
    a subscribed, a moved, b absent, crm 1 a YES
there and back over two syncs ends where it began
    / crm 1 b / crm 1 a
    a subscribed, a moved, b absent, crm 1 a YES
an unsubscribe on the way ends the way
    / crm 1 b / leave b, crm 1 c
    a absent, b unsubscribed, c absent, crm 1 c CANCEL
there and back does not wash an unsubscribe off
    / leave a, crm 1 b / crm 1 a, wish 1 YES
    a unsubscribed, b absent, crm 1 a YES, listed a yes_after_withdrawal
case and blanks are no change
    / crm 1 A
    a subscribed, a moved, crm 1 a YES
a domain in another script is an address
    / crm 1 ü
    a absent, ü subscribed, ü moved, crm 1 ü YES
its ASCII form is no change
    crm 1 ü / crm 1 ascii
    ü subscribed, ascii absent
two contacts swap their addresses
    contact b YES / crm 1 d, crm 2 a, crm 1 b
    a subscribed, b subscribed, d absent, crm 1 b YES, crm 2 a YES
an unsubscribe before a swap stops both
    contact b YES / leave a, crm 1 d, crm 2 a, crm 1 b
    a unsubscribed, b unsubscribed, crm 2 a CANCEL, listed b yes_after_withdrawal
two contacts each take the address of the next
    contact b YES / crm 2 c, crm 1 b
    a archived, b subscribed, c subscribed, crm 1 b YES, crm 2 c YES
a further address becomes the main one
    crm 1 a+b / crm 1 b+a
    a absent, b subscribed, b moved, crm 1 b YES
a contact leaves an address that another one keeps
    contact a YES / crm 1 b
    a subscribed, b subscribed, crm 1 b YES, crm 2 a YES
it takes an unsubscribe of the same window along
    contact a YES / leave a, crm 1 b
    a unsubscribed, b absent, crm 2 a CANCEL, listed b withdrawn_and_forgotten
so does a contact that was never linked
    contact a YES / leave a, crm 2 b
    a unsubscribed, b absent, crm 1 a CANCEL, listed b withdrawn_and_forgotten
it takes no later unsubscribe along
    contact a YES / crm 1 b / leave a
    a unsubscribed, b subscribed, crm 1 b YES, crm 2 a CANCEL
"""

_AT_THE_PROVIDER = """
a new address moves the contact
    / moves a b
    a absent, b subscribed, b moved, crm 1 b YES
tags stay
    tag 1 / moves a b
    b tagged, crm 1 b YES
    brevo: b moved, crm 1 b YES -- there are no tags
an unsubscribe with it cancels
    / moves a b, leave b
    a absent, b unsubscribed, crm 1 b CANCEL
a No of the CRM with it unsubscribes
    / moves a b, wish 1 NO
    a absent, b unsubscribed, crm 1 b NO
    brevo: a absent, b archived, crm 1 b NO -- a No takes off the list
not specified in the CRM with it archives
    / moves a b, wish 1 NONE
    a absent, b archived, crm 1 b NONE
an address of another contact is a conflict
    contact b NONE / moves a b
    a absent, b subscribed, crm 1 a YES, crm 2 b NONE, listed b address_conflict
the conflict ends when the other contact gives the address up
    contact b NONE / moves a b / crm 2 c
    a absent, b subscribed, b moved, crm 1 b YES, crm 2 c NONE, listed b
the conflict ends when the contact takes the address
    contact b NONE / moves a b / crm 1 b
    a absent, b subscribed, b moved, crm 1 b YES, crm 2 b NONE, listed b
the conflict ends when the two contacts are merged
    contact b NONE / moves a b / merge 1 2
    a absent, b subscribed, b moved, crm 1 b YES, listed b
the conflict ends when the contact is deleted
    / contact b YES, moves a b / remove 1
    a absent, b subscribed, b moved, crm 2 b YES, listed b
an unsubscribe during the conflict reaches both contacts
    contact b NONE / moves a b, leave b
    a absent, b unsubscribed, crm 1 a CANCEL, crm 2 b CANCEL
a No during the conflict unsubscribes
    contact b NONE / moves a b / wish 1 NO
    a absent, b unsubscribed, crm 1 a NO, crm 2 b CANCEL
    brevo: a absent, b archived, crm 1 a NO, crm 2 b NONE -- a No takes off the list
a revoked consent during the conflict unsubscribes
    contact b NONE / moves a b / revoke 1
    a absent, b unsubscribed
    brevo: a absent, b archived -- a No takes off the list
an address of a contact that cancelled is not sent to
    contact b CANCEL / moves a b
    a absent, b unsubscribed, crm 2 b CANCEL
an address that was withdrawn before is not sent to
    contact b CANCEL / remove 2 / moves a b
    a absent, b unsubscribed
an address that several contacts had is a conflict
    contact a YES / moves a b
    a absent, b subscribed, crm 1 a YES, crm 2 a YES, listed b address_conflict
an unsubscribe reaches all who had the address
    contact a YES / moves a b, leave b
    a absent, b unsubscribed, crm 1 a CANCEL, crm 2 a CANCEL
the conflict of several ends when one takes the address
    contact a YES / moves a b / crm 1 b
    b subscribed, b moved, crm 1 b YES, crm 2 a YES, listed b
a further address of the contact becomes its main one
    crm 1 a+b / moves a b
    a absent, b subscribed, b moved, crm 1 b YES, listed b
two changes in one window are one
    / moves a b, moves b c
    a absent, b absent, c subscribed, c moved, crm 1 c YES
two changes over two syncs are two
    / moves a b / moves b c
    a absent, b absent, c subscribed, c moved, crm 1 c YES
there and back ends where it began
    / moves a b / moves b a
    a subscribed, a moved, b absent, crm 1 a YES
an import of the old address is a conflict
    / moves a b, import a
    a subscribed, b subscribed, crm 1 a YES, listed b address_conflict
an unsubscribe stops the imported old address too
    / moves a b, import a, leave b
    a unsubscribed, b unsubscribed, listed a yes_after_withdrawal
"""

_ON_BOTH_SIDES = """
the same change is no work
    / crm 1 b, moves a b
    a absent, b subscribed, b moved, crm 1 b YES, listed b
different changes are a conflict
    / crm 1 b, moves a c
    a absent, b absent, c subscribed, crm 1 b YES, listed b address_changed_on_both_sides
the conflict ends in the CRM
    / crm 1 b, moves a c / crm 1 c
    a absent, b absent, c subscribed, c moved, crm 1 c YES, listed c
the conflict ends at the provider
    / crm 1 b, moves a c / moves c b
    a absent, c absent, b subscribed, b moved, crm 1 b YES, listed b
an unsubscribe during the conflict cancels
    / crm 1 b, moves a c, leave c
    a absent, b absent, c unsubscribed, crm 1 b CANCEL
an unsubscribe later cancels too
    / crm 1 b, moves a c / leave c
    a absent, b absent, c unsubscribed, crm 1 b CANCEL
a No during the conflict unsubscribes
    / crm 1 b, moves a c / wish 1 NO
    a absent, b absent, c unsubscribed, crm 1 b NO
    brevo: a absent, b absent, c archived, crm 1 b NO -- a No takes off the list
a revoked consent during the conflict unsubscribes
    / crm 1 b, moves a c / revoke 1
    a absent, b absent, c unsubscribed
    brevo: a absent, b absent, c archived -- a No takes off the list
"""

TABLES = {
    "in the CRM": read_stories(_IN_THE_CRM),
    "at the provider": read_stories(_AT_THE_PROVIDER),
    "on both sides": read_stories(_ON_BOTH_SIDES),
}
STORIES = [
    replace(story, number=number, title=f"{where}: {story.title}")
    for number, (where, story) in enumerate(
        ((where, story) for where, stories in TABLES.items() for story in stories), start=1
    )
]


TOLD = (("mailchimp", "incremental"), ("mailchimp", "full"), ("brevo", "incremental"))
"""Where and by which syncs the stories are told. How a full read differs at Brevo is told by the
rows of the status table; all end with full syncs."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The stories are told once each way."""
    if "told" in metafunc.fixturenames:
        metafunc.parametrize(("provider", "told"), TOLD, indirect=True, scope="module")


@pytest.fixture(scope="module")
def told(request: pytest.FixtureRequest, started_scenario: StartedScenario) -> StoryTeller:
    mode: Mode = request.param
    with started_scenario() as scenario:
        return tell_all(scenario, STORIES, mode=mode)


@each_provider
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.title)
def test_a_change_of_address_ends_as_told(told: StoryTeller, story: Story) -> None:
    ended, should_have = told.ends(story)

    assert ended == should_have


@each_provider
def test_all_changes_of_address_come_to_rest(told: StoryTeller) -> None:
    assert told.told.writes_at_rest == {}


@each_provider
def test_no_change_of_address_goes_otherwise_at_a_provider_without_need(told: StoryTeller) -> None:
    assert told.needless == []


def move_contact(scenario: Scenario, old: str, new: str) -> None:
    """Staff corrects the main address of a contact."""
    scenario.control.act(
        "onoffice",
        actor="staff",
        action="change_email",
        email=f"{old}@kunde.example",
        new_email=f"{new}@kunde.example",
    )


def test_a_new_address_in_the_crm_moves_the_member_with_its_history(scenario: Scenario) -> None:
    before = scenario.picture().member("kunde-01")
    move_contact(scenario, "kunde-01", "neu")

    scenario.sync()

    after = scenario.picture()
    moved = after.member("neu")
    assert before is not None
    assert moved is not None
    assert (moved["contact_id"], moved["status"]) == (before["contact_id"], "subscribed")
    assert moved["tags"] == ["onoffice"]
    assert after.status("kunde-01") == "absent"


def test_a_new_address_that_is_a_member_already_keeps_the_stricter_status(
    scenario: Scenario,
) -> None:
    move_contact(scenario, "kunde-01", "stranger-left")
    move_contact(scenario, "kunde-02", "stranger")

    scenario.sync()
    scenario.sync("full")

    after = scenario.picture()
    assert [after.status(n) for n in ("kunde-01", "stranger-left")] == ["archived", "unsubscribed"]
    assert [after.status(n) for n in ("kunde-02", "stranger")] == ["archived", "subscribed"]


def test_a_withdrawn_address_hands_its_withdrawal_on(scenario: Scenario) -> None:
    scenario.person("unsubscribe", "kunde-01")
    scenario.sync()
    move_contact(scenario, "kunde-01", "neu")
    scenario.sync()
    scenario.set_newsletter("neu", YES)

    scenario.sync()
    scenario.sync("full")

    assert scenario.status("neu") in ("absent", "unsubscribed")


def test_an_unsubscribe_during_a_move_reaches_the_contact(scenario: Scenario) -> None:
    move_contact(scenario, "kunde-01", "neu")
    scenario.person("unsubscribe", "kunde-01")

    scenario.sync()
    scenario.sync("full")

    after = scenario.picture()
    assert after.newsletter("neu") == CANCEL
    assert after.status("neu") in ("absent", "unsubscribed")


def test_a_new_address_at_the_provider_moves_the_contact(scenario: Scenario) -> None:
    number = scenario.picture().contact("kunde-01")["id"]
    scenario.person("change_email", "kunde-01", new_email="neu@kunde.example")

    scenario.sync()
    scenario.control.forget_calls()
    scenario.sync("full")

    after = scenario.picture()
    assert (after.contact("neu")["id"], after.newsletter("neu")) == (number, YES)
    assert scenario.writes() == {}


def test_a_new_address_and_an_unsubscribe_at_the_provider_cancel_the_contact(
    scenario: Scenario,
) -> None:
    number = scenario.picture().contact("kunde-01")["id"]
    scenario.person("change_email", "kunde-01", new_email="neu@kunde.example")
    scenario.person("unsubscribe", "neu")

    scenario.sync()
    scenario.sync("full")

    assert scenario.picture().contacts[number]["newsletter_aktiv"] == CANCEL
    assert scenario.status("neu") == "unsubscribed"


def test_a_new_address_that_belongs_to_somebody_else_is_left_to_a_person(
    scenario: Scenario,
) -> None:
    before = scenario.picture()
    scenario.person("change_email", "kunde-01", new_email="none@kunde.example")

    scenario.sync()
    scenario.sync("full")

    after = scenario.picture()
    assert after.contact("kunde-01") == before.contact("kunde-01")
    assert after.newsletter("none") == NOT_SPECIFIED


def test_other_case_and_blanks_are_no_change(scenario: Scenario) -> None:
    scenario.control.forget_calls()
    scenario.control.act(
        "onoffice",
        actor="staff",
        action="change_email",
        email="kunde-01@kunde.example",
        new_email=" Kunde-01@Kunde.example",
    )

    scenario.sync()

    assert scenario.writes() == {}


def test_the_winner_of_a_shared_address_can_go_without_an_archiving(scenario: Scenario) -> None:
    (winner,) = scenario.picture().contacts_of("gruppe")
    scenario.control.act("onoffice", actor="staff", action="delete", id=winner["id"])

    scenario.sync("full")

    assert scenario.status("gruppe") == "subscribed"


def test_a_further_entry_becomes_the_main_one_and_the_former_stays_beside_it(
    scenario: Scenario,
) -> None:
    # Spelled otherwise in the CRM: the entry is named as it stands there.
    scenario.add_contact("vorn", YES, "Hinten@Kunde.example")
    scenario.sync()
    scenario.person("change_email", "vorn", new_email="hinten@kunde.example")

    scenario.sync()

    contact = scenario.picture().contact("hinten")
    assert sorted(contact["emails"]) == ["hinten@kunde.example", "vorn@kunde.example"]
