"""Documented paths as a tree: which one a path belongs to, and what its placeholders stand for.

Belongs here: matching of segments. Does not belong here: any vendor's endpoints, how a vendor reads
a segment, its answers to an unknown path.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

H = TypeVar("H")


@dataclass(frozen=True, slots=True)
class Found(Generic[H]):
    """A documented path: its template, what answers each method, values by placeholder."""

    template: str
    handlers: Mapping[str, H]
    values: dict[str, str]


@dataclass(slots=True)
class _Node(Generic[H]):
    fixed: dict[str, _Node[H]] = field(default_factory=dict)
    placeholder: _Node[H] | None = None
    placeholder_name: str = ""
    handlers: dict[str, H] = field(default_factory=dict)
    template: str = ""


class PathTree(Generic[H]):
    """A tree of path segments; a fixed segment wins over a placeholder, which stands in braces."""

    def __init__(self) -> None:
        self._root: _Node[H] = _Node(template="/")

    def add(self, template: str, *, method: str, handler: H) -> None:
        """Add one method of one path."""
        node = self._root
        for part in segments(template):
            if part.startswith("{"):
                node.placeholder = node.placeholder or _Node()
                node.placeholder_name = part.strip("{}")
                node = node.placeholder
            else:
                node = node.fixed.setdefault(part, _Node())
        node.template = template
        node.handlers[method] = handler

    def find(self, parts: Sequence[str]) -> Found[H] | None:
        """The path these segments belong to, None for an unknown one."""
        node = self._root
        values: dict[str, str] = {}
        for part in parts:
            if part in node.fixed:
                node = node.fixed[part]
            elif node.placeholder is not None:
                values[node.placeholder_name] = part
                node = node.placeholder
            else:
                return None
        return Found(node.template, node.handlers, values) if node.handlers else None


def segments(path: str) -> list[str]:
    """The segments of a path as they are written; empty ones do not count."""
    return [part for part in path.split("/") if part]
