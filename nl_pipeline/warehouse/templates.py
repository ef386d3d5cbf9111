"""SQL texts: read from the ``sql`` folder, expanded per connection, split into statements.

Templates repeat column lists for the mapped fields. Field names are validated identifiers of the
settings; values never enter a text, they are bound.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

import duckdb
import jinja2

_FOLDER = files("nl_pipeline.warehouse") / "sql"


def _load(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FunctionLoader(_load), undefined=jinja2.StrictUndefined, autoescape=False
    )


def render(name: str, **context: Any) -> str:
    """The text of template ``name`` with its column lists filled in."""
    return _environment().get_template(name).render(**context)


@lru_cache(maxsize=256)
def _statements(text: str) -> Sequence[duckdb.Statement]:
    """A text split into statements, which may be executed again."""
    return duckdb.extract_statements(text)


def migration_names() -> Iterable[str]:
    """Names of all migrations, in order."""
    folder = _FOLDER / "migrations"
    return sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))


def migration(name: str) -> str:
    """The text of one migration."""
    return _load(f"migrations/{name}")


def run_template(
    db: duckdb.DuckDBPyConnection,
    name: str,
    *,
    parameters: dict[str, Any] | None = None,
    **context: Any,
) -> None:
    """Run every statement of a template; ``parameters`` go to those that name them."""
    for statement in _statements(render(name, **context)):
        wanted = statement.named_parameters
        db.execute(statement, {k: v for k, v in (parameters or {}).items() if k in wanted})
