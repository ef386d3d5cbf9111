"""The form in which values of both sides are compared."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nl_pipeline.domain.fields import MOST_BYTES, comparable, comparables


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), ("", ""), ("  ", ""), (" Ada ", "Ada"), (7, "7"), ("ü" * 200, "ü" * 127)],
    ids=["nothing", "empty", "blank", "trimmed", "number", "cut between characters"],
)
def test_a_value_is_compared_as_trimmed_text(value: object, text: str) -> None:
    assert comparable(value) == text


@given(st.text())
def test_what_is_compared_fits_into_a_merge_field(value: str) -> None:
    assert len(comparable(value).encode()) <= MOST_BYTES


@given(st.text())
def test_what_was_stored_compares_equal_to_itself(value: str) -> None:
    assert comparable(comparable(value)) == comparable(value)


def test_values_of_a_column_take_the_form_each_would_take_alone() -> None:
    column = [None, "", " Ada ", 7, 1.5, {"city": "Aachen"}, "ü" * 127, "ü" * 128, "a" * 300]

    assert comparables(column) == [comparable(value) for value in column]
