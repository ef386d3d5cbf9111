"""Cells that a spreadsheet must not take for formulas."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nl_pipeline.domain.spreadsheet import formula_safe


@pytest.mark.parametrize(
    "text", ["=1+1", "+49 241", "-5", "@SUM(A1)", "\tx", "\r=1", "\n=1", "  =1", "＝1", "＠x"]
)
def test_a_text_that_could_be_a_formula_is_quoted(text: str) -> None:
    assert formula_safe(text) == f"'{text}"


@pytest.mark.parametrize(
    ("value", "text"),
    [("a=b", "a=b"), ("", ""), (None, ""), (float("nan"), ""), (7, "7"), (" x", " x")],
)
def test_everything_else_stays_as_it_is(value: object, text: str) -> None:
    assert formula_safe(value) == text


@given(st.text())
def test_no_cell_begins_with_the_sign_of_a_formula(text: str) -> None:
    assert formula_safe(text).lstrip(" ")[:1] not in tuple("=+-@\t\r\n")
    assert formula_safe(text).removeprefix("'") == text.removeprefix("'")
