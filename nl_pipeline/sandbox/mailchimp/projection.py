"""``fields`` and ``exclude_fields``: which parts of an answer are sent.

Belongs here: parsing of the dot paths and cutting an answer down to them. Does not belong here:
what an answer contains. Paths are relative to the answer (``members.email_address`` on the
collection); both parameters together count as ``fields`` alone [inferred].
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class _Tree(dict[str, "_Tree"]):
    """Dot paths as nested names; an empty tree means "all of it"."""


def _tree(text: str) -> _Tree:
    root = _Tree()
    for path in filter(None, (part.strip() for part in text.split(","))):
        node = root
        names = path.split(".")
        for name in names:
            known = node.get(name)
            if known is not None and not known:
                break
            node = node.setdefault(name, _Tree())
        else:
            node.clear()
    return root


def _kept(value: Any, tree: _Tree) -> Any:
    if not tree:
        return value
    if isinstance(value, list):
        return [_kept(item, tree) for item in value]
    if isinstance(value, dict):
        return {name: _kept(value[name], tree[name]) for name in value if name in tree}
    return value


def _cut(value: Any, tree: _Tree) -> Any:
    if isinstance(value, list):
        return [_cut(item, tree) for item in value]
    if isinstance(value, dict):
        return {
            name: _cut(part, tree[name]) if name in tree else part
            for name, part in value.items()
            if name not in tree or tree[name]
        }
    return value


@dataclass(frozen=True, slots=True)
class Projection:
    """The parts of an answer a call asks for."""

    fields: _Tree
    exclude_fields: _Tree

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Projection:
        """Read both parameters of a query."""
        return cls(
            fields=_tree(query.get("fields", "")),
            exclude_fields=_tree(query.get("exclude_fields", "")),
        )

    @property
    def names(self) -> set[str]:
        """First names of the paths in ``fields``."""
        return set(self.fields)

    def inside(self, name: str) -> Projection:
        """The projection of what lies below ``name``."""
        return Projection(
            fields=self.fields.get(name, _Tree()),
            exclude_fields=self.exclude_fields.get(name, _Tree()),
        )

    def wants(self, name: str) -> bool:
        """Whether the property ``name`` is part of the answer."""
        if self.fields:
            return name in self.fields
        return self.exclude_fields.get(name) != {}

    @property
    def is_flat(self) -> bool:
        """Whether no path reaches below the first names."""
        return not any(self.fields.values()) and not any(self.exclude_fields.values())

    def cut(self, content: Any) -> Any:
        """The content with only the wanted parts."""
        if self.fields:
            return _kept(content, self.fields)
        return _cut(content, self.exclude_fields) if self.exclude_fields else content
