"""Brevo's answers, hand-made: one account with one contact, and refusals.

Belongs here: what tests of the Brevo client with hand-made answers share. Not here: the behaviour
of a whole account; that is the twin's.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from nl_pipeline.clients.brevo import BrevoClient
from nl_pipeline_tests.clients.answering import Answer, Naps, Server

KEY = "xkeysib-sekret0123456789"
CANARY = "canary.person@kunde-77.example"
LIST = 7

ATTRIBUTES = [
    {"name": "VORNAME", "category": "normal", "type": "text"},
    {"name": "GEBURTSTAG", "category": "normal", "type": "date"},
    {"name": "OBJEKTE", "category": "normal", "type": "float"},
    {"name": "KUNDE", "category": "normal", "type": "boolean"},
    {
        "name": "ORTE",
        "category": "normal",
        "type": "multiple-choice",
        "multiCategoryOptions": ["A"],
    },
    {"name": "ANREDE", "category": "category", "enumeration": [{"value": 1, "label": "Frau"}]},
    {"name": "BLACKLIST", "category": "global", "type": "float", "calculatedValue": "COUNT[]"},
    {"name": "SMS", "category": "normal", "type": "text"},
]


def told(
    body: Any, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> httpx.Response:
    return httpx.Response(status, json=body, headers=headers)


def refused(status: int, code: str, message: str, **more: Any) -> httpx.Response:
    """Brevo's error envelope."""
    return httpx.Response(
        status,
        json={"code": code, "message": message, **more},
        headers={"sib-request-id": "req-0a1b2c"},
    )


def contact(number: int = 4711, **more: Any) -> dict[str, Any]:
    """A contact as in a live capture."""
    return {
        "id": number,
        "email": CANARY,
        "emailBlacklisted": False,
        "smsBlacklisted": False,
        "createdAt": "2026-08-01T19:43:31.777+02:00",
        "modifiedAt": "2026-08-02T08:15:00.120+02:00",
        "listIds": [LIST, 12],
        "listUnsubscribed": None,
        "attributes": {"VORNAME": "Erika", "SMS": "491701234567"},
        "subscriptions": {},
        **more,
    }


def client_of(server: Server, **options: Any) -> BrevoClient:
    settings: dict[str, Any] = {"sleep": Naps(), **options}
    return BrevoClient(api_key=KEY, http=server.client(), **settings)


def account(
    *, of: Callable[[], dict[str, Any]] = contact, statistics: Any = None
) -> Callable[[httpx.Request], Answer]:
    """Answers every call the client has, as an account with one contact would."""

    def answer(request: httpx.Request) -> Answer:
        path = request.url.path.removeprefix("/v3")
        match request.method, path.strip("/").split("/"):
            case "GET", ["account"]:
                return told({"organization_id": "o1", "enterprise": False, "companyName": "M"})
            case "GET", ["contacts"]:
                return told({"contacts": [of()], "count": 1})
            case "GET", ["contacts", "attributes"]:
                return told({"attributes": ATTRIBUTES})
            case "GET", ["contacts", "lists"]:
                return told({"count": 1, "lists": [{"id": LIST, "name": "onoffice"}]})
            case "GET", ["contacts", "lists", _]:
                return told({"id": LIST, "name": "onoffice", "folderId": 1})
            case "GET", ["contacts", "folders"]:
                return told({"count": 1, "folders": [{"id": 1, "name": "onOffice"}]})
            case "POST", ["contacts", "lists"] | ["contacts", "folders"] | ["webhooks"]:
                return told({"id": 9}, status=201)
            case "POST", ["contacts", "lists", _, "contacts", "remove"]:
                return told({"contacts": {"success": json.loads(request.content)["ids"]}})
            case "POST", ["contacts", "import"] | ["contacts", "export"]:
                return told({"processId": 78}, status=202)
            case "POST", ["emailCampaigns", _, "exportRecipients"]:
                return told({"processId": 79}, status=202)
            case "GET", ["contacts", _, "campaignStats"]:
                return told(statistics or {})
            case "GET", ["contacts", _]:
                return told({**of(), "statistics": statistics or {}})
            case "GET", ["processes"]:
                return told({"count": 1, "processes": [process()]})
            case "GET", ["processes", number]:
                return told({**process(), "id": int(number)})
            case "GET", ["webhooks"]:
                return told({"webhooks": []})
            case "GET", ["emailCampaigns"]:
                return told({"count": 0, "campaigns": []})
            case "GET", ["emailCampaigns", _]:
                return told({"id": 31, "status": "draft"})
            case "GET", [*_, name] if name.endswith(".csv"):
                return httpx.Response(200, content=b"EMAIL;NAME\n")
            case "GET", _:
                return refused(404, "document_not_found", "not found")
            case _:
                return httpx.Response(204)

    return answer


def process(status: str = "completed", **more: Any) -> dict[str, Any]:
    """A process as Brevo shows it."""
    return {
        "id": 78,
        "name": "IMPORTUSER",
        "status": status,
        "export_url": "https://storage.example/export.csv",
        "info": {
            "import": {
                "invalid_emails": "https://storage.example/invalid.csv",
                "duplicate_email_id": None,
            }
        },
        **more,
    }
