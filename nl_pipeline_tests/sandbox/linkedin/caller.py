"""A caller of the LinkedIn twin with nothing but httpx.

Belongs here: short forms of calls and preparations the tests of this folder share. Not here:
assertions, and any client code of the connector.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import httpx

from nl_pipeline.sandbox.credentials import (
    LINKEDIN_ACCESS_TOKEN,
    LINKEDIN_CLIENT_ID,
    LINKEDIN_CLIENT_SECRET,
    LINKEDIN_REFRESH_TOKEN,
)
from nl_pipeline.sandbox.linkedin.seeding import AD_ACCOUNT_ID, ORGANIZATION_ID
from nl_pipeline_tests.sandbox_control import SandboxControl

ANNA = "anna.berg@kunde.example"
BERT = "bert.tal@kunde.example"
DAY = 86_400

AD_ACCOUNT = f"urn:li:sponsoredAccount:{AD_ACCOUNT_ID}"
PAGE = f"urn:li:organization:{ORGANIZATION_ID}"
OF_ACCOUNT = f"(sponsoredAccount:{quote(AD_ACCOUNT, safe='')})"
OF_PAGE = f"(organization:{quote(PAGE, safe='')})"
SPONSORED = "(leadType:SPONSORED)"
EVENT = "(leadType:EVENT)"

HEADERS = {
    "authorization": f"Bearer {LINKEDIN_ACCESS_TOKEN}",
    "linkedin-version": "202607",
    "x-restli-protocol-version": "2.0.0",
}
APP = {"client_id": LINKEDIN_CLIENT_ID, "client_secret": LINKEDIN_CLIENT_SECRET}


def connected(base_url: str) -> httpx.Client:
    """A connection to a running sandbox, without a token."""
    return httpx.Client(base_url=base_url, timeout=30, trust_env=False, verify=False)


class LinkedInCaller:
    """Calls with the member's token, ``headers`` for all of them."""

    def __init__(self, http: httpx.Client, *, sandbox: SandboxControl) -> None:
        self.http = http
        self.sandbox = sandbox
        self.headers = dict(HEADERS)

    def call(self, method: str, path: str, json: Any = None, **headers: str) -> httpx.Response:
        """One call, whatever its answer; the query is sent as it stands in ``path``."""
        sent = {**self.headers, **{key.replace("_", "-"): text for key, text in headers.items()}}
        return self.http.request(method, f"/linkedin/rest/{path}", json=json, headers=sent)

    def get(self, path: str) -> dict[str, Any]:
        """The JSON of a successful GET."""
        content: dict[str, Any] = self.call("GET", path).raise_for_status().json()
        return content

    def find(self, **parameters: str) -> httpx.Response:
        """The finder of sponsored leads of the ad account, with more or other parameters."""
        query = {"q": "owner", "owner": OF_ACCOUNT, "leadType": SPONSORED, **parameters}
        joined = "&".join(f"{name}={text}" for name, text in query.items())
        return self.call("GET", f"leadFormResponses?{joined}")

    def leads(self, **parameters: str) -> list[dict[str, Any]]:
        """What the finder finds."""
        found: list[dict[str, Any]] = self.find(**parameters).raise_for_status().json()["elements"]
        return found

    def token(self, **form: str) -> httpx.Response:
        """A call of the token endpoint as the app."""
        return self.http.post("/linkedin/oauth/v2/accessToken", data={**APP, **form})

    def refresh(self, refresh_token: str = LINKEDIN_REFRESH_TOKEN) -> httpx.Response:
        """A refresh."""
        return self.token(grant_type="refresh_token", refresh_token=refresh_token)

    def submit(self, email: str = ANNA, **details: Any) -> dict[str, Any]:
        """Somebody fills in the contact form, or another."""
        names = {"first_name": "Anna", "last_name": "Berg"}
        return self.act("person", "submit", email=email, **{**names, **details})

    def act(self, actor: str, action: str, **details: Any) -> dict[str, Any]:
        """Let somebody do something at LinkedIn."""
        return self.sandbox.act("linkedin", actor=actor, action=action, **details)

    def switch(self, name: str, value: Any) -> None:
        """Set a switch of the twin."""
        self.sandbox.switch("linkedin", name=name, value=value)

    def advance(self, *, days: float = 0, hours: float = 0) -> None:
        """Move the clock."""
        self.sandbox.advance(seconds=days * DAY + hours * 3600)

    def subscribe(self, url: str, **body: Any) -> httpx.Response:
        """A subscription to the sponsored leads of the ad account."""
        owner = {"sponsoredAccount": AD_ACCOUNT}
        wanted = {"webhook": url, "owner": owner, "leadType": "SPONSORED", **body}
        return self.call("POST", "leadNotifications", wanted)


def answers_of(lead: dict[str, Any]) -> dict[int, Any]:
    """Question id -> text or ids of options."""
    found: dict[int, Any] = {}
    for one in lead["formResponse"]["answers"]:
        ((_, details),) = one["answerDetails"].items()
        found[one["questionId"]] = details.get("answer", details.get("options"))
    return found


def ids_of(leads: list[dict[str, Any]]) -> list[str]:
    """The ids of leads, in their order."""
    return [one["id"] for one in leads]


def within(start: int, end: int) -> str:
    """A time range, in milliseconds."""
    return f"(start:{start},end:{end})"


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of a refused call."""
    return answer.status_code, answer.json().get("code", "")
