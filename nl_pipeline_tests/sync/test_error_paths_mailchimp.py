"""Error paths of Mailchimp, as a whole sync meets them.

Here: throttling in all its forms, keys and rights, answers that are none, audiences that are gone
or doubled; what the person reads, whether Dagster tries again, that nothing is half booked, and
that the next sync gets every opt-out through. What one call makes of an answer is tested with the
client, and the causes of refusals too.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import dagster as dg
import httpx
import pytest

from nl_pipeline.clients.errors import ApiError, OperatorNeeded, Retryable
from nl_pipeline.orchestration.failures import failures_without_personal_data
from nl_pipeline.sandbox import credentials
from nl_pipeline.sync.run import SyncResult
from nl_pipeline.warehouse import plans
from nl_pipeline_tests.scenario import CANCEL, NO, YES, Picture, Scenario
from nl_pipeline_tests.sync.conftest import StartedScenario

AUDIENCES, MEMBERS = "GET /mailchimp/3.0/lists?", "/members?"
CREATION = r"POST /mailchimp/3.0/lists/\w+\?"
MANY = 500
"""More than any run repeats."""


def problem(status: int, title: str) -> dict[str, Any]:
    """A problem document, with an address where the API puts one."""
    return {"title": title, "status": status, "detail": "anna@kunde.example is the culprit."}


@dataclass(frozen=True)
class Failure:
    """A way in which a call fails, and what comes of it."""

    error: type[ApiError]
    code: str
    says: str
    kind: str = "status"
    status: int = 200
    body: Any = None

    def arm(self, scenario: Scenario, *, match: str) -> None:
        options = {"body": self.body} if self.kind == "status" else {}
        scenario.control.fault(
            "mailchimp", kind=self.kind, match=match, times=MANY, status=self.status, **options
        )


KEY, LATER = "check the API key, the role of its user", "the next run tries again"
GATEWAY = "check base_url and proxies"

FAILURES = {
    "403 without a body": Failure(Retryable, "throttled", LATER, status=403),
    "403 with a page": Failure(Retryable, "throttled", LATER, kind="html_error", status=403),
    "429 without a body": Failure(Retryable, "throttled", LATER, status=429),
    "429 with a problem": Failure(
        Retryable, "throttled", LATER, status=429, body=problem(429, "TooManyRequests")
    ),
    "502 with a page": Failure(Retryable, "server", LATER, kind="html_error", status=502),
    "500": Failure(
        Retryable, "server", LATER, status=500, body=problem(500, "InternalServerError")
    ),
    "a page instead of JSON": Failure(
        Retryable, "unreadable", LATER, kind="html_error", status=200
    ),
    "half an answer": Failure(Retryable, "RemoteProtocolError", LATER, kind="truncate"),
    "an empty success": Failure(Retryable, "unreadable", LATER),
    "a success that is a list": Failure(Retryable, "unreadable", LATER, body=[]),
    "401": Failure(
        OperatorNeeded, "api-key-invalid", KEY, status=401, body=problem(401, "API Key Invalid")
    ),
    "401 without a body": Failure(OperatorNeeded, "problem", KEY, status=401),
    "403 of the user": Failure(
        OperatorNeeded, "user-disabled", KEY, status=403, body=problem(403, "User Disabled")
    ),
    "404 with a page": Failure(OperatorNeeded, "endpoint", GATEWAY, kind="html_error", status=404),
    "404 of the audience": Failure(
        OperatorNeeded,
        "resource-not-found",
        "check that the audience still exists",
        status=404,
        body=problem(404, "Resource Not Found"),
    ),
}


def dagster_tries_again(error: Exception) -> bool:
    """What the boundary of every asset makes of an error."""
    with (
        pytest.raises((dg.Failure, dg.RetryRequested)) as caught,
        failures_without_personal_data(retry_after_seconds=30),
    ):
        raise error
    return isinstance(caught.value, dg.RetryRequested)


def judge(error: ApiError, *, code: str, says: str) -> None:
    """The message names system, what and the way out, and nobody's address."""
    message = str(error)
    assert error.code == code
    assert [words for words in ("mailchimp:", "Next:", says) if words not in message] == []
    assert "@" not in message


CASES = {
    f"{what}: {name}": (match, failure)
    for what, match in (("audiences", AUDIENCES), ("members", MEMBERS))
    for name, failure in FAILURES.items()
}


@dataclass(frozen=True)
class Story:
    """One broken read after the other: what was raised and written, and how it ended."""

    raised: dict[str, ApiError]
    writes: dict[str, Counter[str]]
    last: SyncResult
    after: Picture


@pytest.fixture(scope="module")
def story(started_scenario: StartedScenario) -> Story:
    """On either side somebody opts out, then every failure stops a sync, then one gets through."""
    raised: dict[str, ApiError] = {}
    writes: dict[str, Counter[str]] = {}
    with started_scenario() as scenario:
        scenario.person("unsubscribe", "kunde-01")
        scenario.set_newsletter("kunde-02", NO)
        for name, (match, failure) in CASES.items():
            scenario.control.forget_calls()
            failure.arm(scenario, match=match)
            with pytest.raises(ApiError) as caught:
                scenario.sync()
            raised[name], writes[name] = caught.value, scenario.writes()
            scenario.control.clear_faults()
        return Story(raised, writes, scenario.sync(), scenario.picture())


@pytest.mark.parametrize("name", CASES)
def test_a_failed_read_says_what_is_wrong_and_what_to_do_next(story: Story, name: str) -> None:
    error, (_, failure) = story.raised[name], CASES[name]
    assert type(error) is failure.error
    judge(error, code=failure.code, says=failure.says)


