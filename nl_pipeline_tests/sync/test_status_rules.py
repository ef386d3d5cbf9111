"""Status rules end to end that no failure of the field stands for, at every provider.

Here: one world in which many people live through one rule each, and the few rules that need a world
of their own. Judged by the twins' dumps.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest

from nl_pipeline.domain.brakes import Brake, Verdict
from nl_pipeline.domain.plan import Plan
from nl_pipeline.sandbox.app import World
from nl_pipeline.settings import Activities, KindType
from nl_pipeline.warehouse import plans, reports
from nl_pipeline_tests.providers import Stage, each_provider
from nl_pipeline_tests.scenario import (
    CANCEL,
    DOI,
    NO,
    NOT_SPECIFIED,
    ORDINARY,
    YES,
    Picture,
    Scenario,
    address,
)
from nl_pipeline_tests.sync.conftest import StartedScenario
from nl_pipeline_tests.sync.proofs import grant_with_proof

pytestmark = each_provider


def move_contact(scenario: Scenario, old: str, new: str) -> None:
    scenario.control.act(
        "onoffice",
        actor="staff",
        action="change_email",
        email=address(old),
        new_email=address(new),
    )


def remove_contact(scenario: Scenario, name: str) -> None:
    scenario.control.act("onoffice", actor="staff", action="delete", email=address(name))


@dataclass(frozen=True)
class Told:
    """The twins after each sync, and what a sync over a world at rest still wrote."""

    pictures: tuple[Picture, ...]
    writes_at_rest: dict[str, int]
    mails: dict[str, int]
    stage: Stage

    def ends(self, *names: str) -> list[tuple[str, str]]:
        """Status and newsletter of people in the end."""
        return self.after(-1, *names)

    def after(self, sync: int, *names: str) -> list[tuple[str, str]]:
        picture = self.pictures[sync]
        return [(picture.status(name), picture.newsletter(name)) for name in names]


@pytest.fixture(scope="module")
def told(started_scenario: StartedScenario) -> Told:
    """Who lives through what is told by the tests."""
    with started_scenario() as scenario:
        pictures = []
        for name in ("asked", "asked-left", "back", "by-staff", "by-import", "removed-left"):
            scenario.add_contact(name, YES)
        scenario.sync()
        for name in ("asked", "asked-left", "back", "by-staff", "by-import", "removed-left"):
            scenario.person("unsubscribe", name)
        scenario.set_field("kunde-03", DSGVOStatus="speicherungwiderrufen")
        scenario.set_field("kunde-04", Privat=True)
        scenario.set_newsletter("kunde-05", CANCEL)
        scenario.set_newsletter("kunde-06", NO)
        for name in ("kunde-07", "kunde-08"):
            scenario.act("system", "bounce", name)
        scenario.sync()
        pictures.append(scenario.picture())
        grant_with_proof(scenario, "asked", "asked-left")
        for name in ("asked", "asked-left"):
            scenario.set_newsletter(name, YES)
        scenario.pass_time(by=timedelta(hours=1))
        scenario.person("subscribe", "back")
        scenario.staff("force", "by-staff")
        scenario.act("import", "force", "by-import")
        for name in ("kunde-05", "kunde-06"):
            scenario.act("import", "subscribe", name)
        move_contact(scenario, "kunde-08", "richtig")
        for name in ("kunde-09", "removed-left"):
            remove_contact(scenario, name)
        scenario.sync("full")
        pictures.append(scenario.picture())
        scenario.person("confirm", "asked")
        scenario.person("unsubscribe", "asked-left")
        for name in ("kunde-09", "removed-left"):
            scenario.add_contact(name, YES)
        scenario.sync()
        scenario.sync("full")
        pictures.append(scenario.picture())
        scenario.control.forget_calls()
        scenario.sync("full")
        return Told(
            tuple(pictures),
            dict(scenario.writes()),
            dict(scenario.stage.confirmation_mails()),
            scenario.stage,
        )


def test_s07_a_newer_proof_makes_the_provider_ask_the_person(told: Told) -> None:
    assert told.mails["asked@kunde.example"] == 1
    assert told.after(1, "asked")[0][1] == DOI
    assert told.ends("asked") == [("subscribed", YES)]


def test_s07_whoever_does_not_confirm_and_leaves_again_is_cancelled(told: Told) -> None:
    assert told.ends("asked-left") == [("unsubscribed", CANCEL)]


def test_s11_a_revoked_storage_consent_unsubscribes_and_a_private_mark_archives(
    told: Told,
) -> None:
    assert told.ends("kunde-03", "kunde-04") == [
        (told.stage.status_of_a_no, YES),
        ("archived", YES),
    ]


def test_s19_a_bounced_address_keeps_its_yes(told: Told) -> None:
    assert told.ends("kunde-07") == [("cleaned", YES)]


def test_s19_a_bounce_is_not_booked_by_default(told: Told) -> None:
    assert told.pictures[-1].activities("kunde-07") == []


def test_s19_a_corrected_address_is_tried_as_a_new_one(told: Told) -> None:
    assert told.ends("richtig") == [("subscribed", YES)]


def test_s22_who_comes_back_by_itself_counts(told: Told) -> None:
    assert told.ends("back") == [("subscribed", YES)]


def test_s23_who_is_brought_back_by_staff_or_an_import_does_not_count(told: Told) -> None:
    assert told.ends("by-staff", "by-import") == [("unsubscribed", CANCEL)] * 2


def test_s31_an_import_over_our_own_unsubscribe_never_becomes_a_yes(told: Told) -> None:
    # Mailchimp does not protect an unsubscribe by API: an import of the list brings the address
    # back. Staff's No is not the person's, so nobody decides but staff.
    assert [newsletter for _, newsletter in told.ends("kunde-05", "kunde-06")] == [CANCEL, NO]


def test_s27_people_who_were_there_before_us_are_left_alone(told: Told) -> None:
    expected = [("subscribed", NOT_SPECIFIED), ("subscribed", "")]

    assert told.ends("foreign", "stranger") == expected


def test_s32_a_deleted_contact_is_taken_off_the_list_and_its_opt_out_is_kept(told: Told) -> None:
    assert told.after(1, "kunde-09") == [("archived", "")]
    assert [status for status, _ in told.ends("kunde-09", "removed-left")] == [
        "subscribed",
        "unsubscribed",
    ]


def test_all_of_them_come_to_rest(told: Told) -> None:
    assert told.writes_at_rest == {}


def test_s27_people_who_were_there_before_us_are_imported_on_demand(unsynced: Scenario) -> None:
    unsynced.change_settings(adopt_existing=True)

    unsynced.start()

    after = unsynced.picture()
    assert [after.newsletter(n) for n in ("foreign", "stranger")] == [YES, YES]


@dataclass(frozen=True)
class Emptied:
    """Everybody is taken off the list at once; then somebody signs up; then it is released."""

    before: Picture
    held: Plan
    after: Picture
    held_later: str
    released: Picture
    bounces: list[str]


@pytest.fixture(scope="module")
def emptied(started_scenario: StartedScenario) -> Emptied:
    with started_scenario() as scenario:
        scenario.change_settings(
            activities=Activities(hard_bounce=KindType(kind="Newsletter", type="nicht bestellt"))
        )
        scenario.act("system", "bounce", "kunde-01")
        scenario.sync()
        before = scenario.picture()
        scenario.stage.take_everybody_off()
        held = scenario.sync("full").plan
        after = scenario.picture()
        scenario.person("subscribe", "newcomer")
        again = scenario.sync("full").plan
        held_later = plans.load(scenario.link.warehouse, plan_id=held.plan_id).status
        scenario.apply(scenario.release(again))
        end = scenario.picture()
        return Emptied(before, held, after, held_later, end, end.activities("kunde-01"))


def test_s18_archive_all_at_the_provider_is_held(emptied: Emptied) -> None:
    assert emptied.held.verdict is Verdict.HELD
    assert [r.brake for r in emptied.held.brakes if r.tripped] == [Brake.CRM_BLANKED]
    assert emptied.after.contacts == emptied.before.contacts


def test_s18_a_released_archive_all_empties_the_crm(emptied: Emptied) -> None:
    assert {emptied.released.newsletter(name) for name in ORDINARY[1:]} == {NOT_SPECIFIED}


def test_a_plan_that_was_replaced_cannot_be_released(emptied: Emptied) -> None:
    assert emptied.held_later == "expired"


def test_s19_a_bounce_is_booked_once_where_the_settings_ask_for_it(emptied: Emptied) -> None:
    assert emptied.bounces == ["nicht bestellt"]


def test_s02_a_status_nobody_knows_is_an_alarm_and_nothing_is_written(
    scenario: Scenario, scenario_world: World
) -> None:
    said = {"kunde-01": YES, "kunde-02": CANCEL}
    for name, newsletter in said.items():
        scenario.stage.give_unknown_status(scenario_world, address(name))
        scenario.set_newsletter(name, newsletter)
    scenario.control.forget_calls()

    scenario.sync("full")

    problems = reports.list_problems(scenario.link.warehouse)
    assert {(p.address, p.code, p.result) for p in problems} >= {
        (address(name), "provider_unknown", "alarm") for name in said
    }
    assert scenario.writes() == {}
    assert {name: scenario.newsletter(name) for name in said} == said
