"""T15: a green run, all rows failed, never retried.

Every operation has an outcome of its own; what failed or is not known is planned again, and
nothing counts as done that is not there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import httpx
import pytest

from nl_pipeline.orchestration.checks import judge_push
from nl_pipeline.sandbox import credentials
from nl_pipeline.sync.push import PushResult
from nl_pipeline.sync.run import SyncResult
from nl_pipeline.warehouse import plans, quarantine
from nl_pipeline_tests.scenario import NO, ORDINARY, YES, Picture, Scenario, address

BATCH = r"POST /mailchimp/3.0/batches"
ARCHIVE = "GET /mailchimp/archives/"
FOR_EVER = 1e9
"""Seconds a batch takes that nobody waits for."""


def let_everything_through(scenario: Scenario) -> None:
    brakes = scenario.link.settings.brakes.model_copy(update={"overwritten_percent": 100.0})
    scenario.change_settings(brakes=brakes)


def rename_everybody(scenario: Scenario, name: str = "Anders") -> None:
    """A change of everybody's profile, which makes a batch."""
    let_everything_through(scenario)
    for one in ORDINARY:
        scenario.set_field(one, Vorname=name)


def first_names(picture: Picture) -> Counter[str]:
    found = (picture.member(name) or {} for name in ORDINARY)
    return Counter(member["merge_fields"]["FNAME"] for member in found)


def results(scenario: Scenario, result: SyncResult) -> Counter[str]:
    rows = plans.change_rows(scenario.link.warehouse, plan_id=result.plan.plan_id)
    return Counter(rows[rows["side"] == "provider"]["result"])


def pushed(result: SyncResult) -> PushResult:
    assert result.push is not None
    return result.push


def in_base(scenario: Scenario, name: str) -> int:
    """How many people are confirmed with this first name."""
    with scenario.link.warehouse.session() as db:
        [(count,)] = db.execute(
            "SELECT count(*) FROM base WHERE f_first_name = ?", [name]
        ).fetchall()
    return int(count)


# Nothing gets through -----------------------------------------------------------------------------


@pytest.fixture
def in_vain(scenario: Scenario) -> tuple[Scenario, SyncResult]:
    """A sync all whose changes fail, with the fault gone after it."""
    for name in ORDINARY[:3]:
        scenario.set_field(name, Vorname="Anders")
    scenario.add_contact("new", YES)
    scenario.control.fault(
        "mailchimp", kind="status", match=r"(PATCH|POST) /mailchimp/3.0/lists", status=503, times=99
    )
    result = scenario.sync()
    scenario.control.clear_faults()
    return scenario, result


def test_a_run_in_which_everything_failed_is_a_failure(
    in_vain: tuple[Scenario, SyncResult],
) -> None:
    push = pushed(in_vain[1])

    check = judge_push(push)
    assert (push.complete, push.in_vain, push.confirmed) == (False, True, 0)
    assert (check.passed, check.severity.name) == (False, "ERROR")


def test_nothing_that_failed_is_marked_as_done(in_vain: tuple[Scenario, SyncResult]) -> None:
    scenario, result = in_vain

    plan = plans.load(scenario.link.warehouse, plan_id=result.plan.plan_id)
    assert plan.status == "partial"
    assert in_base(scenario, "Anders") == 0
    assert quarantine.list_rows(scenario.link.warehouse) == []


def test_what_failed_is_done_by_the_next_sync(in_vain: tuple[Scenario, SyncResult]) -> None:
    scenario, _ = in_vain

    again = scenario.sync()

    after = scenario.picture()
    assert again.complete
    assert first_names(after)["Anders"] == 3
    assert after.status("new") == "subscribed"


# Batches ------------------------------------------------------------------------------------------


def refuse_some(scenario: Scenario) -> None:
    """Three of the changes are refused inside the batch."""
    scenario.control.switch("mailchimp", name="fake_domains", value=["falsch.example"])
    for name in ORDINARY[:3]:
        scenario.control.act(
            "onoffice",
            actor="staff",
            action="change_email",
            email=address(name),
            new_email=f"{name}@falsch.example",
        )


def test_errors_inside_a_finished_batch_belong_to_their_operation(scenario: Scenario) -> None:
    rename_everybody(scenario)
    refuse_some(scenario)

    result = scenario.sync()

    assert results(scenario, result) == {"confirmed": len(ORDINARY), "refused": 3}
    assert not result.complete
    assert first_names(scenario.picture()) == {"Anders": len(ORDINARY)}


