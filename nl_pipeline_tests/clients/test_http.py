"""The transport: what is repeated, how long it waits, what never reaches a message or a log."""

from __future__ import annotations

import gc
import logging
import traceback
import weakref
from collections.abc import Iterator, Sequence

import httpx
import pytest

from nl_pipeline.clients.errors import ApiError, OperatorNeeded, OutcomeUnknown, Retryable
from nl_pipeline.clients.http import RetryPolicy, RetryQuota, Transport, retry_after_seconds
from nl_pipeline_tests.clients.answering import Answer, Naps, Server

CANARY = "canary.person@kunde-77.example"
URL = f"https://api.example/members/{CANARY}?key=sekret-us1"

OK = httpx.Response(200, text="fine")
BUSY = httpx.Response(503)
READ_TIMEOUT = httpx.ReadTimeout(f"reading {URL}")
NO_CONNECTION = httpx.ConnectError(f"connecting {URL}")


def read_text(response: httpx.Response) -> str:
    if response.status_code == 200:
        return response.text
    raise Retryable(
        "busy",
        system="test",
        code="busy",
        status=response.status_code,
        not_applied=response.status_code == 429,
        retry_after=retry_after_seconds(response, now=lambda: 0.0),
    )


class Call:
    """One call through a transport to a server of answers."""

    def __init__(
        self,
        answers: Sequence[Answer],
        *,
        policy: RetryPolicy | None = None,
        quota: RetryQuota | None = None,
    ) -> None:
        self.server = Server(answers)
        self.naps = Naps()
        self.http = self.server.client()
        self.transport = Transport(
            system="test", http=self.http, sleep=self.naps, policy=policy, quota=quota
        )

    def exchange(self, *, repeatable: bool) -> str:
        return self.transport.exchange(
            lambda: self.http.build_request("POST", URL, content=CANARY),
            template="/members/{id}",
            repeatable=repeatable,
            read=read_text,
        )

    def failure(self, *, repeatable: bool) -> ApiError:
        with pytest.raises(ApiError) as caught:
            self.exchange(repeatable=repeatable)
        return caught.value


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collector")
def test_an_answer_is_freed_once_it_is_read_without_the_garbage_collector() -> None:
    server = Server([lambda _: httpx.Response(200, text="fine")])
    http = server.client()
    answers: list[weakref.ref[httpx.Response]] = []

    def read(response: httpx.Response) -> str:
        answers.append(weakref.ref(response))
        return response.text

    told = Transport(system="test", http=http).exchange(
        lambda: http.build_request("GET", URL), template="/x", repeatable=True, read=read
    )

    assert told == "fine"
    assert [answer() for answer in answers] == [None]


@pytest.mark.parametrize("first", [BUSY, READ_TIMEOUT, NO_CONNECTION], ids=["503", "lost", "down"])
def test_a_repeatable_call_is_repeated_after_a_passing_failure(first: Answer) -> None:
    assert Call([first, OK]).exchange(repeatable=True) == "fine"


@pytest.mark.parametrize("first", [BUSY, READ_TIMEOUT], ids=["503", "lost"])
def test_a_call_that_may_have_been_applied_is_not_sent_again(first: Answer) -> None:
    call = Call([first, OK])

    failure = call.failure(repeatable=False)

    assert isinstance(failure, OutcomeUnknown)
    assert len(call.server.requests) == 1


@pytest.mark.parametrize(
    "first",
    [httpx.Response(429), NO_CONNECTION, httpx.PoolTimeout("")],
    ids=["429", "down", "pool"],
)
def test_a_call_that_was_surely_not_applied_is_sent_again_even_if_it_creates(first: Answer) -> None:
    assert Call([first, OK]).exchange(repeatable=False) == "fine"


def test_a_call_is_tried_three_times_at_most() -> None:
    call = Call([BUSY])

    assert isinstance(call.failure(repeatable=True), Retryable)
    assert call.transport.calls == {"POST /members/{id}": 3}


def test_the_wait_grows_with_the_tries() -> None:
    call = Call([BUSY, BUSY, OK], policy=RetryPolicy(base_seconds=1.0))

    call.exchange(repeatable=True)

    first, second = call.naps.seconds
    assert 0.5 <= first <= 1.0 <= second <= 2.0


def test_the_wait_is_at_least_what_the_server_asks_for() -> None:
    call = Call([httpx.Response(429, headers={"retry-after": "17"}), OK])

    call.exchange(repeatable=True)

    assert call.naps.seconds == [17.0]


def test_a_server_that_asks_for_more_than_the_deadline_is_not_waited_for() -> None:
    call = Call(
        [httpx.Response(429, headers={"retry-after": "900"}), OK],
        policy=RetryPolicy(deadline_seconds=60.0),
    )

    call.failure(repeatable=True)

    assert call.naps.seconds == []


def test_a_wish_to_wait_may_be_an_http_date() -> None:
    response = httpx.Response(429, headers={"retry-after": "Thu, 01 Jan 1970 00:01:00 GMT"})

    assert retry_after_seconds(response, now=lambda: 20.0) == 40.0


def test_a_date_to_wait_for_is_counted_from_the_servers_own_date() -> None:
    dates = {
        "retry-after": "Thu, 01 Jan 1970 05:01:00 GMT",
        "date": "Thu, 01 Jan 1970 05:00:30 GMT",
    }

    assert retry_after_seconds(httpx.Response(429, headers=dates), now=lambda: 20.0) == 30.0


def test_repeats_end_when_the_shared_quota_is_used_up() -> None:
    call = Call([BUSY], quota=RetryQuota(capacity=RetryQuota.COST))
    call.failure(repeatable=True)

    call.failure(repeatable=True)

    assert len(call.server.requests) == 3


def test_a_request_that_cannot_be_formed_needs_the_operator() -> None:
    call = Call([httpx.UnsupportedProtocol(f"no scheme in {URL}")])

    assert isinstance(call.failure(repeatable=True), OperatorNeeded)


def test_a_throttled_try_says_nothing_about_the_one_before_it() -> None:
    throttled = httpx.Response(429)

    lost = Call([READ_TIMEOUT, throttled, throttled]).failure(repeatable=True)
    refused = Call([throttled]).failure(repeatable=True)

    assert (lost.may_be_applied, refused.may_be_applied) == (True, False)


@pytest.mark.parametrize(
    "answer", [READ_TIMEOUT, NO_CONNECTION, httpx.UnsupportedProtocol(URL), BUSY]
)
@pytest.mark.parametrize("repeatable", [True, False])
def test_a_traceback_shows_neither_the_address_nor_the_key(
    answer: Answer, repeatable: bool
) -> None:
    failure = Call([answer]).failure(repeatable=repeatable)

    text = "".join(traceback.format_exception(failure))
    assert CANARY not in text
    assert "sekret" not in text


def test_no_request_is_logged_with_its_url(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="nl_pipeline"):
        Call([OK]).exchange(repeatable=True)

    assert CANARY not in caplog.text
    assert "/members/{id}" in caplog.text
