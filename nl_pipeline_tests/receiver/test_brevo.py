"""What Brevo is told: a token in place of a signature, and no answer that discards an event."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from nl_pipeline.receiver.hooks import HookIntake
from nl_pipeline.receiver.routes import RateLimit
from nl_pipeline.webhook_log.keys import bearer_token, webhook_path
from nl_pipeline.webhook_log.lines import LogLine
from nl_pipeline_tests.receiver.serving import BODY, SECRET, Running, path_of, serving
from nl_pipeline_tests.settings.documents import BREVO
from nl_pipeline_tests.webhook_log.disks import MemoryDisk
from nl_pipeline_tests.webhook_log.logs import lines_of

NAME = "brevo-agency"
BOTH = BREVO.replace("connections:", "").replace("agency:", f"{NAME}:")
FORMER = "secret-of-before"
EVENT = json.dumps({"event": "unsubscribed", "email": "erika@kunde.example"}).encode()


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Running]:
    """A receiver of one connection of each provider."""
    with serving(tmp_path, more=BOTH, former=(FORMER,)) as running:
        yield running


def hook(origin: str = "changes", *, secret: str = SECRET) -> str:
    return webhook_path(secret, connection=NAME, provider="brevo", origin=origin)


def bearer(origin: str = "changes", *, secret: str = SECRET) -> str:
    token = bearer_token(secret, connection=NAME, provider="brevo", origin=origin)
    return f"Bearer {token}"


def told(receiver: Running, **request: str) -> httpx.Response:
    """An event, with the right token unless the request names another one."""
    return receiver.post(
        EVENT, **({"path": hook(), "authorization": bearer(), "content_type": "x"} | request)
    )


def stored(receiver: Running) -> list[LogLine]:
    return lines_of(receiver.log / NAME)


@pytest.mark.parametrize("origin", ["changes", "mails"])
def test_an_event_with_our_token_is_stored_as_it_came_and_the_token_is_not(
    origin: str, receiver: Running
) -> None:
    answer = told(receiver, path=hook(origin), authorization=bearer(origin))

    (line,) = stored(receiver)
    assert answer.status_code == 200
    assert (line.provider, line.origin, line.signature) == ("brevo", origin, "valid")
    assert line.raw_body() == EVENT
    assert "authorization" not in line.headers


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer x",
        f"Basic {bearer().partition(' ')[2]}",
        bearer()[:-1],
        f"{bearer()}0",
        bearer("mails"),
        bearer(secret="another"),
        f"{bearer()}, {bearer()}",
    ],
)
def test_without_our_token_an_event_is_a_hint_and_comes_again(
    authorization: str, receiver: Running
) -> None:
    answer = told(receiver, authorization=authorization)

    (line,) = stored(receiver)
    assert answer.status_code == 429
    assert line.signature == "wrong"
    assert line.raw_body() == EVENT


def test_the_word_bearer_may_be_written_in_any_case(receiver: Running) -> None:
    assert told(receiver, authorization=bearer().replace("Bearer", "bearer")).status_code == 200


@pytest.mark.parametrize("path", [hook(), hook(secret=FORMER)], ids=["new path", "old path"])
@pytest.mark.parametrize(
    "authorization", [bearer(), bearer(secret=FORMER)], ids=["new token", "old token"]
)
def test_while_secrets_are_replaced_events_of_both_are_believed(
    path: str, authorization: str, receiver: Running
) -> None:
    answer = told(receiver, path=path, authorization=authorization)

    assert answer.status_code == 200
    assert [line.signature for line in stored(receiver)] == ["valid"]


def test_the_webhooks_of_before_are_answered_for_mailchimp_too(receiver: Running) -> None:
    path = webhook_path(FORMER, connection="agency", provider="mailchimp", origin="person")

    assert receiver.post(path=path).status_code == 200


def test_a_path_that_no_secret_of_ours_gives_is_not_stored_and_not_discarded(
    receiver: Running,
) -> None:
    answer = told(receiver, path=hook(secret="forgotten"))

    assert answer.status_code == 429
    assert stored(receiver) == []


def test_a_body_that_is_too_large_is_not_discarded(tmp_path: Path) -> None:
    with serving(tmp_path, more=BOTH, limits=f"body_bytes: {len(EVENT) - 1}") as receiver:
        assert told(receiver).status_code == 429
        assert receiver.post(EVENT, path=path_of()).status_code == 413


def test_what_cannot_be_stored_comes_again(tmp_path: Path) -> None:
    disk = MemoryDisk()
    with serving(tmp_path, more=BOTH, files=disk) as receiver:
        disk.refuse = lambda call: 5 if call == "sync" else 0
        assert told(receiver).status_code == 429
        assert receiver.post(BODY).status_code == 503


def test_too_many_events_come_again(receiver: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RateLimit, "take", lambda _self: False)

    assert told(receiver).status_code == 429


def test_an_event_that_breaks_us_comes_again(
    receiver: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_arguments: object, **_named: object) -> None:
        raise LookupError

    monkeypatch.setattr(HookIntake, "_store", broken)

    assert told(receiver).status_code == 429


def test_both_connections_are_served_side_by_side(receiver: Running) -> None:
    answers = [receiver.post(BODY), told(receiver)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert [line.raw_body() for line in receiver.lines()] == [BODY]
    assert [line.raw_body() for line in stored(receiver)] == [EVENT]


def test_a_webhook_of_one_provider_takes_nothing_for_the_other(receiver: Running) -> None:
    with contextlib.suppress(httpx.HTTPError):
        told(receiver, path=path_of())

    assert stored(receiver) == []
    assert [line.provider for line in receiver.lines()] == ["mailchimp"]
