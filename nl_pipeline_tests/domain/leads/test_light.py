"""The light of a form, by the form's own rhythm."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from nl_pipeline.domain.leads import Colour, Light, LightReason, light_of
from nl_pipeline_tests.domain.leads.samples import NOON

DAY = timedelta(days=1)


def every(gap: timedelta, *, until: datetime, times: int = 20) -> list[datetime]:
    return [until - gap * number for number in range(times)]


def light(
    submitted_at: list[datetime] | None = None,
    *,
    import_on: bool = True,
    form_enabled: bool = True,
    blocked_by: str = "",
    push_works: bool = True,
) -> Light:
    return light_of(
        submitted_at or [],
        import_on=import_on,
        form_enabled=form_enabled,
        now=NOON,
        blocked_by=blocked_by,
        push_works=push_works,
    )


def test_a_form_whose_import_is_on_has_a_green_circle() -> None:
    shown = light(every(DAY, until=NOON))

    assert (shown.colour, shown.reason) == (Colour.GREEN, LightReason.ENABLED)
    assert shown.colour.shape == "circle"


def test_a_form_that_is_silent_longer_than_it_ever_was_has_a_yellow_triangle() -> None:
    shown = light(every(DAY, until=NOON - 3 * DAY))

    assert (shown.colour, shown.reason) == (Colour.YELLOW, LightReason.SILENT)
    assert shown.colour.shape == "triangle"
    assert shown.silence is not None
    assert shown.silence.since == NOON - 3 * DAY
    assert "2026-02-26" in shown.text


def test_a_slow_form_is_not_told_by_the_rhythm_of_a_fast_one() -> None:
    assert light(every(5 * DAY, until=NOON - 3 * DAY)).colour is Colour.GREEN


def test_a_new_form_is_green_however_silent() -> None:
    assert light(every(DAY, until=NOON - 300 * DAY, times=3)).colour is Colour.GREEN


@pytest.mark.parametrize(
    ("import_on", "form_enabled", "reason"),
    [
        (False, True, LightReason.IMPORT_OFF),
        (False, False, LightReason.IMPORT_OFF),
        (True, False, LightReason.FORM_OFF),
    ],
)
def test_what_is_off_has_a_grey_circle_whatever_else(
    import_on: bool, form_enabled: bool, reason: LightReason
) -> None:
    shown = light(
        every(DAY, until=NOON - 30 * DAY),
        import_on=import_on,
        form_enabled=form_enabled,
        blocked_by="the token is revoked",
    )

    assert (shown.colour, shown.reason) == (Colour.GREY, reason)
    assert shown.colour.shape == "circle"


def test_what_stands_in_the_way_is_told_before_the_silence_it_causes() -> None:
    shown = light(every(DAY, until=NOON - 30 * DAY), blocked_by="the token is revoked")

    assert (shown.colour, shown.reason) == (Colour.YELLOW, LightReason.BLOCKED)
    assert shown.text == "the token is revoked"


def test_a_silence_tells_that_no_notices_arrive_either() -> None:
    silent = every(DAY, until=NOON - 3 * DAY)

    assert "notices" in light(silent, push_works=False).text
    assert "notices" not in light(silent).text
