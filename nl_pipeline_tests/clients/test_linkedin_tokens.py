"""Tokens of LinkedIn: refreshed one at a time, kept, and warned about in time."""

from __future__ import annotations

import fcntl
import os
import stat
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from nl_pipeline.clients.errors import ApiError, OperatorNeeded, Retryable
from nl_pipeline.clients.linkedin import (
    TokenFile,
    TokenLife,
    TokenRefused,
    Tokens,
    configured_tokens,
)
from nl_pipeline.clients.linkedin.tokens import life_of
from nl_pipeline_tests.clients.answering import Naps, Server
from nl_pipeline_tests.clients.linkedin_answers import (
    ACCOUNT,
    NOON,
    SECRET,
    client_of,
    granted,
    page,
    refused,
    told,
)

DAY = timedelta(days=1)
CONFIGURED = configured_tokens(access_token="old", refresh_token="refresh")
YEAR: dict[str, Any] = {"refresh_token": "refresh", "refresh_token_expires_in": 365 * 86400}


class LinkedIn:
    """Takes one access token; a refresh gives it, if the refresh token is good."""

    def __init__(self, *, good: str = "new", refresh: str = "refresh", **answer: Any) -> None:
        self.good = good
        self.refresh = refresh
        self.answer = answer
        self.refreshes = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/oauth/v2/accessToken":
            form = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
            assert form["grant_type"] == "refresh_token"
            assert (form["client_id"], form["client_secret"]) == ("app", SECRET)
            self.refreshes += 1
            if form["refresh_token"] != self.refresh:
                return told({"error": "invalid_grant", "error_description": "x"}, status=400)
            return granted(self.good, **self.answer)
        if request.headers["authorization"] != f"Bearer {self.good}":
            return refused(401, "Expired access token", service_code=65602)
        return page([], total=0)


def test_a_refused_token_is_refreshed_once_and_the_call_made_once_more() -> None:
    server = Server([LinkedIn()])

    client_of(server).forms(ACCOUNT)

    assert [request.url.path for request in server.requests] == [
        "/rest/leadForms",
        "/oauth/v2/accessToken",
        "/rest/leadForms",
    ]


def test_a_token_that_is_refused_again_ends_the_call_and_asks_for_a_person() -> None:
    server = Server([refused(401), granted("new"), refused(401)])

    with pytest.raises(TokenRefused) as caught:
        client_of(server).forms(ACCOUNT)

    assert len(server.requests) == 3
    assert "authorize the connection again" in caught.value.what_next


def test_a_refused_refresh_token_asks_for_a_person() -> None:
    with pytest.raises(OperatorNeeded) as caught:
        client_of(Server([LinkedIn(refresh="another")])).forms(ACCOUNT)

    assert caught.value.code == "invalid_grant"
    assert "authorize the connection again" in caught.value.what_next


def test_without_a_refresh_token_nothing_is_tried() -> None:
    linkedin = LinkedIn()

    with pytest.raises(OperatorNeeded) as caught:
        client_of(Server([linkedin]), tokens=configured_tokens(access_token="old")).forms(ACCOUNT)

    assert (caught.value.code, linkedin.refreshes) == ("no-refresh-token", 0)


def test_a_wrong_client_secret_is_not_taken_for_the_members_doing() -> None:
    answer = told({"error": "invalid_client", "error_description": "x"}, status=401)

    with pytest.raises(OperatorNeeded) as caught:
        client_of(Server([refused(401), answer])).forms(ACCOUNT)

    assert "client_secret" in caught.value.what_next


@pytest.mark.parametrize("status", [429, 503])
def test_a_passing_failure_of_the_refresh_is_tried_again(status: int) -> None:
    server = Server([refused(401), httpx.Response(status), granted(), page([])])

    client_of(server).forms(ACCOUNT)

    assert len(server.requests) == 4


def test_a_refresh_that_gives_no_token_is_no_token() -> None:
    server = Server([refused(401), told({"expires_in": 5})])

    with pytest.raises(Retryable):
        client_of(server).forms(ACCOUNT)


def test_a_fresh_token_is_given_a_moment() -> None:
    naps = Naps()

    client_of(Server([LinkedIn()]), naps=naps, settle_seconds=7.0).forms(ACCOUNT)

    assert naps.seconds == [7.0]


def test_many_threads_whose_token_is_refused_refresh_once() -> None:
    linkedin = LinkedIn()
    together = threading.Barrier(8)

    def answer(request: httpx.Request) -> httpx.Response:
        told_now = linkedin(request)
        if told_now.status_code == 401:
            together.wait(timeout=20)  # all of them are refused before one refreshes
        return told_now

    client = client_of(Server([answer]))
    with ThreadPoolExecutor(8) as pool:
        pages = list(pool.map(lambda _: client.forms(ACCOUNT), range(8)))

    assert (len(pages), linkedin.refreshes) == (8, 1)


