"""Error paths of onOffice while a sync reads.

Here: every shape of a failed answer, clock, keys, IP allow-list and fields; what the person reads,
whether Dagster tries again, that nothing is written, and that the next sync gets every opt-out
through. What one call makes of an answer is tested with the client.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest

from nl_pipeline.clients.errors import ApiError, OperatorNeeded, Permanent, Retryable
from nl_pipeline.sync.run import SyncResult
from nl_pipeline_tests.scenario import CANCEL, NO, Picture, Scenario
from nl_pipeline_tests.sync.conftest import StartedScenario
from nl_pipeline_tests.sync.failing import (
    assert_both_opt_outs_are_through,
    dagster_tries_again,
    words_missing_from,
)

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
    assert (type(error), error.code) == (failure.error, failure.code)
    assert words_missing_from(error, failure.says) == []
    assert "@" not in str(error)


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
    assert_both_opt_outs_are_through(story.after)


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
