"""What LinkedIn is told: its challenge, and what is believed of its notices."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from nl_pipeline.webhook_log.challenges import last_challenge
from nl_pipeline.webhook_log.keys import webhook_path
from nl_pipeline.webhook_log.lines import LogLine
from nl_pipeline_tests.receiver.serving import SECRET, SIGNED_AT, Running, serving
from nl_pipeline_tests.settings.documents import MINIMAL, with_linkedin
from nl_pipeline_tests.webhook_log.disks import MemoryDisk
from nl_pipeline_tests.webhook_log.logs import lines_of

NAME = "leads-agency"
BOTH = with_linkedin(MINIMAL).replace("connections:", "").replace("agency:", f"{NAME}:")
HOOK = webhook_path(SECRET, connection=NAME, provider="linkedin", origin="leads")

# The vectors of the facts: secret, code and response, body and digests.
APP_SECRET = "example-client-secret"
CODE = "5f0c2a86-3f6e-4c1a-9b1e-2d6c7a9e4b10"
RESPONSE = "a7733536119d5662642f8e5b6934abb030d04ccb30913ad85a124fff49908936"
BODY = (
    b'{"type":"LEAD_ACTION","leadGenFormResponse":"urn:li:leadGenFormResponse:'
    b'0d9f4c1e-7a52-4e0b-8c2b-3f1f6f0a9d11-6","leadAction":"CREATED"}'
)
SIGNATURE = "1d62012233a8c592aaf046d6395911095a03ac5d0a47fd583c237c08db3b48c7"
OVER_THE_BODY_ALONE = "c8d3a846e4679b313e4d6b2abfbd0a12af00db906deb3e265b6c17e540bd7e4d"


@pytest.fixture
def receiver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    """A receiver of two connections, one of them with leads."""
    monkeypatch.setenv("LINKEDIN_CLIENT_SECRET", APP_SECRET)
    with serving(tmp_path, more=BOTH) as running:
        yield running


def stored(receiver: Running) -> list[LogLine]:
    return lines_of(receiver.log / NAME)


def notice(receiver: Running, *, signature: str, body: bytes = BODY) -> httpx.Response:
    return receiver.post(body, path=HOOK, x_li_signature=signature)


def test_a_challenge_is_met_with_the_secret_of_the_app(receiver: Running) -> None:
    answer = receiver.get(f"{HOOK}?challengeCode={CODE}")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"challengeCode": CODE, "challengeResponse": RESPONSE}
    assert stored(receiver) == []


def test_the_time_of_a_challenge_is_remembered(receiver: Running) -> None:
    assert last_challenge(receiver.log / NAME, provider="linkedin") is None

    receiver.get(f"{HOOK}?challengeCode={CODE}")

    asked_at = last_challenge(receiver.log / NAME, provider="linkedin")
    assert asked_at == datetime.fromtimestamp(SIGNED_AT, UTC)


def test_a_challenge_is_met_although_nothing_can_be_stored(
    receiver: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object, **_named: object) -> None:
        raise OSError(28, "full")

    monkeypatch.setattr(Path, "write_text", refuse)

    assert receiver.get(f"{HOOK}?challengeCode={CODE}").json()["challengeResponse"] == RESPONSE


@pytest.mark.parametrize(
    "query",
    [
        "challengeCode=hmacsha256%3D%7B%22type%22%3A%22LEAD_ACTION%22%7D",
        "challengeCode=",
        f"challengeCode={CODE}&challengeCode={CODE}",
        f"challengeCode={'a' * 129}",
    ],
    ids=["a notice to be signed", "empty", "two", "long"],
)
def test_nothing_but_the_code_of_a_challenge_is_signed(query: str, receiver: Running) -> None:
    answer = receiver.get(f"{HOOK}?{query}")

    assert (answer.status_code, answer.content) == (400, b"")


def test_on_another_path_no_challenge_is_met(receiver: Running) -> None:
    wrong_token = HOOK[:-1] + ("0" if HOOK[-1] != "0" else "1")
    mailchimp = webhook_path(SECRET, connection=NAME, provider="mailchimp", origin="person")

    assert receiver.get(f"{wrong_token}?challengeCode={CODE}").status_code == 404
    assert receiver.get(f"{mailchimp}?challengeCode={CODE}").content == b""


@pytest.mark.parametrize(
    "signature",
    [SIGNATURE, SIGNATURE.upper(), f"hmacsha256={SIGNATURE}", f"HMACSHA256={SIGNATURE}"],
    ids=["bare", "upper case", "with its prefix", "in upper case, too"],
)
def test_a_signed_notice_is_stored_as_it_came(signature: str, receiver: Running) -> None:
    answer = notice(receiver, signature=signature)

    (line,) = stored(receiver)
    assert answer.status_code == 200
    assert (line.provider, line.origin, line.signature) == ("linkedin", "leads", "valid")
    assert line.raw_body() == BODY


@pytest.mark.parametrize(
    ("signature", "body"),
    [
        ("", BODY),
        (SIGNATURE[:-1], BODY),
        (SIGNATURE, BODY + b" "),
        (OVER_THE_BODY_ALONE, BODY),
        (f"hmacsha256=hmacsha256={SIGNATURE}", BODY),
    ],
    ids=["none", "cut", "another body", "body alone", "two prefixes"],
)
def test_what_is_not_signed_as_documented_is_kept_as_a_hint(
    signature: str, body: bytes, receiver: Running
) -> None:
    answer = notice(receiver, signature=signature, body=body)

    (line,) = stored(receiver)
    assert answer.status_code == 403
    assert line.signature == "wrong"
    assert line.raw_body() == body


def test_a_signature_over_the_body_alone_is_noticed(
    receiver: Running, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        notice(receiver, signature="0" * 64)
        assert not caplog.records
        notice(receiver, signature=OVER_THE_BODY_ALONE)

    (record,) = caplog.records
    assert "signed over its body alone" in record.getMessage()
    assert OVER_THE_BODY_ALONE not in record.getMessage()


def test_what_cannot_be_stored_comes_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINKEDIN_CLIENT_SECRET", APP_SECRET)
    disk = MemoryDisk()
    with serving(tmp_path, more=BOTH, files=disk) as receiver:
        disk.refuse = lambda call: 5 if call == "sync" else 0
        assert notice(receiver, signature=SIGNATURE).status_code == 503


def test_a_connection_without_leads_has_no_such_webhook(receiver: Running) -> None:
    path = webhook_path(SECRET, connection="agency", provider="linkedin", origin="leads")

    assert receiver.post(BODY, path=path).status_code == 404


def test_opt_outs_are_taken_in_although_the_secret_of_the_app_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("LINKEDIN_CLIENT_SECRET", raising=False)
    opt_outs = webhook_path(SECRET, connection=NAME, provider="mailchimp", origin="person")

    with serving(tmp_path, more=BOTH) as running:
        assert running.get(f"{HOOK}?challengeCode={CODE}").status_code == 404
        assert running.post(b"type=unsubscribe", path=opt_outs).status_code == 200
    assert "LINKEDIN_CLIENT_SECRET" in caplog.text
