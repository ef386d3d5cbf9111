"""Error paths of onOffice, as a whole sync meets them.

Here: every shape of a failed answer, rights, fields, clock and IP allow-list; what the person
reads, whether Dagster tries again, that nothing is half done, and that the next sync gets every
opt-out through. What one call makes of an answer is tested with the client.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
import pytest

from nl_pipeline.clients.errors import ApiError, OperatorNeeded, Permanent, Retryable
from nl_pipeline.orchestration.failures import failures_without_personal_data
from nl_pipeline.sync.advice import next_step_for_problem
from nl_pipeline.sync.run import SyncResult
from nl_pipeline.warehouse import plans
from nl_pipeline.warehouse.reports import list_problems
from nl_pipeline_tests.scenario import CANCEL, NO, YES, Picture, Scenario
from nl_pipeline_tests.sync.conftest import StartedScenario

READ = "read:address"
TEXT = "what the CRM says may quote anna@kunde.example"


def whole(code: int, errorcode: int, *results: dict[str, Any]) -> dict[str, Any]:
    """An answer with an outer status; a result of None: there is no `response` at all."""
    status = {
        "code": code,
        "errorcode": errorcode,
        "message": "text of the CRM, anna@kunde.example",
    }
    return {"status": status, "response": {"results": list(results)}}


def one(errorcode: int, message: str = TEXT) -> dict[str, Any]:
    """The failed result of one action, with `[]` as its data."""
    return {"data": [], "status": {"errorcode": errorcode, "message": message}}


@dataclass(frozen=True)
class Failure:
    """A way in which reading the CRM fails, and what comes of it."""

    error: type[ApiError]
    code: str
    says: tuple[str, ...]
    body: dict[str, Any] | None = None
    kind: str = "status"
    status: int = 200
    options: dict[str, Any] = field(default_factory=dict)

    def arm(self, scenario: Scenario) -> None:
        options = dict(self.options)
        if self.kind == "status":
            options["body"] = self.body
        scenario.control.fault(
            "onoffice", kind=self.kind, match=READ, times=9, status=self.status, **options
        )


KEYS, ALLOW = ("token (32 characters)", "secret (64)"), ("allow this host's IP address",)
NO_RESPONSE = {"status": {"code": 500, "errorcode": 41, "message": "Customer unknown!"}}
CLOCK = ("timestamp", "set this host's clock", "time zone")
LATER = ("the next run tries again",)

FAILURES = {
    "wrong signature, told inside a success": Failure(
        OperatorNeeded, "137", KEYS, whole(200, 0, one(137))
    ),
    "wrong signature, as documented": Failure(
        OperatorNeeded, "137", KEYS, whole(500, 97, one(137))
    ),
    "customer unknown, no response": Failure(OperatorNeeded, "41", KEYS, NO_RESPONSE),
    "token unknown": Failure(OperatorNeeded, "22", KEYS, whole(400, 22)),
    "token missing": Failure(OperatorNeeded, "13", KEYS, whole(400, 13)),
    "not authenticated, without a code": Failure(
        OperatorNeeded, "400", ("token, secret and the rights",), whole(400, 0)
    ),
    "code mirrored outside and inside": Failure(
        Permanent, "132", ("report this code",), whole(500, 132, one(132))
    ),
    "unknown field, by its name": Failure(
        Permanent,
        "141",
        ("unknown field Vorname", "mapped fields"),
        whole(500, 97, one(141, "Unknown field: Vorname")),
    ),
    "unknown field, mirrored": Failure(
        Permanent, "145", ("unknown field Vorname",), whole(500, 145, one(145, '"Vorname"'))
    ),
    "IP address refused": Failure(OperatorNeeded, "158", ALLOW, whole(500, 158)),
    "no right to read": Failure(OperatorNeeded, "170", ("the right",), whole(200, 0, one(170))),
    "marketplace claim": Failure(
        OperatorNeeded, "201", ("plain API user",), whole(200, 0, one(201))
    ),
    "clock": Failure(OperatorNeeded, "clock", CLOCK, whole(500, 97, one(136))),
    "unknown error": Failure(Retryable, "1", LATER, whole(500, 97, one(1))),
    "error in action, and none is told": Failure(Retryable, "97", LATER, whole(500, 97)),
    "a result is missing": Failure(Retryable, "results", ("0 result(s)",), whole(200, 0)),
    "a result too many": Failure(
        Retryable, "results", ("2 result(s)",), whole(200, 0, {"data": []}, {"data": []})
    ),
    "success without data": Failure(
        Permanent, "no-total", ("completeness cannot be judged",), whole(200, 0, {"data": []})
    ),
    "HTML instead of JSON": Failure(Retryable, "unreadable", LATER, kind="html_error"),
    "HTML from the gateway": Failure(Retryable, "unreadable", LATER, kind="html_error", status=502),
    "half an answer": Failure(Retryable, "RemoteProtocolError", LATER, kind="truncate"),
    "HTTP 500 without a body": Failure(Retryable, "unreadable", LATER, status=500),
    "HTTP 429": Failure(Retryable, "throttled", LATER, status=429),
    "HTTP 403 of a proxy": Failure(
        OperatorNeeded, "refused", ("proxies", "allow-list"), kind="html_error", status=403
    ),
    "HTTP 404": Failure(Permanent, "endpoint", ("check base_url",), status=404),
}


def dagster_tries_again(error: Exception) -> bool:
    """What the boundary of every asset makes of an error."""
    with (
        pytest.raises((dg.Failure, dg.RetryRequested)) as caught,
        failures_without_personal_data(retry_after_seconds=30),
    ):
        raise error
    return isinstance(caught.value, dg.RetryRequested)


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
        for name, failure in FAILURES.items():
            scenario.control.forget_calls()
            failure.arm(scenario)
            with pytest.raises(ApiError) as caught:
                scenario.sync("full")
            raised[name], writes[name] = caught.value, scenario.writes()
            scenario.control.clear_faults()
        return Story(raised, writes, scenario.sync(), scenario.picture())


@pytest.mark.parametrize("name", FAILURES)
def test_a_failed_read_says_what_is_wrong_and_what_to_do_next(story: Story, name: str) -> None:
    error, failure = story.raised[name], FAILURES[name]
    message = str(error)
    assert (type(error), error.code) == (failure.error, failure.code)
    assert [words for words in ("onoffice:", "Next:", *failure.says) if words not in message] == []
    assert "@" not in message


@pytest.mark.parametrize("name", FAILURES)
def test_a_failed_read_is_tried_again_by_dagster_only_if_that_can_help(
    story: Story, name: str
) -> None:
    error = story.raised[name]
    assert dagster_tries_again(error) is isinstance(error, Retryable)


@pytest.mark.parametrize("name", FAILURES)
def test_a_failed_read_stops_the_sync_before_anything_is_written(story: Story, name: str) -> None:
    assert story.writes[name] == {}


def test_after_all_failures_of_a_read_one_sync_brings_every_opt_out_through(story: Story) -> None:
    assert story.last.complete
    after = story.after
    assert (after.newsletter("kunde-01"), after.status("kunde-02")) == (CANCEL, "unsubscribed")


def test_a_clock_that_is_three_minutes_off_is_corrected_by_that_of_the_server(
    scenario: Scenario,
) -> None:
    scenario.person("unsubscribe", "kunde-01")
    scenario.control.switch("onoffice", name="clock_skew_seconds", value=180)

    result = scenario.sync()

    assert result.complete
    assert scenario.newsletter("kunde-01") == CANCEL


def test_a_field_that_is_switched_off_stops_the_sync_by_its_name_before_anything_is_written(
    scenario: Scenario,
) -> None:
    scenario.control.switch("onoffice", name="inactive_fields", value=["Vorname"])
    # The field configuration is asked once per client, and every run has a client of its own.
    scenario.link.crm.client._fields.clear()
    scenario.control.forget_calls()

    with pytest.raises(OperatorNeeded, match="Vorname is not active") as caught:
        scenario.sync()

    assert caught.value.code == "field_missing"
    assert not dagster_tries_again(caught.value)
    assert scenario.writes() == {}


# While writing --------------------------------------------------------------------------------


def results(scenario: Scenario, plan_id: str) -> Counter[tuple[str, str, str]]:
    """Changes of a plan by action, result and cause."""
    rows = plans.change_rows(scenario.link.warehouse, plan_id=plan_id)
    return Counter(zip(rows["action"], rows["result"], rows["cause"], strict=True))


@pytest.mark.parametrize("code", [80, 145, 261])
def test_one_contact_that_may_not_be_written_stops_no_other_opt_out(
    scenario: Scenario, code: int
) -> None:
    for name in ("kunde-01", "kunde-02"):
        scenario.person("unsubscribe", name)
    scenario.set_newsletter("kunde-03", NO)
    scenario.control.fault(
        "onoffice", kind="status", match="modify:address", errorcode=code, positions=[0], times=1
    )

    result = scenario.sync()

    after = scenario.picture()
    assert not result.complete
    assert sorted(after.newsletter(name) for name in ("kunde-01", "kunde-02")) == [YES, CANCEL]
    assert after.status("kunde-03") == "unsubscribed"
    assert results(scenario, result.plan.plan_id)["set_newsletter", "refused", str(code)] == 1


def lose_the_right_to_write(scenario: Scenario) -> None:
    scenario.control.act("onoffice", actor="staff", action="restrict_rights", write=False)


def give_the_right_to_write(scenario: Scenario) -> None:
    scenario.control.act("onoffice", actor="staff", action="restrict_rights", write=True)


def test_without_the_right_to_write_opt_outs_of_the_crm_still_reach_the_provider(
    scenario: Scenario,
) -> None:
    scenario.person("unsubscribe", "kunde-01")
    scenario.person("subscribe", "newcomer")
    scenario.set_newsletter("kunde-02", NO)
    lose_the_right_to_write(scenario)

    result = scenario.sync()

    told = results(scenario, result.plan.plan_id)
    assert (told["set_newsletter", "refused", "174"], told["create_contact", "refused", "131"]) == (
        1,
        1,
    )
    assert scenario.status("kunde-02") == "unsubscribed"


def test_a_missing_right_is_listed_with_what_to_do_about_it(scenario: Scenario) -> None:
    scenario.person("unsubscribe", "kunde-01")
    lose_the_right_to_write(scenario)

    scenario.sync()

    steps = {
        next_step_for_problem(code=problem.code, result=problem.result, cause=problem.cause)
        for problem in list_problems(scenario.link.warehouse)
    }
    assert [step for step in steps if "give the API user the right" in step]


def test_rights_to_write_that_come_back_let_the_next_sync_catch_up(scenario: Scenario) -> None:
    scenario.person("unsubscribe", "kunde-01")
    scenario.person("subscribe", "newcomer")
    lose_the_right_to_write(scenario)
    scenario.sync()
    give_the_right_to_write(scenario)

    result = scenario.sync()

    after = scenario.picture()
    assert result.complete
    assert (after.newsletter("kunde-01"), after.newsletter("newcomer")) == (CANCEL, YES)
    assert [after.activities(name) for name in ("kunde-01", "newcomer")] == [
        ["nicht bestellt"],
        ["bestellt"],
    ]


STOPS: dict[str, Callable[[Scenario], None]] = {
    "158": lambda s: s.control.switch("onoffice", name="ip_blocked", value=True),
    "137": lambda s: s.control.fault(
        "onoffice", kind="status", match="modify:address", errorcode=137, times=9
    ),
}


@pytest.mark.parametrize("code", STOPS)
def test_a_door_that_is_shut_while_we_write_and_opens_again_loses_no_opt_out(
    scenario: Scenario, code: str
) -> None:
    scenario.person("unsubscribe", "kunde-01")
    scenario.set_newsletter("kunde-02", NO)
    plan = scenario.plan()
    STOPS[code](scenario)
    with pytest.raises(OperatorNeeded) as caught:
        scenario.apply(plan)
    assert (caught.value.code, scenario.newsletter("kunde-01")) == (code, YES)
    scenario.control.clear_faults()
    scenario.control.switch("onoffice", name="ip_blocked", value=False)

    result = scenario.sync()

    after = scenario.picture()
    assert result.complete
    assert (after.newsletter("kunde-01"), after.status("kunde-02")) == (CANCEL, "unsubscribed")
    assert after.activities("kunde-01") == ["nicht bestellt"]


def test_an_opt_out_that_was_written_before_the_door_shut_is_not_written_again(
    scenario: Scenario,
) -> None:
    scenario.person("unsubscribe", "kunde-01")
    scenario.person("subscribe", "newcomer")
    plan = scenario.plan()
    scenario.control.fault(
        "onoffice", kind="status", match="create:address", errorcode=158, times=9
    )
    with pytest.raises(OperatorNeeded):
        scenario.apply(plan)
    scenario.control.clear_faults()

    scenario.sync()

    after = scenario.picture()
    assert (after.newsletter("kunde-01"), after.newsletter("newcomer")) == (CANCEL, YES)
    assert after.activities("kunde-01") == ["nicht bestellt"]


@pytest.mark.parametrize("code", [100, 174])
def test_an_activity_that_could_not_be_booked_is_booked_once_the_cause_is_mended(
    scenario: Scenario, code: int
) -> None:
    scenario.person("unsubscribe", "kunde-01")
    scenario.control.fault(
        "onoffice", kind="status", match="create:agentslog", errorcode=code, times=1
    )
    needs_operator = code != 174
    if needs_operator:
        with pytest.raises(OperatorNeeded) as caught:
            scenario.sync()
        assert caught.value.code == str(code)
    else:
        scenario.sync()
    before = scenario.picture()

    scenario.sync()

    assert (before.newsletter("kunde-01"), before.activities("kunde-01")) == (CANCEL, [])
    assert scenario.picture().activities("kunde-01") == ["nicht bestellt"]
