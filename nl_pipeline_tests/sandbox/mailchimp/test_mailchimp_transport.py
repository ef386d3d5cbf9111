"""What every call goes through: credentials, limits, errors on demand, unknown paths."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from nl_pipeline.sandbox.credentials import MAILCHIMP_API_KEY
from nl_pipeline_tests.sandbox.mailchimp.caller import MailchimpCaller
from nl_pipeline_tests.sandbox_control import SandboxControl


def status_with(mailchimp: MailchimpCaller, authorization: str) -> tuple[int, str]:
    headers = {"Authorization": authorization} if authorization else {}
    url = f"{mailchimp.http.base_url}ping"
    answer = httpx.get(url, headers=headers, trust_env=False, verify=False)
    return answer.status_code, answer.json().get("title", "")


def test_ping_answers(mailchimp: MailchimpCaller) -> None:
    assert mailchimp.get("/ping") == {"health_status": "Everything's Chimpy!"}


def test_the_root_tells_account_and_role(mailchimp: MailchimpCaller) -> None:
    account = mailchimp.get("/")
    assert (account["role"], account["pricing_plan_type"]) == ("owner", "monthly")


def test_a_bearer_key_is_accepted(mailchimp: MailchimpCaller) -> None:
    assert status_with(mailchimp, f"Bearer {MAILCHIMP_API_KEY}") == (200, "")


@pytest.mark.parametrize(
    ("authorization", "title"),
    [
        ("", "API Key Missing"),
        ("Bearer falsch-us0", "API Key Invalid"),
        ("Basic !!!", "API Key Invalid"),
    ],
)
def test_a_wrong_key_is_refused(authorization: str, title: str, mailchimp: MailchimpCaller) -> None:
    assert status_with(mailchimp, authorization) == (401, title)


def test_an_error_is_a_problem_document_with_the_id_of_the_request(
    mailchimp: MailchimpCaller,
) -> None:
    answer = mailchimp.call("GET", "/lists/0000000000")
    assert answer.headers["Content-Type"] == "application/problem+json; charset=utf-8"
    assert set(answer.json()) == {"type", "title", "status", "detail", "instance"}
    assert answer.json()["instance"] == answer.headers["X-Request-Id"]


def test_an_empty_answer_is_labelled_json(mailchimp: MailchimpCaller) -> None:
    member = mailchimp.add()
    answer = mailchimp.call("DELETE", f"members/{member['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"


def test_a_method_the_path_does_not_have_names_those_it_has(mailchimp: MailchimpCaller) -> None:
    answer = mailchimp.call("POST", "/lists/x/members/y")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "DELETE, GET, PATCH, PUT")


def test_an_unknown_path_is_not_found(mailchimp: MailchimpCaller) -> None:
    assert mailchimp.call("GET", "/gibt-es-nicht").status_code == 404


def test_a_body_that_is_not_json_is_refused(mailchimp: MailchimpCaller) -> None:
    answer = mailchimp.http.post(f"/lists/{mailchimp.list_id}/members", content=b"{")
    assert answer.json()["title"] == "JSON Parse Exception"


def test_an_error_can_be_called_up_by_name(mailchimp: MailchimpCaller) -> None:
    answer = mailchimp.http.get("/ping", headers={"X-Trigger-Error": "InternalServerError"})
    assert (answer.status_code, answer.json()["title"]) == (500, "InternalServerError")


@pytest.mark.parametrize(("method", "status"), [("POST", 204), ("PUT", 422)])
def test_the_method_override_works_on_post_alone(
    method: str, status: int, mailchimp: MailchimpCaller
) -> None:
    member = mailchimp.add()
    path = f"/lists/{mailchimp.list_id}/members/{member['id']}"
    answer = mailchimp.http.request(method, path, headers={"X-HTTP-Method-Override": "DELETE"})
    assert answer.status_code == status


def open_at_once(mailchimp: MailchimpCaller, amount: int) -> list[httpx.Response]:
    with ThreadPoolExecutor(amount) as pool:
        return list(pool.map(lambda _: mailchimp.call("GET", "/ping"), range(amount)))


def test_ten_connections_at_once_are_served(
    mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    sandbox.switch("mailchimp", name="latency_seconds", value=0.3)
    assert {answer.status_code for answer in open_at_once(mailchimp, 10)} == {200}


def test_the_eleventh_connection_is_refused(
    mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    sandbox.switch("mailchimp", name="latency_seconds", value=0.5)
    refused = [answer for answer in open_at_once(mailchimp, 11) if answer.status_code == 429]
    assert [answer.json()["detail"] for answer in refused] == [
        "You have exceeded the limit of 10 simultaneous connections."
    ]


def test_the_refusal_can_come_without_a_body(
    mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    sandbox.switch("mailchimp", name="connection_limit", value=0)
    sandbox.switch("mailchimp", name="bare_429", value=True)
    answer = mailchimp.call("GET", "/ping")
    assert (answer.status_code, answer.content) == (429, b"")


def test_calls_are_counted_by_template(mailchimp: MailchimpCaller, sandbox: SandboxControl) -> None:
    mailchimp.add()
    sandbox.forget_calls()
    mailchimp.member()
    mailchimp.call("GET", "/unbekannt/anna@kunde.example")
    assert {(call.path, call.status) for call in sandbox.calls()} == {
        ("/3.0/lists/{list_id}/members/{subscriber_hash}", 200),
        ("/3.0/{unknown}", 404),
    }


def test_an_unknown_switch_is_refused_with_the_known_ones(
    mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    with pytest.raises(httpx.HTTPStatusError) as refused:
        sandbox.switch("mailchimp", name="gibt_es_nicht", value=1)
    assert "max_audiences" in refused.value.response.json()["error"]
