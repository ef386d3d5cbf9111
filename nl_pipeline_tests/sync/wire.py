"""What the engine sends to a provider, word for word.

Belongs here: looking at requests. Not here: assertions. The twin's own log holds counts only.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec

from nl_pipeline_tests.scenario import Scenario


@dataclass(frozen=True)
class Sent:
    """One write: alone, or an operation of a batch."""

    method: str
    path: str
    body: dict[str, Any]


@contextmanager
def sent_to_provider(scenario: Scenario) -> Iterator[list[Sent]]:
    """The writes that are sent within the block, those inside batches one by one."""
    http = scenario.link.audience.client._session._http  # type: ignore[attr-defined]
    hooks = http.event_hooks
    writes: list[Sent] = []

    def note(request: httpx.Request) -> None:
        if request.method != "GET":
            body = msgspec.json.decode(request.content or b"{}")
            for operation in body.get("operations", ()):
                inner = msgspec.json.decode(operation.get("body") or "{}")
                writes.append(Sent(operation["method"], operation["path"], inner))
            if "operations" not in body:
                writes.append(Sent(request.method, request.url.path, body))

    http.event_hooks = {**hooks, "request": [note]}
    try:
        yield writes
    finally:
        http.event_hooks = hooks
