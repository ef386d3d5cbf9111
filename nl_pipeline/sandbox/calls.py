"""The call log: how many calls of each kind the services received.

Belongs here: counting, by path template and status. Does not belong here: anything of a request's
content; the log never holds an address or a record.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nl_pipeline.sandbox.service import Service

NO_ANSWER = 0
"""Status of a call whose connection ended before an answer."""


class CallLog:
    """Counters per (service, method, path template, status)."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str, str, int]] = Counter()
        self._actions: dict[tuple[str, str, str, int], Counter[str]] = {}
        self._items: dict[tuple[str, str, str, int], Counter[str]] = {}

    def add(
        self,
        *,
        service: str,
        method: str,
        path: str,
        status: int,
        actions: Mapping[str, int] | None,
        items: Mapping[str, int] | None,
    ) -> None:
        """Count one call; ``actions`` only for a service that has several in one call, ``items``
        only for a call that takes many records, such as ``{"members": 500}``."""
        key = (service, method, path, status)
        self._counts[key] += 1
        if actions:
            self._actions.setdefault(key, Counter()).update(actions)
        if items:
            self._items.setdefault(key, Counter()).update(items)

    def clear(self) -> None:
        """All counters back to nothing."""
        self._counts.clear()
        self._actions.clear()
        self._items.clear()

    def listing(self) -> list[dict[str, Any]]:
        """``[{"service","method","path","status","count","actions","items"}]``, sorted; ``actions``
        and ``items`` are left out where there are none."""
        rows = []
        for key in sorted(self._counts):
            service, method, path, status = key
            row: dict[str, Any] = {
                "service": service,
                "method": method,
                "path": path,
                "status": status,
                "count": self._counts[key],
            }
            if key in self._actions:
                row["actions"] = dict(sorted(self._actions[key].items()))
            if key in self._items:
                row["items"] = dict(sorted(self._items[key].items()))
            rows.append(row)
        return rows


class CallLogMiddleware:
    """Outermost layer: sees every call of a service, also those that a fault breaks."""

    def __init__(self, app: ASGIApp, *, calls: CallLog, services: Mapping[str, Service]) -> None:
        self._app = app
        self._calls = calls
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count the call when it has ended, whatever became of it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        _, name, *rest = scope["path"].split("/", 2)
        service = self._services.get(name)
        if service is None:
            await self._app(scope, receive, send)
            return
        path = "/" + (rest[0] if rest else "")
        status = NO_ANSWER

        async def note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, note_status)
        finally:
            self._calls.add(
                service=name,
                method=scope["method"],
                path=service.path_template(path),
                status=status,
                actions=scope.get("sandbox.actions"),
                items=scope.get("sandbox.items"),
            )
