"""At which provider a test of the sync runs, read from its source.

Belongs here: names of tests to places and providers. Must not be here: what the tests show.

A test is named ``module.function`` below ``nl_pipeline_tests/sync``, or ``folder/module.function``;
a story ``module[title]``. One that is not marked ``each_provider`` runs at Mailchimp, those in the
folder ``brevo`` at Brevo.
"""

from __future__ import annotations

import ast
import importlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import cast

from nl_pipeline_tests.providers import PROVIDERS, Provider
from nl_pipeline_tests.providers.exceptions import EXCEPTED
from nl_pipeline_tests.sync.stories import Story

SYNC = Path(__file__).parent / "sync"
_MARK = "each_provider"
_NAME = re.compile(r"(?:(?P<folder>\w+)/)?(?P<module>\w+)(?:\.(?P<function>\w+)|\[(?P<title>.+)\])")


@dataclass(frozen=True)
class TestFile:
    """The functions of a file, and which of them are marked."""

    functions: frozenset[str]
    marked: frozenset[str]


# No class of tests, whatever its name begins with.
TestFile.__test__ = False  # type: ignore[attr-defined]


@cache
def file_of(folder: str, module: str) -> TestFile | None:
    """A file below ``sync``, None if there is none."""
    path = SYNC / folder / f"{module}.py"
    if not path.exists():
        return None
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]
    names = frozenset(node.name for node in functions)
    if any(isinstance(node, ast.Assign) and _is_whole_module(node) for node in tree.body):
        return TestFile(names, names)
    marked = (
        node.name
        for node in functions
        if any(isinstance(mark, ast.Name) and mark.id == _MARK for mark in node.decorator_list)
    )
    return TestFile(names, frozenset(marked))


def _is_whole_module(node: ast.Assign) -> bool:
    targets = [target.id for target in node.targets if isinstance(target, ast.Name)]
    return targets == ["pytestmark"] and isinstance(node.value, ast.Name) and node.value.id == _MARK


@cache
def _stories(module: str) -> tuple[Story, ...]:
    return tuple(importlib.import_module(f"nl_pipeline_tests.sync.{module}").STORIES)


def stories_of(module: str, *, title: str) -> list[Story]:
    """The stories of a title, which may be cut short with ``…``."""
    if title.endswith("…"):
        return [one for one in _stories(module) if one.title.startswith(title[:-1])]
    return [one for one in _stories(module) if one.title == title]


def providers_of(test: str) -> tuple[Provider, ...]:
    """Where a test runs and is not expected to fail; nowhere, if there is no such test."""
    named = _NAME.fullmatch(test)
    file = None if named is None else file_of(named["folder"] or "", named["module"])
    if named is None or file is None:
        return ()
    if named["title"]:
        told = stories_of(named["module"], title=named["title"])
        return tuple(p for p in PROVIDERS if any(one.at(p) is not None for one in told))
    if named["function"] not in file.functions:
        return ()
    if named["folder"] in PROVIDERS:
        return (cast("Provider", named["folder"]),)
    if named["function"] not in file.marked:
        return ("mailchimp",)
    # One that is excepted for some of its cases still shows the others.
    excepted = {one.provider for one in EXCEPTED if one.test == test and not one.cases}
    return tuple(p for p in PROVIDERS if p not in excepted)
