"""Health and metrics tell how the receiver is, and no secret."""

from __future__ import annotations

import re

from nl_pipeline_tests.receiver.serving import BODY, Running, path_of


def test_the_metrics_are_those_of_prometheus_and_count_what_happened(receiver: Running) -> None:
    receiver.post()
    receiver.post(path="/hooks/wrong")
    receiver.get(path_of())

    page = receiver.get("/metrics")

    assert page.headers["content-type"].startswith("text/plain; version=0.0.4")
    for line in page.text.splitlines():
        assert re.fullmatch(r'# (HELP|TYPE) \w+ .+|\w+({\w+="[^"]*"})? [0-9.e+-]+', line), line
    assert receiver.metric("requests_total") == 3
    assert receiver.metric("validations_total") == 1
    assert receiver.metric('stored_total{signature="unsigned"}') == 1
    assert receiver.metric('refused_total{cause="wrong_path"}') == 1
    assert receiver.metric("sync_seconds_count") == 1
    assert receiver.metric('sync_seconds_bucket{le="+Inf"}') == 1
    assert receiver.metric("stored_bytes_total") > len(BODY)
    assert receiver.metric("open_connections") >= 1
    assert receiver.metric("free_bytes") > 0
    assert receiver.metric("storing") == 1


def test_a_receiver_that_is_well_says_so(receiver: Running) -> None:
    before = receiver.get("/health").json()
    receiver.post()
    after = receiver.get("/health")

    assert before["last_stored_at"] is None
    assert after.status_code == 200
    assert after.json()["status"] == "ok"
    assert after.json()["last_stored_at"] == receiver.lines()[0].received_at.isoformat()


def test_neither_page_reveals_whom_it_serves(receiver: Running) -> None:
    receiver.sign_with("signing-secret")
    receiver.post()

    shown = receiver.get("/health").text + receiver.get("/metrics").text

    for secret in ("signing-secret", path_of().rpartition("/")[2], "agency", "erika", "/hooks/a"):
        assert secret not in shown
