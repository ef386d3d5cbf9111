"""A caller of the Mailchimp twin with nothing but httpx, and addresses in every member state.

Belongs here: short forms of calls and preparations the tests of this folder share. Not here:
assertions, and any client code of the connector.
"""

from __future__ import annotations

from hashlib import md5
from typing import Any

import httpx

from nl_pipeline.sandbox.credentials import MAILCHIMP_API_KEY
from nl_pipeline_tests.sandbox_control import SandboxControl

ANNA = "Anna.Berg@kunde.example"

AUDIENCE = {
    "name": "onoffice",
    "permission_reminder": "Sie haben sich angemeldet.",
    "email_type_option": False,
    "contact": {"company": "Muster", "address1": "Weg 1", "city": "Aachen", "country": "DE"},
    "campaign_defaults": {
        "from_name": "Muster",
        "from_email": "news@muster.example",
        "subject": "",
        "language": "de",
    },
}


def subscriber_hash(email_address: str) -> str:
    """MD5 of the lower-cased address."""
    return md5(email_address.lower().encode()).hexdigest()


def connected(base_url: str) -> httpx.Client:
    """A connection to the API of a running sandbox, with its key."""
    return httpx.Client(
        base_url=f"{base_url}/mailchimp/3.0",
        auth=("anybody", MAILCHIMP_API_KEY),
        timeout=30,
        trust_env=False,
        verify=False,
    )


class MailchimpCaller:
    """Calls on an audience ``onoffice``; paths are relative to it unless they begin with /."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http
        self.list_id = ""

    def call(self, method: str, path: str, json: Any = None, **parameters: Any) -> httpx.Response:
        """One call, whatever its answer."""
        if not path.startswith("/"):
            path = f"/lists/{self.list_id}/{path}".rstrip("/")
        return self.http.request(method, path, json=json, params=parameters)

    def get(self, path: str, **parameters: Any) -> dict[str, Any]:
        """The JSON of a successful GET."""
        content: dict[str, Any] = self.call("GET", path, **parameters).raise_for_status().json()
        return content

    def do(self, method: str, path: str, json: Any = None, **parameters: Any) -> dict[str, Any]:
        """The JSON of a successful write, empty for an empty body."""
        answer = self.call(method, path, json, **parameters).raise_for_status()
        content: dict[str, Any] = answer.json() if answer.content else {}
        return content

    def create_audience(self, **properties: Any) -> str:
        """Create the audience and use it from now on."""
        self.list_id = self.do("POST", "/lists", {**AUDIENCE, **properties})["id"]
        return self.list_id

    def put(self, email_address: str, /, **body: Any) -> httpx.Response:
        """PUT on the member of an address."""
        content = {"email_address": email_address, **body}
        return self.call("PUT", f"members/{subscriber_hash(email_address)}", content)

    def patch(self, email_address: str, /, **body: Any) -> httpx.Response:
        """PATCH on the member of an address."""
        return self.call("PATCH", f"members/{subscriber_hash(email_address)}", body)

    def add(self, email_address: str = ANNA, status: str = "subscribed", **body: Any) -> Any:
        """Create a member that must not be there yet."""
        return self.do(
            "POST", "members", {"email_address": email_address, "status": status, **body}
        )

    def member(self, email_address: str = ANNA) -> dict[str, Any]:
        """The member of an address."""
        return self.get(f"members/{subscriber_hash(email_address)}")

    def addresses(self, **parameters: Any) -> list[str]:
        """Addresses of the collection."""
        found = self.get("members", **{"count": 1000, **parameters})["members"]
        return [member["email_address"] for member in found]


def bring_into_state(
    state: str, *, mailchimp: MailchimpCaller, sandbox: SandboxControl, email: str = ANNA
) -> None:
    """Bring an address of the audience into a state of the state table."""

    def act(action: str, actor: str = "person") -> None:
        sandbox.act("mailchimp", actor=actor, action=action, email=email)

    if state == "absent":
        return
    if state in ("pending", "transactional"):
        mailchimp.add(email, status=state)
        return
    mailchimp.add(email)
    if state == "unsubscribed by API":
        mailchimp.patch(email, status="unsubscribed").raise_for_status()
    elif state == "unsubscribed by contact":
        act("unsubscribe")
    elif state == "cleaned":
        act("clean")
    elif state == "archived":
        act("archive", actor="staff")
    elif state == "permanently deleted":
        act("delete_permanent", actor="staff")
