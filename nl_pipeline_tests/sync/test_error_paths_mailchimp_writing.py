"""Error paths of Mailchimp while a sync writes.

Here: storms, lost answers and a refused key in the middle of a push; nothing is half booked, and
the next sync converges.
"""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from nl_pipeline.clients.errors import OperatorNeeded, Retryable
from nl_pipeline_tests.scenario import CANCEL, NO, YES, Scenario
from nl_pipeline_tests.sync.failing import (
    assert_both_opt_outs_are_through,
    change_results,
    dagster_tries_again,
    words_missing_from,
)

CREATION = r"POST /mailchimp/3.0/lists/\w+\?"
MANY = 500
"""More than any run repeats."""
KEY, LATER = "check the API key, the role of its user", "the next run tries again"


def problem(status: int, title: str) -> dict[str, Any]:
    """A problem document, with an address where the API puts one."""
    return {"title": title, "status": status, "detail": "anna@kunde.example is the culprit."}


# What was throttled was surely not applied; behind a gateway's error page it may have been, and the
# read-back has shown that it was not.
WHILE_WRITING: dict[str, tuple[dict[str, Any], str, str]] = {
    "429 storm": ({"kind": "status", "status": 429, "body": None}, "failed", "throttled"),
    "502 with a page": ({"kind": "html_error"}, "unknown", "outcome_unknown"),
}


@pytest.mark.parametrize(("fault", "ended", "cause"), WHILE_WRITING.values(), ids=WHILE_WRITING)
def test_a_storm_while_writing_leaves_the_rows_open_and_the_next_sync_sends_them(
    scenario: Scenario, fault: dict[str, Any], ended: str, cause: str
) -> None:
    scenario.person("unsubscribe", "kunde-01")
    scenario.set_newsletter("kunde-02", NO)
    scenario.control.fault("mailchimp", match="PATCH", times=MANY, **fault)

    result = scenario.sync()

    assert not result.complete
    assert change_results(scenario, result.plan.plan_id)["unsubscribe", ended, cause] == 1
    assert (scenario.newsletter("kunde-01"), scenario.status("kunde-02")) == (CANCEL, "subscribed")
    scenario.control.clear_faults()
    assert scenario.sync().complete
    assert_both_opt_outs_are_through(scenario.picture())


def test_a_success_without_effect_is_told_and_sent_again(scenario: Scenario) -> None:
    scenario.set_newsletter("kunde-02", NO)
    scenario.control.fault("mailchimp", kind="status", match="PATCH", times=1, status=200, body={})

    result = scenario.sync()

    assert result.push is not None
    assert (result.push.without_effect, scenario.status("kunde-02")) == (1, "subscribed")
    assert scenario.sync().complete
    assert scenario.status("kunde-02") == "unsubscribed"


CREATIONS: dict[str, dict[str, Any]] = {
    "429 storm": {"kind": "status", "status": 429, "body": None, "times": 3},
    "an empty success, all done": {"kind": "status", "body": None, "status": 200}
    | {"after_apply": True},
}


@pytest.mark.parametrize("fault", CREATIONS.values(), ids=CREATIONS)
def test_a_lost_answer_to_a_creation_ends_with_one_subscription(
    scenario: Scenario, fault: dict[str, Any]
) -> None:
    scenario.set_newsletter("none", YES)
    scenario.control.fault("mailchimp", match=CREATION, **fault)

    scenario.sync()
    scenario.sync()

    member = scenario.picture().member("none")
    assert member is not None
    assert [entry["to"] for entry in member["history"]] == ["subscribed"]


@pytest.mark.parametrize("match", ["/tag-search", r"POST .*/segments/\d+"])
def test_a_storm_while_tagging_takes_back_no_subscription_and_the_next_sync_tags(
    scenario: Scenario, match: str
) -> None:
    scenario.set_newsletter("none", YES)
    plan = scenario.plan()
    scenario.control.fault(
        "mailchimp", kind="status", match=match, times=MANY, status=403, body=None
    )
    with contextlib.suppress(Retryable):
        scenario.apply(plan)
    before = scenario.picture().member("none")
    scenario.control.clear_faults()

    scenario.sync()

    after = scenario.picture().member("none")
    assert before is not None
    assert after is not None
    assert (before["status"], before["tags"]) == ("subscribed", [])
    assert (after["status"], after["tags"]) == ("subscribed", ["onoffice"])


def test_a_key_that_is_refused_while_writing_stops_after_the_opt_outs_of_the_provider(
    scenario: Scenario,
) -> None:
    scenario.person("unsubscribe", "kunde-01")
    scenario.set_newsletter("kunde-02", NO)
    plan = scenario.plan()
    scenario.control.fault(
        "mailchimp",
        kind="status",
        match="PATCH",
        times=MANY,
        status=403,
        body=problem(403, "Forbidden"),
    )

    with pytest.raises(OperatorNeeded) as caught:
        scenario.apply(plan)

    assert caught.value.code == "forbidden"
    assert words_missing_from(caught.value, [KEY]) == []
    assert "@" not in str(caught.value)
    assert not dagster_tries_again(caught.value)
    assert scenario.newsletter("kunde-01") == CANCEL
    scenario.control.clear_faults()
    assert scenario.sync().complete
    assert_both_opt_outs_are_through(scenario.picture())


def test_beyond_the_shared_quota_of_repeats_a_storm_ends_the_run_at_its_first_call(
    scenario: Scenario,
) -> None:
    scenario.person("unsubscribe", "kunde-01")
    scenario.set_newsletter("kunde-02", NO)
    scenario.control.fault("mailchimp", kind="status", match="", times=MANY, status=429, body=None)
    for _ in range(25):
        with pytest.raises(Retryable):
            scenario.link.audience.check(name="onoffice", audience_id=None)
    scenario.control.forget_calls()

    with pytest.raises(Retryable) as caught:
        scenario.sync()

    assert caught.value.code == "throttled"
    assert words_missing_from(caught.value, [LATER]) == []
    assert "@" not in str(caught.value)
    calls = [(call.status, call.count) for call in scenario.control.calls()]
    assert [count for status, count in calls if status == 429] == [1]
    scenario.control.clear_faults()
    assert scenario.sync().complete
    assert_both_opt_outs_are_through(scenario.picture())
