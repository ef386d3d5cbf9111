"""Error paths of Mailchimp while a sync reads.

Here: throttling in all its forms, keys and rights, answers that are none, audiences that are gone
or doubled; what the person reads, whether Dagster tries again, that nothing is written, and that
the next sync gets every opt-out through. What one call makes of an answer is tested with the
client, and the causes of refusals too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from nl_pipeline.clients.errors import ApiError, OperatorNeeded, Retryable
from nl_pipeline.sandbox import credentials
from nl_pipeline.sync.run import SyncResult
from nl_pipeline_tests.scenario import NO, YES, Picture, Scenario
from nl_pipeline_tests.sync.conftest import StartedScenario
from nl_pipeline_tests.sync.failing import (
    assert_both_opt_outs_are_through,
    dagster_tries_again,
    words_missing_from,
)

AUDIENCES, MEMBERS = "GET /mailchimp/3.0/lists?", "/members?"
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
    assert error.code == failure.code
    assert words_missing_from(error, [failure.says]) == []
    assert "@" not in str(error)


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


def call(scenario: Scenario, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """One call of Mailchimp's API, as its web application would make it."""
    answer = httpx.request(
        method,
        f"{scenario.control.mailchimp_url}{path}",
        json=body,
        auth=("any", credentials.MAILCHIMP_API_KEY),
        trust_env=False,
        verify=False,
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
    # A plan that is pushed within moments goes by the check that was made for it.
    scenario.pass_time()
    scenario.control.forget_calls()

    with pytest.raises(OperatorNeeded) as caught:
        scenario.sync() if plan is None else scenario.apply(plan)

    assert caught.value.code == code
    assert words_missing_from(caught.value, [says]) == []
    assert "@" not in str(caught.value)
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
