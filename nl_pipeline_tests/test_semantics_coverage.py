"""Every row of the semantics has a test against the twins, and every test it names exists."""

from __future__ import annotations

import ast
import importlib
import re
from functools import cache
from pathlib import Path

import pytest

from nl_pipeline.domain.rules import RULES
from nl_pipeline_tests.semantics_coverage import COVERED, EVERY_ROW, Covered

_FOLDER = Path(__file__).parent / "sync"
_ROWS = [(section, row) for section, rows in EVERY_ROW.items() for row in rows]


@cache
def _functions(module: str) -> frozenset[str]:
    tree = ast.parse((_FOLDER / f"{module}.py").read_text(encoding="utf-8"))
    return frozenset(
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    )


@cache
def _titles(module: str) -> tuple[str, ...]:
    stories = importlib.import_module(f"nl_pipeline_tests.sync.{module}").STORIES
    return tuple(story.title for story in stories)


def _exists(test: str) -> bool:
    story = re.fullmatch(r"(\w+)\[(.+)\]", test)
    if story is None:
        module, _, function = test.partition(".")
        return (_FOLDER / f"{module}.py").exists() and function in _functions(module)
    module, title = story.groups()
    if title.endswith("…"):
        return any(known.startswith(title[:-1]) for known in _titles(module))
    return title in _titles(module)


@pytest.mark.parametrize(("section", "row"), _ROWS, ids=lambda value: value)
def test_every_row_of_the_semantics_is_exercised_against_the_twins(section: str, row: str) -> None:
    assert [c for c in COVERED if (c.section, c.row) == (section, row) and c.tests] != []


@pytest.mark.parametrize("covered", COVERED, ids=lambda covered: f"{covered.section} {covered.row}")
def test_a_row_names_tests_that_exist(covered: Covered) -> None:
    assert [test for test in covered.tests if not _exists(test)] == []


def test_the_table_has_no_row_that_the_semantics_lack() -> None:
    assert {(c.section, c.row) for c in COVERED} == set(_ROWS)


def test_every_rule_of_the_status_table_belongs_to_a_row() -> None:
    assert {rule.id for rule in RULES} <= set(EVERY_ROW["3"])
