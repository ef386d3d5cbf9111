"""Subscriptions to notices: what is missing is made, what is ours and not wanted goes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from nl_pipeline.clients.errors import OperatorNeeded
from nl_pipeline.clients.linkedin import LinkedInClient, configured_tokens
from nl_pipeline.domain.leads import LeadType, OwnerKind
from nl_pipeline.sandbox.credentials import (
    LINKEDIN_ACCESS_TOKEN,
    LINKEDIN_CLIENT_ID,
    LINKEDIN_CLIENT_SECRET,
)
from nl_pipeline.sandbox.linkedin.seeding import AD_ACCOUNT_ID, ORGANIZATION_ID
from nl_pipeline.sync.leads.subscriptions import Subject, is_deaf, put_right, wanted_subjects
from nl_pipeline.webhook_log.challenges import last_challenge
from nl_pipeline.webhook_log.keys import webhook_path
from nl_pipeline_tests.receiver.serving import SECRET, Running, serving, wait_for
from nl_pipeline_tests.sandbox_control import SandboxControl
from nl_pipeline_tests.settings.documents import MINIMAL, linkedin_of, with_linkedin
from nl_pipeline_tests.webhook_log.logs import lines_of

NAME, OTHER = "leads-agency", "other-agency"
BOTH = "".join(
    with_linkedin(MINIMAL).replace("connections:", "").replace("agency:", f"{name}:")
    for name in (NAME, OTHER)
)
PATH, OTHER_PATH = (
    webhook_path(SECRET, connection=name, provider="linkedin", origin="leads")
    for name in (NAME, OTHER)
)
SPONSORED = Subject(OwnerKind.AD_ACCOUNT, AD_ACCOUNT_ID, LeadType.SPONSORED)
EVENTS = Subject(OwnerKind.ORGANIZATION, ORGANIZATION_ID, LeadType.EVENT)


@pytest.fixture
def receiver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    """A receiver that knows the secret of the twin's app."""
    monkeypatch.setenv("LINKEDIN_CLIENT_SECRET", LINKEDIN_CLIENT_SECRET)
    with serving(tmp_path, more=BOTH) as running:
        yield running


@pytest.fixture
def client(sandbox: SandboxControl) -> Iterator[LinkedInClient]:
    """The client at the twin."""
    linkedin = LinkedInClient(
        client_id=LINKEDIN_CLIENT_ID,
        client_secret=LINKEDIN_CLIENT_SECRET,
        tokens=configured_tokens(access_token=LINKEDIN_ACCESS_TOKEN),
        version="202607",
        base_url=sandbox.linkedin_url,
        oauth_url=sandbox.linkedin_oauth_url,
        settle_seconds=0,
    )
    yield linkedin
    linkedin.close()


def webhooks(client: LinkedInClient, subject: Subject = SPONSORED) -> list[str]:
    seen = client.notifications(subject.owner, lead_type=subject.lead_type)
    return [one.webhook for one in seen]


def create(client: LinkedInClient, webhook: str) -> None:
    client.create_notification(SPONSORED.owner, lead_type=SPONSORED.lead_type, webhook=webhook)


def test_what_is_missing_is_created_and_the_receiver_answers_for_it(
    client: LinkedInClient, receiver: Running
) -> None:
    url = receiver.url + PATH

    done = put_right(client, url=url, wanted=[SPONSORED, EVENTS])

    assert (done.kept, done.problems) == (2, ())
    assert len(done.notes) == 2
    assert (webhooks(client), webhooks(client, EVENTS)) == ([url], [url])
    assert last_challenge(receiver.log / NAME, provider="linkedin") is not None


def test_what_is_right_is_left_alone(client: LinkedInClient, receiver: Running) -> None:
    url = receiver.url + PATH
    put_right(client, url=url, wanted=[SPONSORED])
    asked_before = receiver.metric("validations_total")

    done = put_right(client, url=url, wanted=[SPONSORED])

    assert (done.kept, done.notes) == (1, ())
    assert receiver.metric("validations_total") == asked_before