LOST: dict[str, Callable[[Scenario], None]] = {
    "no results in the archive": lambda s: s.control.switch(
        "mailchimp", name="batch_lost_results", value=1_000
    ),
    "archive cut": lambda s: s.control.fault("mailchimp", kind="truncate", match=ARCHIVE, times=9),
    "archive gone": lambda s: s.control.fault(
        "mailchimp", kind="status", match=ARCHIVE, status=404, times=9
    ),
}


@pytest.mark.parametrize("lose", LOST.values(), ids=LOST)
def test_lost_results_are_read_back_and_only_what_is_there_is_done(
    scenario: Scenario, lose: Callable[[Scenario], None]
) -> None:
    rename_everybody(scenario)
    refuse_some(scenario)
    lose(scenario)

    result = scenario.sync()

    assert results(scenario, result) == {"confirmed": len(ORDINARY) - 3, "unknown": 6}
    assert in_base(scenario, "Anders") == len(ORDINARY) - 3


def test_what_had_no_result_is_tried_again(scenario: Scenario) -> None:
    rename_everybody(scenario)
    refuse_some(scenario)
    scenario.control.switch("mailchimp", name="batch_lost_results", value=1_000)
    scenario.sync()
    scenario.control.switch("mailchimp", name="batch_lost_results", value=0)

    scenario.sync()

    assert first_names(scenario.picture()) == {"Anders": len(ORDINARY)}
    assert {row.cause for row in quarantine.list_rows(scenario.link.warehouse)} == {
        "fake_or_invalid"
    }


def test_a_batch_that_was_never_accepted_is_sent_again_by_the_next_sync(
    scenario: Scenario,
) -> None:
    rename_everybody(scenario)
    scenario.control.fault("mailchimp", kind="status", match=BATCH, status=500, times=1)

    first = scenario.sync()
    there = first_names(scenario.picture())["Anders"]
    second = scenario.sync()

    assert (pushed(first).in_vain, there) == (True, 0)
    assert second.complete
    assert first_names(scenario.picture()) == {"Anders": len(ORDINARY)}


def batches(scenario: Scenario) -> list[str]:
    """Ids of the batches that are known to Mailchimp and not finished."""
    answer = httpx.get(
        f"{scenario.control.mailchimp_url}/batches",
        auth=("any", credentials.MAILCHIMP_API_KEY),
        trust_env=False,
        verify=False,
    ).raise_for_status()
    return [b["id"] for b in answer.json()["batches"] if b["status"] != "finished"]


def test_a_batch_that_never_finishes_is_stopped_and_its_changes_are_tried_again(
    scenario: Scenario,
) -> None:
    rename_everybody(scenario)
    scenario.control.switch("mailchimp", name="batch_seconds", value=FOR_EVER)

    first = scenario.sync()
    ended, left = results(scenario, first), batches(scenario)
    scenario.control.switch("mailchimp", name="batch_seconds", value=0.3)
    second = scenario.sync()

    assert ended == {"unknown": len(ORDINARY)}
    assert (pushed(first).in_vain, left) == (True, [])
    assert second.complete
    assert first_names(scenario.picture()) == {"Anders": len(ORDINARY)}


def test_a_batch_that_was_given_up_undoes_no_later_opt_out(scenario: Scenario) -> None:
    """Archived members whose Yes is a fresh decision are brought back, and not by a batch."""
    let_everything_through(scenario)
    for name in ORDINARY:
        scenario.staff("archive", name)
    plan = scenario.plan()
    scenario.release(plan)
    scenario.apply(plans.load(scenario.link.warehouse, plan_id=plan.plan_id))
    for name in ORDINARY:
        scenario.set_newsletter(name, YES)
    scenario.control.switch("mailchimp", name="batch_seconds", value=FOR_EVER)
    scenario.control.forget_calls()

    scenario.sync()

    assert scenario.writes()["POST /3.0/batches"] == 0
    after = scenario.picture()
    assert {after.status(name) for name in ORDINARY} == {"subscribed"}


def test_an_opt_out_whose_batch_failed_is_done_by_the_next_sync(scenario: Scenario) -> None:
    brakes = scenario.link.settings.brakes.model_copy(update={"at_least": 100})
    scenario.change_settings(brakes=brakes)
    for name in ORDINARY:
        scenario.set_newsletter(name, NO)
    scenario.control.fault("mailchimp", kind="status", match=BATCH, status=500, times=1)
    scenario.sync()

    scenario.sync()

    after = scenario.picture()
    assert {after.status(name) for name in ORDINARY} == {"unsubscribed"}
