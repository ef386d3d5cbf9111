"""The control API of a running sandbox, as far as the demo uses it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any, Literal

from nl_pipeline.cli.invocation import CommandError

Service = Literal["onoffice", "mailchimp", "brevo", "linkedin"]

_TIMEOUT_SECONDS = 120.0
#: onOffice takes every call as a POST; what it does stands in the action.
_READING_ACTIONS = ("read:", "get:")


class Sandbox:
    """Acts, dumps and counted calls of the sandbox at `base_url`; CommandError if it refuses."""

    def __init__(self, base_url: str) -> None:
        self._base_url = f"{base_url}/_sandbox"
        # Without a proxy: one that is set for the outside world can't reach this machine.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def dump(self, service: Service) -> dict[str, Any]:
        """All state of one twin, in the service's own field names."""
        return self._call("GET", f"{service}/dump")

    def act(self, service: Service, act: dict[str, Any]) -> None:
        """Let somebody do something in a twin."""
        self._call("POST", f"{service}/act", act)

    def switch(self, service: Service, *, name: str, value: Any) -> None:
        """Decide how a twin behaves where nobody knows how the vendor does."""
        self._call("POST", f"{service}/switches", {"name": name, "value": value})

    def advance(self, *, seconds: int) -> None:
        """Move the sandbox's clock forward."""
        self._call("POST", "clock", {"advance": seconds})

    def forget_calls(self) -> None:
        """Count calls from zero."""
        self._call("DELETE", "calls")

    def count_calls(self) -> tuple[int, int]:
        """Reading and writing calls since `forget_calls`; of onOffice each action counts."""
        reads = writes = 0
        for call in self._call("GET", "calls")["calls"]:
            if call["service"] == "onoffice":
                for action, count in call.get("actions", {}).items():
                    if action.startswith(_READING_ACTIONS):
                        reads += count
                    else:
                        writes += count
            elif call["method"] == "GET":
                reads += call["count"]
            else:
                writes += call["count"]
        return reads, writes

    def _call(
        self, method: str, path: str, payload: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        request = urllib.request.Request(
            f"{self._base_url}/{path}",
            data=None if payload is None else json.dumps(payload).encode(),
            headers={"content-type": "application/json"},
            method=method,
        )
        try:
            with self._opener.open(request, timeout=_TIMEOUT_SECONDS) as answer:
                shown: dict[str, Any] = json.load(answer)
        except urllib.error.HTTPError as refused:
            # The sandbox's reasons name actions and statuses, never a person.
            reason = json.load(refused).get("error", "no reason given")
            raise CommandError(
                f"The sandbox refused {method} {path}: {reason}.",
                next_step="report this; a story of the demo does not fit the sandbox",
            ) from None
        return shown
