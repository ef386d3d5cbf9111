"""OAuth of the LinkedIn twin: consent, code, tokens and their ends."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from nl_pipeline.sandbox.credentials import LINKEDIN_ACCESS_TOKEN, LINKEDIN_CLIENT_ID
from nl_pipeline_tests.sandbox.linkedin.caller import APP, DAY, LinkedInCaller, refusal

REDIRECT = "http://127.0.0.1:9/callback"
ACCOUNTS = "adAccounts?q=search"


def authorize(linkedin: LinkedInCaller, **query: str) -> dict[str, str]:
    """What the member's browser brings back."""
    asked = {
        "response_type": "code",
        "client_id": LINKEDIN_CLIENT_ID,
        "redirect_uri": REDIRECT,
        "state": "a b",
        "scope": "r_ads r_marketing_leadgen_automation",
        **query,
    }
    answer = linkedin.http.get("/linkedin/oauth/v2/authorization", params=asked)
    assert answer.status_code == 302
    target = urlsplit(answer.headers["location"])
    assert f"{target.scheme}://{target.netloc}{target.path}" == REDIRECT
    return {name: values[0] for name, values in parse_qs(target.query).items()}


def exchange(linkedin: LinkedInCaller, code: str, redirect: str = REDIRECT) -> httpx.Response:
    return linkedin.token(grant_type="authorization_code", code=code, redirect_uri=redirect)


def introspected(linkedin: LinkedInCaller, token: str) -> dict[str, object]:
    answer = linkedin.http.post("/linkedin/oauth/v2/introspectToken", data={**APP, "token": token})
    content: dict[str, object] = answer.json()
    return content


def status_with(linkedin: LinkedInCaller, token: str) -> int:
    return linkedin.call("GET", ACCOUNTS, authorization=f"Bearer {token}").status_code


def test_a_consent_gives_a_code_that_gives_tokens_once(linkedin: LinkedInCaller) -> None:
    back = authorize(linkedin)
    tokens = exchange(linkedin, back["code"]).json()

    assert back["state"] == "a b"
    assert status_with(linkedin, tokens["access_token"]) == 200
    assert tokens["scope"] == "r_ads,r_marketing_leadgen_automation"
    again = exchange(linkedin, back["code"])
    assert (again.status_code, set(again.json())) == (400, {"error", "error_description"})


def test_a_code_belongs_to_its_redirect_and_lives_half_an_hour(linkedin: LinkedInCaller) -> None:
    elsewhere = exchange(linkedin, authorize(linkedin)["code"], redirect=f"{REDIRECT}2")
    code = authorize(linkedin)["code"]
    linkedin.advance(hours=0.5)

    assert elsewhere.status_code == 400
    assert exchange(linkedin, code).status_code == 400


def test_a_member_may_refuse(linkedin: LinkedInCaller) -> None:
    linkedin.switch("member_consents", False)

    assert authorize(linkedin)["error"] == "user_cancelled_authorize"


def test_a_scope_the_app_does_not_have_is_refused(linkedin: LinkedInCaller) -> None:
    assert authorize(linkedin, scope="r_ads w_all")["error"] == "unauthorized_scope_error"


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": ""}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"refresh_token": "unknown"}, 400, "invalid_grant"),
    ],
    ids=["secret", "no id", "grant type", "refresh token"],
)
def test_refusals_have_the_shape_of_oauth(
    linkedin: LinkedInCaller, form: dict[str, str], status: int, error: str
) -> None:
    answer = linkedin.token(**{"grant_type": "refresh_token", **form})

    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert set(answer.json()) == {"error", "error_description"}


def test_an_access_token_ends_after_60_days(linkedin: LinkedInCaller) -> None:
    linkedin.advance(days=59.9)
    before = linkedin.call("GET", ACCOUNTS)
    linkedin.advance(days=0.1)
    after = linkedin.call("GET", ACCOUNTS)

    assert before.status_code == 200
    assert refusal(after) == (401, "EXPIRED_ACCESS_TOKEN")


