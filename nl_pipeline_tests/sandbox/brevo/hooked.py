"""An account of the Brevo twin whose webhooks are listened to.

Belongs here: short forms of calls and acts the tests of webhooks and campaigns share. Not here:
assertions, and any client code of the connector.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from nl_pipeline_tests.sandbox.brevo.caller import ANNA, BrevoCaller
from nl_pipeline_tests.sandbox.mailchimp.receiver import Receiver
from nl_pipeline_tests.sandbox_control import SandboxControl

MAIL_EVENTS = ("delivered", "opened", "click", "hardBounce", "softBounce", "spam", "unsubscribed")
CONTACT_EVENTS = ("listAddition", "contactUpdated", "contactDeleted")
EVENTS = (*MAIL_EVENTS, *CONTACT_EVENTS)

QUIET = {"open_rate": 0, "click_rate": 0, "hard_bounce_rate": 0, "soft_bounce_rate": 0}
"""A campaign that everybody gets and nobody reads."""


@dataclass(frozen=True)
class Hooked:
    """Calls and acts on the account of a caller, and the receiver of its webhooks."""

    brevo: BrevoCaller
    receiver: Receiver

    @property
    def sandbox(self) -> SandboxControl:
        """The control of the sandbox."""
        return self.brevo.sandbox

    @property
    def list_id(self) -> int:
        """The list ``onoffice``."""
        return int(self.brevo.list_id)

    def call(self, method: str, path: str, json: Any = None, **query: Any) -> httpx.Response:
        """One call, whatever its answer."""
        return self.brevo.call(method, path, json, **query)

    def do(self, method: str, path: str, json: Any = None, **query: Any) -> Any:
        """The JSON of a successful call, None for an empty body."""
        answer = self.call(method, path, json, **query).raise_for_status()
        return answer.json() if answer.content else None

    def add(self, *emails: str, **body: Any) -> None:
        """Contacts on the list that must not be there yet."""
        for email in emails or (ANNA,):
            self.do("POST", "/contacts", {"email": email, "listIds": [self.list_id], **body})

    def watch(self, events: Sequence[str] = EVENTS, **body: Any) -> int:
        """Register a marketing webhook at the receiver; gives its id."""
        content = {"url": self.receiver.url, "type": "marketing", "events": list(events), **body}
        return int(self.do("POST", "/webhooks", content)["id"])

    def act(self, action: str, *, actor: str = "person", email: str = ANNA, **details: Any) -> None:
        """Something a contact does or suffers."""
        self.sandbox.act("brevo", actor=actor, action=action, email=email, **details)

    def send(self, subject: str = "Neubau", **options: Any) -> int:
        """Send a campaign that everybody gets and nobody reads, unless said otherwise."""
        order = {**QUIET, **options}
        sent = self.sandbox.send_campaign("brevo", subject=subject, **order)
        return int(sent["campaign_id"])

    def told(self) -> Any:
        """The JSON of the next delivery."""
        return self.receiver.next().json

    def file_of(self, process_id: int) -> list[dict[str, str]]:
        """The rows of the file of a process that is done."""
        url = self.do("GET", f"/processes/{process_id}")["export_url"]
        text = self.brevo.http.get(url).raise_for_status().text
        return list(csv.DictReader(io.StringIO(text), delimiter=";"))

    def settled(self) -> dict[str, Any]:
        """What became of the deliveries, as soon as nothing is being sent."""
        for _ in range(2000):
            report = self.sandbox.deliveries()
            if not report["under_way"]:
                return report
        raise AssertionError("deliveries do not come to rest")
