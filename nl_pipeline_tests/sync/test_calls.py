"""Fewest safe calls: what a sync calls beside the least possible, counted by the twins too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from nl_pipeline.clients.mailchimp import bulk
from nl_pipeline.sandbox.population import TAG_OPTIONS
from nl_pipeline.sync.calls import CallReport
from nl_pipeline_tests.scenario import NO, ORDINARY, PAGE, YES, Scenario
from nl_pipeline_tests.sync.conftest import StartedScenario

TAG = next(iter(TAG_OPTIONS))


def made(report: CallReport) -> dict[str, int]:
    return {f"{p.side} {p.purpose}": p.made for p in report.purposes}


def least(report: CallReport) -> dict[str, int]:
    return {f"{p.side} {p.purpose}": p.least for p in report.purposes}


def pages(rows: int) -> int:
    """Each page begins with the last row of the one before, so that rows that move show."""
    return 1 + max(0, -(-(rows - PAGE) // (PAGE - 1)))


def many_edits(scenario: Scenario) -> None:
    brakes = scenario.link.settings.brakes.model_copy(update={"overwritten_percent": 100.0})
    scenario.change_settings(brakes=brakes)
    for name in ORDINARY[:12]:
        scenario.set_field(name, Vorname="Anders", NewsletterTag=[TAG])


def a_bit_of_everything(scenario: Scenario) -> None:
    scenario.person("unsubscribe", "kunde-01")
    scenario.person("subscribe", "newcomer")
    scenario.person("update", "kunde-04", merge_fields={"FNAME": "Neu"})
    scenario.set_newsletter("kunde-02", NO)
    scenario.set_newsletter("none", YES)
    scenario.set_field("kunde-03", Vorname="Anders", NewsletterTag=[TAG])


def many_opt_outs(scenario: Scenario) -> None:
    for name in ORDINARY[:12]:
        scenario.person("unsubscribe", name)


def nothing(_: Scenario) -> None:
    pass


STORIES: dict[str, Callable[[Scenario], None]] = {
    story.__name__: story for story in (nothing, a_bit_of_everything, many_edits, many_opt_outs)
}


@dataclass(frozen=True)
class Told:
    """What the report of a story's sync says, and what the twins counted meanwhile."""

    report: CallReport
    counted: int


@pytest.fixture(scope="module", params=STORIES.values(), ids=list(STORIES))
def told(request: pytest.FixtureRequest, started_scenario: StartedScenario) -> Told:
    with started_scenario() as scenario:
        request.param(scenario)
        scenario.control.forget_calls()
        report = scenario.sync().calls
        return Told(report, sum(call.count for call in scenario.control.calls()))


def test_no_sync_calls_less_than_the_least_possible(told: Told) -> None:
    assert [p for p in told.report.purposes if p.made < p.least] == []
    assert told.report.over_least is not None


def test_every_call_the_twins_counted_is_in_the_report(told: Told) -> None:
    assert told.report.made == told.counted
    assert "other" not in {p.purpose for p in told.report.purposes}


def test_a_full_read_takes_a_call_for_each_page_and_four_about_settings(
    scenario: Scenario,
) -> None:
    picture = scenario.picture()
    states = [m["status"] for m in picture.members.values() if m["status"] != "deleted"]
    archived = states.count("archived")

    report = scenario.sync("full").calls

    assert made(report) == {
        "crm settings": 1,
        "crm read": pages(len(picture.contacts)),
        "provider settings": 3,
        "provider read": pages(len(states) - archived) + pages(archived),
    }
    assert least(report)["crm read"] == -(-len(picture.contacts) // PAGE)


def test_a_second_run_writes_nothing_and_reads_nothing_back(scenario: Scenario) -> None:
    a_bit_of_everything(scenario)
    scenario.sync()
    scenario.sync()
    scenario.control.forget_calls()

    report = scenario.sync().calls

    assert scenario.writes() == {}
    assert {p.purpose for p in report.purposes} == {"settings", "read"}
    assert report.over_least == 1.0


def test_members_are_created_and_marked_as_many_a_call_as_it_takes(
    unsynced: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "CHUNK", 8)
    plan = unsynced.set_up().plan
    before = unsynced.picture().members
    unsynced.control.forget_calls()

    unsynced.apply_approved(plan)

    members = unsynced.picture().members
    created = len(members) - len(before)
    owned = sum("onoffice" in member["tags"] for member in members.values())
    assert created > 2 * 8
    assert unsynced.writes()["POST /3.0/lists/{list_id}"] == -(-created // 8)
    assert unsynced.writes()["POST /3.0/lists/{list_id}/segments/{segment_id}"] == -(-owned // 8)


def test_opt_outs_of_many_people_take_one_request_and_their_activities_another(
    scenario: Scenario,
) -> None:
    many_opt_outs(scenario)

    report = scenario.sync().calls

    assert report.crm["modify:address"] == 12
    assert report.crm["create:agentslog"] == 12
    assert made(report)["crm write"] == least(report)["crm write"] == 2


def test_profiles_and_tags_of_many_members_share_one_batch(scenario: Scenario) -> None:
    many_edits(scenario)
    scenario.control.forget_calls()

    report = scenario.sync().calls

    assert scenario.writes() == Counter({"POST /3.0/batches": 1})
    assert least(report)["provider write"] == 3
    assert _tags_and_names(scenario) == {(TAG_OPTIONS[TAG], "Anders")}


def _tags_and_names(scenario: Scenario) -> set[tuple[str, str]]:
    found = [scenario.picture().member(name) for name in ORDINARY[:12]]
    return {
        (*(t for t in m["tags"] if t != "onoffice"), m["merge_fields"]["FNAME"]) for m in found if m
    }


def test_a_tag_follows_a_member_who_is_moved_in_the_same_push(scenario: Scenario) -> None:
    scenario.control.act(
        "onoffice",
        actor="staff",
        action="change_email",
        email="kunde-05@kunde.example",
        new_email="umgezogen@kunde.example",
    )
    scenario.control.act(
        "onoffice",
        actor="staff",
        action="modify",
        email="umgezogen@kunde.example",
        fields={"NewsletterTag": [TAG]},
    )

    scenario.sync()

    member = scenario.picture().member("umgezogen")
    assert member is not None
    assert set(member["tags"]) == {"onoffice", TAG_OPTIONS[TAG]}
