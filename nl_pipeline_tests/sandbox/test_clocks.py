"""The clocks of the twins: what their answers and records tell of time.

Belongs here: the Date header, skew, and the dates of records. Not here: what a client makes of it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from nl_pipeline.sandbox.credentials import MAILCHIMP_API_KEY
from nl_pipeline_tests.sandbox_control import SandboxControl, Service

SERVICES: tuple[Service, ...] = ("onoffice", "mailchimp", "brevo", "linkedin")
HOUR = timedelta(hours=1)
PRECISION = timedelta(seconds=30)


def told(sandbox: SandboxControl, service: Service) -> datetime:
    """The date in the header of the service's answer, whatever it answers."""
    with httpx.Client(trust_env=False, verify=False) as http:
        if service == "onoffice":
            answer = http.post(sandbox.onoffice_url, content=b"{}")
        elif service == "brevo":
            answer = http.get(f"{sandbox.brevo_url}/account")
        elif service == "linkedin":
            answer = http.get(f"{sandbox.linkedin_url}/adAccounts")
        else:
            answer = http.get(f"{sandbox.mailchimp_url}/", auth=("any", MAILCHIMP_API_KEY))
    return parsedate_to_datetime(answer.headers["date"])


def noted_by_onoffice(sandbox: SandboxControl) -> datetime:
    """The date of the change of a contact that is made now."""
    made: dict[str, Any] = sandbox.act(
        "onoffice", actor="staff", action="create", emails=["neu@kunde.example"], fields={}
    )
    (contact,) = [a for a in sandbox.dump("onoffice")["addresses"] if a["id"] == made["ids"][0]]
    wall = datetime.fromisoformat(contact["Aenderung"])
    return wall.replace(tzinfo=ZoneInfo("Europe/Berlin"))


def noted_by_mailchimp(sandbox: SandboxControl) -> datetime:
    """The date of the change of a member who subscribes now."""
    email = "neu@kunde.example"
    sandbox.act("mailchimp", actor="person", action="subscribe", email=email)
    (member,) = [m for m in sandbox.dump("mailchimp")["members"] if m["email_address"] == email]
    return datetime.fromisoformat(member["last_changed"])


def noted_by_brevo(sandbox: SandboxControl) -> datetime:
    """The date of the change of a contact who subscribes now."""
    email = "neu@kunde.example"
    sandbox.act("brevo", actor="person", action="subscribe", email=email)
    (contact,) = [c for c in sandbox.dump("brevo")["contacts"] if c["email"] == email]
    return datetime.fromisoformat(contact["modifiedAt"])


def noted_by_linkedin(sandbox: SandboxControl) -> datetime:
    """The date of a form that is filled in now."""
    email = "neu@kunde.example"
    names = {"first_name": "Neu", "last_name": "Kunde"}
    sandbox.act("linkedin", actor="person", action="submit", email=email, **names)
    (lead,) = [one for one in sandbox.dump("linkedin")["leads"] if one["email"] == email]
    return datetime.fromtimestamp(lead["submittedAt"] / 1000, tz=UTC)


NOTED: dict[Service, Callable[[SandboxControl], datetime]] = {
    "onoffice": noted_by_onoffice,
    "mailchimp": noted_by_mailchimp,
    "brevo": noted_by_brevo,
    "linkedin": noted_by_linkedin,
}


@pytest.mark.parametrize("service", SERVICES)
def test_an_answer_tells_the_time_of_the_sandbox(sandbox: SandboxControl, service: Service) -> None:
    sandbox.advance(seconds=86_400)

    assert abs(told(sandbox, service) - (datetime.now(UTC) + 24 * HOUR)) < PRECISION


@pytest.mark.parametrize("hours", [-3, 3])
@pytest.mark.parametrize("service", SERVICES)
def test_a_service_with_a_wrong_clock_is_wrong_in_its_answers(
    sandbox: SandboxControl, service: Service, hours: int
) -> None:
    sandbox.switch(service, name="clock_skew_seconds", value=hours * 3600)

    assert abs(told(sandbox, service) - (datetime.now(UTC) + hours * HOUR)) < PRECISION


@pytest.mark.parametrize("hours", [-3, 3])
@pytest.mark.parametrize("service", SERVICES)
def test_a_service_with_a_wrong_clock_is_wrong_in_its_records(
    sandbox: SandboxControl, service: Service, hours: int
) -> None:
    sandbox.reset(contacts=0, existing_audience=True, existing_list=True)
    sandbox.switch(service, name="clock_skew_seconds", value=hours * 3600)

    assert abs(NOTED[service](sandbox) - (datetime.now(UTC) + hours * HOUR)) < PRECISION


def test_one_service_may_be_wrong_alone(sandbox: SandboxControl) -> None:
    sandbox.switch("mailchimp", name="clock_skew_seconds", value=3600)

    assert abs(told(sandbox, "onoffice") - datetime.now(UTC)) < PRECISION
