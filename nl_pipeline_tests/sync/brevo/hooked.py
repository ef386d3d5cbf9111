"""The scenario at Brevo with webhooks that a receiver hears, and what its tests ask of it.

Belongs here: setting webhooks up, waiting until what was told has come, looking at what is left.
Not here: assertions.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import httpx

from nl_pipeline.clients.brevo import BrevoClient
from nl_pipeline.settings import Brevo, KindType
from nl_pipeline.sync import webhook_watch
from nl_pipeline.sync.events.ingest import IngestResult, ingest
from nl_pipeline.sync.link import Progress, profile_fields
from nl_pipeline.sync.providers.brevo import BrevoAudience
from nl_pipeline.sync.webhook_watch import WatchResult
from nl_pipeline.webhook_log.lines import LogLine
from nl_pipeline_tests.scenario import Scenario, address
from nl_pipeline_tests.sync.listening import Listening

KIND = KindType(kind="Newsletter", type="bestellt")
"""A kind and type of activities that the sandbox's CRM has."""
RETRIES = (timedelta(minutes=10), timedelta(hours=1), timedelta(hours=2), timedelta(hours=8))
"""Between the tries of Brevo's."""


@dataclass
class Hooked:
    """A scenario and its receiver."""

    scenario: Scenario
    heard: Listening

    def __post_init__(self) -> None:
        self.scenario.link = replace(self.scenario.link, webhook_log=self.heard.folder)

    def set_up(self) -> WatchResult:
        """Make the webhooks what they should be."""
        return webhook_watch.repair(self.scenario.link, place=self.heard.place)

    def check(self) -> WatchResult:
        return webhook_watch.check(self.scenario.link, place=self.heard.place)

    def ingest(self) -> IngestResult:
        """Take in whatever was told by now."""
        self.heard.hear()
        return ingest(self.scenario.link)

    def pass_time(self, by: timedelta = timedelta(seconds=2)) -> None:
        self.scenario.pass_time(by=by)
        self.heard.hear()

    def send_campaign(self, **rates: Any) -> int:
        """A campaign that reaches everybody; whatever happens to it later is told by acts."""
        none = {
            "open_rate": 0,
            "click_rate": 0,
            "hard_bounce_rate": 0,
            "soft_bounce_rate": 0,
        }
        done = self.scenario.control.send_campaign("brevo", subject="Neues", **(none | rates))
        return int(done["campaign_id"])

    def add_list(self, name: str) -> None:
        """Another list of the account."""
        client = self.client
        client.create_list(name, folder_id=client.folders()[0].id)

    def watch_progress(self, progress: Progress) -> None:
        """Be told of it while an import is awaited."""
        settings = self.scenario.link.settings
        assert isinstance(settings.provider, Brevo)
        audience = BrevoAudience(
            self.client,
            fields=profile_fields(settings),
            settings=settings.provider,
            progress=progress,
        )
        self.scenario.link = replace(self.scenario.link, audience=audience)

    def repeat(self, line: LogLine) -> None:
        """Send once more what Brevo has sent."""
        place = self.heard.place
        token = place.token(provider="brevo", origin=line.origin)
        httpx.post(
            place.url(provider="brevo", origin=line.origin),
            content=line.raw_body(),
            headers={"authorization": f"Bearer {token}"},
            trust_env=False,
        ).raise_for_status()

    @property
    def client(self) -> BrevoClient:
        audience = self.scenario.link.audience
        assert isinstance(audience, BrevoAudience)
        return audience.client

    def webhooks(self) -> list[dict[str, Any]]:
        """The webhooks of the account, as the twin knows them."""
        return list(self.scenario.control.dump("brevo")["webhooks"])

    def kinds(self) -> Counter[str]:
        """Events that are stored, by kind."""
        return Counter(
            str(row[0]) for row in self.rows("SELECT kind FROM subscriber_events ORDER BY kind")
        )

    def outcomes(self, name: str) -> dict[str, str]:
        """What became of the events about a person, by kind."""
        found = self.rows(
            "SELECT kind, outcome FROM subscriber_events WHERE key = ?", [address(name)]
        )
        return {str(kind): str(outcome) for kind, outcome in found}

    def booked(self, name: str, kind: str) -> list[str]:
        """Notes of the activities of a kind at a person's contact, oldest first."""
        rows = self.rows(
            "SELECT note FROM activities WHERE key = ? AND kind = ? AND state = 'written'"
            " ORDER BY happened_at",
            [address(name), kind],
        )
        return [str(row[0]) for row in rows]

    def ledger(self, name: str) -> str:
        """The last word of a person in our ledger, "" if there is none."""
        rows = self.rows("SELECT ledger FROM consent_now WHERE key = ?", [address(name)])
        return str(rows[0][0]) if rows else ""

    def rows(self, query: str, parameters: list[Any] | None = None) -> list[tuple[Any, ...]]:
        """The answer of the warehouse to a query."""
        with self.scenario.link.warehouse.session() as db:
            return db.execute(query, parameters or []).fetchall()
