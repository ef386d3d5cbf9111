"""T14: one bad field must not block the person, and a 200 without effect is not done.

The field is left out, the rest is sent, and the value is not sent again until it changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from nl_pipeline.sandbox import credentials
from nl_pipeline.warehouse import quarantine, reports
from nl_pipeline_tests.scenario import CANCEL, NO, ORDINARY, YES, Picture, Scenario, address
from nl_pipeline_tests.sync.conftest import StartedScenario

PERMITTED = "Muster"
BAD = "Kein Eintrag"
"""A last name that is no choice of the merge field."""
TOO_LONG = "x" * 90
"""A first name that does not fit onOffice's field."""


def call_mailchimp(scenario: Scenario, method: str, path: str, **body: Any) -> dict[str, Any]:
    answer = httpx.request(
        method,
        f"{scenario.control.mailchimp_url}/lists/{scenario.audience_id}{path}",
        json=body or None,
        auth=("any", credentials.MAILCHIMP_API_KEY),
        trust_env=False,
        verify=False,
    ).raise_for_status()
    return dict(answer.json()) if answer.content else {}


def retype_last_name(scenario: Scenario, *, type_: str, **options: Any) -> None:
    """Somebody replaces the merge field of the last name by one that is picky."""
    fields = call_mailchimp(scenario, "GET", "/merge-fields?count=100")["merge_fields"]
    merge_id = next(field["merge_id"] for field in fields if field["tag"] == "LNAME")
    call_mailchimp(scenario, "DELETE", f"/merge-fields/{merge_id}")
    call_mailchimp(
        scenario,
        "POST",
        "/merge-fields",
        name="Last Name",
        tag="LNAME",
        type=type_,
        options=options,
    )


def values(picture: Picture, name: str) -> tuple[str, str]:
    """First and last name of a member."""
    member = picture.member(name)
    assert member is not None
    found = member["merge_fields"]
    return found.get("FNAME", ""), found.get("LNAME", "")


def quarantined(scenario: Scenario) -> set[tuple[str, str, str]]:
    """Address, field or action, and cause of everything in the quarantine."""
    rows = quarantine.list_rows(scenario.link.warehouse)
    return {(row.address, row.field or row.action, row.cause) for row in rows}


def move_contact(scenario: Scenario, old: str, new: str) -> None:
    scenario.control.act("onoffice", actor="staff", action="change_email", email=old, new_email=new)


# Values Mailchimp refuses -------------------------------------------------------------------------


@dataclass(frozen=True)
class Story:
    """A sync with refused values, the one after it, and one after a value was corrected."""

    after: Picture
    first_complete: bool
    first_left_out: tuple[int, int]
    quarantined: set[tuple[str, str, str]]
    problems: list[reports.Problem]
    second_complete: bool
    second_writes: dict[str, int]
    corrected: Picture
    left: set[tuple[str, str, str]]


@pytest.fixture(scope="module")
def story(started_scenario: StartedScenario) -> Iterator[Story]:
    with started_scenario() as scenario:
        retype_last_name(scenario, type_="dropdown", choices=[PERMITTED])
        scenario.control.switch("mailchimp", name="fake_domains", value=["falsch.example"])
        scenario.sync("full")
        scenario.add_contact("new", YES, Vorname="Neu", Name=BAD)
        scenario.add_contact("good", YES, Vorname="Gut", Name=PERMITTED)
        scenario.set_field("kunde-01", Vorname="Anders", Name=BAD)
        scenario.set_field("kunde-02", Name=BAD)
        scenario.set_field("kunde-03", Vorname="Anders", Name=BAD)
        move_contact(scenario, address("kunde-03"), address("moved"))
        scenario.set_field("kunde-04", Vorname="Anders", Name=PERMITTED)
        move_contact(scenario, address("kunde-04"), "kunde-04@falsch.example")
        scenario.person("unsubscribe", "kunde-05")
        first = scenario.sync()
        assert first.push is not None
        after, found = scenario.picture(), quarantined(scenario)
        problems = reports.list_problems(scenario.link.warehouse)
        scenario.control.forget_calls()
        second = scenario.sync("full")
        writes = scenario.writes()
        for name in ("new", "kunde-01"):
            scenario.set_field(name, Name=PERMITTED)
        scenario.sync()
        yield Story(
            after=after,
            first_complete=first.complete,
            first_left_out=(first.push.fields_dropped, first.push.without_effect),
            quarantined=found,
            problems=problems,
            second_complete=second.complete,
            second_writes=dict(writes),
            corrected=scenario.picture(),
            left=quarantined(scenario),
        )


def test_a_person_is_subscribed_without_the_refused_field(story: Story) -> None:
    assert story.after.status("new") == "subscribed"
    assert values(story.after, "new") == ("Neu", "")
    assert (story.after.member("new") or {})["tags"] == ["onoffice"]


def test_the_others_of_the_same_call_lose_nothing(story: Story) -> None:
    assert values(story.after, "good") == ("Gut", PERMITTED)


