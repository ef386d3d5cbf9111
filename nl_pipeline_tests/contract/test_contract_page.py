"""The page of accepted differences says what the tables say."""

from __future__ import annotations

from pathlib import Path

from nl_pipeline_tests.contract.page import page

ROOT = Path(__file__).parents[2]


def test_the_page_of_differences_is_current() -> None:
    assert (ROOT / "docs" / "contract.md").read_text(encoding="utf-8") == page()
