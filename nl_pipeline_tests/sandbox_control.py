"""The sandbox's control API for tests: look at the twins, act in them, break calls, count calls.

Belongs here: one method per control route. Not here: scenarios, and anything the connector does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import httpx

Service = Literal["onoffice", "mailchimp", "brevo", "linkedin"]


@dataclass(frozen=True)
class CallCount:
    """Calls to one route: `path` is a template, `actions` counts onOffice's API actions, `items`
    the records that a bulk call brought."""

    service: str
    method: str
    path: str
    status: int
    count: int
    actions: dict[str, int]
    items: dict[str, int]


class SandboxControl:
    """Control of the running sandbox at `base_url`. Every refusal raises httpx.HTTPStatusError."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        # Without the environment's proxy settings: the sandbox is on this machine. And without
        # certificates, which it has none of: to load them takes longer than most tests.
        self._http = httpx.Client(
            base_url=f"{base_url}/_sandbox", timeout=60, trust_env=False, verify=False
        )

    @property
    def onoffice_url(self) -> str:
        """Address of the onOffice API."""
        return f"{self.base_url}/onoffice/api/stable/api.php"

    @property
    def mailchimp_url(self) -> str:
        """Address of the Mailchimp API."""
        return f"{self.base_url}/mailchimp/3.0"

    @property
    def brevo_url(self) -> str:
        """Address of the Brevo API."""
        return f"{self.base_url}/brevo/v3"

    @property
    def linkedin_url(self) -> str:
        """Address of LinkedIn's REST API."""
        return f"{self.base_url}/linkedin/rest"

    @property
    def linkedin_oauth_url(self) -> str:
        """Address of LinkedIn's OAuth."""
        return f"{self.base_url}/linkedin/oauth/v2"

    def reset(self, *, contacts: int, seed: int = 1, **options: Any) -> None:
        """Start over with another population."""
        self._post("reset", {"contacts": contacts, "seed": seed, **options})

    def dump(self, service: Service) -> dict[str, Any]:
        """All state of one twin, in the service's own field names."""
        answer = self._http.get(f"{service}/dump").raise_for_status()
        state: dict[str, Any] = answer.json()
        return state

    def act(self, service: Service, *, actor: str, action: str, **details: Any) -> dict[str, Any]:
        """Let somebody do something in a twin."""
        return self._post(f"{service}/act", {"actor": actor, "action": action, **details})

    def switch(self, service: Service, *, name: str, value: Any) -> None:
        """Set one switch of a twin (open facts, conflicting error shapes)."""
        self._post(f"{service}/switches", {"name": name, "value": value})

    def send_campaign(
        self, service: Service = "mailchimp", /, *, subject: str, **options: Any
    ) -> dict[str, Any]:
        """Send a campaign from one of the newsletter twins."""
        return self._post(f"{service}/send_campaign", {"subject": subject, **options})

    def deliveries(self) -> dict[str, Any]:
        """What became of the webhooks of the Brevo twin."""
        report: dict[str, Any] = self._http.get("brevo/deliveries").raise_for_status().json()
        return report

    def notifications(self) -> dict[str, Any]:
        """What became of the notifications of the LinkedIn twin."""
        report: dict[str, Any] = self._http.get("linkedin/deliveries").raise_for_status().json()
        return report

    def fault(self, service: Service | None, *, kind: str, match: str, **options: Any) -> None:
        """Break calls whose "METHOD /service/path" or action contains `match`."""
        self._post("faults", {"service": service, "kind": kind, "match": match, **options})

    def clear_faults(self) -> None:
        """Break nothing any more."""
        self._http.delete("faults").raise_for_status()

    def struck(self) -> int:
        """How many calls the faults armed now have broken."""
        answer = self._http.get("faults").raise_for_status().json()
        return sum(fault["applied"] for fault in answer["faults"])

    def calls(self) -> list[CallCount]:
        """What was called since the start or since `forget_calls`."""
        answer = self._http.get("calls").raise_for_status().json()
        return [
            CallCount(
                service=call["service"],
                method=call["method"],
                path=call["path"],
                status=call["status"],
                count=call["count"],
                actions=call.get("actions", {}),
                items=call.get("items", {}),
            )
            for call in answer["calls"]
        ]

    def forget_calls(self) -> None:
        """Count calls from zero."""
        self._http.delete("calls").raise_for_status()

    def advance(self, *, seconds: float) -> None:
        """Move the sandbox's clock forward."""
        self._post("clock", {"advance": seconds})

    def time(self) -> datetime:
        """The sandbox's time, aware, in whole seconds."""
        answer = self._http.get("clock").raise_for_status()
        return datetime.fromisoformat(answer.json()["time"])

    def close(self) -> None:
        """Close the connections of this control."""
        self._http.close()

    def _post(self, path: str, payload: dict[str, Any]) -> dict[str, Any]:
        answer = self._http.post(path, json=payload).raise_for_status()
        result: dict[str, Any] = answer.json()
        return result
