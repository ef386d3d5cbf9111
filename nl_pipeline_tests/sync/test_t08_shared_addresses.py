"""T8, one address at a time: whose profile is sent, who inherits the member, who is told what.

Belongs here: profile source, re-linking, holders of the address as a secondary one, half an
opt-out. Must not be here: which groups are sent to (``test_t08_duplicates``).
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from nl_pipeline.warehouse import plans
from nl_pipeline_tests.scenario import (
    CANCEL,
    NO,
    NOT_SPECIFIED,
    YES,
    Picture,
    Scenario,
    address,
)
from nl_pipeline_tests.sync.conftest import StartedScenario

WAYS_TO_GO = ("deleted", "renamed", "archived", "private", "not specified")


@dataclass(frozen=True)
class Story:
    """Groups of two once they are linked, and after what happened to one of the two."""

    ids: dict[str, tuple[int, int]]
    linked: Picture
    later: Picture

    def first_name(self, name: str, *, place: int) -> str:
        return str(self.later.contacts[self.ids[name][place]]["Vorname"])


@pytest.fixture(scope="module")
def story(started_scenario: StartedScenario) -> Story:
    with started_scenario() as scenario:
        return tell(scenario)


def tell(scenario: Scenario) -> Story:
    ids = {name: _two(scenario, name) for name in ("equal", *WAYS_TO_GO)}
    ids |= {name: _two(scenario, name, Privat=True) for name in ("held back", "faithful")}
    scenario.sync()
    linked = scenario.picture()
    staff = scenario.control.act
    staff("onoffice", actor="staff", action="delete", id=ids["deleted"][0])
    renamed, elsewhere = ids["renamed"][0], address("umgezogen")
    staff("onoffice", actor="staff", action="change_email", id=renamed, new_email=elsewhere)
    staff("onoffice", actor="staff", action="archive", id=ids["archived"][0])
    _modify(scenario, ids["private"][0], Privat=True)
    _modify(scenario, ids["not specified"][0], newsletter_aktiv=NOT_SPECIFIED)
    _modify(scenario, ids["faithful"][0], Privat=False)
    for name in ("equal", "faithful"):
        scenario.person("update", _local(name), merge_fields={"LNAME": "Taken over"})
    scenario.sync()
    scenario.sync("full")
    return Story(ids, linked, scenario.picture())


def _local(name: str) -> str:
    return name.replace(" ", "-")


def _two(scenario: Scenario, name: str, **first: bool) -> tuple[int, int]:
    ids = [
        scenario.add_contact(_local(name), YES, Vorname=who, **(first if who == "First" else {}))
        for who in ("First", "Second")
    ]
    return ids[0], ids[1]


def _modify(scenario: Scenario, number: int, **fields: object) -> None:
    scenario.control.act("onoffice", actor="staff", action="modify", id=number, fields=fields)


def _first_name_at_provider(picture: Picture, name: str) -> str:
    member = picture.member(_local(name))
    assert member is not None
    return str(member["merge_fields"]["FNAME"])


def test_of_equals_the_lowest_id_gives_the_profile(story: Story) -> None:
    assert _first_name_at_provider(story.linked, "equal") == "First"


def test_who_may_be_written_to_gives_the_profile_before_a_lower_id(story: Story) -> None:
    assert _first_name_at_provider(story.linked, "held back") == "Second"


def test_who_is_linked_already_gives_the_profile_before_a_lower_id(story: Story) -> None:
    assert _first_name_at_provider(story.later, "faithful") == "Second"


@pytest.mark.parametrize(("name", "linked"), [("equal", 0), ("faithful", 1)])
def test_a_profile_change_at_the_provider_reaches_the_linked_contact_alone(
    story: Story, name: str, linked: int
) -> None:
    last_names = [story.later.contacts[i]["Name"] for i in story.ids[name]]

    assert last_names == (["Taken over", ""] if linked == 0 else ["", "Taken over"])


@pytest.mark.parametrize("name", WAYS_TO_GO)
def test_where_the_linked_contact_goes_the_next_one_takes_its_place(
    story: Story, name: str
) -> None:
    before, after = story.linked.member(_local(name)), story.later.member(_local(name))

    assert before is not None
    assert after is not None
    assert after["contact_id"] == before["contact_id"]
    assert [h["to"] for h in after["history"]] == ["subscribed"]
    assert after["merge_fields"]["FNAME"] == "Second"


def test_a_contact_that_left_a_group_for_an_address_of_its_own_is_subscribed_there(
    story: Story,
) -> None:
    assert story.later.status("umgezogen") == "subscribed"


def test_an_opt_out_reaches_whoever_has_the_address_as_a_further_one(scenario: Scenario) -> None:
    scenario.add_contact("holder", YES, "GRUPPE@Kunde.example")
    scenario.add_contact("other-holder", NOT_SPECIFIED, "gruppe@kunde.example")
    scenario.add_contact("objecting-holder", NO, "gruppe@kunde.example")
    scenario.sync()
    scenario.person("unsubscribe", "gruppe")

    scenario.sync()

    after = scenario.picture()
    people = ("gruppe", "shouting", "holder", "other-holder")
    assert [after.newsletter(name) for name in people] == [CANCEL] * 4
    assert after.newsletter("objecting-holder") == NO
    assert after.status("holder") == "unsubscribed"


def test_an_opt_out_is_booked_on_every_contact_with_the_address(scenario: Scenario) -> None:
    scenario.add_contact("holder", YES, "gruppe@kunde.example")
    scenario.add_contact("objecting-holder", NO, "gruppe@kunde.example")
    scenario.sync()
    before = scenario.picture()
    scenario.person("unsubscribe", "gruppe")

    for mode in ("incremental", "full", "full"):
        scenario.sync(mode)

    after = scenario.picture()
    names = ("gruppe", "shouting", "holder", "objecting-holder")
    assert {name: after.activities(name) for name in names} == {
        name: [*before.activities(name), "nicht bestellt"] for name in names
    }


def test_a_sign_up_is_booked_on_every_contact_with_the_address(scenario: Scenario) -> None:
    for _ in range(2):
        scenario.add_contact("paar", NOT_SPECIFIED)
    scenario.add_contact("holder", NOT_SPECIFIED, "paar@kunde.example")
    scenario.sync()
    scenario.person("subscribe", "paar")

    for mode in ("incremental", "full", "full"):
        scenario.sync(mode)

    after = scenario.picture()
    assert after.activities("paar") == ["bestellt", "bestellt"]
    assert after.activities("holder") == ["bestellt"]


@pytest.mark.parametrize("place", range(3))
def test_a_cancellation_that_one_of_three_contacts_refused_is_tried_until_all_have_it(
    scenario: Scenario, place: int
) -> None:
    for _ in range(3):
        scenario.add_contact("drei", YES)
    scenario.sync()
    scenario.person("unsubscribe", "drei")
    scenario.control.fault(
        "onoffice", kind="status", match="modify:address", errorcode=88, positions=[place]
    )

    scenario.sync()
    half = scenario.newsletter("drei")
    scenario.sync()

    assert sorted(half) == sorted([YES, CANCEL, CANCEL])
    assert scenario.newsletter("drei") == CANCEL * 3


def test_an_opt_out_by_a_further_address_that_the_crm_refused_at_first_is_booked_once(
    scenario: Scenario,
) -> None:
    scenario.add_contact("holder", YES, "gruppe@kunde.example")
    scenario.sync()
    before = scenario.picture()
    scenario.person("unsubscribe", "gruppe")
    # The holder's own member is unsubscribed all the same, which is nothing she did herself.
    scenario.control.fault("onoffice", kind="reset", match="modify:address", times=3)

    scenario.sync()
    refused = scenario.picture()
    scenario.sync()

    after = scenario.picture()
    assert (refused.newsletter("holder"), refused.status("holder")) == (YES, "unsubscribed")
    assert after.newsletter("holder") == CANCEL
    assert after.activities("holder") == [*before.activities("holder"), "nicht bestellt"]
    with scenario.link.warehouse.session() as db:
        rows = db.execute(
            "SELECT event, actor, source FROM consent_ledger WHERE key = ? AND event = 'WITHDRAW'",
            [address("holder")],
        ).fetchall()
    assert rows == [("WITHDRAW", "person", "crm_cancellation")]


def test_groups_are_listed_before_the_first_sync(unsynced: Scenario) -> None:
    plan = unsynced.set_up().plan

    rows = plans.change_rows(unsynced.link.warehouse, plan_id=plan.plan_id)
    listed = rows[rows["action"] == "duplicate"]

    contacts = unsynced.picture()
    expected = {
        str(contact["id"])
        for name in ("gruppe", "shouting", "veto")
        for contact in contacts.contacts_of(name)
    }
    assert set(listed["record_id"]) == expected
    assert set(listed["address"]) == {"gruppe@kunde.example", "veto@kunde.example"}
