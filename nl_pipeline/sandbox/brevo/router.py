"""From method and path to an endpoint.

Belongs here: matching of paths below ``/v3`` and the 404 and 405 of unmatched ones. Does not
belong here: the list of endpoints (``routes``).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from urllib.parse import unquote_plus

from nl_pipeline.sandbox.brevo import errors
from nl_pipeline.sandbox.brevo.account import Account
from nl_pipeline.sandbox.brevo.calls import Answer, ApiCall
from nl_pipeline.sandbox.path_tree import PathTree, segments

Handler = Callable[[Account, ApiCall], Answer | Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One documented method of one path; placeholders stand in braces."""

    method: str
    template: str
    handler: Handler


class Router:
    """The documented endpoints, found by path."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._tree: PathTree[Handler] = PathTree()
        for endpoint in endpoints:
            self._tree.add(endpoint.template, method=endpoint.method, handler=endpoint.handler)

    def template(self, path: str) -> str | None:
        """The template a path belongs to, ``None`` for an unknown one."""
        found = self._tree.find(_parts(path))
        return found.template if found else None

    def resolve(self, call: ApiCall) -> tuple[Handler, ApiCall]:
        """Handler and call with the path's values; raises 404 or 405."""
        found = self._tree.find(_parts(call.path))
        if found is None:
            raise errors.unknown_path()
        handler = found.handlers.get(call.method)
        if handler is None:
            raise errors.method_not_allowed()
        return handler, replace(call, parameters=found.values)


def _parts(path: str) -> list[str]:
    """The decoded segments; a plus sign that is not encoded is read as a blank [inferred from the
    advice to encode it]."""
    return [unquote_plus(part) if "%" in part or "+" in part else part for part in segments(path)]
