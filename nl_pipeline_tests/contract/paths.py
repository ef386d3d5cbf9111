"""Path templates of a document.

Belongs here: finding the template of a path. Not here: what a document says of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


class _HasName(Protocol):
    @property
    def name(self) -> str:
        """METHOD and template."""
        ...


Named = TypeVar("Named", bound=_HasName)


def operation_of(
    operations: Iterable[Named], *, method: str, path: str
) -> tuple[Named, dict[str, str]] | None:
    """The operation of a call and its path parameters; literal paths go first."""
    candidates = [
        (operation, values)
        for operation in operations
        if operation.name.startswith(f"{method} ")
        and (values := _values(operation.name.partition(" ")[2], path)) is not None
    ]
    return min(candidates, key=lambda found: len(found[1]), default=None)


def _values(template: str, path: str) -> dict[str, str] | None:
    """The path parameters if the path is one of this template."""
    templates, parts = template.strip("/").split("/"), path.strip("/").split("/")
    if len(parts) != len(templates):
        return None
    found = {}
    for expected, part in zip(templates, parts, strict=True):
        if expected[:1] == "{":
            found[expected[1:-1]] = part
        elif expected != part:
            return None
    return found
