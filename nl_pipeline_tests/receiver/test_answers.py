"""What a provider is told, and what is in the log after it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from nl_pipeline.receiver.routes import PROVIDERS, RateLimit
from nl_pipeline_tests.receiver.serving import (
    BODY,
    SIGNATURE,
    SIGNED_AT,
    SIGNING_SECRET,
    Running,
    path_of,
    serving,
    signed,
)
from nl_pipeline_tests.webhook_log.disks import MemoryDisk

FORM = "application/x-www-form-urlencoded"


def test_an_event_is_stored_as_it_was_sent(receiver: Running) -> None:
    answer = receiver.post(content_type=FORM, user_agent="MailChimp.com", x_other="not kept")

    (line,) = receiver.lines()
    assert answer.status_code == 200
    assert line.raw_body() == BODY
    assert line.headers == {"content-type": FORM, "user-agent": "MailChimp.com"}
    assert (line.provider, line.origin, line.signature) == ("mailchimp", "person", "unsigned")
    assert abs(line.received_at - datetime.now(UTC)) < timedelta(minutes=5)


def test_acts_of_the_person_and_of_staff_are_told_apart(receiver: Running) -> None:
    receiver.post(path=path_of("staff"))
    receiver.post(path=path_of("person"))

    assert [line.origin for line in receiver.lines()] == ["staff", "person"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_a_provider_that_only_asks_is_answered_and_nothing_is_stored(
    method: str, receiver: Running
) -> None:
    answer = httpx.request(method, receiver.url + path_of(), trust_env=False)

    assert answer.status_code == 200
    assert receiver.lines() == []


@pytest.mark.parametrize(
    "path",
    [
        path_of()[:-1] + "x",
        path_of() + "/",
        path_of() + "0",
        path_of("staff").rpartition("/")[0] + "/" + path_of("person").rpartition("/")[2],
        path_of(connection="unknown"),
        "/hooks/agency/mailchimp/person/",
        "/hooks/agency/mailchimp/person/%C3%BC",
        "/hooks/agency/mailchimp/person/%FF",
        "/hooks/agency/mailchimp",
        "/hooks",
        "/hooks/",
        "/health/",
        "/",
        "/.env",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_any_other_path_is_unknown_and_nothing_is_stored(
    path: str, method: str, receiver: Running
) -> None:
    answer = httpx.request(method, receiver.url + path, content=BODY, trust_env=False)

    assert answer.status_code == 404
    assert receiver.lines() == []


def test_other_methods_are_refused(receiver: Running) -> None:
    assert httpx.put(receiver.url + path_of(), content=BODY, trust_env=False).status_code == 405
    assert receiver.lines() == []


# Signatures ---------------------------------------------------------------------------------------


def test_the_vector_of_the_documentation_is_valid(receiver: Running) -> None:
    receiver.sign_with(SIGNING_SECRET)
    header = f"t={SIGNED_AT},v1={SIGNATURE}"

    answer = receiver.post(x_mailchimp_signature=header)

    (line,) = receiver.lines()
    assert answer.status_code == 200
    assert line.signature == "valid"
    assert line.headers["x-mailchimp-signature"] == header


VALID = f"t={SIGNED_AT},v1={SIGNATURE}"


@pytest.mark.parametrize(
    ("header", "body", "late"),
    [
        pytest.param(f"t={SIGNED_AT},v1={'0' * 64}", BODY, 0, id="another signature"),
        pytest.param(VALID, BODY + b"x", 0, id="another body"),
        pytest.param(f"t={SIGNED_AT + 1},v1={SIGNATURE}", BODY, 0, id="another time"),
        pytest.param(VALID, BODY, 301, id="too old"),
        pytest.param(VALID, BODY, -301, id="from the future"),
        pytest.param("", BODY, 0, id="none"),
        pytest.param(f"v1={SIGNATURE}", BODY, 0, id="no time"),
        pytest.param(f"t=,v1={SIGNATURE}", BODY, 0, id="empty time"),
        pytest.param(f"t={SIGNED_AT},t=1,v1={SIGNATURE}", BODY, 0, id="two times"),
        pytest.param(f"t={SIGNED_AT}", BODY, 0, id="no signature"),
        pytest.param(f"t={SIGNED_AT},v2={SIGNATURE}", BODY, 0, id="another version"),
        pytest.param(f"t={SIGNED_AT},v1=", BODY, 0, id="empty signature"),
        pytest.param(f"t={'9' * 400},v1={SIGNATURE}", BODY, 0, id="absurd time"),
        pytest.param("\xfc=\xfc,v1=\xfc", BODY, 0, id="not ASCII"),
    ],
)
def test_a_wrong_signature_is_refused_and_kept_as_a_hint(
    header: str, body: bytes, late: int, receiver: Running
) -> None:
    receiver.sign_with(SIGNING_SECRET)
    receiver.now += late

    answer = httpx.post(
        receiver.url + path_of(),
        content=body,
        headers=[(b"x-mailchimp-signature", header.encode("latin-1"))] if header else [],
        trust_env=False,
    )

    (line,) = receiver.lines()
    assert answer.status_code == 403
    assert line.signature == "wrong"
    assert line.raw_body() == body


@pytest.mark.parametrize("late", [300, -300])
def test_a_signature_within_the_tolerance_is_valid(late: int, receiver: Running) -> None:
    receiver.sign_with(SIGNING_SECRET)
    receiver.now += late

    assert receiver.post(x_mailchimp_signature=VALID).status_code == 200


def test_any_of_several_signatures_counts(receiver: Running) -> None:
    receiver.sign_with(SIGNING_SECRET)
    header = f"t={SIGNED_AT}, v1={'0' * 64}, v1={SIGNATURE.upper()}"

    assert receiver.post(x_mailchimp_signature=header).status_code == 200


def test_while_a_secret_is_replaced_both_count(receiver: Running) -> None:
    receiver.sign_with("old", "new")

    for secret in ("old", "new"):
        header = f"t={SIGNED_AT},v1={signed(BODY, at=SIGNED_AT, secret=secret)}"
        assert receiver.post(x_mailchimp_signature=header).status_code == 200


def test_a_key_that_comes_while_the_receiver_runs_counts_at_once(receiver: Running) -> None:
    before = receiver.post().status_code
    receiver.sign_with(SIGNING_SECRET)

    assert (before, receiver.post().status_code) == (200, 403)


def test_the_key_of_one_webhook_does_not_open_the_other(receiver: Running) -> None:
    receiver.sign_with(SIGNING_SECRET, origin="person")
    receiver.sign_with("of staff", origin="staff")

    assert receiver.post(path=path_of("staff"), x_mailchimp_signature=VALID).status_code == 403


def test_a_damaged_file_of_keys_does_not_make_signatures_optional(receiver: Running) -> None:
    receiver.sign_with(SIGNING_SECRET)
    receiver.post(x_mailchimp_signature=VALID)
    (receiver.log / "agency" / "signing_keys.json").write_bytes(b"{")

    assert receiver.post().status_code == 403
    assert receiver.post(x_mailchimp_signature=VALID).status_code == 200


def test_while_the_only_known_file_of_keys_is_damaged_everything_is_a_hint(
    receiver: Running,
) -> None:
    receiver.sign_with(SIGNING_SECRET)
    (receiver.log / "agency" / "signing_keys.json").write_bytes(b"{")

    assert receiver.post().status_code == 403
    assert [line.signature for line in receiver.lines()] == ["wrong"]


# Nothing can be stored ----------------------------------------------------------------------------


def refused_by(provider: str) -> int:
    return PROVIDERS[provider].send_again


def test_each_provider_gets_the_answer_after_which_it_sends_again() -> None:
    statuses = {name: refused_by(name) for name in ("mailchimp", "linkedin", "brevo")}

    assert statuses == {"mailchimp": 503, "linkedin": 503, "brevo": 429}


def test_a_disk_that_fails_is_no_acknowledgement(tmp_path: Path) -> None:
    failing: dict[str, int] = {}
    disk = MemoryDisk(refuse=lambda call: failing.get(call, 0))
    with serving(tmp_path, files=disk) as receiver:
        failing["sync"] = 5
        refused = receiver.post()
        health = receiver.get("/health")
        failing.clear()
        stored = receiver.post()

        assert refused.status_code == 503
        assert int(refused.headers["retry-after"]) > 0
        assert health.status_code == 503
        assert stored.status_code == 200
        assert receiver.get("/health").status_code == 200
        assert receiver.metric('refused_total{cause="write_failed"}') == 1


def test_a_nearly_full_disk_is_refused_early_and_alarmed(tmp_path: Path) -> None:
    disk = MemoryDisk()
    with serving(tmp_path, files=disk) as receiver:
        disk.free = 999
        health = receiver.get("/health")
        refused = receiver.post()

        assert health.status_code == 503
        assert "nearly full" in health.json()["problem"]
        assert refused.status_code == 503
        assert receiver.metric("storing") == 0
        assert receiver.metric("free_bytes") == 999
        assert receiver.metric('refused_total{cause="disk_full"}') == 1


def test_too_many_events_are_sent_again_later(
    receiver: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RateLimit, "take", lambda _self: False)

    assert receiver.post().status_code == 503
    assert receiver.lines() == []
    assert receiver.metric('refused_total{cause="too_many_events"}') == 1


def test_the_rate_allows_a_burst_after_a_rest_and_no_more() -> None:
    now = 0.0
    rate = RateLimit(2, clock=lambda: now)

    burst = sum(rate.take() for _ in range(20))
    now += 1
    a_second_later = sum(rate.take() for _ in range(20))
    now += 3600
    after_a_rest = sum(rate.take() for _ in range(20))

    assert (burst, a_second_later, after_a_rest) == (10, 2, 10)


def test_an_unexpected_error_is_sent_again_and_says_nothing(
    receiver: Running, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_arguments: object, **_named: object) -> None:
        raise LookupError(BODY.decode())

    monkeypatch.setattr("nl_pipeline.receiver.hooks._kept", broken)

    answer = receiver.post()

    assert answer.status_code == 503
    assert answer.content == b""
    assert "LookupError" in caplog.text
    assert "erika" not in caplog.text
