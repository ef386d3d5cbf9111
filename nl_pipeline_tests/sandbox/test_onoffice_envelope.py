"""The onOffice twin's envelope: signatures, checks of a request and the shapes of errors."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from nl_pipeline.sandbox.credentials import ONOFFICE_SECRET, ONOFFICE_TOKEN
from nl_pipeline.sandbox.onoffice.envelope import ACTION_PREFIX, signature
from nl_pipeline_tests.sandbox.onoffice_caller import Asked, OnOfficeCaller
from nl_pipeline_tests.sandbox_control import SandboxControl

SECRET = "00112233445566778899aabbccddeeff" * 2
TOKEN = "0123456789abcdef0123456789abcdef"
READ = Asked("read", "address", {"data": ["KdNr"], "listlimit": 1})
BAD_FIELD = Asked("read", "address", {"data": ["NoSuchField"]}, identifier="bad")


@pytest.mark.parametrize(
    ("resource_type", "verb", "expected"),
    [
        ("address", "read", "Ys5IibthbmhGZabSL2YwJT9WETexUoxJngjgd8CuJSw="),
        ("address", "create", "9+6NTgvM2sFAKoIuOT7qcwblM0kej3lXyCC0akCWm+E="),
        ("address", "modify", "gWXn7sQqWmVUFaCFC0sVlJcyoPOJl5JUTlzkb61e3fE="),
        ("agentslog", "create", "zKU2oF1PllnwGH1cdQD+q2Ei39FTvDEf/AxzLOYFSM0="),
        ("fields", "get", "WxZhM0nKkan2IAKfiQob+SlmarKaPPXV0HlZ6233DrU="),
        ("registerNewsletter", "do", "lke3rbXYzav5GZGBLlLuv0K93MmBIQIrNGNylHmcmeA="),
    ],
)
def test_a_signature_is_the_one_of_the_rule(resource_type: str, verb: str, expected: str) -> None:
    found = signature(
        secret=SECRET,
        timestamp="1700000000",
        token=TOKEN,
        resource_type=resource_type,
        action_id=ACTION_PREFIX + verb,
    )

    assert found == expected


def test_a_signature_of_the_printed_example_is_the_one_of_the_rule() -> None:
    found = signature(
        secret="dhY8h7FeU9",
        timestamp="123456789",
        token="dX5hkIIU6W",
        resource_type="estateCategories",
        action_id=ACTION_PREFIX + "get",
    )

    assert found == "F9OXyaJv7p+bLkwGDGV7ZUmfYgjH2E24zpsxY5/nVDk="


def test_the_credentials_have_the_lengths_of_real_ones() -> None:
    assert (len(ONOFFICE_TOKEN), len(ONOFFICE_SECRET)) == (32, 64)


def test_a_signed_action_is_answered_with_its_identifier(onoffice: OnOfficeCaller) -> None:
    answer = onoffice.answer(Asked("read", "address", {"data": []}, identifier="page-1"))

    assert answer["status"] == {"code": 200, "errorcode": 0, "message": "OK"}
    assert answer["response"]["results"][0]["identifier"] == "page-1"


@pytest.mark.parametrize("version", ["2", 2])
def test_the_hmac_version_may_be_text_or_a_number(onoffice: OnOfficeCaller, version: Any) -> None:
    assert onoffice.code(Asked("read", "address", version=version)) == 0


def test_an_empty_php_array_counts_as_no_parameters(onoffice: OnOfficeCaller) -> None:
    assert onoffice.code(Asked("read", "address", [])) == 0


def test_another_secret_is_refused_in_the_action(onoffice: OnOfficeCaller) -> None:
    assert onoffice.code(Asked("read", "address", secret="wrong")) == 137


@pytest.mark.parametrize(("age", "code"), [(-100, 0), (100, 0), (-140, 136), (140, 136)])
def test_a_timestamp_is_valid_for_two_minutes(
    onoffice: OnOfficeCaller, age: int, code: int
) -> None:
    assert onoffice.code(Asked("read", "address", timestamp=int(time.time()) - age)) == code


def test_a_skewed_server_refuses_and_tells_its_time(
    onoffice: OnOfficeCaller, sandbox: SandboxControl
) -> None:
    sandbox.switch("onoffice", name="clock_skew_seconds", value=3600)

    response = onoffice.post(
        {"token": ONOFFICE_TOKEN, "request": {"actions": [READ.signed(token=ONOFFICE_TOKEN)]}}
    )

    assert response.json()["response"]["results"][0]["status"]["errorcode"] == 136
    ahead = parsedate_to_datetime(response.headers["date"]).timestamp() - time.time()
    assert ahead == pytest.approx(3600, abs=30)


def test_advancing_the_sandbox_leaves_real_clients_valid(
    onoffice: OnOfficeCaller, sandbox: SandboxControl
) -> None:
    sandbox.advance(seconds=86_400)

    assert onoffice.code(READ) == 0


def test_the_signature_may_be_checked_by_the_sandbox_clock(
    onoffice: OnOfficeCaller, sandbox: SandboxControl
) -> None:
    sandbox.switch("onoffice", name="hmac_clock", value="sandbox")
    sandbox.advance(seconds=86_400)

    assert onoffice.code(READ) == 136


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", 9),
        (b"{not json", 6),
        (b'"\xff"', 7),
        (b'{"a":"\x01"}', 5),
        (b"[]", 14),
        (b"{}", 13),
        (b'{"token":"x"}', 14),
        (b'{"token":"x","request":{}}', 15),
        (b'{"token":"x","request":{"actions":[{}]}}', 22),
    ],
)
def test_a_malformed_request_fails_as_a_whole(
    onoffice: OnOfficeCaller, body: bytes, code: int
) -> None:
    response = onoffice.post_raw(body)

    assert response.status_code == 200
    assert response.json()["status"]["errorcode"] == code
    assert response.json()["status"]["code"] == 400
    assert "response" not in response.json()


@pytest.mark.parametrize(
    ("missing", "code"),
    [("actionid", 16), ("resourceid", 18), ("resourcetype", 19), ("parameters", 20)],
)
def test_an_action_without_a_mandatory_key_fails_alone(
    onoffice: OnOfficeCaller, missing: str, code: int
) -> None:
    spoilt = READ.signed(token=ONOFFICE_TOKEN)
    del spoilt[missing]
    whole = READ.signed(token=ONOFFICE_TOKEN)

    answer = onoffice.post({"token": ONOFFICE_TOKEN, "request": {"actions": [spoilt, whole]}})

    codes = [one["status"]["errorcode"] for one in answer.json()["response"]["results"]]
    assert codes == [code, 0]


@pytest.mark.parametrize(
    ("verb", "resource_type", "code"),
    [("update", "address", 23), ("delete", "address", 25), ("get", "agentslog", 25)],
)
def test_a_call_that_does_not_exist_is_refused(
    onoffice: OnOfficeCaller, verb: str, resource_type: str, code: int
) -> None:
    assert onoffice.code(Asked(verb, resource_type)) == code


@pytest.mark.parametrize(
    ("shape", "code", "errorcode"),
    [("documented", 500, 97), ("inner", 200, 0), ("mirror", 500, 141)],
)
def test_the_outer_status_of_a_failed_action_is_switchable(
    onoffice: OnOfficeCaller, sandbox: SandboxControl, shape: str, code: int, errorcode: int
) -> None:
    sandbox.switch("onoffice", name="error_shape", value=shape)

    answer = onoffice.answer(READ, BAD_FIELD)

    assert (answer["status"]["code"], answer["status"]["errorcode"]) == (code, errorcode)
    good, bad = answer["response"]["results"]
    assert good["status"]["errorcode"] == 0
    assert (bad["status"]["errorcode"], bad["data"], bad["identifier"]) == (141, [], "bad")


def test_an_unknown_token_may_be_an_unknown_customer(
    onoffice: OnOfficeCaller, sandbox: SandboxControl
) -> None:
    sandbox.switch("onoffice", name="bad_token_code", value=41)

    status = onoffice.answer(READ, token="0" * 32)["status"]

    assert (status["code"], status["errorcode"]) == (500, 41)


def test_a_blocked_ip_address_is_refused(onoffice: OnOfficeCaller, sandbox: SandboxControl) -> None:
    sandbox.switch("onoffice", name="ip_blocked", value=True)

    assert onoffice.answer(READ)["status"]["errorcode"] == 158


def test_only_post_is_answered(onoffice: OnOfficeCaller) -> None:
    assert onoffice.get().status_code == 405