def test_a_refreshed_token_outlives_the_client(tmp_path: Path) -> None:
    linkedin = LinkedIn()
    store = TokenFile(tmp_path / "tokens.json")
    client_of(Server([linkedin]), store=store).forms(ACCOUNT)

    client_of(Server([linkedin]), store=store).forms(ACCOUNT)

    assert linkedin.refreshes == 1


def test_what_another_process_refreshed_meanwhile_is_taken(tmp_path: Path) -> None:
    linkedin = LinkedIn()
    store = TokenFile(tmp_path / "tokens.json")
    early, late = (client_of(Server([linkedin]), store=store) for _ in range(2))

    early.forms(ACCOUNT)
    late.forms(ACCOUNT)

    assert linkedin.refreshes == 1


def test_new_tokens_in_the_settings_come_before_kept_ones(tmp_path: Path) -> None:
    store = TokenFile(tmp_path / "tokens.json")
    client_of(Server([LinkedIn()]), store=store).forms(ACCOUNT)
    authorized_again = configured_tokens(access_token="newest", refresh_token="refresh 2")
    server = Server([LinkedIn(good="newest")])

    client_of(server, tokens=authorized_again, store=store).forms(ACCOUNT)

    assert len(server.requests) == 1


def test_the_file_of_tokens_is_the_owners_and_nobody_elses(tmp_path: Path) -> None:
    store = TokenFile(tmp_path / "folder" / "tokens.json")

    store.write(CONFIGURED)

    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in (store.path, store.path.parent)}
    assert modes == {"tokens.json": 0o600, "folder": 0o700}
    assert [p.name for p in store.path.parent.iterdir()] == ["tokens.json"]


def test_tokens_come_back_from_the_file_as_they_were(tmp_path: Path) -> None:
    store = TokenFile(tmp_path / "tokens.json")
    tokens = replace(CONFIGURED, access_ends_at=NOON, refresh_ends_at=NOON + DAY)
    assert store.read() is None

    store.write(tokens)

    assert store.read() == tokens