def test_the_other_fields_of_an_update_are_written(story: Story) -> None:
    assert values(story.after, "kunde-01")[0] == "Anders"


def test_a_refused_field_does_not_keep_an_address_from_changing(story: Story) -> None:
    assert (story.after.status("moved"), values(story.after, "moved")[0]) == (
        "subscribed",
        "Anders",
    )


def test_a_refused_address_does_not_keep_fields_from_changing(story: Story) -> None:
    assert values(story.after, "kunde-04") == ("Anders", PERMITTED)


def test_a_refused_field_stops_no_opt_out(story: Story) -> None:
    assert story.after.newsletter("kunde-05") == CANCEL


def test_a_refused_field_makes_the_run_incomplete_once(story: Story) -> None:
    assert (story.first_complete, story.second_complete) == (False, True)


def test_a_field_that_was_left_out_is_counted_and_not_expected_back(story: Story) -> None:
    assert story.first_left_out == (4, 0)


def test_every_refused_value_is_quarantined_by_itself(story: Story) -> None:
    assert story.quarantined == {
        (address("new"), "last_name", "merge_fields"),
        (address("kunde-01"), "last_name", "merge_fields"),
        (address("kunde-02"), "last_name", "merge_fields"),
        # It follows the address, which has changed in the same run.
        (address("moved"), "last_name", "merge_fields"),
        (address("kunde-04"), "change_address", "fake_or_invalid"),
    }


def test_a_refused_field_is_listed_at_once_with_its_contact(story: Story) -> None:
    listed = {p.contact_id for p in story.problems if p.kind == "quarantine"}
    contact = story.after.contact("new")["id"]

    assert str(contact) in listed
    assert {p.subject for p in story.problems if p.kind == "quarantine"} >= {"last_name"}


def test_a_second_run_after_refused_values_writes_nothing(story: Story) -> None:
    assert story.second_writes == {}


def test_a_corrected_value_is_written(story: Story) -> None:
    assert values(story.corrected, "new") == ("Neu", PERMITTED)
    assert values(story.corrected, "kunde-01") == ("Anders", PERMITTED)


def test_a_value_that_was_taken_leaves_the_quarantine(story: Story) -> None:
    assert {key for key, _, _ in story.left} & {address("new"), address("kunde-01")} == set()


def test_in_a_batch_the_refused_values_keep_nobody_out(scenario: Scenario) -> None:
    retype_last_name(scenario, type_="dropdown", choices=[PERMITTED])
    brakes = scenario.link.settings.brakes.model_copy(update={"overwritten_percent": 100.0})
    scenario.change_settings(brakes=brakes)
    for name in ORDINARY:
        scenario.set_field(name, Vorname="Anders", Name=PERMITTED)
    for name in ORDINARY[:3]:
        scenario.set_field(name, Name=BAD)
    scenario.control.forget_calls()

    scenario.sync()

    after = scenario.picture()
    assert scenario.writes()["POST /3.0/batches"] == 1
    assert {values(after, name) for name in ORDINARY[3:]} == {("Anders", PERMITTED)}
    assert {values(after, name)[0] for name in ORDINARY[:3]} == {"Anders"}


REFUSED_CALL = {
    "title": "Invalid Resource",
    "status": 400,
    "detail": "Your merge fields were invalid.",
}


def refuse_creation(scenario: Scenario, *, fields: list[str]) -> None:
    """One bulk call as a whole is refused for merge fields, naming some."""
    body = {**REFUSED_CALL, "errors": [{"field": f, "message": "no"} for f in fields]}
    scenario.control.fault(
        "mailchimp",
        kind="status",
        match=r"POST /mailchimp/3.0/lists/\w+\?",
        status=400,
        body=body,
        times=1,
    )


def test_a_bulk_call_refused_as_a_whole_is_sent_again_without_the_field(
    scenario: Scenario,
) -> None:
    scenario.add_contact("new", YES, Vorname="Neu", Name="Name")
    refuse_creation(scenario, fields=["LNAME"])

    scenario.sync()

    assert scenario.status("new") == "subscribed"
    assert values(scenario.picture(), "new") == ("Neu", "")
    assert quarantined(scenario) == {(address("new"), "last_name", "merge_fields")}


def test_where_no_field_is_named_nobody_waits_and_no_value_is_blamed(scenario: Scenario) -> None:
    scenario.add_contact("new", YES, Vorname="Neu", Name="Name")
    refuse_creation(scenario, fields=[])

    scenario.sync()
    at_once = scenario.status("new")
    scenario.sync()

    assert at_once == "subscribed"
    assert values(scenario.picture(), "new") == ("Neu", "Name")
    assert quarantined(scenario) == set()


# Values onOffice refuses --------------------------------------------------------------------------


@dataclass(frozen=True)
class CrmStory:
    """A sync whose values the CRM refuses in part, and the one after it."""

    after: Picture
    quarantined: set[tuple[str, str, str]]
    writes: dict[str, int]