@pytest.mark.parametrize("name", CASES)
def test_a_failed_read_is_tried_again_by_dagster_only_if_that_can_help(
    story: Story, name: str
) -> None:
    error = story.raised[name]
    assert dagster_tries_again(error) is isinstance(error, Retryable)


@pytest.mark.parametrize("name", CASES)
def test_a_failed_read_stops_the_sync_before_anything_is_written(story: Story, name: str) -> None:
    assert story.writes[name] == {}


def test_after_all_failures_of_a_read_one_sync_brings_every_opt_out_through(story: Story) -> None:
    assert story.last.complete
    assert_both_opt_outs_are_through(story.after)


def assert_both_opt_outs_are_through(after: Picture) -> None:
    """That of kunde-01 at the provider, and that of kunde-02 in the CRM."""
    assert (after.newsletter("kunde-01"), after.status("kunde-02")) == (CANCEL, "unsubscribed")
    assert after.activities("kunde-01") == ["nicht bestellt"]


def test_the_wait_the_service_asks_for_is_passed_on_to_dagster(scenario: Scenario) -> None:
    scenario.control.fault(
        "mailchimp",
        kind="status",
        match=AUDIENCES,
        times=MANY,
        status=429,
        body=None,
        headers={"Retry-After": "900"},
    )

    with pytest.raises(Retryable) as caught:
        scenario.sync()

    assert caught.value.retry_after == 900


# While writing --------------------------------------------------------------------------------


def results(scenario: Scenario, plan_id: str) -> Counter[tuple[str, str, str]]:
    """Changes of a plan by action, result and cause."""
    rows = plans.change_rows(scenario.link.warehouse, plan_id=plan_id)
    return Counter(zip(rows["action"], rows["result"], rows["cause"], strict=True))


WHILE_WRITING: dict[str, tuple[dict[str, Any], str]] = {
    "429 storm": ({"kind": "status", "status": 429, "body": None}, "throttled"),
    "502 with a page": ({"kind": "html_error"}, "server"),
}


@pytest.mark.parametrize(("fault", "cause"), WHILE_WRITING.values(), ids=WHILE_WRITING)
def test_a_storm_while_writing_leaves_the_rows_open_and_the_next_sync_sends_them(
    scenario: Scenario, fault: dict[str, Any], cause: str
) -> None:
    scenario.person("unsubscribe", "kunde-01")
    scenario.set_newsletter("kunde-02", NO)
    scenario.control.fault("mailchimp", match="PATCH", times=MANY, **fault)

    result = scenario.sync()

    assert not result.complete
    assert results(scenario, result.plan.plan_id)["unsubscribe", "failed", cause] == 1
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

    judge(caught.value, code="forbidden", says=KEY)
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

    judge(caught.value, code="throttled", says=LATER)
    calls = [(call.status, call.count) for call in scenario.control.calls()]
    assert [count for status, count in calls if status == 429] == [1]
    scenario.control.clear_faults()
    assert scenario.sync().complete
    assert_both_opt_outs_are_through(scenario.picture())


# Audiences -------------------------------------------------------------------------------------


def call(scenario: Scenario, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """One call of Mailchimp's API, as its web application would make it."""
    answer = httpx.request(
        method,
        f"{scenario.control.mailchimp_url}{path}",
        json=body,
        auth=("any", credentials.MAILCHIMP_API_KEY),
        trust_env=False,
    )
    return answer.raise_for_status().json()


def double(scenario: Scenario) -> None:
    details = call(scenario, "GET", f"/lists/{scenario.audience_id}")
    names = ("name", "contact", "permission_reminder", "campaign_defaults", "email_type_option")
    call(scenario, "POST", "/lists", {name: details[name] for name in names})


def delete(scenario: Scenario) -> None:
    scenario.control.act("mailchimp", actor="staff", action="delete_audience")


BETWEEN: dict[str, tuple[Callable[[Scenario], None], str, str]] = {
    "gone": (delete, "audience_gone", "ask Mailchimp whether it can be restored"),
    "doubled": (double, "audience_doubled", "rename the one that is not meant"),
}


@pytest.mark.parametrize(("spoil", "code", "says"), BETWEEN.values(), ids=BETWEEN)
@pytest.mark.parametrize("moment", ["before the sync", "between plan and push"])
def test_an_audience_that_is_gone_or_doubled_stops_before_the_provider_is_written_to(
    scenario: Scenario, spoil: Callable[[Scenario], None], code: str, says: str, moment: str
) -> None:
    scenario.set_newsletter("none", YES)
    plan = scenario.plan() if moment == "between plan and push" else None
    spoil(scenario)
    scenario.control.forget_calls()

    with pytest.raises(OperatorNeeded) as caught:
        scenario.sync() if plan is None else scenario.apply(plan)

    judge(caught.value, code=code, says=says)
    assert not dagster_tries_again(caught.value)
    assert scenario.writes() == {}


def test_an_audience_that_is_not_doubled_any_more_is_synced_again(scenario: Scenario) -> None:
    scenario.person("unsubscribe", "kunde-01")
    scenario.set_newsletter("kunde-02", NO)
    known = scenario.audience_id
    double(scenario)
    with pytest.raises(OperatorNeeded):
        scenario.sync()
    audiences = scenario.control.dump("mailchimp")["audiences"]
    (other,) = [a["id"] for a in audiences if a["name"] == "onoffice" and a["id"] != known]
    call(scenario, "PATCH", f"/lists/{other}", {"name": "Kunden"})

    scenario.sync()

    assert_both_opt_outs_are_through(scenario.picture())
