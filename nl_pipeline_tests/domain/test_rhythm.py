"""When a silence of the webhooks is longer than the account's own rhythm explains."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from nl_pipeline.domain.rhythm import ENOUGH_DAYS, unusual_silence

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def every(gap: timedelta, *, times: int, last: datetime = NOW) -> list[datetime]:
    return [last - gap * number for number in range(times)]


def test_a_busy_account_that_falls_silent_is_told() -> None:
    told = every(3 * HOUR, times=200, last=NOW - 3 * DAY)

    silence = unusual_silence(told, now=NOW)

    assert silence is not None
    assert silence.since == NOW - 3 * DAY
    assert silence.allowed == 2 * DAY


def test_a_busy_account_that_goes_on_is_not() -> None:
    assert unusual_silence(every(3 * HOUR, times=200, last=NOW - DAY), now=NOW) is None


def test_a_break_as_long_as_earlier_ones_is_no_alarm() -> None:
    told = every(DAY, times=20, last=NOW - 5 * DAY) + every(DAY, times=20, last=NOW - 30 * DAY)

    assert unusual_silence(told, now=NOW) is None


def test_a_break_twice_as_long_as_any_before_is_an_alarm() -> None:
    told = every(4 * DAY, times=15, last=NOW - timedelta(days=8, minutes=1))

    assert unusual_silence(told, now=NOW) is not None


@pytest.mark.parametrize("days", [0, 1, ENOUGH_DAYS - 1])
def test_a_tiny_account_is_never_told(days: int) -> None:
    assert unusual_silence(every(DAY, times=days, last=NOW - 300 * DAY), now=NOW) is None


def test_a_hundred_notices_after_one_mailing_are_no_rhythm() -> None:
    told = every(timedelta(minutes=5), times=100, last=NOW - 40 * DAY)

    assert unusual_silence(told, now=NOW) is None


def test_the_order_of_the_times_does_not_matter() -> None:
    told = every(3 * HOUR, times=200, last=NOW - 3 * DAY)
    shuffled = random.Random(1).sample(told, len(told))

    assert unusual_silence(shuffled, now=NOW) == unusual_silence(told, now=NOW)


@pytest.mark.parametrize("seed", range(8))
def test_an_account_with_a_notice_a_day_by_chance_raises_hardly_an_alarm_in_a_year(
    seed: int,
) -> None:
    chance = random.Random(seed)
    told, moment = [], NOW
    for _ in range(400):
        moment += timedelta(days=chance.expovariate(1.0))
        told.append(moment)
    alarms = {
        known
        for hours in range(90 * 24, 365 * 24, 12)
        if (silence := _silence_at(told, now=NOW + hours * HOUR)) is not None
        for known in [silence]
    }

    assert len(alarms) <= 2


def _silence_at(told: list[datetime], *, now: datetime) -> datetime | None:
    """The last notice before an alarm at this moment, over the ninety days that are looked at."""
    silence = unusual_silence([at for at in told if now - 90 * DAY <= at <= now], now=now)
    return None if silence is None else silence.since
