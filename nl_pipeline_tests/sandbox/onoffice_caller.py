"""A caller of the onOffice twin that signs requests on its own.

Belongs here: building, signing and sending actions, written apart from twin and client, so that
neither's mistake is copied. Not here: assertions.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from dataclasses import dataclass, field
from typing import Any

import httpx

from nl_pipeline.sandbox.credentials import ONOFFICE_SECRET, ONOFFICE_TOKEN

PREFIX = "urn:onoffice-de-ns:smart:2.5:smartml:action:"


@dataclass(frozen=True)
class Asked:
    """One action to send."""

    verb: str
    resource_type: str
    parameters: Any = field(default_factory=dict)
    resource_id: str | int = ""
    identifier: str = ""
    timestamp: int | None = None
    secret: str = ONOFFICE_SECRET
    version: Any = "2"

    def signed(self, *, token: str) -> dict[str, Any]:
        timestamp = int(time.time()) if self.timestamp is None else self.timestamp
        action_id = PREFIX + self.verb
        text = f"{timestamp}{token}{self.resource_type}{action_id}"
        digest = hmac.new(self.secret.encode(), text.encode(), hashlib.sha256).digest()
        return {
            "actionid": action_id,
            "resourceid": self.resource_id,
            "resourcetype": self.resource_type,
            "identifier": self.identifier,
            "timestamp": timestamp,
            "hmac": base64.b64encode(digest).decode(),
            "hmac_version": self.version,
            "parameters": self.parameters,
        }


class OnOfficeCaller:
    """Calls the twin behind the base URL of a running sandbox."""

    def __init__(self, base_url: str) -> None:
        self.url = f"{base_url}/onoffice/api/stable/api.php"
        # Plain HTTP on this machine: loading certificates would take most of a test's time.
        self._http = httpx.Client(timeout=5, trust_env=False, verify=False)

    def post(self, document: Any) -> httpx.Response:
        return self._http.post(self.url, json=document)

    def post_raw(self, body: bytes) -> httpx.Response:
        return self._http.post(self.url, content=body)

    def get(self) -> httpx.Response:
        return self._http.get(self.url)

    def answer(self, *asked: Asked, token: str = ONOFFICE_TOKEN) -> dict[str, Any]:
        actions = [one.signed(token=token) for one in asked]
        answer: dict[str, Any] = self.post({"token": token, "request": {"actions": actions}}).json()
        return answer

    def results(self, *asked: Asked) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.answer(*asked)["response"]["results"]
        return found

    def result(self, asked: Asked) -> dict[str, Any]:
        return self.results(asked)[0]

    def code(self, asked: Asked) -> int:
        code: int = self.result(asked)["status"]["errorcode"]
        return code

    def records(self, asked: Asked) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.result(asked)["data"]["records"]
        return found

    def total(self, asked: Asked) -> int:
        total: int = self.result(asked)["data"]["meta"]["cntabsolute"]
        return total

    def read(self, **parameters: Any) -> list[dict[str, Any]]:
        return self.records(Asked("read", "address", parameters))

    def address(self, number: int, *fields: str) -> dict[str, Any]:
        asked = Asked("read", "address", {"data": list(fields)}, resource_id=number)
        elements: dict[str, Any] = self.records(asked)[0]["elements"]
        return elements

    def create(self, **parameters: Any) -> int:
        number: int = self.records(Asked("create", "address", parameters))[0]["id"]
        return number

    def modify(self, number: int, **parameters: Any) -> int:
        """The error code of the action."""
        return self.code(Asked("modify", "address", parameters, resource_id=number))

    def emails(self, number: int) -> list[str]:
        """All e-mails, the main one first."""
        elements = self.address(number, "email")
        return [
            value
            for key, value in elements.items()
            if key.startswith("email__") and not key.endswith("Comment")
        ]

    def close(self) -> None:
        self._http.close()
