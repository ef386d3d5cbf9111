"""The arithmetic of the brakes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nl_pipeline.domain.brakes import (
    Brake,
    BrakeReading,
    Brakes,
    Limit,
    allowed_rows,
    read_brakes,
    share,
)


@pytest.mark.parametrize(
    ("total", "allowed"),
    [
        pytest.param(0, 5, id="an empty audience keeps the floor"),
        pytest.param(100, 5, id="two percent of a tiny audience is not one person"),
        pytest.param(1_000, 20, id="the percentage is smaller"),
        pytest.param(2_499, 49, id="whole rows only"),
        pytest.param(100_000, 50, id="the count is smaller"),
    ],
)
def test_the_smaller_of_count_and_percent_holds(total: int, allowed: int) -> None:
    assert allowed_rows(Limit(50, 2), of=total, at_least=5) == allowed


@given(st.integers(0, 10**6), st.integers(0, 1000), st.floats(0, 100), st.integers(0, 10))
def test_a_limit_is_never_above_its_count_or_below_the_floor(
    total: int, count: int, percent: float, floor: int
) -> None:
    allowed = allowed_rows(Limit(count, percent), of=total, at_least=floor)

    assert floor <= allowed <= max(floor, count)


def test_a_share_is_counted_in_whole_rows() -> None:
    assert share(2, of=349, at_least=5) == 6


@pytest.mark.parametrize(("rows", "tripped"), [(0, False), (5, False), (6, True)])
def test_a_brake_trips_above_what_it_allows(rows: int, tripped: bool) -> None:
    assert BrakeReading(Brake.REMOVALS, rows, allowed=5).tripped is tripped


def _read(**counts: int) -> dict[tuple[Brake, str], BrakeReading]:
    values = {
        "removals": 0,
        "crm_blanked": 0,
        "new_contacts": 0,
        "confirmations": 0,
        "inbound_opt_outs": 0,
        "contacts": 1_000,
        "contacts_before": 1_000,
        "audience": 1_000,
    }
    overwritten = {"first_name": 0, "last_name": 201}
    readings = read_brakes(Brakes(), overwritten=overwritten, **(values | counts))
    return {(reading.brake, reading.subject): reading for reading in readings}


def test_every_brake_is_read() -> None:
    assert {brake for brake, _ in _read()} == set(Brake)


@pytest.mark.parametrize(
    ("count", "brake", "most"),
    [
        ("removals", Brake.REMOVALS, 20),
        ("crm_blanked", Brake.CRM_BLANKED, 20),
        ("new_contacts", Brake.NEW_CONTACTS, 100),
        ("confirmations", Brake.CONFIRMATIONS, 20),
        ("inbound_opt_outs", Brake.INBOUND_ALARM, 20),
    ],
)
def test_a_brake_counts_its_own_rows(count: str, brake: Brake, most: int) -> None:
    assert not _read(**{count: most})[brake, ""].tripped
    assert _read(**{count: most + 1})[brake, ""].tripped


def test_a_crm_that_shrank_by_more_than_its_share_trips() -> None:
    assert not _read(contacts=950)[Brake.CRM_SHRINK, ""].tripped
    assert _read(contacts=949)[Brake.CRM_SHRINK, ""].tripped


def test_a_crm_that_grew_does_not_trip() -> None:
    assert _read(contacts=2_000)[Brake.CRM_SHRINK, ""].rows == 0


def test_the_first_picture_of_the_crm_has_not_shrunk() -> None:
    assert not _read(contacts_before=0)[Brake.CRM_SHRINK, ""].tripped


def test_each_field_has_its_own_brake() -> None:
    readings = _read()

    assert not readings[Brake.OVERWRITTEN, "first_name"].tripped
    assert readings[Brake.OVERWRITTEN, "last_name"].tripped