def test_a_damaged_file_says_what_to_do_and_shows_nothing(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    path.write_text('{"access_token": "geheim')

    with pytest.raises(OperatorNeeded) as caught:
        TokenFile(path).read()

    assert "geheim" not in "".join(traceback.format_exception(caught.value))
    assert "delete it" in caught.value.what_next


def test_while_one_process_refreshes_others_wait(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"

    with TokenFile(path).alone():
        descriptor = os.open(f"{path}.lock", os.O_WRONLY)
        with pytest.raises(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(descriptor)


@pytest.mark.parametrize(
    ("answer", "refresh_token", "refresh_end"),
    [
        (YEAR, "refresh", NOON + 365 * DAY),
        ({**YEAR, "refresh_token": "rotated"}, "rotated", NOON + 365 * DAY),
        ({}, "refresh", NOON + 100 * DAY),
    ],
    ids=["repeated", "rotated", "left out"],
)
def test_what_a_refresh_leaves_out_stays(
    answer: dict[str, Any], refresh_token: str, refresh_end: datetime, tmp_path: Path
) -> None:
    store = TokenFile(tmp_path / "tokens.json")
    store.write(replace(CONFIGURED, refresh_ends_at=NOON + 100 * DAY))

    client_of(Server([LinkedIn(**answer)]), store=store).forms(ACCOUNT)

    kept = store.read()
    assert kept is not None
    assert (kept.access_token, kept.refresh_token) == ("new", refresh_token)
    assert kept.refresh_ends_at == refresh_end
    assert kept.access_ends_at == NOON + timedelta(seconds=5183999)


def days(tokens: Tokens, now: datetime) -> tuple[int | None, int | None]:
    life = life_of(tokens, now=now)
    return life.access_days, life.refresh_days


def test_a_refresh_does_not_start_the_year_anew(tmp_path: Path) -> None:
    day_59: dict[str, Any] = {
        **YEAR,
        "refresh_token_expires_in": 306 * 86400,
        "expires_in": 60 * 86400,
    }
    store = TokenFile(tmp_path / "tokens.json")
    client_of(Server([LinkedIn(**day_59)]), store=store).forms(ACCOUNT)

    kept = store.read()
    assert kept is not None
    assert days(kept, NOON) == (60, 306)


def test_on_day_360_both_tokens_have_five_days_and_no_refresh_is_made_ahead() -> None:
    linkedin = LinkedIn(good="old")
    tokens = replace(CONFIGURED, access_ends_at=NOON + 5 * DAY, refresh_ends_at=NOON + 5 * DAY)
    client = client_of(Server([linkedin]), tokens=tokens, now=lambda: NOON)

    client.forms(ACCOUNT)

    assert (days(tokens, NOON), linkedin.refreshes) == ((5, 5), 0)


def test_an_access_token_is_refreshed_days_before_its_end() -> None:
    linkedin = LinkedIn()
    tokens = replace(CONFIGURED, access_ends_at=NOON + 4 * DAY, refresh_ends_at=NOON + 90 * DAY)
    server = Server([linkedin])

    client_of(server, tokens=tokens, now=lambda: NOON).forms(ACCOUNT)

    assert [request.url.path for request in server.requests] == [
        "/oauth/v2/accessToken",
        "/rest/leadForms",
    ]


def test_a_refresh_ahead_that_fails_leaves_the_token_in_use_and_is_not_repeated() -> None:
    linkedin = LinkedIn(good="old", refresh="another")
    tokens = replace(CONFIGURED, access_ends_at=NOON + DAY)
    client = client_of(Server([linkedin]), tokens=tokens, now=lambda: NOON)

    client.forms(ACCOUNT)
    client.forms(ACCOUNT)

    assert linkedin.refreshes == 1


@pytest.mark.parametrize(
    ("left", "threshold"),
    [(31, None), (30, 30), (22, 30), (21, 21), (14, 14), (8, 14), (7, 7), (2, 7), (1, 1), (-3, 1)],
)
def test_the_end_of_the_year_is_warned_about_at_each_threshold(
    left: int, threshold: int | None
) -> None:
    tokens = replace(CONFIGURED, refresh_ends_at=NOON + left * DAY + timedelta(hours=1))

    warnings = life_of(tokens, now=NOON).warnings

    assert [(w.token, w.days_left, w.threshold) for w in warnings] == (
        [] if threshold is None else [("refresh", left, threshold)]
    )


def test_an_access_token_that_renews_itself_is_no_warning() -> None:
    tokens = replace(CONFIGURED, access_ends_at=NOON + DAY, refresh_ends_at=NOON + 90 * DAY)

    assert life_of(tokens, now=NOON).warnings == ()


@pytest.mark.parametrize(
    "tokens",
    [
        configured_tokens(access_token="only"),
        replace(CONFIGURED, refresh_ends_at=NOON - DAY),
    ],
    ids=["no refresh token", "one that has ended"],
)
def test_an_access_token_that_nothing_renews_is_warned_about(tokens: Tokens) -> None:
    life = life_of(replace(tokens, access_ends_at=NOON + 7 * DAY), now=NOON)

    assert ("access", 7) in [(w.token, w.days_left) for w in life.warnings]


def test_ends_that_nobody_told_are_asked_for_once_and_kept(tmp_path: Path) -> None:
    authorized = NOON - 300 * DAY
    introspected = told(
        {
            "active": True,
            "status": "active",
            "expires_at": int((NOON + 20 * DAY).timestamp()),
            "authorized_at": int(authorized.timestamp()),
            "scope": "r_ads,r_marketing_leadgen_automation",
        }
    )
    server = Server([introspected])
    store = TokenFile(tmp_path / "tokens.json")

    lives = [client_of(server, store=store, now=lambda: NOON).token_life() for _ in range(2)]

    assert lives == [TokenLife(access_days=20, refresh_days=65, renews_itself=True)] * 2
    assert len(server.requests) == 1


def test_introspection_tells_state_and_scopes() -> None:
    server = Server([told({"active": False, "status": "revoked", "scope": "r_ads, rw_ads"})])

    found = client_of(server).oauth.introspected("x")

    assert (found.is_active, found.status, found.ends_at) == (False, "revoked", None)
    assert found.scopes == ("r_ads", "rw_ads")


def test_a_member_is_sent_to_an_address_that_asks_for_all_scopes_at_once() -> None:
    url = client_of(Server([told({})])).oauth.authorization_url(
        redirect_uri="https://x.example/back?a=1", state="s t"
    )

    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert asked == {
        "response_type": "code",
        "client_id": "app",
        "redirect_uri": "https://x.example/back?a=1",
        "state": "s t",
        "scope": "r_marketing_leadgen_automation r_ads r_organization_admin",
    }


def test_a_code_becomes_tokens_and_is_not_tried_twice() -> None:
    server = Server([granted("fresh", **YEAR), httpx.ReadTimeout("lost")])
    oauth = client_of(server).oauth

    tokens = oauth.authorized("code", redirect_uri="https://x.example/back")
    with pytest.raises(ApiError):
        oauth.authorized("code", redirect_uri="https://x.example/back")

    assert (tokens.access_token, tokens.refresh_token) == ("fresh", "refresh")
    assert tokens.refresh_ends_at == NOON + 365 * DAY
    assert len(server.requests) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 500])
def test_no_failure_of_the_token_endpoint_shows_a_secret(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    body = {"error": "geheim?!", "error_description": "geheim refresh old"}
    server = Server([refused(401), told(body, status=status)])
    tokens = configured_tokens(access_token="geheim-a", refresh_token="geheim-r")

    with pytest.raises(ApiError) as caught:
        client_of(server, tokens=tokens).forms(ACCOUNT)

    shown = "".join(traceback.format_exception(caught.value)) + caplog.text + repr(tokens)
    assert "geheim" not in shown
    assert SECRET not in shown
