"""Campaigns and their reports against the twin: who got what, who bounced when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from nl_pipeline.clients.errors import Retryable
from nl_pipeline.clients.mailchimp import MailchimpClient, NewMember
from nl_pipeline_tests.clients.conftest import MailchimpFactory
from nl_pipeline_tests.clients.test_mailchimp_client import DETAILS, email
from nl_pipeline_tests.sandbox_control import SandboxControl

HOUR = timedelta(hours=1)


@dataclass
class Mailing:
    """An audience with five subscribers, and campaigns sent to it on the virtual clock."""

    client: MailchimpClient
    sandbox: SandboxControl
    audience: str
    ids: list[str]
    ahead: timedelta = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def pass_time(self, by: timedelta) -> None:
        self.sandbox.advance(seconds=by.total_seconds())
        self.ahead += by

    def send(self, **options: Any) -> str:
        """A campaign that reaches everybody unless told otherwise; returns its id."""
        rates = {"hard_bounce_rate": 0, "soft_bounce_rate": 0, "open_rate": 0, "click_rate": 0}
        sent = self.sandbox.send_campaign(
            subject="Neubau", audience=self.audience, **{**rates, **options}
        )
        return str(sent["campaign_id"])

    def bounce(self, number: int, campaign: str) -> None:
        """The mail of a campaign comes back for good."""
        self.sandbox.act(
            "mailchimp",
            actor="staff",
            action="clean",
            email=email(number),
            campaign_id=campaign,
        )


@pytest.fixture
def mailing(sandbox: SandboxControl, mailchimp: MailchimpClient) -> Mailing:
    audience = mailchimp.create_audience(name="onoffice", details=DETAILS).id
    new = [NewMember(email(number), "subscribed") for number in range(5)]
    created = mailchimp.add_members(audience, new).created
    ids = {member.email_address: member.id for member in created}
    return Mailing(mailchimp, sandbox, audience, [ids[email(number)] for number in range(5)])


def test_campaigns_are_found_by_when_they_were_sent(mailing: Mailing) -> None:
    before = mailing.send()
    mailing.pass_time(HOUR)
    start = mailing.now() - timedelta(minutes=5)
    within = mailing.send()
    mailing.pass_time(HOUR)
    after = mailing.send()

    sent = mailing.client.campaigns.sent(
        mailing.audience, start=start, end=mailing.now() - timedelta(minutes=5)
    )

    assert len({before, within, after}) == 3
    assert [campaign.id for campaign in sent] == [within]
    assert sent[0].emails_sent == 5


def test_a_window_begins_with_its_first_second_and_ends_before_its_last(mailing: Mailing) -> None:
    mailing.send()
    [campaign] = mailing.client.campaigns.sent(
        mailing.audience, start=mailing.now() - HOUR, end=mailing.now() + HOUR
    )
    sent_at = campaign.sent_at

    from_then = mailing.client.campaigns.sent(
        mailing.audience, start=sent_at, end=sent_at + timedelta(seconds=1)
    )
    until_then = mailing.client.campaigns.sent(mailing.audience, start=sent_at - HOUR, end=sent_at)

    assert ([c.id for c in from_then], until_then) == ([campaign.id], [])


def test_a_campaign_of_another_audience_is_none_of_ours(mailing: Mailing) -> None:
    other = mailing.client.create_audience(name="another", details=DETAILS).id
    mailing.sandbox.send_campaign(subject="Fremd", audience=other)

    assert (
        mailing.client.campaigns.sent(
            mailing.audience, start=mailing.now() - HOUR, end=mailing.now() + HOUR
        )
        == []
    )


def test_a_report_tells_how_many_got_it_and_how_many_bounced(mailing: Mailing) -> None:
    campaign = mailing.send()
    mailing.bounce(0, campaign)

    report = mailing.client.reports.summary(campaign)

    assert (report.audience_id, report.emails_sent, report.hard_bounces) == (mailing.audience, 5, 1)
    assert report.sent_at is not None


def test_recipients_come_with_what_became_of_their_mail(mailing: Mailing) -> None:
    campaign = mailing.send()
    mailing.bounce(0, campaign)

    rows = [row for page in mailing.client.reports.recipients(campaign) for row in page]

    outcomes = {row.email_id: row.outcome for row in rows}
    assert outcomes == {
        member_id: "hard" if member_id == mailing.ids[0] else "sent" for member_id in mailing.ids
    }


def test_recipients_that_do_not_arrive_as_announced_are_an_error(mailing: Mailing) -> None:
    campaign = mailing.send()
    mailing.sandbox.fault(
        "mailchimp",
        kind="status",
        match="sent-to",
        status=200,
        body={"sent_to": [], "total_items": 5},
        rate=1.0,
    )

    with pytest.raises(Retryable, match="0 row"):
        list(mailing.client.reports.recipients(campaign))


@pytest.mark.parametrize("recipients", [2_000, 5], ids=["one by one", "from that of all"])
def test_a_bounce_comes_with_its_own_time(mailing: Mailing, recipients: int) -> None:
    campaign = mailing.send(open_rate=1.0)
    sent_at = mailing.client.reports.summary(campaign).sent_at
    assert sent_at is not None
    mailing.pass_time(3 * HOUR)
    bounced = mailing.ids[:2]
    for number in range(2):
        mailing.bounce(number, campaign)
    mailing.client.calls.clear()

    found = mailing.client.reports.bounces(
        campaign, member_ids=bounced, since=sent_at, recipients=recipients
    )

    assert set(found) == set(bounced)
    assert all(b.kind == "hard" for bounces in found.values() for b in bounces)
    assert all(b.at - sent_at >= 3 * HOUR for bounces in found.values() for b in bounces)


def test_the_time_of_many_bounces_costs_a_page_and_that_of_one_a_call(mailing: Mailing) -> None:
    campaign = mailing.send()
    for number in range(5):
        mailing.bounce(number, campaign)
    since = mailing.now() - HOUR
    mailing.client.calls.clear()

    for chosen in (mailing.ids, mailing.ids[:1]):
        mailing.client.reports.bounces(campaign, member_ids=chosen, since=since, recipients=5)

    path = "GET /reports/{campaign_id}/email-activity"
    assert mailing.client.calls == {path: 1, f"{path}/{{subscriber_hash}}": 1}


def test_who_did_not_bounce_has_no_entry(mailing: Mailing) -> None:
    campaign = mailing.send()

    found = mailing.client.reports.bounces(
        campaign, member_ids=[mailing.ids[0], "0" * 32], since=mailing.now() - HOUR, recipients=5
    )

    assert found == {}


def test_a_complaint_names_its_campaign(mailing: Mailing) -> None:
    campaign = mailing.send()
    mailing.sandbox.act(
        "mailchimp", actor="person", action="complain", email=email(2), campaign_id=campaign
    )

    [complaint] = mailing.client.reports.complaints(mailing.audience)

    assert (complaint.email_id, complaint.campaign_id) == (mailing.ids[2], campaign)


def test_the_feed_tells_which_campaign_somebody_left_through(mailing: Mailing) -> None:
    campaign = mailing.send()
    mailing.bounce(0, campaign)
    mailing.sandbox.act(
        "mailchimp",
        actor="person",
        action="unsubscribe",
        email=email(1),
        campaign_id=campaign,
    )

    feeds = mailing.client.activity_feeds(
        mailing.audience, mailing.ids[:2], filters=["unsub", "bounce"]
    )

    told = [
        (item.activity_type, item.bounce_type, item.campaign_id)
        for member_id in mailing.ids[:2]
        for item in feeds[member_id]
    ]
    assert told == [("bounce", "hard", campaign), ("unsub", "", campaign)]


def test_a_report_is_read_page_after_page(
    mailing: Mailing, mailchimp_with: MailchimpFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nl_pipeline.clients.mailchimp.paging.LARGEST_PAGE", 2)
    campaign = mailing.send()
    client = mailchimp_with()

    pages = list(client.reports.recipients(campaign))

    assert [len(page) for page in pages] == [2, 2, 1]
    assert {row.email_id for page in pages for row in page} == set(mailing.ids)
