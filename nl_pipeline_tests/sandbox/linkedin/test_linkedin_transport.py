"""The protocol of the LinkedIn twin: headers, versions, encoding, quotas, permissions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from nl_pipeline_tests.sandbox.linkedin.caller import (
    OF_ACCOUNT,
    SPONSORED,
    LinkedInCaller,
    refusal,
)

ACCOUNTS = "adAccounts?q=search"
FORMS = f"leadForms?q=owner&owner={OF_ACCOUNT}"
LEADS = f"leadFormResponses?q=owner&owner={OF_ACCOUNT}&leadType={SPONSORED}"
ENCODED = "%28sponsoredAccount%3Aurn%253Ali%253AsponsoredAccount%253A507000111%29"


def without(linkedin: LinkedInCaller, header: str) -> httpx.Response:
    del linkedin.headers[header]
    return linkedin.call("GET", ACCOUNTS)


def test_a_call_without_version_is_refused(linkedin: LinkedInCaller) -> None:
    assert refusal(without(linkedin, "linkedin-version")) == (400, "VERSION_MISSING")


@pytest.mark.parametrize("version", ["202508", "202512", "202610", "v2", "2026"])
def test_a_version_that_is_sunset_or_never_was_is_426(
    linkedin: LinkedInCaller, version: str
) -> None:
    answer = linkedin.call("GET", ACCOUNTS, linkedin_version=version)

    assert refusal(answer) == (426, "NONEXISTENT_VERSION")


def test_a_version_may_have_a_revision(linkedin: LinkedInCaller) -> None:
    assert linkedin.call("GET", ACCOUNTS, linkedin_version="202607.02").status_code == 200


def test_a_version_can_be_sunset(linkedin: LinkedInCaller) -> None:
    linkedin.switch("oldest_version", 202608)

    assert linkedin.call("GET", ACCOUNTS).status_code == 426


def test_the_protocol_version_is_required(linkedin: LinkedInCaller) -> None:
    answer = without(linkedin, "x-restli-protocol-version")

    assert refusal(answer) == (400, "INVALID_PROTOCOL_VERSION")


def test_header_checks_can_be_switched_off(linkedin: LinkedInCaller) -> None:
    linkedin.switch("version_required", False)
    linkedin.switch("protocol_required", False)
    del linkedin.headers["linkedin-version"]
    del linkedin.headers["x-restli-protocol-version"]

    assert linkedin.call("GET", ACCOUNTS).status_code == 200


@pytest.mark.parametrize("header", ["", "Basic abc", "Bearer", "Bearer unknown"])
def test_a_call_without_a_known_token_is_401(linkedin: LinkedInCaller, header: str) -> None:
    answer = linkedin.call("GET", ACCOUNTS, authorization=header)

    assert answer.status_code == 401
    assert isinstance(answer.json()["serviceErrorCode"], int)


@pytest.mark.parametrize(
    "path",
    [
        "leadForms?q=criteria",
        "leadForms",
        f"{FORMS}&sort=name",
        f"leadForms?q=owner&owner={ENCODED}",
        "leadForms?q=owner&owner=(sponsoredAccount:urn:li:sponsoredAccount:507000111)",
        "leadForms?q=owner&owner=(sponsoredAccount:urn%3Ali%3AsponsoredAccount%3A507000111",
        "leadForms?q=owner&owner=urn%3Ali%3AsponsoredAccount%3A507000111",
        f"{LEADS}&versionedLeadGenFormUrn=urn:li:versionedLeadGenForm:(urn:li:leadGenForm:1,1)",
        f"{LEADS}&count=1&count=2",
        f"{LEADS}&submittedAt=(start:1,end:2)",
        f"{LEADS}&limitedToTestLeads=yes",
        f"{LEADS}&count=0",
        f"{FORMS}&fields=id,content:(questions",
    ],
    ids=[
        "unknown finder", "no finder", "unknown parameter", "encoded structure",
        "literal colons in a value", "open parenthesis", "no object",
        "literal parentheses in a value",
        "repeated parameter", "wrong name", "no truth", "no count", "open projection",
    ],
)  # fmt: skip
def test_a_query_that_is_not_rest_li_is_400(linkedin: LinkedInCaller, path: str) -> None:
    assert linkedin.call("GET", path).status_code == 400


def test_encoding_may_be_read_leniently(linkedin: LinkedInCaller) -> None:
    linkedin.switch("strict_encoding", False)

    assert linkedin.call("GET", f"leadForms?q=owner&owner={ENCODED}").status_code == 200


def test_httpx_breaks_a_query_that_is_given_as_parameters(linkedin: LinkedInCaller) -> None:
    answer = linkedin.http.get(
        "/linkedin/rest/leadForms",
        params={"q": "owner", "owner": OF_ACCOUNT},
        headers=linkedin.headers,
    )

    assert answer.status_code == 400


def test_a_long_query_can_be_tunneled(linkedin: LinkedInCaller) -> None:
    linkedin.submit()
    headers = {
        **linkedin.headers,
        "x-http-method-override": "GET",
        "content-type": "application/x-www-form-urlencoded",
    }

    answer = linkedin.http.post(
        "/linkedin/rest/leadFormResponses", content=LEADS.partition("?")[2], headers=headers
    )

    assert len(answer.json()["elements"]) == 1


def test_a_method_header_that_does_not_fit_is_refused(linkedin: LinkedInCaller) -> None:
    fits = linkedin.call("GET", ACCOUNTS, x_restli_method="FINDER")
    differs = linkedin.call("GET", ACCOUNTS, x_restli_method="GET")

    assert (fits.status_code, differs.status_code) == (200, 400)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "adForms?q=owner", 404),
        ("GET", "leadForms/1/questions", 404),
        ("DELETE", "leadForms/6083", 405),
        ("POST", "leadFormResponses", 405),
    ],
)
def test_what_does_not_exist_is_404_or_405(
    linkedin: LinkedInCaller, method: str, path: str, status: int
) -> None:
    json: dict[str, str] | None = {} if method == "POST" else None

    assert linkedin.call(method, path, json).status_code == status


def test_answers_carry_ids_for_the_support(linkedin: LinkedInCaller) -> None:
    headers = linkedin.call("GET", ACCOUNTS).headers

    assert {"x-li-uuid", "x-li-fabric", "x-li-request-id"} <= set(headers)


@pytest.mark.parametrize(
    ("switch", "counter"),
    [
        ("application_calls_per_day", "APPLICATION DAY"),
        ("member_calls_per_day", "APPLICATION_AND_MEMBER DAY"),
    ],
)
def test_a_quota_holds_for_one_endpoint_until_midnight_utc(
    linkedin: LinkedInCaller, switch: str, counter: str
) -> None:
    now = datetime.now(UTC)
    noon = (now + timedelta(days=1)).replace(hour=12, minute=0, second=0, microsecond=0)
    linkedin.sandbox.advance(seconds=(noon - now).total_seconds())
    linkedin.switch(switch, 1)
    first = linkedin.call("GET", ACCOUNTS)
    linkedin.advance(hours=11.9)
    second = linkedin.call("GET", ACCOUNTS)
    other = linkedin.call("GET", FORMS)
    linkedin.advance(hours=0.1)

    assert (first.status_code, second.status_code, other.status_code) == (200, 429, 200)
    assert second.json() == {
        "status": 429,
        "serviceErrorCode": 101,
        "code": "TOO_MANY_REQUESTS",
        "message": (
            f"Resource level throttle {counter} limit for calls to this resource is reached."
        ),
    }
    assert linkedin.call("GET", ACCOUNTS).status_code == 200


def test_a_throttle_of_the_infrastructure_does_not_speak_of_the_day(
    linkedin: LinkedInCaller,
) -> None:
    linkedin.switch("calls_per_minute", 1)
    linkedin.call("GET", ACCOUNTS)
    answer = linkedin.call("GET", FORMS)
    linkedin.sandbox.advance(seconds=60)

    assert refusal(answer) == (429, "TOO_MANY_REQUESTS")
    assert "DAY" not in answer.json()["message"]
    assert linkedin.call("GET", FORMS).status_code == 200


def test_forms_may_be_readable_and_leads_not(linkedin: LinkedInCaller) -> None:
    linkedin.switch("lead_sync_product", False)
    denied = linkedin.call("GET", LEADS)

    assert linkedin.call("GET", FORMS).status_code == 200
    assert denied.json() == {
        "status": 403,
        "serviceErrorCode": 100,
        "code": "ACCESS_DENIED",
        "message": "Not enough permissions to access: leadFormResponses.FINDER-owner.202607",
    }


def test_a_role_at_the_page_is_needed_for_leads_alone(linkedin: LinkedInCaller) -> None:
    lead = linkedin.submit()["id"]
    linkedin.act("staff", "revoke_role", target="page")
    paths = (FORMS, LEADS, f"leadFormResponses/{lead}", f"leadFormResponses?ids=List({lead})")
    answers = [linkedin.call("GET", path) for path in paths]
    linkedin.act("staff", "restore_role", target="page")

    assert [one.status_code for one in answers] == [200, 403, 403, 200]
    assert answers[-1].json()["statuses"] == {lead: 403}
    assert linkedin.call("GET", LEADS).status_code == 200


def test_without_a_role_at_the_ad_account_nothing_is_readable(linkedin: LinkedInCaller) -> None:
    linkedin.act("staff", "revoke_role", target="ad_account")

    assert linkedin.call("GET", FORMS).status_code == 403
    assert linkedin.call("GET", LEADS).status_code == 403
    assert linkedin.get(ACCOUNTS)["elements"] == []


def test_a_scope_that_was_not_granted_is_403(linkedin: LinkedInCaller) -> None:
    back = linkedin.http.get(
        "/linkedin/oauth/v2/authorization",
        params={
            "response_type": "code",
            "client_id": "77sandboxclient",
            "redirect_uri": "http://127.0.0.1:9/callback",
            "scope": "r_ads",
        },
    ).headers["location"]
    code = back.partition("code=")[2]
    tokens = linkedin.token(
        grant_type="authorization_code", code=code, redirect_uri="http://127.0.0.1:9/callback"
    ).json()
    linkedin.headers["authorization"] = f"Bearer {tokens['access_token']}"

    paths = (FORMS, LEADS, "organizationAcls?q=roleAssignee&state=APPROVED")
    assert [linkedin.call("GET", path).status_code for path in paths] == [200, 403, 403]


def test_a_fault_looks_like_an_error_of_linkedin(linkedin: LinkedInCaller) -> None:
    linkedin.sandbox.fault("linkedin", kind="status", match="adAccounts", status=503)

    answer = linkedin.call("GET", ACCOUNTS)

    assert (answer.status_code, answer.json()["status"]) == (503, 503)
    assert "message" in answer.json()


def test_calls_are_counted_by_template(linkedin: LinkedInCaller) -> None:
    linkedin.call("GET", ACCOUNTS)
    linkedin.call("GET", "leadForms/6083")
    linkedin.call("GET", "leadFormResponses/nobody@kunde.example")
    linkedin.refresh()

    assert {(one.path, one.status) for one in linkedin.sandbox.calls()} == {
        ("/rest/adAccounts", 200),
        ("/rest/leadForms/{id}", 200),
        ("/rest/leadFormResponses/{id}", 404),
        ("/oauth/v2/accessToken", 200),
    }
