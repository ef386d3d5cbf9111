"""Faults of each kind, as a client of the onOffice twin meets them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from nl_pipeline.sandbox.app import World
from nl_pipeline.sandbox.credentials import ONOFFICE_TOKEN
from nl_pipeline.sandbox.serve import running
from nl_pipeline_tests.sandbox.onoffice_caller import Asked, OnOfficeCaller
from nl_pipeline_tests.sandbox_control import SandboxControl

READ = Asked("read", "address", {"data": [], "sortby": "KdNr", "listlimit": 10})
CREATE = Asked("create", "address", {"Name": "Neu"})


@pytest.fixture
def sandbox_url() -> Iterator[str]:
    """A server of this test's own: a broken call may still be ending when the next test starts."""
    with running(World(contacts=30, seed=1)) as base_url:
        yield base_url


def addresses(sandbox: SandboxControl) -> int:
    return len(sandbox.dump("onoffice")["addresses"])


def send(onoffice: OnOfficeCaller, asked: Asked, *, timeout: float = 5) -> httpx.Response:
    document = {
        "token": ONOFFICE_TOKEN,
        "request": {"actions": [asked.signed(token=ONOFFICE_TOKEN)]},
    }
    return httpx.post(onoffice.url, json=document, timeout=timeout, trust_env=False, verify=False)


def armed(sandbox: SandboxControl) -> list[dict[str, Any]]:
    answer = httpx.get(f"{sandbox.base_url}/_sandbox/faults", trust_env=False, verify=False).json()
    found: list[dict[str, Any]] = answer["faults"]
    return found


def test_a_status_fault_answers_without_effect(
    onoffice: OnOfficeCaller, sandbox: SandboxControl
) -> None:
    sandbox.fault(
        "onoffice", kind="status", match="create:address", status=503, headers={"Retry-After": "7"}
    )

    answer = send(onoffice, CREATE)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")
    assert addresses(sandbox) == 30


def test_a_status_fault_may_come_after_the_effect(
    onoffice: OnOfficeCaller, sandbox: SandboxControl
) -> None:
    sandbox.fault("onoffice", kind="status", match="create", status=502, after_apply=True)

    assert send(onoffice, CREATE).status_code == 502
    assert addresses(sandbox) == 31


def test_a_status_fault_of_mailchimp_is_a_problem_document(sandbox: SandboxControl) -> None:
    sandbox.fault("mailchimp", kind="status", match="/3.0/ping", status=429)

    answer = httpx.get(f"{sandbox.mailchimp_url}/ping", trust_env=False, verify=False)

    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.json()["status"] == 429


def test_a_status_fault_may_have_no_body(sandbox: SandboxControl) -> None:
    sandbox.fault("mailchimp", kind="status", match="/3.0/ping", status=403, body=None)

    answer = httpx.get(f"{sandbox.mailchimp_url}/ping", trust_env=False, verify=False)

    assert (answer.status_code, answer.content) == (403, b"")


def test_an_html_error_is_no_json(onoffice: OnOfficeCaller, sandbox: SandboxControl) -> None:
    sandbox.fault("onoffice", kind="html_error", match="api.php")

    answer = send(onoffice, READ)

    assert answer.status_code == 502
    assert answer.headers["content-type"] == "text/html"


def test_an_error_code_strikes_single_actions(
    onoffice: OnOfficeCaller, sandbox: SandboxControl
) -> None:
    sandbox.fault("onoffice", kind="status", match="create:address", errorcode=1, positions=[1])

    results = onoffice.results(CREATE, CREATE, CREATE)

    assert [result["status"]["errorcode"] for result in results] == [0, 1, 0]
    assert addresses(sandbox) == 32


@pytest.mark.parametrize(("kind", "left"), [("timeout_before", 30), ("timeout_after_apply", 31)])
def test_a_timeout_holds_the_call_before_or_after_its_effect(
    onoffice: OnOfficeCaller, sandbox: SandboxControl, kind: str, left: int
) -> None:
    sandbox.fault("onoffice", kind=kind, match="create:address")

    with pytest.raises(httpx.ReadTimeout):
        send(onoffice, CREATE, timeout=0.2)

    assert addresses(sandbox) == left


def test_a_timeout_ends_by_itself_with_a_broken_connection(
    onoffice: OnOfficeCaller, sandbox: SandboxControl
) -> None:
    sandbox.fault("onoffice", kind="timeout_before", match="", seconds=0.01)

    with pytest.raises(httpx.TransportError):
        send(onoffice, READ)


@pytest.mark.parametrize(("after_apply", "left"), [(False, 30), (True, 31)])
def test_a_reset_breaks_the_connection_before_an_answer(
    onoffice: OnOfficeCaller, sandbox: SandboxControl, after_apply: bool, left: int
) -> None:
    sandbox.fault("onoffice", kind="reset", match="create:address", after_apply=after_apply)

    with pytest.raises(httpx.ReadError):
        send(onoffice, CREATE)

    assert addresses(sandbox) == left


def test_a_broken_call_is_counted_without_a_status(
    onoffice: OnOfficeCaller, sandbox: SandboxControl
) -> None:
    sandbox.fault("onoffice", kind="reset", match="")

    with pytest.raises(httpx.ReadError):
        send(onoffice, READ)

    # The line breaks a moment before the call is counted: asked again until it is.
    calls = next(filter(None, (sandbox.calls() for _ in range(100))), [])
    assert [(call.status, call.actions) for call in calls] == [(0, {"read:address": 1})]