@pytest.fixture(scope="module")
def in_crm(started_scenario: StartedScenario) -> Iterator[CrmStory]:
    with started_scenario() as scenario:
        scenario.control.switch("onoffice", name="overlong_text", value="error")
        long = {"FNAME": TOO_LONG, "LNAME": "Neu"}
        scenario.person("update", "kunde-01", merge_fields=long)
        scenario.person("update", "kunde-02", merge_fields={"FNAME": TOO_LONG})
        scenario.person("update", "kunde-03", merge_fields={"FNAME": "Kurz"})
        scenario.person("subscribe", "newcomer", merge_fields=long)
        scenario.person("unsubscribe", "kunde-04")
        scenario.sync()
        after, found = scenario.picture(), quarantined(scenario)
        scenario.control.forget_calls()
        scenario.sync()
        yield CrmStory(after, found, dict(scenario.writes()))


def test_the_crm_gets_the_values_it_takes(in_crm: CrmStory) -> None:
    contact = in_crm.after.contact("kunde-01")

    assert (contact["Vorname"], contact["Name"]) == ("Kim", "Neu")
    assert in_crm.after.contact("kunde-03")["Vorname"] == "Kurz"


def test_a_contact_is_created_without_the_value_the_crm_refuses(in_crm: CrmStory) -> None:
    contact = in_crm.after.contact("newcomer")

    assert (contact["newsletter_aktiv"], contact["Vorname"], contact["Name"]) == (YES, "", "Neu")


def test_a_value_the_crm_refuses_stops_no_opt_out(in_crm: CrmStory) -> None:
    assert in_crm.after.newsletter("kunde-04") == CANCEL


def test_values_the_crm_refused_are_quarantined_and_not_sent_again(in_crm: CrmStory) -> None:
    names = ("kunde-01", "kunde-02", "newcomer")

    assert in_crm.quarantined == {(address(name), "first_name", "255") for name in names}
    assert in_crm.writes == {}


# 200 without effect -------------------------------------------------------------------------------


@dataclass(frozen=True)
class EffectStory:
    """Syncs over values that are taken and never there, sync by sync."""

    writes: list[dict[str, int]]
    complete: list[bool]
    without_effect: list[int]
    quarantined: set[tuple[str, str, str]]
    base: list[tuple[str | None, ...]]
    released_writes: dict[str, int]


@pytest.fixture(scope="module")
def without_effect(started_scenario: StartedScenario) -> Iterator[EffectStory]:
    with started_scenario() as scenario:
        # "007" is stored as 7.
        retype_last_name(scenario, type_="number")
        scenario.sync("full")
        scenario.set_field("kunde-01", Vorname="Neu", Name="007")
        writes, complete, lost = [], [], []
        for _ in range(5):
            scenario.control.forget_calls()
            result = scenario.sync()
            assert result.push is not None
            writes.append(dict(scenario.writes()))
            complete.append(result.complete)
            lost.append(result.push.without_effect)
        found = quarantined(scenario)
        with scenario.link.warehouse.session() as db:
            base = db.execute(
                "SELECT f_first_name, f_last_name FROM base WHERE key = ?", [address("kunde-01")]
            ).fetchall()
        quarantine.lift(scenario.link.warehouse, causes=["no_effect"])
        scenario.control.forget_calls()
        scenario.sync()
        yield EffectStory(writes, complete, lost, found, base, dict(scenario.writes()))


def test_a_change_without_effect_is_tried_three_times_and_no_more(
    without_effect: EffectStory,
) -> None:
    assert [bool(w) for w in without_effect.writes] == [True, True, True, False, False]


def test_a_change_without_effect_never_counts_as_done(without_effect: EffectStory) -> None:
    assert without_effect.complete == [False, False, False, True, True]
    assert without_effect.without_effect == [1, 1, 1, 0, 0]


def test_only_the_field_without_effect_is_quarantined(without_effect: EffectStory) -> None:
    assert without_effect.quarantined == {(address("kunde-01"), "last_name", "no_effect")}


def test_the_base_moves_only_where_both_sides_are_equal(without_effect: EffectStory) -> None:
    assert without_effect.base == [("Neu", "Kunde-01")]


def test_a_lifted_change_without_effect_is_tried_again(without_effect: EffectStory) -> None:
    assert without_effect.released_writes != {}


def test_an_opt_out_without_effect_is_sent_until_it_is_there(scenario: Scenario) -> None:
    scenario.set_newsletter("kunde-01", NO)
    scenario.control.fault(
        "mailchimp", kind="status", match="PATCH /mailchimp", status=200, body={}, times=4
    )
    for _ in range(4):
        scenario.sync()
    unheeded = scenario.status("kunde-01")

    scenario.sync()

    assert (unheeded, scenario.status("kunde-01")) == ("subscribed", "unsubscribed")
    assert quarantined(scenario) == set()
