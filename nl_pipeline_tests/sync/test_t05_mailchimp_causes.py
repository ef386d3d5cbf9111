"""T5 at Mailchimp: causes of a refusal that no other provider has.

Who was deleted for good, who signed up too often, who had opted out unseen: each waits for what
ends its cause: its time, the person itself, or somebody who lifts it. What holds at every provider
is in ``test_t05_refused_addresses``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from nl_pipeline.sync import advice
from nl_pipeline.warehouse import quarantine, reports
from nl_pipeline.warehouse.person import ConsentEvent, find_person
from nl_pipeline.warehouse.quarantine import QuarantinedRow
from nl_pipeline_tests.scenario import CANCEL, YES, Picture, Scenario, address
from nl_pipeline_tests.sync.conftest import StartedScenario

FAKE = "gibt-es-nicht.example"
"""A domain that looks fake to Mailchimp."""
REFUSED = {
    "fake": "fake_or_invalid",
    "erased": "forgotten",
    "throttled": "too_many_signups",
}
"""Contacts that say Yes, and why Mailchimp does not take them."""
UNKNOWN_OPT_OUT = {"compliance": "compliance", "status": "unsubscribed"}
"""How Mailchimp words a refusal of somebody who opted out there, and the cause that is read."""


def rows_of(scenario: Scenario) -> dict[str, QuarantinedRow]:
    """The quarantine by address."""
    return {row.address: row for row in quarantine.list_rows(scenario.link.warehouse)}


def causes(scenario: Scenario) -> dict[str, str]:
    return {name: row.cause for name, row in rows_of(scenario).items()}


def ledger(scenario: Scenario, name: str) -> list[ConsentEvent]:
    key = address(name)
    person = find_person(scenario.link.warehouse, key=key, adopt_existing=False)
    return list(person.ledger)


def change_email(scenario: Scenario, old: str, new: str) -> None:
    scenario.control.act("onoffice", actor="staff", action="change_email", email=old, new_email=new)


def enter_refused(scenario: Scenario) -> None:
    """Staff enters people whom Mailchimp will refuse, and one it takes."""
    scenario.control.switch("mailchimp", name="fake_domains", value=[FAKE])
    scenario.control.switch("mailchimp", name="throttled_addresses", value=[address("throttled")])
    scenario.control.act("mailchimp", actor="import", action="subscribe", email=address("erased"))
    scenario.staff("delete_permanent", "erased")
    for name in (*REFUSED, "real"):
        scenario.add_contact(name, YES, Vorname="Kim")
    change_email(scenario, address("fake"), f"fake@{FAKE}")


@pytest.fixture
def refused(scenario: Scenario) -> Scenario:
    """The scenario after the sync in which they were refused."""
    enter_refused(scenario)
    scenario.sync()
    scenario.control.forget_calls()
    return scenario


@dataclass(frozen=True)
class Story:
    """Two syncs after people were entered whom Mailchimp refuses, the second one in full."""

    second_left_out: int
    rows: dict[str, QuarantinedRow]
    problems: list[reports.Problem]
    reasons: dict[tuple[str, str], int]


@pytest.fixture(scope="module")
def story(started_scenario: StartedScenario) -> Iterator[Story]:
    with started_scenario() as scenario:
        enter_refused(scenario)
        scenario.sync()
        second = scenario.sync("full")
        assert second.push is not None
        balance = reports.take_balance(scenario.link.warehouse, adopt_existing=False)
        yield Story(
            second_left_out=second.push.quarantined,
            rows=rows_of(scenario),
            problems=reports.list_problems(scenario.link.warehouse),
            reasons={(d.reason, d.cause): d.rows for d in balance.differences},
        )


def test_what_a_plan_leaves_out_is_counted(story: Story) -> None:
    assert story.second_left_out == len(REFUSED)


def test_every_refused_address_is_quarantined_by_its_cause(story: Story) -> None:
    found = {row.address: (row.cause, row.waiting) for row in story.rows.values()}

    expected = {address(name): (cause, True) for name, cause in REFUSED.items()}
    expected[f"fake@{FAKE}"] = expected.pop(address("fake"))
    assert found == expected


@pytest.mark.parametrize("cause", REFUSED.values())
def test_a_quarantined_person_is_listed_with_cause_meaning_and_next_step(
    story: Story, cause: str
) -> None:
    (problem,) = [p for p in story.problems if p.kind == "quarantine" and p.cause == cause]

    assert (problem.result, problem.subject) == ("quarantined", "subscribe")
    assert int(problem.contact_id) > 0
    assert advice.meaning_of_cause(cause)
    assert advice.next_step_for_problem(code="", result="quarantined", cause=cause) not in (
        "",
        "look at the record",
    )


def test_quarantined_people_are_a_reason_why_the_numbers_differ(story: Story) -> None:
    assert story.reasons["forgotten", "forgotten"] == 1
    assert story.reasons["refused", "fake_or_invalid"] == 1
    assert story.reasons["refused", "too_many_signups"] == 1


def test_an_address_with_too_many_sign_ups_waits_for_a_day(refused: Scenario) -> None:
    refused.control.switch("mailchimp", name="throttled_addresses", value=[])

    refused.sync()
    same_day = refused.status("throttled")
    refused.pass_time(by=timedelta(days=1))
    refused.sync()

    assert (same_day, refused.status("throttled")) == ("absent", "subscribed")


def test_an_erased_person_comes_back_by_itself_only(refused: Scenario) -> None:
    refused.pass_time(by=timedelta(days=30))
    refused.sync("full")
    meanwhile = refused.status("erased")
    refused.person("subscribe", "erased")

    refused.sync()
    refused.sync()

    assert (meanwhile, refused.status("erased")) == ("deleted", "subscribed")
    assert address("erased") not in rows_of(refused)


def test_the_rows_of_one_contact_are_lifted_alone(refused: Scenario) -> None:
    contact = refused.picture().contact("erased")["id"]

    assert quarantine.lift(refused.link.warehouse, contact_id=contact) == 1

    assert sorted(causes(refused).values()) == ["fake_or_invalid", "too_many_signups"]


# Refusals for an opt-out that no read has shown ---------------------------------------------------


def just_before_creating(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]
) -> None:
    """Let something happen between our last look at the audience and the creation."""
    client = scenario.link.audience.client  # type: ignore[attr-defined]
    add = client.add_members

    def act_first(audience_id: str, members: Any, **options: Any) -> Any:
        act()
        monkeypatch.undo()
        return add(audience_id, members, **options)

    monkeypatch.setattr(client, "add_members", act_first)


@dataclass(frozen=True)
class OptOutStory:
    """Somebody is refused for an opt-out that no read had shown; what becomes of it."""

    cause: str
    ledger: list[tuple[str, str, str]]
    cancelled: Picture
    yes_again: Picture
    signed_up_again: Picture


@pytest.fixture(scope="module", params=UNKNOWN_OPT_OUT.items(), ids=list(UNKNOWN_OPT_OUT))
def opt_out(
    request: pytest.FixtureRequest, started_scenario: StartedScenario
) -> Iterator[OptOutStory]:
    wording, cause = request.param
    with started_scenario() as scenario, pytest.MonkeyPatch.context() as patch:
        scenario.control.switch("mailchimp", name="post_on_opted_out", value="compliance")
        scenario.control.switch("mailchimp", name="refusal_wording", value=wording)
        scenario.add_contact("fresh", YES)

        def come_and_go() -> None:
            scenario.person("subscribe", "fresh")
            scenario.person("unsubscribe", "fresh")

        just_before_creating(scenario, patch, come_and_go)
        scenario.sync()
        found = [(e.event, e.actor, e.source) for e in ledger(scenario, "fresh")]
        scenario.sync()
        cancelled = scenario.picture()
        quarantine.lift(scenario.link.warehouse)
        scenario.set_newsletter("fresh", YES)
        scenario.sync("full")
        yes_again = scenario.picture()
        scenario.pass_time()
        scenario.person("subscribe", "fresh")
        scenario.sync()
        yield OptOutStory(cause, found, cancelled, yes_again, scenario.picture())


def test_a_refusal_for_an_opt_out_is_kept_as_a_withdrawal_by_the_person(
    opt_out: OptOutStory,
) -> None:
    assert opt_out.ledger == [("WITHDRAW", "person", f"refused_{opt_out.cause}")]


def test_a_refusal_for_an_opt_out_cancels_in_the_crm_and_asks_nobody_to_confirm(
    opt_out: OptOutStory,
) -> None:
    after = opt_out.cancelled
    assert (after.newsletter("fresh"), after.status("fresh")) == (CANCEL, "unsubscribed")
    assert {status for _, status in after.api_history()} & {"pending"} == set()


def test_neither_lifting_the_quarantine_nor_a_yes_lifts_the_opt_out(opt_out: OptOutStory) -> None:
    assert opt_out.yes_again.status("fresh") == "unsubscribed"


def test_after_such_a_refusal_the_person_comes_back_by_signing_up(opt_out: OptOutStory) -> None:
    after = opt_out.signed_up_again
    assert (after.newsletter("fresh"), after.status("fresh")) == (YES, "subscribed")


def test_an_address_that_has_just_bounced_is_no_opt_out(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario.control.switch("mailchimp", name="post_on_cleaned", value="compliance")
    scenario.control.switch("mailchimp", name="refusal_wording", value="status")
    scenario.add_contact("fresh", YES)

    def come_and_bounce() -> None:
        scenario.person("subscribe", "fresh")
        scenario.staff("clean", "fresh")

    just_before_creating(scenario, monkeypatch, come_and_bounce)

    scenario.sync()

    assert causes(scenario) == {address("fresh"): "cleaned"}
    assert ledger(scenario, "fresh") == []


def test_somebody_who_has_just_signed_up_is_found_by_the_next_read(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario.add_contact("fresh", YES, Vorname="Kim")
    just_before_creating(scenario, monkeypatch, lambda: scenario.person("subscribe", "fresh"))

    scenario.sync()
    scenario.sync()
    scenario.control.forget_calls()
    scenario.sync("full")

    member = scenario.picture().member("fresh")
    assert member is not None
    assert (member["status"], member["merge_fields"]["FNAME"]) == ("subscribed", "Kim")
    assert member["tags"] == ["onoffice"]
    assert (causes(scenario), scenario.writes()) == ({}, {})
