"""A caller of the Brevo twin with nothing but httpx.

Belongs here: short forms of calls and preparations the tests of this folder share. Not here:
assertions, and any client code of the connector.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import httpx

from nl_pipeline.sandbox.credentials import BREVO_API_KEY
from nl_pipeline_tests.sandbox_control import SandboxControl

ANNA = "anna.berg@kunde.example"
BERT = "bert.tal@kunde.example"


def connected(base_url: str) -> httpx.Client:
    """A connection to the API of a running sandbox, with its key."""
    return httpx.Client(
        base_url=f"{base_url}/brevo/v3",
        headers={"api-key": BREVO_API_KEY},
        timeout=30,
        trust_env=False,
        verify=False,
    )


class BrevoCaller:
    """Calls on an account with a list ``onoffice``, ``list_id``, in folder 1."""

    def __init__(self, http: httpx.Client, *, sandbox: SandboxControl) -> None:
        self.http = http
        self.sandbox = sandbox
        self.list_id = self.do("POST", "/contacts/lists", {"name": "onoffice", "folderId": 1})["id"]

    def call(self, method: str, path: str, json: Any = None, **parameters: Any) -> httpx.Response:
        """One call, whatever its answer."""
        return self.http.request(method, path, json=json, params=parameters or None)

    def get(self, path: str, **parameters: Any) -> dict[str, Any]:
        """The JSON of a successful GET."""
        content: dict[str, Any] = self.call("GET", path, **parameters).raise_for_status().json()
        return content

    def do(self, method: str, path: str, json: Any = None) -> dict[str, Any]:
        """The JSON of a successful write, empty for an empty body."""
        answer = self.call(method, path, json).raise_for_status()
        content: dict[str, Any] = answer.json() if answer.content else {}
        return content

    def create(self, email: str, **body: Any) -> int:
        """The id of a new contact."""
        contact_id: int = self.do("POST", "/contacts", {"email": email, **body})["id"]
        return contact_id

    def contact(self, email: str, **parameters: Any) -> dict[str, Any]:
        """A contact by address."""
        return self.get(f"/contacts/{quote(email)}", **parameters)

    def put(self, email: str, **body: Any) -> httpx.Response:
        """PUT on the contact of an address."""
        return self.call("PUT", f"/contacts/{quote(email)}", body)

    def load(self, *rows: dict[str, Any], **options: Any) -> int:
        """The process id of an import of ``rows`` onto the list."""
        body = {"jsonBody": list(rows), "listIds": [self.list_id], **options}
        process_id: int = self.do("POST", "/contacts/import", body)["processId"]
        return process_id

    def act(self, actor: str, action: str, email: str, **details: Any) -> dict[str, Any]:
        """Let somebody do something at Brevo."""
        return self.sandbox.act("brevo", actor=actor, action=action, email=email, **details)

    def switch(self, name: str, value: Any) -> None:
        """Set a switch of the twin."""
        self.sandbox.switch("brevo", name=name, value=value)

    def dumped(self, email: str) -> dict[str, Any]:
        """The contact of an address as the dump has it, deleted or not; the newest of several."""
        contacts = self.sandbox.dump("brevo")["contacts"]
        found: dict[str, Any] = [one for one in contacts if one["email"] == email][-1]
        return found


def refusal(answer: httpx.Response) -> tuple[int, str, str]:
    """Status, code and message of a refused call."""
    content = answer.json()
    return answer.status_code, content["code"], content["message"]
