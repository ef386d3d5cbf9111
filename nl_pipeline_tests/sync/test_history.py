"""What is still found at Mailchimp about a window of time, without any webhook.

Each test lets something happen and looks at the events a recovery stores. What it leads to is
looked at with the webhooks (`test_backfill`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from nl_pipeline.clients.errors import Retryable
from nl_pipeline.domain.events import EventKind
from nl_pipeline.settings import KindType
from nl_pipeline.sync.history import Window, WindowRead, WindowRefused, find, read_reports, recover
from nl_pipeline.sync.observe import read_members
from nl_pipeline.sync.planning import observe_and_plan
from nl_pipeline_tests.scenario import CANCEL, MEMBERS, ORDINARY, YES, Scenario, address
from nl_pipeline_tests.sync.happening import during

HOUR = timedelta(hours=1)
NEWS = KindType(kind="Newsletter", type="bestellt")
MEMBERS_PAGE = r"GET .*/members\?.*offset=0"
OPEN_RATES = {"open_rate": 0, "click_rate": 0, "hard_bounce_rate": 0, "soft_bounce_rate": 0}


@dataclass(frozen=True)
class Told:
    """An event as it was stored."""

    kind: str
    name: str
    actor: str
    campaign_id: str
    reason: str
    happened_at: datetime


def stored(scenario: Scenario) -> list[Told]:
    """The events, oldest first."""
    with scenario.link.warehouse.session() as db:
        rows = db.execute(
            "SELECT kind, key, actor, campaign_id, reason, happened_at FROM subscriber_events"
            " ORDER BY happened_at, kind, key"
        ).fetchall()
    return [
        Told(kind, key.partition("@")[0], actor, campaign, reason, at.replace(tzinfo=UTC))
        for kind, key, actor, campaign, reason, at in rows
    ]


def kinds(scenario: Scenario) -> list[tuple[str, str]]:
    return [(event.kind, event.name) for event in stored(scenario)]


@pytest.fixture
def quiet(scenario: Scenario) -> Scenario:
    """A connection some hours after its last sync."""
    scenario.pass_time(by=6 * HOUR)
    return scenario


def recovered(scenario: Scenario, *, hours: float = 3) -> WindowRead:
    """The first half of a recovery of the last hours, a minute after whatever happened."""
    scenario.pass_time(by=timedelta(minutes=1))
    now = scenario.link.now()
    return find(scenario.link, start=now - hours * HOUR, end=now)


def with_mail_activities(scenario: Scenario) -> None:
    """Delivered mails and bounces are wanted as activities."""
    chosen = scenario.link.settings.activities.model_copy(
        update={"delivered": NEWS, "hard_bounce": NEWS}
    )
    scenario.change_settings(activities=chosen)


def send_campaign(scenario: Scenario, **options: Any) -> str:
    sent = scenario.control.send_campaign(subject="Neubau", **{**OPEN_RATES, **options})
    return str(sent["campaign_id"])


# Members ------------------------------------------------------------------------------------------


def test_nothing_is_told_where_nothing_happened(quiet: Scenario) -> None:
    result = recovered(quiet)

    assert kinds(quiet) == []
    assert (result.found.new, result.found.known) == ({}, {})


@pytest.mark.parametrize("actor", ["person", "staff"])
def test_an_unsubscribe_is_found_with_its_time_and_who_did_it(quiet: Scenario, actor: str) -> None:
    getattr(quiet, actor)("unsubscribe", "kunde-01")
    happened = quiet.link.now()
    quiet.pass_time(by=HOUR)
    quiet.staff("tag", "kunde-01", tag="Später")

    recovered(quiet)

    [opt_out] = [event for event in stored(quiet) if event.kind == EventKind.UNSUBSCRIBE]
    assert (opt_out.name, opt_out.actor) == ("kunde-01", actor)
    assert abs(opt_out.happened_at - happened) < timedelta(seconds=5)


def test_an_unsubscribe_through_a_campaign_names_it(quiet: Scenario) -> None:
    campaign = send_campaign(quiet)
    quiet.person("unsubscribe", "kunde-01", campaign_id=campaign)

    recovered(quiet)

    assert [e.campaign_id for e in stored(quiet) if e.kind == EventKind.UNSUBSCRIBE] == [campaign]


def test_an_unsubscribe_of_somebody_who_came_back_is_found_with_the_return(
    quiet: Scenario,
) -> None:
    quiet.person("unsubscribe", "kunde-01")
    quiet.pass_time(by=HOUR)
    quiet.person("subscribe", "kunde-01")

    recovered(quiet)

    assert kinds(quiet) == [("UNSUBSCRIBE", "kunde-01"), ("SUBSCRIBE", "kunde-01")]


def test_an_unsubscribe_that_archiving_hides_is_found(quiet: Scenario) -> None:
    quiet.person("unsubscribe", "kunde-01")
    quiet.pass_time(by=HOUR)
    quiet.staff("archive", "kunde-01")

    recovered(quiet)

    assert kinds(quiet) == [("UNSUBSCRIBE", "kunde-01")]


def test_a_subscriber_that_was_archived_is_a_reason_to_look_again(quiet: Scenario) -> None:
    quiet.person("subscribe", "neu")
    quiet.pass_time(by=HOUR)
    quiet.staff("archive", "neu")

    recovered(quiet)

    assert kinds(quiet) == [("SUBSCRIBE", "neu"), ("REMOVED", "neu")]


@pytest.mark.parametrize("actor", ["person", "staff"])
def test_a_sign_up_is_found_with_who_did_it(quiet: Scenario, actor: str) -> None:
    getattr(quiet, actor)("subscribe", "neu")

    recovered(quiet)

    [signed_up] = stored(quiet)
    assert (signed_up.kind, signed_up.name, signed_up.actor) == ("SUBSCRIBE", "neu", actor)


def test_an_import_is_nobodys_act(quiet: Scenario) -> None:
    quiet.control.act("mailchimp", actor="import", action="subscribe", email=address("neu"))

    recovered(quiet)

    [signed_up] = stored(quiet)
    assert (signed_up.kind, signed_up.actor) == ("SUBSCRIBE", "")


def test_a_changed_profile_is_told_with_the_time_of_the_last_change(quiet: Scenario) -> None:
    for first_name in ("Anders", "Wieder anders"):
        quiet.pass_time(by=HOUR / 2)
        quiet.person("update", "kunde-01", merge_fields={"FNAME": first_name})
    happened = quiet.link.now()

    recovered(quiet)

    [changed] = stored(quiet)
    assert (changed.kind, changed.name) == ("PROFILE", "kunde-01")
    assert abs(changed.happened_at - happened) < timedelta(seconds=5)


def test_a_complaint_is_told_once_and_not_as_an_unsubscribe_too(quiet: Scenario) -> None:
    campaign = send_campaign(quiet)
    quiet.person("complain", "kunde-01", campaign_id=campaign)

    recovered(quiet)

    told = [event for event in stored(quiet) if event.kind != EventKind.CAMPAIGN]
    assert [(e.kind, e.name, e.campaign_id, e.reason) for e in told] == [
        ("COMPLAINT", "kunde-01", campaign, "abuse")
    ]


@pytest.mark.parametrize("status", ["unsubscribed", "cleaned"])
def test_a_complaint_is_one_whatever_it_makes_of_the_member(quiet: Scenario, status: str) -> None:
    quiet.control.switch("mailchimp", name="complaint_status", value=status)
    quiet.person("complain", "kunde-01")

    recovered(quiet)

    assert kinds(quiet) == [("COMPLAINT", "kunde-01")]


def test_an_address_that_was_cleaned_is_told_with_its_campaign(quiet: Scenario) -> None:
    campaign = send_campaign(quiet)
    quiet.pass_time(by=HOUR)
    quiet.staff("clean", "kunde-01", campaign_id=campaign)

    recovered(quiet)

    cleaned = [event for event in stored(quiet) if event.kind == EventKind.CLEANED]
    assert [(e.name, e.campaign_id) for e in cleaned] == [("kunde-01", campaign)]


# Ours ---------------------------------------------------------------------------------------------


def test_what_we_wrote_ourselves_is_no_event(quiet: Scenario) -> None:
    quiet.set_field("kunde-01", Vorname="Anders")
    quiet.set_newsletter("kunde-02", CANCEL)
    quiet.add_contact("neu", YES)
    quiet.set_field("kunde-03", Privat=True)
    assert quiet.sync().complete

    recovered(quiet)

    after = quiet.picture()
    assert [after.status(n) for n in ("kunde-02", "neu", "kunde-03")] == [
        "unsubscribed",
        "subscribed",
        "archived",
    ]
    assert kinds(quiet) == []


def test_members_that_nobody_but_us_has_touched_are_not_looked_up(scenario: Scenario) -> None:
    scenario.link.audience.calls.clear()

    recovered(scenario, hours=1)

    assert not {name for _, name in kinds(scenario)} & set(ORDINARY)
    feeds = "GET /lists/{list_id}/members/{subscriber_hash}/activity-feed"
    assert 0 < scenario.link.audience.calls[feeds] <= len(MEMBERS)


@pytest.mark.parametrize(
    ("actor", "action", "told"),
    [
        ("person", "unsubscribe", "UNSUBSCRIBE"),
        ("staff", "unsubscribe", "UNSUBSCRIBE"),
        ("person", "complain", "COMPLAINT"),
        ("staff", "clean", "CLEANED"),
    ],
)
def test_who_leaves_right_after_we_wrote_is_not_taken_for_us(
    quiet: Scenario, actor: str, action: str, told: str
) -> None:
    quiet.set_field("kunde-01", Vorname="Anders")
    quiet.sync()
    getattr(quiet, actor)(action, "kunde-01")

    recovered(quiet)

    assert kinds(quiet) == [(told, "kunde-01")]


@pytest.mark.parametrize("actor", ["person", "staff"])
def test_who_comes_right_before_we_write_is_not_taken_for_us(quiet: Scenario, actor: str) -> None:
    getattr(quiet, actor)("subscribe", "neu")
    plan = observe_and_plan(quiet.link, mode="incremental")
    quiet.apply(plan)
    member = quiet.picture().member("neu")
    assert member is not None
    assert member["tags"] == ["onoffice"]

    recovered(quiet)

    assert kinds(quiet) == [("SUBSCRIBE", "neu")]


def test_what_somebody_did_before_we_wrote_is_found(quiet: Scenario) -> None:
    quiet.person("unsubscribe", "kunde-01")
    quiet.pass_time(by=HOUR)
    quiet.person("subscribe", "kunde-01")
    quiet.pass_time(by=HOUR / 4)
    quiet.set_field("kunde-01", Vorname="Anders")
    quiet.sync()
    member = quiet.picture().member("kunde-01")
    assert member is not None
    assert member["merge_fields"]["FNAME"] == "Anders"

    recovered(quiet)

    assert kinds(quiet) == [("UNSUBSCRIBE", "kunde-01"), ("SUBSCRIBE", "kunde-01")]


def test_a_clock_of_the_provider_that_is_ahead_does_not_make_our_writes_news(
    quiet: Scenario,
) -> None:
    quiet.control.switch("mailchimp", name="clock_skew_seconds", value=1800)
    quiet.set_field("kunde-01", Vorname="Anders")
    quiet.add_contact("neu", YES)
    quiet.sync()
    now = quiet.link.now()

    find(quiet.link, start=now - 3 * HOUR, end=now + HOUR)

    assert kinds(quiet) == []


# Campaigns ----------------------------------------------------------------------------------------


def test_a_campaign_is_told_without_its_recipients_if_nobody_wants_them(quiet: Scenario) -> None:
    campaign = send_campaign(quiet)
    quiet.link.audience.calls.clear()

    recovered(quiet)

    [told] = stored(quiet)
    assert (told.kind, told.campaign_id, told.reason) == ("CAMPAIGN", campaign, "sent")
    assert not [call for call in quiet.link.audience.calls if "/reports/" in call]


def test_everybody_who_got_a_campaign_is_told_at_its_time(quiet: Scenario) -> None:
    with_mail_activities(quiet)
    subscribed = quiet.picture().subscribed()
    campaign = send_campaign(quiet)

    recovered(quiet)

    delivered = [event for event in stored(quiet) if event.kind == EventKind.DELIVERED]
    assert len(delivered) == len(subscribed)
    assert {event.campaign_id for event in delivered} == {campaign}
    assert len({event.happened_at for event in delivered}) == 1


def test_a_bounce_is_told_with_its_own_time_and_as_no_delivery(quiet: Scenario) -> None:
    with_mail_activities(quiet)
    campaign = send_campaign(quiet)
    quiet.pass_time(by=HOUR)
    quiet.staff("clean", "kunde-01", campaign_id=campaign)
    happened = quiet.link.now()

    recovered(quiet)

    of_kunde = [event for event in stored(quiet) if event.name == "kunde-01"]
    assert [event.kind for event in of_kunde] == ["CLEANED", "HARD_BOUNCE"]
    assert all(abs(e.happened_at - happened) < timedelta(seconds=5) for e in of_kunde)


def test_a_mail_that_bounces_days_later_is_found_when_the_report_is_due_again(
    quiet: Scenario,
) -> None:
    with_mail_activities(quiet)
    campaign = send_campaign(quiet)
    recovered(quiet)
    quiet.pass_time(by=timedelta(hours=20))
    quiet.staff("clean", "kunde-01", campaign_id=campaign)
    quiet.pass_time(by=timedelta(hours=8))

    read = read_reports(quiet.link)

    assert (read.reports, read.found.new) == (1, {"HARD_BOUNCE": 1})


def test_a_report_whose_numbers_are_the_same_costs_one_call(quiet: Scenario) -> None:
    with_mail_activities(quiet)
    send_campaign(quiet)
    recovered(quiet)
    quiet.pass_time(by=timedelta(hours=7))
    quiet.link.audience.calls.clear()

    read = read_reports(quiet.link)

    assert (read.reports, quiet.link.audience.calls.total()) == (1, 1)


def test_a_report_that_is_not_due_costs_nothing(quiet: Scenario) -> None:
    with_mail_activities(quiet)
    send_campaign(quiet)
    recovered(quiet)
    quiet.link.audience.calls.clear()

    assert read_reports(quiet.link).reports == 0
    assert quiet.link.audience.calls.total() == 0


def test_a_campaign_that_is_gone_is_left_alone(quiet: Scenario) -> None:
    with_mail_activities(quiet)
    send_campaign(quiet)
    quiet.control.fault(
        "mailchimp",
        kind="status",
        match="GET /mailchimp/3.0/reports",
        status=404,
        body={"title": "Resource Not Found", "detail": "gone", "status": 404},
    )

    result = recovered(quiet)

    assert result.found.new == {"CAMPAIGN": 1}
    assert read_reports(quiet.link).reports == 0


# The window, interruptions, cost ------------------------------------------------------------------


def test_what_happened_before_or_after_the_window_is_left_out(quiet: Scenario) -> None:
    quiet.person("unsubscribe", "kunde-01")
    quiet.pass_time(by=HOUR)
    start = quiet.link.now()
    quiet.person("unsubscribe", "kunde-02")
    quiet.pass_time(by=HOUR)
    end = quiet.link.now()
    quiet.person("unsubscribe", "kunde-03")

    find(quiet.link, start=start - timedelta(seconds=2), end=end - timedelta(seconds=2))

    assert kinds(quiet) == [("UNSUBSCRIBE", "kunde-02")]


def test_a_second_recovery_finds_the_same_and_stores_nothing(quiet: Scenario) -> None:
    with_mail_activities(quiet)
    campaign = send_campaign(quiet)
    quiet.person("unsubscribe", "kunde-01", campaign_id=campaign)
    quiet.person("subscribe", "neu")
    quiet.person("update", "kunde-02", merge_fields={"FNAME": "Anders"})
    quiet.person("complain", "kunde-03")
    first = recovered(quiet)
    before = stored(quiet)

    second = recovered(quiet)

    assert (second.found.new, second.found.known) == ({}, first.found.new)
    assert stored(quiet) == before


def test_a_recovery_that_was_stopped_goes_on_with_what_is_missing(quiet: Scenario) -> None:
    with_mail_activities(quiet)
    quiet.person("unsubscribe", "kunde-01")
    campaign = send_campaign(quiet)

    def killed() -> None:
        raise KeyboardInterrupt

    during(quiet, "history: recipients", killed)
    with pytest.raises(KeyboardInterrupt):
        recovered(quiet)
    half = set(kinds(quiet))

    recovered(quiet)

    delivered = [event for event in stored(quiet) if event.kind == EventKind.DELIVERED]
    assert half == {("UNSUBSCRIBE", "kunde-01"), ("CAMPAIGN", "")}
    assert {event.campaign_id for event in delivered} == {campaign}
    assert len(delivered) == len(quiet.picture().subscribed())


def test_members_that_move_while_they_are_read_are_read_again(quiet: Scenario) -> None:
    names = [f"kunde-{number:02d}" for number in range(1, 25)]
    for name in names:
        quiet.person("update", name, merge_fields={"FNAME": "Anders"})
    # One row moved from the second page to the first, after that was read.
    second_page = r"GET .*/members\?.*offset=10"
    quiet.control.fault("mailchimp", kind="page_drift", match=second_page)

    recovered(quiet)

    assert {event.name for event in stored(quiet)} == set(names)


def test_members_that_never_come_to_rest_are_an_error_and_what_was_found_stays(
    quiet: Scenario,
) -> None:
    for number in range(1, 25):
        quiet.person("update", f"kunde-{number:02d}", merge_fields={"FNAME": "Anders"})
    quiet.control.fault("mailchimp", kind="page_drift", match=MEMBERS_PAGE, vanish=True, rate=1.0)

    with pytest.raises(Retryable, match="start the recovery again"):
        recovered(quiet)

    assert len(kinds(quiet)) > 10


def test_opt_outs_that_a_broken_off_recovery_found_reach_the_crm(quiet: Scenario) -> None:
    names = [f"kunde-{number:02d}" for number in range(1, 25)]
    for name in names:
        quiet.person("unsubscribe", name)
    quiet.control.fault("mailchimp", kind="page_drift", match=MEMBERS_PAGE, vanish=True, rate=1.0)
    now = quiet.link.now()

    with pytest.raises(Retryable, match="start the recovery again"):
        recover(quiet.link, start=now - 3 * HOUR, end=now + HOUR)

    found = {event.name for event in stored(quiet) if event.kind == EventKind.UNSUBSCRIBE}
    after = quiet.picture()
    assert found
    assert {after.newsletter(name) for name in found} == {CANCEL}


def test_a_hundred_changed_members_cost_a_few_calls(quiet: Scenario) -> None:
    for number in range(120):
        quiet.control.act(
            "mailchimp",
            actor="import",
            action="subscribe",
            email=f"person-{number}@kunde-{number}.example",
        )
    quiet.link.audience.calls.clear()

    result = recovered(quiet)

    assert result.found.new == {"SUBSCRIBE": 120}
    pages = quiet.link.audience.calls["GET /lists/{list_id}/members"]
    assert result.calls - pages <= 12


def test_what_a_recovery_finds_is_known_to_the_ledger_before_the_next_read(
    quiet: Scenario,
) -> None:
    quiet.person("unsubscribe", "kunde-01")

    recovered(quiet)
    read_members(quiet.link, mode="incremental")

    with quiet.link.warehouse.session() as db:
        rows = db.execute(
            "SELECT ledger FROM consent_now WHERE key = ?", [address("kunde-01")]
        ).fetchall()
    assert rows == [("WITHDRAW_PERSON",)]


TODAY = date(2026, 3, 31)


def test_a_window_of_days_takes_in_its_first_and_its_last() -> None:
    window = Window.of_days(date(2026, 3, 1), last=date(2026, 3, 2), today=TODAY)

    assert (window.start, window.end) == (
        datetime(2026, 3, 1, tzinfo=UTC),
        datetime(2026, 3, 3, tzinfo=UTC),
    )


def test_today_may_be_recovered() -> None:
    assert Window.of_days(TODAY, last=TODAY, today=TODAY).end == datetime(2026, 4, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("first", "last", "why"),
    [
        (date(2026, 3, 2), date(2026, 3, 1), "later"),
        (date(2026, 3, 31), date(2026, 4, 1), "has not come yet"),
        (date(2026, 4, 1), date(2026, 4, 2), "has not come yet"),
    ],
    ids=["reversed", "ends tomorrow", "begins tomorrow"],
)
def test_a_window_that_makes_no_sense_is_refused(first: date, last: date, why: str) -> None:
    with pytest.raises(WindowRefused, match=why):
        Window.of_days(first, last=last, today=TODAY)
