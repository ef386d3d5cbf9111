"""The layers of the package: who may import whom, read off the source.

The table is the architecture; a layer that is not in it fails, so that a new package has to be
placed before it can be used.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import nl_pipeline

ROOT = Path(nl_pipeline.__file__).parent
PACKAGE = "nl_pipeline"

LAYERS: dict[str, set[str]] = {
    "domain": set(),
    "clients": {"domain"},
    "warehouse": {"domain"},
    "settings": {"domain"},
    # Small enough for the receiver, which loads nothing else of ours.
    "webhook_log": {"settings"},
    "receiver": {"webhook_log", "settings"},
    "sync": {"domain", "clients", "warehouse", "settings", "webhook_log"},
    "orchestration": {"sync", "domain", "clients", "warehouse", "settings", "webhook_log"},
    # An emulator that shares code with the client agrees with its bugs.
    "sandbox": set(),
    "cli": {
        "sync",
        "domain",
        "clients",
        "warehouse",
        "settings",
        "orchestration",
        "sandbox",
        "webhook_log",
        "receiver",
    },
    "definitions": {"orchestration", "settings"},
}
"""Layer -> the other layers it may import."""

ONLY_IN: dict[str, set[str]] = {
    "dagster": {"orchestration", "definitions"},
    "duckdb": {"warehouse"},
    # The sandbox sends webhooks.
    "httpx": {"clients", "sandbox"},
}
"""Library -> the layers that may import it. `dagster` includes everything named dagster_*."""

THIRD_PARTY: dict[str, set[str]] = {
    "domain": {"idna", "numpy", "pandas", "pandera"},
    "clients": {"httpx", "msgspec", "stamina", "tenacity"},
    "webhook_log": {"msgspec"},
    "receiver": {"starlette", "uvicorn"},
    "settings": {"cronsim", "dotenv", "pydantic", "pydantic_core", "yaml"},
}
"""Layer -> all libraries it may import besides the standard library; other layers are free."""


@dataclass(frozen=True)
class Import:
    """One imported module, and the line that imports it."""

    file: Path
    line: int
    module: str

    def __str__(self) -> str:
        return f"{self.file.relative_to(ROOT.parent)}:{self.line} imports {self.module}"


def imports_of(file: Path) -> Iterator[Import]:
    """Every import of `file`, those inside functions included."""
    package = (PACKAGE, *file.relative_to(ROOT).parent.parts)
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(file, node.lineno, alias.name)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*start, *([node.module] if node.module else [])])
            for alias in node.names:
                yield Import(file, node.lineno, f"{module}.{alias.name}")


def layer_of(file: Path) -> str:
    return file.relative_to(ROOT).parts[0].removesuffix(".py")


def files_of(layer: str) -> list[Path]:
    return [file for file in SOURCES if layer_of(file) == layer]


def library_of(module: str) -> str:
    name = module.partition(".")[0]
    return "dagster" if name.startswith("dagster_") else name


SOURCES = sorted(ROOT.rglob("*.py"))
LAYER_NAMES = sorted({layer_of(file) for file in SOURCES} - {"__init__"})


@pytest.mark.parametrize("layer", LAYER_NAMES)
def test_every_package_is_a_layer_of_the_table(layer: str) -> None:
    assert layer in LAYERS


@pytest.mark.parametrize("layer", LAYER_NAMES)
def test_a_layer_imports_only_the_layers_below_it(layer: str) -> None:
    allowed = LAYERS[layer] | {layer}

    violations = [
        str(found)
        for file in files_of(layer)
        for found in imports_of(file)
        if library_of(found.module) == PACKAGE
        and (found.module.split(".")[1:2] or [""])[0] not in allowed
    ]

    assert violations == []


@pytest.mark.parametrize("layer", LAYER_NAMES)
def test_a_library_is_imported_only_where_it_belongs(layer: str) -> None:
    violations = [
        str(found)
        for file in files_of(layer)
        for found in imports_of(file)
        if layer not in ONLY_IN.get(library_of(found.module), {layer})
    ]

    assert violations == []


@pytest.mark.parametrize("layer", [layer for layer in LAYER_NAMES if layer in THIRD_PARTY])
def test_a_layer_with_a_short_list_of_libraries_keeps_to_it(layer: str) -> None:
    known = sys.stdlib_module_names | {PACKAGE} | THIRD_PARTY[layer]

    violations = [
        str(found)
        for file in files_of(layer)
        for found in imports_of(file)
        if library_of(found.module) not in known
    ]

    assert violations == []


def test_the_package_itself_imports_nothing() -> None:
    imported = {library_of(found.module) for found in imports_of(ROOT / "__init__.py")}

    assert imported <= {"__future__"}


@pytest.mark.parametrize(
    "folder",
    sorted({file.parent for file in SOURCES}),
    ids=lambda folder: str(folder.relative_to(ROOT.parent)),
)
def test_every_package_says_what_belongs_in_it(folder: Path) -> None:
    contract = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8")))

    assert contract


@pytest.mark.parametrize(
    ("source", "module"),
    [
        ("import nl_pipeline.sync", "nl_pipeline.sync"),
        ("from nl_pipeline import sync", "nl_pipeline.sync"),
        ("from ..sync import plan", "nl_pipeline.sync.plan"),
        ("from .. import sync", "nl_pipeline.sync"),
        ("def late():\n    import nl_pipeline.sync.plan", "nl_pipeline.sync.plan"),
    ],
)
def test_every_way_to_write_an_import_is_seen(
    source: str, module: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    file = tmp_path / "domain" / "rules.py"
    file.parent.mkdir()
    file.write_text(source)

    assert [found.module for found in imports_of(file)] == [module]
