"""A deployment whose connection `north` is told by webhooks.

Belongs here: where the webhooks go, and driving the jobs and sensors of events as the daemon does.
Not here: assertions.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import httpx
import yaml

from nl_pipeline.orchestration.partitions import connection_day
from nl_pipeline.sandbox import credentials
from nl_pipeline_tests.orchestration.conftest import NORTH
from nl_pipeline_tests.orchestration.deployment import Deployment
from nl_pipeline_tests.providers.mailchimp import ORIGINS
from nl_pipeline_tests.sync.mailbox import Mailbox

YES = "1"
"""Key of `newsletter_aktiv`."""
_RANGE = "dagster/asset_partition_range_{}"


@dataclass
class HookedDeployment:
    """The deployment and the log its webhooks are stored in."""

    deployment: Deployment
    mailbox: Mailbox

    def act(self, actor: str, action: str, email: str, **details: Any) -> None:
        """Somebody does something at Mailchimp, and its webhook arrives."""
        before = self.mailbox.stored + self.mailbox.refused
        self.act_unheard(actor, action, email, **details)
        self.mailbox.wait(stored=before + 1)

    def act_unheard(self, actor: str, action: str, email: str, **details: Any) -> None:
        """The same without waiting for a webhook."""
        control = self.deployment.controls[NORTH]
        # Times of webhooks are whole seconds: nothing happens in the second of the last sync.
        control.advance(seconds=2)
        control.act("mailchimp", actor=actor, action=action, email=email, **details)

    def age_log(self, *, days: int) -> None:
        """What was received today was received some days ago, and the receiver got stuck then."""
        today = datetime.now(UTC).date()
        folder = self.mailbox.folder
        (folder / f"{today}").rename(folder / f"{today - timedelta(days=days)}")

    def want_activity(self, name: str, **activity: str) -> None:
        """Have an activity written for something from now on."""
        file = self.deployment.settings_file
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
        document["connections"][NORTH].setdefault("activities", {})[name] = activity
        file.write_text(yaml.safe_dump(document), encoding="utf-8")

    def ingest(self, *, day: date | None = None) -> dg.ExecuteInProcessResult:
        """The job that the webhook sensor asks for."""
        return self.run("ingest_webhooks", day=day)

    def run(
        self, job: str, *, day: date | None = None, only: Sequence[str] | None = None
    ) -> dg.ExecuteInProcessResult:
        """One run of a job of one day, today's by default; `only`: these of its assets."""
        key = connection_day(NORTH, day=day or datetime.now(UTC).date())
        return self.deployment.run(job, key, only=only)

    def backfill(self, job: str, *, days: int) -> dg.ExecuteInProcessResult:
        """One run over some days up to today, as a backfill launches it."""
        today = datetime.now(UTC).date()
        keys = [connection_day(NORTH, day=d) for d in (today - timedelta(days=days - 1), today)]
        return self.deployment.defs.resolve_job_def(job).execute_in_process(
            tags={_RANGE.format("start"): keys[0], _RANGE.format("end"): keys[1]},
            instance=self.deployment.instance,
            raise_on_error=False,
        )

    def event_tick(self, *, cursor: str | None) -> dg.SensorResult:
        """One evaluation of the event sensor."""
        return self.deployment.tick(cursor=cursor, sensor="event_sensor")

    def someone(self) -> str:
        """The address of a subscriber who is one contact of the CRM, and says Yes there."""
        contacts = [c["Email"].strip().lower() for c in self._crm()["addresses"]]
        return next(
            email
            for email in self.deployment.subscribed(NORTH)
            if contacts.count(email) == 1 and self.contact(email)["newsletter_aktiv"] == YES
        )

    def contact(self, email: str) -> dict[str, Any]:
        """The contact with this main address."""
        (found,) = [
            contact
            for contact in self._crm()["addresses"]
            if contact["Email"].strip().lower() == email
        ]
        return dict(found)

    def booked(self, email: str) -> list[str]:
        """Types of the activities of the contact with this main address, oldest first."""
        number = self.contact(email)["id"]
        return [a["Aktionstyp"] for a in self._crm()["activities"] if a["Adress_nr"] == number]

    def _crm(self) -> dict[str, Any]:
        return self.deployment.controls[NORTH].dump("onoffice")


@contextlib.contextmanager
def hooked(deployment: Deployment) -> Iterator[HookedDeployment]:
    """Both webhooks of `north` point to a log below the settings' folder."""
    control = deployment.controls[NORTH]
    audiences = control.dump("mailchimp")["audiences"]
    (audience_id,) = [a["id"] for a in audiences if a["name"] == "onoffice"]
    with Mailbox(deployment.settings.webhook_root, connection=NORTH) as mailbox:
        for origin, source in ORIGINS.items():
            httpx.post(
                f"{control.mailchimp_url}/lists/{audience_id}/webhooks",
                json={
                    "url": mailbox.url(origin),
                    "sources": {name: name == source for name in ("user", "admin", "api")},
                },
                auth=("any", credentials.MAILCHIMP_API_KEY),
                trust_env=False,
            ).raise_for_status()
        yield HookedDeployment(deployment, mailbox)
