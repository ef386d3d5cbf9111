"""From method and path to an endpoint.

Belongs here: matching of paths below ``/v3`` and the 404 and 405 of unmatched ones. Does not
belong here: the list of endpoints (``routes``).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from urllib.parse import unquote_plus

from nl_pipeline.sandbox.brevo import errors
from nl_pipeline.sandbox.brevo.account import Account
from nl_pipeline.sandbox.brevo.calls import Answer, ApiCall

Handler = Callable[[Account, ApiCall], Answer | Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One documented method of one path; placeholders stand in braces."""

    method: str
    template: str
    handler: Handler


@dataclass(slots=True)
class _Node:
    fixed: dict[str, _Node] = field(default_factory=dict)
    placeholder: _Node | None = None
    placeholder_name: str = ""
    handlers: dict[str, Handler] = field(default_factory=dict)
    template: str = ""


class Router:
    """A tree of path segments; a fixed segment wins over a placeholder."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._root = _Node(template="/")
        for endpoint in endpoints:
            self._add(endpoint)

    def template(self, path: str) -> str | None:
        """The template a path belongs to, ``None`` for an unknown one."""
        found = self._find(path)
        return found[0].template if found else None

    def resolve(self, call: ApiCall) -> tuple[Handler, ApiCall]:
        """Handler and call with the path's values; raises 404 or 405."""
        found = self._find(call.path)
        if found is None:
            raise errors.unknown_path()
        node, values = found
        handler = node.handlers.get(call.method)
        if handler is None:
            raise errors.method_not_allowed()
        return handler, replace(call, parameters=values)

    def _add(self, endpoint: Endpoint) -> None:
        node = self._root
        for part in _parts(endpoint.template):
            if part.startswith("{"):
                node.placeholder = node.placeholder or _Node()
                node.placeholder_name = part.strip("{}")
                node = node.placeholder
            else:
                node = node.fixed.setdefault(part, _Node())
        node.template = endpoint.template
        node.handlers[endpoint.method] = endpoint.handler

    def _find(self, path: str) -> tuple[_Node, dict[str, str]] | None:
        node = self._root
        values: dict[str, str] = {}
        for part in _parts(path):
            if part in node.fixed:
                node = node.fixed[part]
            elif node.placeholder is not None:
                values[node.placeholder_name] = part
                node = node.placeholder
            else:
                return None
        return (node, values) if node.handlers else None


def _parts(path: str) -> list[str]:
    """The decoded segments; a plus sign that is not encoded is read as a blank [inferred from the
    advice to encode it]."""
    return [
        unquote_plus(part) if "%" in part or "+" in part else part
        for part in path.split("/")
        if part
    ]
