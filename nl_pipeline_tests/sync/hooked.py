"""A scenario whose webhooks are stored in a log, and what its tests ask of it.

Belongs here: driving ingests and looking at what they left. Not here: assertions.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from nl_pipeline.sync.events.ingest import IngestResult, ingest, ingest_and_sync
from nl_pipeline_tests.scenario import Scenario, address
from nl_pipeline_tests.sync.mailbox import Mailbox


@dataclass
class Hooked:
    """A scenario and its mailbox."""

    scenario: Scenario
    mailbox: Mailbox

    def __post_init__(self) -> None:
        self.scenario.link = replace(self.scenario.link, webhook_log=self.mailbox.folder)

    def ingest(self) -> IngestResult:
        """Take in what the log holds, without the sync that may have to follow."""
        return ingest(self.scenario.link)

    def ingest_and_sync(self) -> IngestResult:
        """`nl-pipeline ingest CONNECTION`."""
        result, _ = ingest_and_sync(self.scenario.link)
        return result

    def person(self, action: str, name: str, **details: Any) -> None:
        """The person does something at Mailchimp, and its webhook arrives."""
        before = self.mailbox.stored
        # Times of webhooks are whole seconds: nothing happens in the second of the last sync.
        self.scenario.pass_time(by=timedelta(seconds=2))
        self.scenario.person(action, name, **details)
        self.mailbox.wait(stored=before + 1)

    def tell(self, kind: str, name: str, *, ago: timedelta = timedelta(0), **fields: str) -> None:
        """Store a webhook that Mailchimp may have sent, about something that happened `ago`.

        ``origin``: by whose act, the person's or staff's.
        """
        at = self.scenario.link.now() - ago
        form = {
            "type": kind,
            "fired_at": f"{at:%Y-%m-%d %H:%M:%S}",
            "data_email": address(name).strip(),
            "data_list_id": self.scenario.audience_id,
        }
        self.mailbox.put_form(**(form | fields))

    def replay(self) -> None:
        """Every line of the log once more, as a second receiver would have stored them."""
        for segment in sorted(self.mailbox.folder.glob("*/*.jsonl")):
            copy = segment.with_name(segment.name.replace(".", ".replay", 1))
            copy.write_bytes(segment.read_bytes())

    def ledger(self, name: str) -> str:
        """The last word of a person in our ledger, "" if there is none."""
        rows = self.rows(
            "SELECT ledger FROM consent_now WHERE key = ?", [address(name).strip().lower()]
        )
        return str(rows[0][0]) if rows else ""

    def outcomes(self, kind: str) -> Counter[str]:
        """What became of the events of a kind."""
        return Counter(
            str(row[0])
            for row in self.rows("SELECT outcome FROM subscriber_events WHERE kind = ?", [kind])
        )

    def rows(self, query: str, parameters: list[Any] | None = None) -> list[tuple[Any, ...]]:
        """The answer of the warehouse to a query."""
        with self.scenario.link.warehouse.session() as db:
            return db.execute(query, parameters or []).fetchall()
