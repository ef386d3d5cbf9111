"""From method and path to an endpoint, for HTTP requests and batch operations alike.

Belongs here: matching of paths below ``/3.0`` and the 404 and 405 of unmatched ones. Does not
belong here: the list of endpoints (``routes``).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace

from nl_pipeline.sandbox.mailchimp import errors
from nl_pipeline.sandbox.mailchimp.account import Account
from nl_pipeline.sandbox.mailchimp.calls import Answer, ApiCall
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
        found = self._tree.find(segments(path))
        return found.template if found else None

    def resolve(self, call: ApiCall) -> tuple[Handler, ApiCall]:
        """Handler and call with the path's values; raises 404 or 405."""
        found = self._tree.find(segments(call.path))
        if found is None:
            raise errors.not_found()
        handler = found.handlers.get(call.method)
        if handler is None:
            raise errors.method_not_allowed(list(found.handlers))
        return handler, replace(call, parameters=found.values)
