"""T1: a read that was cut must not unsubscribe, archive or empty anybody.

Here: reads that end early, lie about their size or lose their rights, on either side, and what the
syncs after them do.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from nl_pipeline.clients.errors import ApiError
from nl_pipeline.domain.brakes import Brake, Verdict
from nl_pipeline.domain.plan import Plan
from nl_pipeline.sync.observe import Mode
from nl_pipeline_tests.providers import each_provider
from nl_pipeline_tests.sandbox_control import Service
from nl_pipeline_tests.scenario import CANCEL, NOT_SPECIFIED, ORDINARY, YES, Picture, Scenario

CRM_READ = "read:address"
MEMBERS_READ = "/members?"


@dataclass(frozen=True)
class Cut:
    """One way in which a read is spoilt."""

    service: Service
    kind: str
    match: str
    options: dict[str, Any] = field(default_factory=dict)

    def arm(self, scenario: Scenario, *, times: int = 20) -> None:
        scenario.control.fault(
            self.service, kind=self.kind, match=self.match, times=times, **self.options
        )


CUTS = {
    "crm: pages come half empty": Cut("onoffice", "short_page", CRM_READ),
    "crm: an empty page": Cut("onoffice", "short_page", CRM_READ, {"rows": 0}),
    "crm: rows move between pages": Cut("onoffice", "page_drift", CRM_READ, {"skip": 1}),
    "crm: rows vanish while reading": Cut(
        "onoffice", "page_drift", CRM_READ, {"skip": 1, "vanish": True}
    ),
}
OF_MEMBERS: dict[str, dict[str, Any]] = {
    "pages come half empty": {"kind": "short_page"},
    "an empty page": {"kind": "short_page", "rows": 0},
}
ERRORS = {
    "crm: error on the third page": Cut("onoffice", "status", CRM_READ, {"skip": 2, "status": 500}),
    "provider: error on the third page": Cut(
        "mailchimp", "status", MEMBERS_READ, {"skip": 2, "status": 500}
    ),
    "provider: 403 without a body": Cut(
        "mailchimp", "status", MEMBERS_READ, {"skip": 2, "status": 403, "body": None}
    ),
}


def anybody_lost(before: Picture, after: Picture) -> set[str]:
    """Who was subscribed or said Yes before and does not any more."""
    lost = before.subscribed() - after.subscribed()
    for number, contact in before.contacts.items():
        now = after.contacts[number]["newsletter_aktiv"]
        if contact["newsletter_aktiv"] == YES and now != YES:
            lost.add(str(number))
    return lost


def tripped(plan: Plan) -> set[Brake]:
    return {reading.brake for reading in plan.brakes if reading.tripped}


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
def test_a_cut_read_changes_nothing_for_anybody(scenario: Scenario, cut: Cut) -> None:
    before = scenario.picture()
    cut.arm(scenario)

    result = scenario.sync("full")

    assert not result.plan.complete
    assert anybody_lost(before, scenario.picture()) == set()


@pytest.mark.parametrize("cut", ERRORS.values(), ids=ERRORS)
def test_an_error_in_the_middle_of_a_read_stops_the_sync_before_it_writes(
    scenario: Scenario, cut: Cut
) -> None:
    scenario.control.forget_calls()
    cut.arm(scenario)

    with pytest.raises(ApiError):
        scenario.sync("full")

    assert scenario.writes() == {}


def test_the_sync_after_a_cut_read_converges(scenario: Scenario) -> None:
    CUTS["crm: pages come half empty"].arm(scenario)
    scenario.set_newsletter("none", YES)
    scenario.set_newsletter("kunde-01", CANCEL)
    scenario.sync("full")
    scenario.control.clear_faults()

    scenario.sync("full")

    after = scenario.picture()
    assert (after.status("none"), after.status("kunde-01")) == ("subscribed", "unsubscribed")


@each_provider
@pytest.mark.parametrize("cut", OF_MEMBERS.values(), ids=OF_MEMBERS)
def test_a_cut_read_of_the_members_changes_nothing_for_anybody(
    scenario: Scenario, cut: dict[str, Any]
) -> None:
    before = scenario.picture()
    match = scenario.stage.members_read
    scenario.control.fault(scenario.stage.service, match=match, times=20, **cut)

    result = scenario.sync("full")

    assert not result.plan.complete
    assert anybody_lost(before, scenario.picture()) == set()


def test_an_opt_out_gets_through_a_cut_read_of_the_crm(scenario: Scenario) -> None:
    scenario.person("unsubscribe", "member")
    CUTS["crm: pages come half empty"].arm(scenario)

    scenario.sync("full")

    assert scenario.newsletter("member") == CANCEL


@each_provider
def test_an_opt_out_gets_through_a_cut_read(scenario: Scenario) -> None:
    scenario.person("unsubscribe", "member")
    scenario.control.fault(
        scenario.stage.service,
        kind="short_page",
        match=scenario.stage.members_read + ".*offset=[1-9]",
        times=20,
    )

    plan = scenario.sync("full").plan

    assert not plan.complete
    assert scenario.newsletter("member") == CANCEL


@pytest.mark.parametrize(("visible", "mode"), [(0, "full"), (20, "incremental")])
def test_a_right_that_was_taken_away_removes_nobody(
    scenario: Scenario, visible: int, mode: Mode
) -> None:
    before = scenario.picture()
    scenario.control.act("onoffice", actor="staff", action="restrict_rights", visible=visible)

    scenario.sync("full")
    scenario.sync(mode)

    assert anybody_lost(before, scenario.picture()) == set()


def test_a_shrunken_crm_does_not_become_the_measure_for_the_next_nights(
    scenario: Scenario,
) -> None:
    before = scenario.picture()
    scenario.control.act("onoffice", actor="staff", action="restrict_rights", visible=20)

    nights = [scenario.sync("full").plan, scenario.sync().plan, scenario.sync("full").plan]

    assert {plan.verdict for plan in nights} == {Verdict.HELD}
    assert all(Brake.CRM_SHRINK in tripped(plan) for plan in nights)
    assert anybody_lost(before, scenario.picture()) == set()


def test_a_hidden_contact_that_says_no_keeps_its_veto(scenario: Scenario) -> None:
    yes, _ = scenario.picture().contacts_of("veto")
    scenario.control.act("onoffice", actor="staff", action="restrict_rights", visible=[yes["id"]])

    scenario.sync("full")

    assert scenario.status("veto") == "absent"


def test_rights_that_come_back_leave_nothing_to_do(scenario: Scenario) -> None:
    scenario.control.act("onoffice", actor="staff", action="restrict_rights", visible=20)
    scenario.sync("full")
    scenario.control.act("onoffice", actor="staff", action="restrict_rights", visible="all")
    scenario.control.forget_calls()

    result = scenario.sync("full")

    assert result.plan.verdict is Verdict.CLEAR
    assert scenario.writes() == {}


def test_an_opt_out_while_the_rights_were_gone_reaches_the_crm_when_they_are_back(
    scenario: Scenario,
) -> None:
    scenario.control.act("onoffice", actor="staff", action="restrict_rights", visible=0)
    scenario.person("unsubscribe", "kunde-01")
    scenario.sync("full")
    scenario.control.act("onoffice", actor="staff", action="restrict_rights", visible="all")

    scenario.sync("full")

    assert scenario.newsletter("kunde-01") == CANCEL


def test_an_archiving_while_the_rights_were_gone_is_not_undone_when_they_are_back(
    scenario: Scenario,
) -> None:
    scenario.control.act("onoffice", actor="staff", action="restrict_rights", visible=0)
    scenario.staff("archive", "kunde-01")
    scenario.sync("full")
    scenario.control.act("onoffice", actor="staff", action="restrict_rights", visible="all")

    scenario.sync("full")

    after = scenario.picture()
    assert (after.newsletter("kunde-01"), after.status("kunde-01")) == (NOT_SPECIFIED, "archived")


def hide(scenario: Scenario, names: tuple[str, ...]) -> None:
    """The API user must not see the contacts of these people any more."""
    picture = scenario.picture()
    hidden = {contact["id"] for name in names for contact in picture.contacts_of(name)}
    visible = [number for number in picture.contacts if number not in hidden]
    scenario.control.act("onoffice", actor="staff", action="restrict_rights", visible=visible)


def test_a_few_contacts_out_of_sight_are_archived_and_never_unsubscribed(
    scenario: Scenario,
) -> None:
    hide(scenario, ORDINARY[:3])

    scenario.sync("full")

    after = scenario.picture()
    assert {after.status(name) for name in ORDINARY[:3]} == {"archived"}
    assert {after.newsletter(name) for name in ORDINARY[:3]} == {YES}


def test_a_few_contacts_that_come_into_sight_again_are_subscribed_again(
    scenario: Scenario,
) -> None:
    hide(scenario, ORDINARY[:3])
    scenario.sync("full")
    scenario.control.act("onoffice", actor="staff", action="restrict_rights", visible="all")

    scenario.sync("full")

    after = scenario.picture()
    assert {after.status(name) for name in ORDINARY[:3]} == {"subscribed"}
