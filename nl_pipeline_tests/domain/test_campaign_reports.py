"""When the report of a campaign is read: at once, and a few times more for late bounces."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from nl_pipeline.domain.campaign_reports import READINGS, report_is_due

SENT = datetime(2026, 3, 1, 9, tzinfo=UTC)


def test_a_report_is_read_as_soon_as_the_campaign_was_sent() -> None:
    assert report_is_due(sent_at=SENT, read_at=None, now=SENT)


def test_a_report_that_was_just_read_is_not_read_again() -> None:
    assert not report_is_due(sent_at=SENT, read_at=SENT, now=SENT + timedelta(hours=1))


@pytest.mark.parametrize("after", READINGS[1:], ids=str)
def test_a_report_is_read_again_when_its_time_has_come(after: timedelta) -> None:
    read_at = SENT + after - timedelta(seconds=1)

    assert report_is_due(sent_at=SENT, read_at=read_at, now=SENT + after)


def test_an_old_report_is_left_alone() -> None:
    read_at = SENT + READINGS[-1]

    assert not report_is_due(sent_at=SENT, read_at=read_at, now=SENT + timedelta(days=400))


def test_a_campaign_of_the_future_has_no_report() -> None:
    assert not report_is_due(sent_at=SENT, read_at=None, now=SENT - timedelta(seconds=1))


def test_a_daily_look_reads_a_report_a_few_times_and_no_more() -> None:
    read_at: datetime | None = None
    readings = 0
    for day in range(60):
        now = SENT + timedelta(days=day)
        if report_is_due(sent_at=SENT, read_at=read_at, now=now):
            readings, read_at = readings + 1, now

    assert readings == len(READINGS) - 1
