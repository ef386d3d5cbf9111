"""From method and path to an endpoint, for HTTP requests and batch operations alike.

Belongs here: matching of paths below ``/3.0`` and the 404 and 405 of unmatched ones. Does not
belong here: the list of endpoints (``routes``).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace

from nl_pipeline.sandbox.mailchimp import errors
from nl_pipeline.sandbox.mailchimp.account import Account
from nl_pipeline.sandbox.mailchimp.calls import Answer, ApiCall

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
            raise errors.not_found()
        node, values = found
        handler = node.handlers.get(call.method)
        if handler is None:
            raise errors.method_not_allowed(list(node.handlers))
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
    return [part for part in path.split("/") if part]