@pytest.mark.parametrize(
    ("day", "access_days", "refresh_days"), [(0, 60, 365), (59, 60, 306), (360, 5, 5)]
)
def test_a_refresh_does_not_move_the_end_of_the_refresh_token(
    linkedin: LinkedInCaller, day: int, access_days: int, refresh_days: int
) -> None:
    linkedin.advance(days=day)

    tokens = linkedin.refresh().json()

    assert -(-tokens["expires_in"] // DAY) == access_days
    assert -(-tokens["refresh_token_expires_in"] // DAY) == refresh_days


def test_after_a_year_the_member_must_authorize_again(linkedin: LinkedInCaller) -> None:
    linkedin.advance(days=365)

    assert linkedin.refresh().json()["error"] == "invalid_grant"


def test_a_refreshed_token_works_beside_the_old_one(linkedin: LinkedInCaller) -> None:
    new = linkedin.refresh().json()["access_token"]

    assert [status_with(linkedin, one) for one in (new, LINKEDIN_ACCESS_TOKEN)] == [200, 200]


def test_a_refresh_may_end_the_old_token(linkedin: LinkedInCaller) -> None:
    linkedin.switch("refresh_ends_old_token", True)
    linkedin.refresh()

    assert refusal(linkedin.call("GET", ACCOUNTS)) == (401, "REVOKED_ACCESS_TOKEN")


def test_a_fresh_token_may_need_a_moment(linkedin: LinkedInCaller) -> None:
    linkedin.switch("fresh_token_seconds", 30)
    new = linkedin.refresh().json()["access_token"]
    at_once = status_with(linkedin, new)
    linkedin.sandbox.advance(seconds=30)

    assert (at_once, status_with(linkedin, new)) == (401, 200)


def test_a_refresh_may_answer_without_a_refresh_token_or_with_another(
    linkedin: LinkedInCaller,
) -> None:
    linkedin.switch("refresh_answer", "omits")
    without = linkedin.refresh().json()
    linkedin.switch("refresh_answer", "rotates")
    other = linkedin.refresh().json()

    assert "refresh_token" not in without
    assert linkedin.refresh().status_code == 400
    assert linkedin.refresh(other["refresh_token"]).status_code == 200


def test_a_revoked_consent_ends_all_tokens(linkedin: LinkedInCaller) -> None:
    linkedin.act("staff", "revoke_token")

    assert refusal(linkedin.call("GET", ACCOUNTS)) == (401, "REVOKED_ACCESS_TOKEN")
    assert linkedin.refresh().status_code == 400
    assert introspected(linkedin, LINKEDIN_ACCESS_TOKEN)["status"] == "revoked"


def test_a_revoked_access_token_leaves_the_refresh_token(linkedin: LinkedInCaller) -> None:
    linkedin.act("system", "revoke_token", token="access")

    assert linkedin.call("GET", ACCOUNTS).status_code == 401
    assert status_with(linkedin, linkedin.refresh().json()["access_token"]) == 200


def test_another_connection_of_the_member_may_break_the_first(linkedin: LinkedInCaller) -> None:
    linkedin.switch("refresh_tokens_per_member", 1)
    exchange(linkedin, authorize(linkedin)["code"])

    assert linkedin.call("GET", ACCOUNTS).status_code == 401


def test_introspection_tells_seconds_and_the_status(linkedin: LinkedInCaller) -> None:
    living = introspected(linkedin, LINKEDIN_ACCESS_TOKEN)
    linkedin.advance(days=60)
    dead = introspected(linkedin, LINKEDIN_ACCESS_TOKEN)

    assert (living["active"], living["status"], living["auth_type"]) == (True, "active", "3L")
    assert int(str(living["expires_at"])) - int(str(living["created_at"])) == 60 * DAY
    assert (dead["active"], dead["status"]) == (False, "expired")
    assert introspected(linkedin, "unknown") == {"active": False}
