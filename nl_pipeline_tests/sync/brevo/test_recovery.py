"""What happened at Brevo while nobody listened is found again, with its own time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from nl_pipeline.clients.errors import Retryable
from nl_pipeline.sync.history import HistoryResult, recover
from nl_pipeline_tests.scenario import CANCEL, YES, address
from nl_pipeline_tests.sync.brevo.hooked import KIND, RETRIES, Hooked

HOUR = timedelta(hours=1)
NAME, OTHER, THIRD = "kunde-01", "kunde-02", "kunde-03"


def recovered(hooked: Hooked, *, since: datetime) -> HistoryResult:
    """`nl-pipeline backfill CONNECTION` from then until now."""
    hooked.pass_time()
    return recover(hooked.scenario.link, start=since, end=hooked.scenario.link.now())


@pytest.fixture
def outage(unhooked: Hooked) -> datetime:
    """When webhooks begin to be missing: there are none, and nobody syncs."""
    unhooked.scenario.pass_time()
    begun = unhooked.scenario.link.now()
    # Events have whole seconds.
    unhooked.pass_time()
    return begun


def happened(hooked: Hooked, kind: str) -> datetime:
    rows = hooked.rows("SELECT happened_at FROM subscriber_events WHERE kind = ?", [kind])
    assert len(rows) == 1
    moment: datetime = rows[0][0]
    return moment.replace(tzinfo=UTC)


def test_opt_outs_are_found_with_their_campaign_and_their_own_time(
    unhooked: Hooked, outage: datetime
) -> None:
    campaign = unhooked.send_campaign()
    unhooked.pass_time(HOUR)
    left_at = unhooked.scenario.link.now()
    unhooked.scenario.person("unsubscribe", NAME, campaign_id=campaign)
    unhooked.scenario.person("complain", OTHER, campaign_id=campaign)
    unhooked.pass_time(HOUR)

    result = recovered(unhooked, since=outage)

    assert result.read.found.new == {"UNSUBSCRIBE": 1, "COMPLAINT": 1, "CAMPAIGN": 1}
    assert abs(happened(unhooked, "UNSUBSCRIBE") - left_at) < timedelta(minutes=1)
    assert unhooked.rows(
        "SELECT campaign_id, actor FROM subscriber_events WHERE kind = 'UNSUBSCRIBE'"
    ) == [(str(campaign), "person")]
    assert unhooked.scenario.newsletter(NAME) == CANCEL
    assert unhooked.scenario.newsletter(OTHER) == CANCEL
    assert unhooked.ledger(OTHER) == "WITHDRAW_PROVIDER"


def test_who_left_is_found_where_leaving_moves_no_date_of_the_contact(unhooked: Hooked) -> None:
    # From now on a read of what changed begins behind the first sync.
    unhooked.scenario.sync()
    unhooked.scenario.pass_time()
    begun = unhooked.scenario.link.now()
    unhooked.pass_time()
    unhooked.scenario.control.switch("brevo", name="blocklisting_moves_modified", value=False)
    campaign = unhooked.send_campaign()
    unhooked.pass_time(HOUR)
    unhooked.scenario.person("unsubscribe", NAME, campaign_id=campaign)

    recovered(unhooked, since=begun)

    assert unhooked.scenario.newsletter(NAME) == CANCEL


def test_leaving_the_list_alone_is_found(unhooked: Hooked, outage: datetime) -> None:
    unhooked.scenario.person("unsubscribe", NAME, list_only=True)

    recovered(unhooked, since=outage)

    assert unhooked.scenario.newsletter(NAME) == CANCEL


def test_a_second_recovery_finds_nothing_new_and_writes_nothing(
    unhooked: Hooked, outage: datetime
) -> None:
    unhooked.scenario.want_activities(delivered=KIND, hard_bounce=KIND, click=KIND)
    campaign = unhooked.send_campaign(click_rate=0.5, hard_bounce_rate=0.1)
    unhooked.scenario.person("unsubscribe", NAME, campaign_id=campaign)
    recovered(unhooked, since=outage)
    recovered(unhooked, since=outage)
    unhooked.scenario.control.forget_calls()

    again = recovered(unhooked, since=outage)

    assert again.read.found.new == {}
    assert not [call for call in unhooked.scenario.writes() if "create" in call]


def test_a_recovery_finds_what_webhooks_told_and_stores_it_no_second_time(
    hooked: Hooked,
) -> None:
    hooked.scenario.want_activities(delivered=KIND, click=KIND, hard_bounce=KIND)
    hooked.set_up()
    begun = hooked.scenario.link.now()
    campaign = hooked.send_campaign(click_rate=0.5, hard_bounce_rate=0.1)
    hooked.scenario.person("unsubscribe", NAME, campaign_id=campaign)
    hooked.ingest()
    before = hooked.kinds()

    result = recovered(hooked, since=begun)

    assert before["CLICK"] > 1
    assert result.read.found.new.keys() <= {"CAMPAIGN", "PROFILE"}
    assert hooked.kinds()["CLICK"] == before["CLICK"]


def test_activities_of_mails_are_found_with_links_and_times(
    unhooked: Hooked, outage: datetime
) -> None:
    unhooked.scenario.want_activities(delivered=KIND, click=KIND, hard_bounce=KIND)
    campaign = unhooked.send_campaign(on_their_way=True)
    for name in (NAME, OTHER):
        unhooked.scenario.act("system", "deliver", name)
    unhooked.pass_time(HOUR)
    clicked_at = unhooked.scenario.link.now()
    unhooked.scenario.person("click", NAME, url="https://a.example/1")
    unhooked.scenario.act("system", "bounce", THIRD, campaign_id=campaign)

    recovered(unhooked, since=outage)

    said = f"told_by_history, campaign {campaign}"
    assert unhooked.booked(NAME, "delivered") == [said]
    assert unhooked.booked(NAME, "click") == [f"{said}, https://a.example/1"]
    assert abs(happened(unhooked, "CLICK") - clicked_at) < timedelta(minutes=1)
    assert len(unhooked.booked(THIRD, "hard_bounce")) == 1
    assert unhooked.booked(THIRD, "delivered") == []
    assert unhooked.booked("kunde-04", "delivered") == []
    assert unhooked.scenario.newsletter(THIRD) == YES


@pytest.mark.parametrize("counts", [False, True])
def test_openings_are_found_only_where_those_by_proxy_count_too(
    unhooked: Hooked, outage: datetime, counts: bool
) -> None:
    unhooked.scenario.want_activities(open=KIND, proxy_opens=counts)
    unhooked.send_campaign()
    unhooked.scenario.act("system", "proxy_open", NAME)

    recovered(unhooked, since=outage)

    assert len(unhooked.booked(NAME, "open")) == int(counts)


def test_what_our_own_pushes_changed_is_not_news(unhooked: Hooked, outage: datetime) -> None:
    unhooked.scenario.set_newsletter(NAME, CANCEL)
    unhooked.scenario.set_field(OTHER, Name="Neu")
    unhooked.scenario.add_contact("fresh", YES)
    unhooked.scenario.sync()
    unhooked.pass_time(HOUR)

    result = recovered(unhooked, since=outage)

    assert result.read.found.new == {}


def test_whoever_leaves_right_after_a_write_of_ours_is_found(
    unhooked: Hooked, outage: datetime
) -> None:
    unhooked.scenario.set_field(NAME, Name="Neu")
    unhooked.scenario.sync()
    unhooked.scenario.person("unsubscribe", NAME)

    recovered(unhooked, since=outage)

    assert unhooked.scenario.newsletter(NAME) == CANCEL


def test_another_change_is_a_reason_to_look(unhooked: Hooked, outage: datetime) -> None:
    unhooked.scenario.person("update", NAME, values={"last_name": "Anders"})

    result = recovered(unhooked, since=outage)

    assert result.read.found.new == {"PROFILE": 1}
    assert unhooked.scenario.picture().contact(NAME)["Name"] == "Anders"


def test_strangers_of_the_account_leave_no_event(unhooked: Hooked, outage: datetime) -> None:
    unhooked.add_list("Makler")
    unhooked.scenario.staff("subscribe", "fremd", audience="Makler")

    result = recovered(unhooked, since=outage)

    assert result.read.found.new == {}
    assert unhooked.rows("SELECT * FROM subscriber_events WHERE key = ?", [address("fremd")]) == []


def test_an_opt_out_that_is_known_does_not_wait_for_what_fails_after_it(
    unhooked: Hooked, outage: datetime
) -> None:
    unhooked.scenario.person("unsubscribe", NAME)
    unhooked.scenario.control.fault(
        "brevo", kind="status", match="emailCampaigns", status=500, times=20
    )

    with pytest.raises(Retryable):
        recovered(unhooked, since=outage)

    assert unhooked.scenario.newsletter(NAME) == CANCEL


def test_t2_after_an_outage_longer_than_all_tries_a_recovery_finds_the_opt_out(
    hooked: Hooked,
) -> None:
    begun = hooked.scenario.link.now()
    # Our clock and the twin's differ by moments.
    hooked.pass_time()
    hooked.heard.is_deaf, hooked.heard.deaf_answer = True, 429
    hooked.scenario.person("unsubscribe", NAME)
    for wait in RETRIES:
        hooked.pass_time(wait)
    hooked.pass_time(HOUR)
    hooked.heard.is_deaf = False

    told = hooked.ingest()
    recovered(hooked, since=begun)

    assert told.lines == 0
    assert hooked.scenario.newsletter(NAME) == CANCEL
    assert hooked.booked(NAME, "unsubscribe") == ["told_by_history"]
