"""What every call to the Brevo twin meets: key, headers, limits, unknown paths, faults."""

from __future__ import annotations

import httpx
import pytest

from nl_pipeline_tests.sandbox.brevo.caller import ANNA, BrevoCaller, refusal


def test_a_call_without_a_key_is_refused(brevo: BrevoCaller) -> None:
    answer = httpx.get(f"{brevo.sandbox.brevo_url}/account", trust_env=False, verify=False)

    assert refusal(answer) == (401, "unauthorized", "authentication not found in headers")


def test_a_call_with_a_wrong_key_is_refused(brevo: BrevoCaller) -> None:
    answer = brevo.http.get("/account", headers={"api-key": "xkeysib-falsch"})

    assert refusal(answer) == (401, "unauthorized", "Key not found")


def test_the_account_tells_neither_language_nor_time_zone(brevo: BrevoCaller) -> None:
    account = brevo.get("/account")

    assert account["companyName"] == "Sandbox Immobilien GmbH"
    assert not {"language", "timezone", "dateTimePreferences"} & set(account)


def test_a_refused_call_has_a_request_id_and_limits_too(brevo: BrevoCaller) -> None:
    answer = brevo.call("GET", "/contacts/4711")

    assert answer.status_code == 404
    assert len(answer.headers["sib-request-id"]) == 32
    assert answer.headers["x-sib-ratelimit-limit"] == "100000"


def test_an_unknown_path_does_not_exist(brevo: BrevoCaller) -> None:
    assert refusal(brevo.call("GET", "/nonsense"))[:2] == (404, "document_not_found")


def test_a_method_a_path_does_not_have_is_not_allowed(brevo: BrevoCaller) -> None:
    assert refusal(brevo.call("PUT", "/account"))[:2] == (405, "method_not_allowed")


def test_a_body_that_is_not_json_is_a_bad_request(brevo: BrevoCaller) -> None:
    answer = brevo.http.post("/contacts", content=b"{")

    assert refusal(answer)[:2] == (400, "bad_request")


def test_the_call_too_many_of_an_hour_is_refused(brevo: BrevoCaller) -> None:
    brevo.switch("other_per_hour", 2)

    answers = [brevo.call("GET", "/account") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["x-sib-ratelimit-remaining"] for answer in answers] == ["1", "0", "0"]
    assert answers[2].json()["code"] == "too_many_requests"
    assert brevo.sandbox.dump("brevo")["violations"] == {"other": 1}


def test_a_refused_call_changes_nothing(brevo: BrevoCaller) -> None:
    brevo.switch("contacts_per_second", 0)

    brevo.call("POST", "/contacts", {"email": ANNA})

    assert brevo.sandbox.dump("brevo")["contacts"] == []


def test_an_hour_begins_anew_when_the_headers_say(brevo: BrevoCaller) -> None:
    brevo.switch("other_per_hour", 1)
    brevo.call("GET", "/account")
    refused = brevo.call("GET", "/account")

    brevo.sandbox.advance(seconds=int(refused.headers["x-sib-ratelimit-reset"]))

    assert brevo.call("GET", "/account").status_code == 200


def test_contacts_have_a_limit_per_hour_that_other_calls_do_not_share(brevo: BrevoCaller) -> None:
    # One call was spent on creating the list.
    brevo.switch("contacts_per_hour", 3)

    statuses = [brevo.call("GET", "/contacts/lists").status_code for _ in range(3)]

    assert statuses == [200, 200, 429]
    assert brevo.call("GET", "/account").status_code == 200


@pytest.mark.parametrize(("shown", "limit"), [("second", "100000"), ("hour", "36000")])
def test_the_headers_tell_of_one_of_two_windows(brevo: BrevoCaller, shown: str, limit: str) -> None:
    brevo.switch("limit_headers", shown)

    assert brevo.call("GET", "/contacts").headers["x-sib-ratelimit-limit"] == limit


def test_an_injected_fault_has_the_envelope_of_the_service(brevo: BrevoCaller) -> None:
    brevo.sandbox.fault("brevo", kind="status", match="GET /brevo/v3/account", status=503)

    assert refusal(brevo.call("GET", "/account"))[:2] == (503, "sandbox_fault")
    assert brevo.call("GET", "/account").status_code == 200


def test_calls_are_counted_by_the_templates_of_their_paths(brevo: BrevoCaller) -> None:
    brevo.create(ANNA)
    brevo.sandbox.forget_calls()

    brevo.contact(ANNA)
    brevo.call("GET", f"/{ANNA}/nonsense")

    counted = {(call.path, call.status) for call in brevo.sandbox.calls()}
    assert counted == {("/v3/contacts/{identifier}", 200), ("/v3/{unknown}", 404)}
