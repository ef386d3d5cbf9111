"""T5: refused addresses must not poison every run.

An address that a provider refuses is sent once, listed with its cause, and not sent again until it
changes or somebody lifts it. Here: what holds at every provider; the causes that Mailchimp alone
has are in ``test_t05_mailchimp_causes``.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from nl_pipeline.sync import advice
from nl_pipeline.warehouse import quarantine, reports
from nl_pipeline.warehouse.quarantine import QuarantinedRow
from nl_pipeline_tests.providers import each_provider
from nl_pipeline_tests.scenario import CANCEL, YES, Picture, Scenario, address
from nl_pipeline_tests.sync.conftest import StartedScenario

pytestmark = each_provider

CAUSES = ("fake_or_invalid", "invalid_email")
"""How providers word it that an address is none."""


def rows_of(scenario: Scenario) -> dict[str, QuarantinedRow]:
    """The quarantine by address."""
    return {row.address: row for row in quarantine.list_rows(scenario.link.warehouse)}


@dataclass(frozen=True)
class Synced:
    """One sync: whether its push was complete, what it left out, wrote and left behind."""

    complete: bool
    left_out: int
    writes: dict[str, int]
    picture: Picture
    rows: dict[str, QuarantinedRow]


@dataclass(frozen=True)
class Story:
    """Syncs after people were entered of whom the provider refuses one; then another value of
    theirs changes, the quarantine is lifted, and the address is corrected."""

    refused: str
    first: Synced
    second: Synced
    problems: list[reports.Problem]
    reasons: dict[tuple[str, str], int]
    other_value: Synced
    lifted: int
    after_lifting: tuple[Synced, Synced]
    corrected: Synced


def synced(scenario: Scenario, *, full: bool = False) -> Synced:
    scenario.control.forget_calls()
    push = scenario.sync("full" if full else "incremental").push
    assert push is not None
    writes = dict(scenario.writes())
    picture = scenario.picture()
    return Synced(push.complete, push.quarantined, writes, picture, rows_of(scenario))


@pytest.fixture(scope="module")
def story(started_scenario: StartedScenario) -> Story:
    with started_scenario() as scenario:
        refused = scenario.stage.refused_address()
        scenario.add_contact("refused", YES, Vorname="Kim")
        scenario.add_contact("real", YES, Vorname="Kim")
        change_email(scenario, address("refused"), refused)
        scenario.person("unsubscribe", "kunde-01")
        first, second = synced(scenario), synced(scenario, full=True)
        problems = reports.list_problems(scenario.link.warehouse)
        balance = reports.take_balance(scenario.link.warehouse, adopt_existing=False)
        scenario.control.act(
            "onoffice", actor="staff", action="modify", email=refused, fields={"Vorname": "Eva"}
        )
        other_value = synced(scenario)
        cause = first.rows[refused].cause
        lifted = quarantine.lift(scenario.link.warehouse, causes=[cause])
        after_lifting = (synced(scenario), synced(scenario))
        change_email(scenario, refused, address("corrected"))
        return Story(
            refused=refused,
            first=first,
            second=second,
            problems=problems,
            reasons={(d.reason, d.cause): d.rows for d in balance.differences},
            other_value=other_value,
            lifted=lifted,
            after_lifting=after_lifting,
            corrected=synced(scenario),
        )


def change_email(scenario: Scenario, old: str, new: str) -> None:
    scenario.control.act("onoffice", actor="staff", action="change_email", email=old, new_email=new)


def test_a_refusal_stops_neither_an_opt_out_nor_anybody_else(story: Story) -> None:
    after = story.first.picture

    assert (after.status("real"), after.newsletter("kunde-01")) == ("subscribed", CANCEL)


def test_a_run_with_refusals_is_not_complete(story: Story) -> None:
    assert not story.first.complete


def test_a_second_run_writes_nothing_and_is_complete(story: Story) -> None:
    assert (story.second.writes, story.second.complete) == ({}, True)


def test_what_a_plan_leaves_out_is_counted(story: Story) -> None:
    assert story.second.left_out == 1


def test_a_refused_address_is_quarantined_by_its_cause(story: Story) -> None:
    (row,) = story.second.rows.values()

    assert (row.address, row.waiting) == (story.refused, True)
    assert row.cause in CAUSES


def test_a_quarantined_person_is_listed_with_cause_meaning_and_next_step(story: Story) -> None:
    cause = story.first.rows[story.refused].cause
    (problem,) = [p for p in story.problems if p.kind == "quarantine" and p.cause == cause]

    assert (problem.result, problem.subject) == ("quarantined", "subscribe")
    assert int(problem.contact_id) > 0
    assert advice.meaning_of_cause(cause)
    assert advice.next_step_for_problem(code="", result="quarantined", cause=cause) not in (
        "",
        "look at the record",
    )


def test_quarantined_people_are_a_reason_why_the_numbers_differ(story: Story) -> None:
    assert story.reasons["refused", story.first.rows[story.refused].cause] == 1


def test_a_quarantined_row_does_not_show_its_address_when_printed(story: Story) -> None:
    assert story.refused not in repr(story.first.rows[story.refused])


def test_another_value_of_a_refused_person_is_no_reason_to_send_the_address_again(
    story: Story,
) -> None:
    assert story.other_value.writes == {}


def test_a_lifted_row_is_tried_once_and_quarantined_again(story: Story) -> None:
    tried, rests = story.after_lifting

    assert story.lifted == 1
    assert sum(tried.writes.values()) == 1
    assert rests.writes == {}
    assert rests.rows[story.refused].waiting


def test_a_corrected_address_is_sent_at_once(story: Story) -> None:
    assert story.corrected.picture.status("corrected") == "subscribed"


# Opt-outs are never quarantined -------------------------------------------------------------------


def test_an_opt_out_the_crm_refuses_is_sent_in_every_sync(scenario: Scenario) -> None:
    scenario.person("unsubscribe", "kunde-01")
    scenario.control.fault("onoffice", kind="status", match="modify:address", errorcode=88, times=4)
    for _ in range(4):
        scenario.sync()
    refused = scenario.newsletter("kunde-01")

    scenario.sync()

    assert (refused, scenario.newsletter("kunde-01")) == (YES, CANCEL)
    assert rows_of(scenario) == {}