def test_a_truncated_answer_ends_too_early(
    onoffice: OnOfficeCaller, sandbox: SandboxControl
) -> None:
    sandbox.fault("onoffice", kind="truncate", match="create:address")

    with pytest.raises(httpx.RemoteProtocolError):
        send(onoffice, CREATE)

    assert addresses(sandbox) == 31


def test_a_delayed_call_takes_effect_late(
    onoffice: OnOfficeCaller, sandbox: SandboxControl
) -> None:
    sandbox.fault("onoffice", kind="delay", match="create:address", seconds=0.3)

    with pytest.raises(httpx.ReadTimeout):
        send(onoffice, CREATE, timeout=0.05)

    assert send(onoffice, CREATE).status_code == 200


def test_a_short_page_has_fewer_rows_than_its_total_promises(
    onoffice: OnOfficeCaller, sandbox: SandboxControl
) -> None:
    sandbox.fault("onoffice", kind="short_page", match="read:address", rows=3)

    data = onoffice.result(READ)["data"]

    assert (len(data["records"]), data["meta"]["cntabsolute"]) == (3, 30)


def pages(onoffice: OnOfficeCaller) -> tuple[list[int], set[int]]:
    ids: list[int] = []
    totals = set()
    for offset in (0, 10, 20):
        parameters = {**READ.parameters, "listoffset": offset}
        data = onoffice.result(Asked("read", "address", parameters))["data"]
        ids += [record["id"] for record in data["records"]]
        totals.add(data["meta"]["cntabsolute"])
    return ids, totals


def test_page_drift_repeats_one_row_and_loses_another_at_the_same_count(
    onoffice: OnOfficeCaller, sandbox: SandboxControl
) -> None:
    sandbox.fault("onoffice", kind="page_drift", match="read:address", skip=1)

    ids, totals = pages(onoffice)

    assert len(ids) == 30
    assert len(set(ids)) == 29
    assert totals == {30}


def test_page_drift_may_make_a_row_vanish(
    onoffice: OnOfficeCaller, sandbox: SandboxControl
) -> None:
    sandbox.fault("onoffice", kind="page_drift", match="read:address", skip=1, vanish=True)

    ids, totals = pages(onoffice)

    assert len(ids) == len(set(ids)) == 29
    assert totals == {30, 29}


def test_a_fault_strikes_once_by_default(onoffice: OnOfficeCaller, sandbox: SandboxControl) -> None:
    sandbox.fault("onoffice", kind="status", match="read:address")

    assert [send(onoffice, READ).status_code for _ in range(2)] == [500, 200]


def test_a_fault_can_hit_the_third_and_fourth_call(
    onoffice: OnOfficeCaller, sandbox: SandboxControl
) -> None:
    sandbox.fault("onoffice", kind="status", match="read:address", skip=2, times=2)

    codes = [send(onoffice, READ).status_code for _ in range(5)]

    assert codes == [200, 200, 500, 500, 200]


def test_a_rate_hits_a_share_of_the_calls(
    onoffice: OnOfficeCaller, sandbox: SandboxControl
) -> None:
    sandbox.fault("onoffice", kind="status", match="read:address", rate=0.5)

    codes = {send(onoffice, READ).status_code for _ in range(20)}

    assert codes == {200, 500}


def test_a_match_is_a_substring_or_a_pattern(
    onoffice: OnOfficeCaller, sandbox: SandboxControl
) -> None:
    sandbox.fault("onoffice", kind="status", match="^(read|create):address$", times=5)

    codes = [send(onoffice, asked).status_code for asked in (READ, CREATE, Asked("get", "users"))]

    assert codes == [500, 500, 200]


def test_cleared_faults_strike_no_more(onoffice: OnOfficeCaller, sandbox: SandboxControl) -> None:
    sandbox.fault("onoffice", kind="status", match="", times=9)
    sandbox.clear_faults()

    assert send(onoffice, READ).status_code == 200


def test_faults_are_listed_with_what_they_did(
    onoffice: OnOfficeCaller, sandbox: SandboxControl
) -> None:
    sandbox.fault("onoffice", kind="status", match="read:address", skip=1)
    send(onoffice, READ)
    send(onoffice, READ)

    [fault] = armed(sandbox)

    assert (fault["kind"], fault["seen"], fault["applied"]) == ("status", 2, 1)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"kind": "earthquake"}, "allowed: ["),
        (
            {"kind": "status", "service": "hubspot"},
            "allowed: ['onoffice', 'mailchimp', 'brevo', 'linkedin']",
        ),
        ({"kind": "missign_webhook", "service": "mailchimp"}, "belongs to the service 'linkedin'"),
        ({"kind": "status", "rate": 2}, "0 to 1"),
        ({"kind": "status", "often": 2}, "often"),
        ({"kind": "reset", "errorcode": 1}, "belongs to the kind 'status'"),
        ({}, "kind"),
    ],
)
def test_a_fault_that_cannot_be_armed_says_why(
    sandbox: SandboxControl, fault: dict[str, Any], reason: str
) -> None:
    answer = httpx.post(
        f"{sandbox.base_url}/_sandbox/faults", json=fault, trust_env=False, verify=False
    )

    assert answer.status_code == 400
    assert reason in answer.json()["error"]
