"""Several receivers over one log, as behind a load balancer or while one replaces the other."""

from __future__ import annotations

from pathlib import Path

from nl_pipeline.webhook_log.reading import segments
from nl_pipeline_tests.receiver.serving import SIGNING_SECRET, serving
from nl_pipeline_tests.webhook_log.logs import CONNECTION


def test_two_receivers_at_once_store_everything_in_segments_of_their_own(tmp_path: Path) -> None:
    with serving(tmp_path) as one, serving(tmp_path) as other:
        statuses = [each.post(b"%d" % n).status_code for n in range(5) for each in (one, other)]

    bodies = sorted(line.raw_body() for line in one.lines())
    assert statuses == [200] * 10
    assert bodies == sorted([b"%d" % n for n in range(5)] * 2)
    assert len(segments(one.log / CONNECTION)) == 2


def test_a_signing_key_counts_for_all_receivers(tmp_path: Path) -> None:
    with serving(tmp_path) as one, serving(tmp_path) as other:
        one.sign_with(SIGNING_SECRET)

        assert [one.post().status_code, other.post().status_code] == [403, 403]
