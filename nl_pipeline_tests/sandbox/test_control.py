"""The sandbox's control API, its call log, its clock and its server."""

from __future__ import annotations

import socket
from datetime import datetime
from typing import Any

import httpx
import pytest

from nl_pipeline.sandbox.app import World
from nl_pipeline.sandbox.serve import ServeRefused, running, serve
from nl_pipeline_tests.sandbox.onoffice_caller import Asked, OnOfficeCaller
from nl_pipeline_tests.sandbox_control import SandboxControl

READ = Asked("read", "address", {"data": []})


def refusal(base_url: str, path: str, payload: Any) -> str:
    answer = httpx.post(f"{base_url}/_sandbox/{path}", json=payload, trust_env=False, verify=False)
    assert answer.status_code == 400
    error: str = answer.json()["error"]
    return error


def test_health_names_the_services_and_the_population(sandbox_url: str) -> None:
    health = httpx.get(f"{sandbox_url}/_sandbox/health", trust_env=False, verify=False).json()

    assert health["status"] == "ok"
    assert health["services"] == ["onoffice", "mailchimp", "brevo", "linkedin"]
    assert (health["contacts"], health["seed"]) == (60, 1)


def test_a_reset_fills_the_sandbox_afresh(sandbox: SandboxControl) -> None:
    sandbox.act("onoffice", actor="staff", action="create", Vorname="Eva")

    sandbox.reset(contacts=7, seed=3)

    assert len(sandbox.dump("onoffice")["addresses"]) == 7


def test_two_resets_with_the_same_seed_are_equal(sandbox: SandboxControl) -> None:
    sandbox.reset(contacts=40, seed=3)
    first = sandbox.dump("onoffice")
    sandbox.reset(contacts=40, seed=3)

    assert sandbox.dump("onoffice") == first


def test_a_reset_takes_switches_by_service_or_flat(sandbox: SandboxControl) -> None:
    sandbox.reset(contacts=0, onoffice={"double_opt_in": True}, error_shape="inner")

    url = f"{sandbox.base_url}/_sandbox/onoffice/switches"
    switches = httpx.get(url, trust_env=False, verify=False).json()["switches"]
    assert switches["double_opt_in"] is True
    assert switches["error_shape"] == "inner"


def test_a_reset_returns_switches_rights_faults_and_calls_to_their_start(
    sandbox: SandboxControl, onoffice: OnOfficeCaller
) -> None:
    sandbox.switch("onoffice", name="error_shape", value="mirror")
    sandbox.act("onoffice", actor="staff", action="restrict_rights", visible=0, write=False)
    sandbox.fault("onoffice", kind="status", match="")
    onoffice.post({})

    sandbox.reset(contacts=3)

    assert sandbox.calls() == []
    assert onoffice.total(READ) == 3
    assert onoffice.code(Asked("create", "address", {"Name": "A"})) == 0


@pytest.mark.parametrize(
    ("path", "payload", "reason"),
    [
        ("reset", {"contacts": -1}, "whole numbers"),
        ("reset", {"nonsense": 1}, "nonsense"),
        ("reset", [], "JSON object"),
        ("clock", {"advance": -1}, "from 0 on"),
        ("hubspot/act", {}, "there are: onoffice, mailchimp, brevo, linkedin"),
        ("onoffice/switches", {"name": "nonsense", "value": 1}, "allowed: ["),
        ("onoffice/switches", {"name": "error_shape", "value": "odd"}, "error_shape"),
        ("onoffice/switches", {"name": "time_zone", "value": "Mars/Base"}, "no IANA zone"),
        ("onoffice/switches", {"value": 1}, "name and value"),
    ],
)
def test_a_control_call_that_cannot_be_done_says_why(
    sandbox_url: str, path: str, payload: Any, reason: str
) -> None:
    assert reason in refusal(sandbox_url, path, payload)


def test_calls_are_counted_with_their_actions(
    onoffice: OnOfficeCaller, sandbox: SandboxControl
) -> None:
    onoffice.results(READ, READ, Asked("get", "users"))
    onoffice.results(READ)

    [call] = sandbox.calls()

    assert (call.service, call.method, call.status, call.count) == ("onoffice", "POST", 200, 2)
    assert call.path == "/api/stable/api.php"
    assert call.actions == {"get:users": 1, "read:address": 3}


def test_calls_of_mailchimp_are_counted_by_template(sandbox: SandboxControl) -> None:
    for member in ("a", "b"):
        httpx.get(
            f"{sandbox.mailchimp_url}/lists/abc/members/{member}", trust_env=False, verify=False
        )

    [call] = sandbox.calls()

    assert (call.service, call.count) == ("mailchimp", 2)
    assert call.path == "/3.0/lists/{list_id}/members/{subscriber_hash}"


def test_control_calls_are_not_counted(sandbox: SandboxControl) -> None:
    sandbox.dump("onoffice")

    assert sandbox.calls() == []


def test_calls_are_forgotten_on_demand(onoffice: OnOfficeCaller, sandbox: SandboxControl) -> None:
    onoffice.results(READ)

    sandbox.forget_calls()

    assert sandbox.calls() == []


def test_the_clock_runs_ahead_by_what_it_was_advanced(
    onoffice: OnOfficeCaller, sandbox: SandboxControl, sandbox_world: World
) -> None:
    before = sandbox_world.clock.now()

    sandbox.advance(seconds=30 * 86_400)

    assert (sandbox_world.clock.now() - before).days == 30


def test_records_are_written_at_the_advanced_time(
    onoffice: OnOfficeCaller, sandbox: SandboxControl
) -> None:
    today = datetime.fromisoformat(onoffice.address(_new(onoffice), "Aenderung")["Aenderung"])

    sandbox.advance(seconds=30 * 86_400)

    later = datetime.fromisoformat(onoffice.address(_new(onoffice), "Aenderung")["Aenderung"])
    assert (later - today).days in (29, 30)


def test_an_advanced_clock_never_moves_back(sandbox_world: World) -> None:
    with pytest.raises(ValueError, match="only moves forward"):
        sandbox_world.clock.advance(-1)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.0.7", "sandbox.example"])
def test_only_loopback_is_served(host: str) -> None:
    with pytest.raises(ServeRefused, match="public credentials"):
        serve(host=host, port=0, contacts=0)


def test_a_port_in_use_is_refused_with_the_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(ServeRefused, match="choose another port"):
            serve(port=port, contacts=0)


def test_every_answer_has_a_date(sandbox_url: str) -> None:
    assert (
        "date"
        in httpx.get(f"{sandbox_url}/mailchimp/3.0/ping", trust_env=False, verify=False).headers
    )


def test_two_sandboxes_run_side_by_side() -> None:
    with running(World(contacts=1)) as first, running(World(contacts=2)) as second:
        found = [
            httpx.get(f"{url}/_sandbox/health", trust_env=False, verify=False).json()["contacts"]
            for url in (first, second)
        ]

    assert found == [1, 2]


def _new(onoffice: OnOfficeCaller) -> int:
    return onoffice.create(Name="A")
