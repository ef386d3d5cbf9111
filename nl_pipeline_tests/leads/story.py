"""A connection whose leads come from the LinkedIn twin, driven as schedules and command line do.

Belongs here: what people and staff do, one method per use case, look-ups in the twins' dumps. Not
here: assertions.

Both clocks move together, because what is submitted now must lie in the window of the next pull.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from nl_pipeline.clients.linkedin import LinkedInClient, configured_tokens
from nl_pipeline.domain.leads import ManualOptions
from nl_pipeline.sandbox.credentials import (
    LINKEDIN_ACCESS_TOKEN,
    LINKEDIN_CLIENT_ID,
    LINKEDIN_CLIENT_SECRET,
    LINKEDIN_REFRESH_TOKEN,
)
from nl_pipeline.sandbox.linkedin.seeding import AD_ACCOUNT_ID, CONTACT_FORM_ID, EVENT_FORM_ID
from nl_pipeline.settings.leads import FormSettings, LeadAudience, Leads
from nl_pipeline.sync import activities
from nl_pipeline.sync.leads import audiences, manual, pull, push, status
from nl_pipeline.sync.leads.importing import ImportResult
from nl_pipeline.sync.leads.manual import ManualPlan
from nl_pipeline.sync.leads.pull import PullResult
from nl_pipeline.sync.leads.push import PushResult
from nl_pipeline.sync.leads.status import FormStatus
from nl_pipeline.sync.link import Link
from nl_pipeline.warehouse import lead_runs
from nl_pipeline.warehouse.lead_runs import KnownError
from nl_pipeline.webhook_log.writing import LogWriter
from nl_pipeline_tests.sandbox_control import SandboxControl
from nl_pipeline_tests.scenario import Scenario

CONTACT_FORM, EVENT_FORM = CONTACT_FORM_ID, EVENT_FORM_ID
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
BOX = "Ich möchte den Newsletter per E-Mail erhalten."


class LeadStory:
    """One connection with leads on a running sandbox."""

    def __init__(self, scenario: Scenario, *, client: LinkedInClient, log: Path) -> None:
        self.scenario = scenario
        self.control = scenario.control
        self.log = log
        self._opened = contextlib.ExitStack()
        scenario.link = replace(scenario.link, open_leads=lambda: client, webhook_log=log)

    def close(self) -> None:
        """Close what the story has opened."""
        self._opened.close()

    @property
    def link(self) -> Link:
        return self.scenario.link

    # At LinkedIn

    def submit(self, name: str, /, **details: Any) -> dict[str, Any]:
        """Somebody fills in the contact form; their address is made of their name."""
        return self._act("submit", name, **details)

    def resubmit(self, name: str, /, **details: Any) -> dict[str, Any]:
        """The same person fills in the form again."""
        return self._act("resubmit", name, **details)

    def test_lead(self, **details: Any) -> dict[str, Any]:
        """Staff send a test lead."""
        return self.control.act("linkedin", actor="staff", action="test_submit", **details)

    def _act(self, action: str, name: str, **details: Any) -> dict[str, Any]:
        given = {
            "email": mail(name),
            "first_name": "Kim",
            "last_name": name.title(),
            **details,
        }
        return self.control.act("linkedin", actor="person", action=action, **given)

    def take_back(self, lead: dict[str, Any]) -> dict[str, Any]:
        """A person takes a registration back."""
        return self.control.act(
            "linkedin", actor="person", action="delete_lead", form=lead["form"], lead=lead["id"]
        )

    def form(self, name: str) -> dict[str, Any]:
        """A form as the twin has it."""
        forms = self.control.dump("linkedin")["forms"]
        return next(one for one in forms if one["name"] == name)

    def authorize_again(self) -> None:
        """The member authorizes the app again, and the new tokens are put into the settings."""
        oauth = self.control.linkedin_oauth_url
        asked = {"client_id": LINKEDIN_CLIENT_ID, "redirect_uri": "https://x.example/back"}
        with httpx.Client(trust_env=False, verify=False) as http:
            answer = http.get(
                f"{oauth}/authorization",
                params={
                    **asked,
                    "response_type": "code",
                    "state": "s",
                    "scope": "r_ads r_marketing_leadgen_automation r_organization_admin",
                },
            )
            code = httpx.URL(answer.headers["location"]).params["code"]
            told = http.post(
                f"{oauth}/accessToken",
                data={
                    **asked,
                    "grant_type": "authorization_code",
                    "code": code,
                    "client_secret": LINKEDIN_CLIENT_SECRET,
                },
            ).json()
        client = client_at(
            self.control, access_token=told["access_token"], refresh_token=told["refresh_token"]
        )
        self._opened.enter_context(contextlib.closing(client))
        self.scenario.link = replace(self.link, open_leads=lambda: client)

    # Time and notices

    def pass_time(self, by: timedelta) -> None:
        self.scenario.pass_time(by=by)

    def now(self) -> datetime:
        return self.link.now()

    def deliver(
        self, *leads: dict[str, Any], action: str = "CREATED", signature: str = "valid"
    ) -> None:
        """Let the receiver have logged a notice of each of these."""
        bodies = [self._notice(lead, action=action) for lead in leads]

        async def append() -> None:
            writer = LogWriter(self.log.parent, min_free_bytes=1000)
            writer.prepare()
            for body in bodies:
                await writer.append(
                    self.log.name,
                    provider="linkedin",
                    origin="leads",
                    signature=signature,
                    headers={"content-type": "application/json"},
                    body=json.dumps(body).encode(),
                )
            await writer.close()

        asyncio.run(append())

    def _notice(self, lead: dict[str, Any], *, action: str) -> dict[str, Any]:
        """As LinkedIn sends it (facts, section 4.3)."""
        at = int(self.now().timestamp() * 1000) if action == "DELETED" else lead["submittedAt"]
        form = f"urn:li:leadGenForm:{lead['form']}"
        return {
            "type": "LEAD_ACTION",
            "leadAction": action,
            "leadType": "SPONSORED",
            "occurredAt": at,
            "leadGenFormResponse": f"urn:li:leadGenFormResponse:{lead['id']}",
            "leadGenForm": f"urn:li:versionedLeadGenForm:({form},{lead['versionId']})",
            "owner": {"sponsoredAccount": f"urn:li:sponsoredAccount:{AD_ACCOUNT_ID}"},
        }

    # The engine

    def push(self, *leads: dict[str, Any], **how: Any) -> PushResult:
        """Notices of these arrive, and are carried out."""
        self.deliver(*leads, **how)
        done = push.ingest_leads(self.link)
        activities.write(self.link)
        return done

    def pull(self, *, after: timedelta = DAY) -> PullResult:
        """The next run of the schedule in which every form is due."""
        self.pass_time(after)
        done = pull.pull(self.link)
        activities.write(self.link)
        return done

    def by_hand(
        self, *, form: int = CONTACT_FORM, **options: bool
    ) -> tuple[ManualPlan, ImportResult]:
        """A manual import: the plan and what came of it."""
        planned = manual.plan(self.link, form_id=form, options=ManualOptions(**options))
        done = manual.run(self.link, planned=planned)
        activities.write(self.link)
        return planned, done

    def status(self, form: int = CONTACT_FORM) -> FormStatus:
        return next(one for one in status.status(self.link) if one.form.id == form)

    def apply_audiences(self) -> list[audiences.AudienceResult]:
        return audiences.apply(self.link)

    def errors(self) -> list[KnownError]:
        """Errors that are still so."""
        return [e for e in lead_runs.errors_of(self.link.warehouse) if e.settled_at is None]

    def reasons(self) -> list[str]:
        """Reasons of errors that are still so, sorted."""
        return sorted(known.error.reason for known in self.errors())

    # Settings

    def set_form(self, form: int = CONTACT_FORM, /, **values: Any) -> None:
        """Other settings of a form from now on."""
        linkedin = self._linkedin()
        chosen = FormSettings.model_validate(values)
        self._change(forms={**linkedin.forms, str(form): chosen})

    def set_linkedin(self, **values: Any) -> None:
        """Other settings of the lead import from now on."""
        self._change(**values)

    def set_audiences(self, *chosen: dict[str, Any]) -> None:
        """Other saved filters from now on."""
        self.scenario.change_settings(
            audiences=tuple(LeadAudience.model_validate(one) for one in chosen)
        )

    def _linkedin(self) -> Any:
        linkedin = self.link.settings.leads.linkedin
        assert linkedin is not None
        return linkedin

    def _change(self, **values: Any) -> None:
        linkedin = self._linkedin().model_copy(update=values)
        self.scenario.change_settings(leads=Leads.model_construct(linkedin=linkedin))

    # The CRM

    def contact(self, name: str, /, newsletter: str = "4", **fields: Any) -> int:
        """Staff enter a contact; returns its id."""
        done = self.control.act(
            "onoffice",
            actor="staff",
            action="create",
            emails=[mail(name)],
            fields={"newsletter_aktiv": newsletter, **fields},
        )
        return int(done["ids"][0])

    def contacts(self, name: str) -> list[dict[str, Any]]:
        """The contacts with this person's address."""
        addresses = self.control.dump("onoffice")["addresses"]
        return [one for one in addresses if one["Email"] == mail(name)]

    def only(self, name: str) -> dict[str, Any]:
        """The only contact with this person's address."""
        (found,) = self.contacts(name)
        return found

    def notes(self, name: str) -> list[str]:
        """Notes of the activities of this person's contacts, oldest first."""
        ids = {one["id"] for one in self.contacts(name)}
        activities = self.control.dump("onoffice")["activities"]
        return [one["Bemerkung"] for one in activities if one["Adress_nr"] in ids]

    def numbers(self, name: str) -> list[str]:
        """Phone numbers of this person's only contact."""
        [record] = self.link.crm.client.read_addresses_by_id(
            [self.only(name)["id"]], fields=["phone", "mobile"]
        )
        return [str(v) for k, v in record.elements.items() if "__" in k and "Comment" not in k]

    def all_contacts(self) -> list[str]:
        """Main addresses of all contacts, sorted; repeats show."""
        return sorted(one["Email"] for one in self.control.dump("onoffice")["addresses"])

    def ledger(self, name: str) -> list[tuple[str, str, bool]]:
        """(event, actor, proof) of the ledger entries of an address."""
        with self.link.warehouse.session() as db:
            return db.execute(
                "SELECT event, actor, proof FROM consent_ledger WHERE key = ? ORDER BY entry",
                [mail(name)],
            ).fetchall()


def mail(name: str) -> str:
    """The e-mail address of one of the people."""
    return f"{name}@kunde.example"


def client_at(
    control: SandboxControl,
    *,
    access_token: str = LINKEDIN_ACCESS_TOKEN,
    refresh_token: str = LINKEDIN_REFRESH_TOKEN,
) -> LinkedInClient:
    """A client at the twin with small pages, which waits for nothing."""
    return LinkedInClient(
        client_id=LINKEDIN_CLIENT_ID,
        client_secret=LINKEDIN_CLIENT_SECRET,
        tokens=configured_tokens(access_token=access_token, refresh_token=refresh_token),
        version="202607",
        base_url=control.linkedin_url,
        oauth_url=control.linkedin_oauth_url,
        page_size=5,
        settle_seconds=0,
        sleep=lambda _seconds: None,
    )