def test_a_webhook_at_the_wrong_address_is_replaced_and_of_two_one_stays(
    client: LinkedInClient, receiver: Running
) -> None:
    url = receiver.url + PATH
    old = url.replace("127.0.0.1", "localhost")
    for webhook in (old, url, url):
        create(client, webhook)

    done = put_right(client, url=url, wanted=[SPONSORED])

    assert webhooks(client) == [url]
    assert len(done.notes) == 2


def test_what_is_not_wanted_any_more_goes_and_that_of_others_stays(
    client: LinkedInClient, receiver: Running
) -> None:
    url, theirs = receiver.url + PATH, receiver.url + OTHER_PATH
    put_right(client, url=url, wanted=[SPONSORED])
    create(client, theirs)

    done = put_right(client, url=url, wanted=[], subscribed=[SPONSORED])

    assert webhooks(client) == [theirs]
    assert done.subjects == ()
    assert "not wanted any more" in done.notes[0]


def test_a_webhook_that_does_not_answer_is_a_problem_and_stops_no_other(
    client: LinkedInClient, receiver: Running
) -> None:
    url = receiver.url + PATH

    gone = put_right(client, url="http://127.0.0.1:9" + PATH, wanted=[SPONSORED])
    done = put_right(client, url=url, wanted=[SPONSORED])

    assert gone.kept == 0
    assert "SPONSORED leads of ad_account" in gone.problems[0]
    assert "Next: " in gone.problems[0]
    assert (done.kept, webhooks(client)) == (1, [url])


def test_a_lost_role_is_a_problem_of_its_owner_alone(
    client: LinkedInClient, receiver: Running, sandbox: SandboxControl
) -> None:
    sandbox.act("linkedin", actor="staff", action="revoke_role", target="ad_account")

    done = put_right(client, url=receiver.url + PATH, wanted=[SPONSORED, EVENTS])

    assert (done.kept, len(done.problems)) == (1, 1)
    assert str(AD_ACCOUNT_ID) in done.problems[0]
    # Once the role is there again, it is tried again.
    assert done.subjects == (SPONSORED, EVENTS)


def test_a_revoked_token_stops_everything(
    client: LinkedInClient, receiver: Running, sandbox: SandboxControl
) -> None:
    sandbox.act("linkedin", actor="system", action="revoke_token")

    with pytest.raises(OperatorNeeded, match="no refresh token"):
        put_right(client, url=receiver.url + PATH, wanted=[SPONSORED, EVENTS])


def test_a_lead_is_told_to_the_receiver_and_believed(
    client: LinkedInClient, receiver: Running, sandbox: SandboxControl
) -> None:
    put_right(client, url=receiver.url + PATH, wanted=[SPONSORED])

    person = {"email": "anna.berg@kunde.example", "first_name": "Anna", "last_name": "Berg"}
    sandbox.act("linkedin", actor="person", action="submit", **person)
    wait_for('stored_total{signature="valid"}', running=receiver, value=1)

    (line,) = lines_of(receiver.log / NAME)
    assert (line.provider, line.origin, line.signature) == ("linkedin", "leads", "valid")
    assert "anna.berg" not in line.body


def test_nothing_is_subscribed_to_while_the_import_is_off() -> None:
    assert wanted_subjects(linkedin_of()) == ()


def test_sponsored_leads_are_those_of_accounts_and_all_others_those_of_pages() -> None:
    linkedin = linkedin_of(
        "import_leads: true\nlead_types: [SPONSORED, EVENT]",
        owners="{ad_account: 1}, {organization: 2}",
    )

    assert wanted_subjects(linkedin) == (
        Subject(OwnerKind.AD_ACCOUNT, 1, LeadType.SPONSORED),
        Subject(OwnerKind.ORGANIZATION, 2, LeadType.EVENT),
    )


def test_three_missed_challenges_are_deafness() -> None:
    now = datetime(2026, 11, 1, tzinfo=UTC)

    assert is_deaf(subscribed=True, asked_at=now - timedelta(hours=6, minutes=1), now=now)
    assert is_deaf(subscribed=True, asked_at=None, now=now)
    assert not is_deaf(subscribed=True, asked_at=now - timedelta(hours=6), now=now)
    assert not is_deaf(subscribed=False, asked_at=None, now=now)
