"""Webhooks on their way: from Mailchimp through the log into ledger, CRM and activities.

The twin sends its real webhooks into a log that is written as the receiver writes it; lines that
the twin would not send at the right moment are put there by hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from nl_pipeline.domain.events import EventKind, SubscriberEvent
from nl_pipeline.sync.events import log
from nl_pipeline.sync.events import opt_outs as opt_out_path
from nl_pipeline.warehouse import bookings, events
from nl_pipeline.warehouse import opt_outs as opt_out_tables
from nl_pipeline.webhook_log.reading import Segment, segments
from nl_pipeline_tests.scenario import CANCEL, NO, YES, Scenario, address
from nl_pipeline_tests.sync.hooked import Hooked
from nl_pipeline_tests.sync.mailbox import listening

LEFT = "nicht bestellt"
JOINED = "bestellt"


@pytest.fixture
def hooked_before_first_sync(unsynced: Scenario, tmp_path: Path) -> Iterator[Hooked]:
    with listening(unsynced, root=tmp_path / "webhooks") as mailbox:
        yield Hooked(unsynced, mailbox)


class Killed(BaseException):
    """The process is gone: nothing catches this."""


# Opt-outs ---------------------------------------------------------------------------------------


def test_an_unsubscribe_is_in_the_crm_before_any_sync(hooked: Hooked) -> None:
    hooked.person("unsubscribe", "kunde-01")

    hooked.ingest()

    after = hooked.scenario.picture()
    assert (after.newsletter("kunde-01"), after.activities("kunde-01")) == (CANCEL, [LEFT])


def test_the_sync_after_it_agrees_and_books_nothing_again(hooked: Hooked) -> None:
    hooked.person("unsubscribe", "kunde-01")
    assert hooked.ingest_and_sync().needs_sync

    hooked.scenario.sync("full")

    after = hooked.scenario.picture()
    assert after.activities("kunde-01") == [LEFT]
    assert hooked.rows("SELECT provider_state FROM base WHERE key LIKE 'kunde-01@%'") == [
        ("UNSUB",)
    ]


def test_an_opt_out_reaches_contacts_that_were_entered_since_the_last_read(
    hooked: Hooked,
) -> None:
    hooked.scenario.add_contact("assistant", YES, "kunde-01@kunde.example")
    hooked.person("unsubscribe", "kunde-01")

    hooked.ingest()

    after = hooked.scenario.picture()
    assert (after.newsletter("kunde-01"), after.newsletter("assistant")) == (CANCEL, CANCEL)
    assert (after.activities("kunde-01"), after.activities("assistant")) == ([LEFT], [LEFT])


def test_a_no_stays_a_no_and_gets_the_activity(hooked: Hooked) -> None:
    hooked.scenario.add_contact("kunde-01", NO)
    hooked.person("unsubscribe", "kunde-01")

    hooked.ingest()

    after = hooked.scenario.picture()
    assert sorted(after.newsletter("kunde-01")) == [NO, CANCEL]
    assert after.activities("kunde-01") == [LEFT, LEFT]


def test_a_complaint_is_the_providers_withdrawal(hooked: Hooked) -> None:
    hooked.person("complain", "kunde-01")

    hooked.ingest()

    assert hooked.ledger("kunde-01") == "WITHDRAW_PROVIDER"
    assert hooked.scenario.newsletter("kunde-01") == CANCEL


def test_an_opt_out_of_before_the_first_plan_is_applied_does_not_wait_for_it(
    hooked_before_first_sync: Hooked,
) -> None:
    hooked = hooked_before_first_sync
    plan = hooked.scenario.set_up().plan
    hooked.person("unsubscribe", "member")

    hooked.ingest_and_sync()
    early = hooked.scenario.newsletter("member")
    hooked.scenario.apply_approved(plan)

    after = hooked.scenario.picture()
    assert (early, after.newsletter("member"), after.status("member")) == (
        CANCEL,
        CANCEL,
        "unsubscribed",
    )


def test_an_opt_out_does_not_depend_on_the_field_mapping(hooked: Hooked) -> None:
    hooked.scenario.change_field("Vorname", crm="Abgeschaltet")
    hooked.person("unsubscribe", "kunde-01")

    hooked.ingest()

    assert hooked.scenario.newsletter("kunde-01") == CANCEL


def test_a_contact_that_refuses_stops_no_other_and_is_tried_again(hooked: Hooked) -> None:
    hooked.scenario.add_contact("kunde-01", YES)
    hooked.person("unsubscribe", "kunde-01")
    hooked.scenario.control.fault(
        "onoffice", kind="status", match="modify:address", errorcode=60, positions=[0], times=1
    )

    first = hooked.ingest()
    early = sorted(hooked.scenario.newsletter("kunde-01"))
    hooked.ingest()

    after = hooked.scenario.picture()
    assert (first.opt_outs_pending, early) == (1, [YES, CANCEL])
    assert after.newsletter("kunde-01") == CANCEL * 2
    assert after.activities("kunde-01") == [LEFT, LEFT]


def test_a_late_unsubscribe_does_not_undo_a_later_sign_up(hooked: Hooked) -> None:
    hooked.scenario.control.fault("mailchimp", kind="drop_webhook", match="unsubscribe")
    hooked.scenario.person("unsubscribe", "kunde-01")
    hooked.scenario.sync()
    hooked.person("subscribe", "kunde-01")
    hooked.scenario.sync()
    hooked.tell("unsubscribe", "kunde-01", ago=timedelta(minutes=29))

    hooked.ingest_and_sync()

    assert hooked.scenario.newsletter("kunde-01") == YES
    assert hooked.ledger("kunde-01") == "GRANT_PROOF"


def test_a_yes_that_staff_set_again_is_not_overwritten_by_the_same_opt_out_told_late(
    hooked: Hooked,
) -> None:
    hooked.scenario.control.fault("mailchimp", kind="drop_webhook", match="unsubscribe")
    hooked.scenario.person("unsubscribe", "kunde-01")
    left_at = hooked.scenario.link.now()
    hooked.scenario.sync()
    hooked.scenario.set_newsletter("kunde-01", YES)
    hooked.tell("unsubscribe", "kunde-01", ago=hooked.scenario.link.now() - left_at)

    hooked.ingest_and_sync()

    after = hooked.scenario.picture()
    assert (after.newsletter("kunde-01"), after.activities("kunde-01")) == (YES, [LEFT])


def test_an_opt_out_under_a_new_address_reaches_the_contact_with_the_old_one(
    hooked: Hooked,
) -> None:
    hooked.scenario.person("change_email", "kunde-01", new_email="anders-01@kunde.example")
    hooked.mailbox.wait(stored=2)
    hooked.scenario.pass_time(by=timedelta(seconds=2))
    hooked.scenario.person("unsubscribe", "anders-01")
    hooked.mailbox.wait(stored=3)

    hooked.ingest()

    assert hooked.scenario.newsletter("kunde-01") == CANCEL


# What is only a hint ----------------------------------------------------------------------------


def test_a_wrong_signature_takes_nobody_off_who_is_subscribed(hooked: Hooked) -> None:
    hooked.tell("unsubscribe", "kunde-01")
    line = next(hooked.mailbox.folder.glob("*/*.jsonl"))
    line.write_bytes(line.read_bytes().replace(b'"valid"', b'"wrong"'))

    hooked.ingest_and_sync()

    assert (hooked.scenario.newsletter("kunde-01"), hooked.ledger("kunde-01")) == (YES, "GRANT")
    assert hooked.outcomes("UNSUBSCRIBE") == {"hint": 1}


def test_a_sign_up_by_notice_alone_gives_no_consent(hooked: Hooked) -> None:
    hooked.tell("subscribe", "cancelled")

    hooked.ingest_and_sync()

    after = hooked.scenario.picture()
    assert (after.newsletter("cancelled"), after.status("cancelled")) == (CANCEL, "absent")


def test_a_sign_up_by_notice_alone_is_no_activity(hooked: Hooked) -> None:
    hooked.tell("subscribe", "cancelled")

    hooked.ingest()

    assert hooked.scenario.picture().activities("cancelled") == []
    assert hooked.outcomes("SUBSCRIBE") == {"applied": 1}


def test_a_segment_that_its_writer_takes_back_stops_no_other(
    hooked: Hooked, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooked.person("unsubscribe", "kunde-01")
    hooked.replay()

    def list_and_lose(*arguments: object, **named: object) -> list[Segment]:
        found = segments(*arguments, **named)  # type: ignore[arg-type]
        (hooked.mailbox.folder / found[0].name).unlink()
        return found

    monkeypatch.setattr(log, "segments", list_and_lose)

    hooked.ingest()

    assert hooked.scenario.newsletter("kunde-01") == CANCEL


def test_a_new_subscriber_becomes_a_contact_with_one_activity(hooked: Hooked) -> None:
    hooked.person("subscribe", "newcomer")

    hooked.ingest_and_sync()
    hooked.scenario.pass_time()
    hooked.ingest_and_sync()
    hooked.scenario.sync("full")

    after = hooked.scenario.picture()
    assert (after.newsletter("newcomer"), after.activities("newcomer")) == (YES, [JOINED])
    assert hooked.outcomes("SUBSCRIBE").keys() <= {"applied", "echo"}


def test_a_profile_change_travels_with_the_notice(hooked: Hooked) -> None:
    hooked.person("update", "kunde-01", merge_fields={"FNAME": "Neu"})

    hooked.ingest_and_sync()

    assert hooked.scenario.picture().contact("kunde-01")["Vorname"] == "Neu"


def test_a_notice_about_what_we_know_is_an_echo_and_asks_for_no_sync(hooked: Hooked) -> None:
    hooked.scenario.sync()
    hooked.tell("profile", "kunde-01")

    result = hooked.ingest()

    assert (result.echoes, result.needs_sync) == (1, False)


def test_what_cannot_be_used_is_listed_and_stops_nothing(hooked: Hooked) -> None:
    hooked.mailbox.put(b"\xff\xfe garbage")
    hooked.tell("unsubscribe", "kunde-02", data_list_id="another")
    hooked.tell("unsubscribe", "no address at all", data_email="nobody")
    hooked.person("unsubscribe", "kunde-01")

    result = hooked.ingest()

    assert result.poison == {"no_form": 1, "other_audience": 1, "invalid_address": 1}
    assert len(hooked.rows("SELECT * FROM poison_lines")) == 3
    assert hooked.scenario.newsletter("kunde-01") == CANCEL
    assert hooked.scenario.newsletter("kunde-02") == YES


# Once -------------------------------------------------------------------------------------------


def test_a_replay_of_the_whole_log_does_nothing(hooked: Hooked) -> None:
    hooked.person("unsubscribe", "kunde-01")
    hooked.person("subscribe", "newcomer")
    hooked.ingest_and_sync()
    hooked.scenario.control.forget_calls()
    hooked.replay()

    result = hooked.ingest_and_sync()

    assert (result.new, result.duplicates) == ({}, {"SUBSCRIBE": 1, "UNSUBSCRIBE": 1})
    assert hooked.scenario.writes() == {}


def test_a_delivery_repeated_an_hour_later_is_the_same_event(hooked: Hooked) -> None:
    hooked.person("unsubscribe", "kunde-01")
    hooked.ingest()
    hooked.tell("unsubscribe", "kunde-01", ago=-timedelta(minutes=60))

    hooked.ingest()

    assert hooked.scenario.picture().activities("kunde-01") == [LEFT]


def test_leaving_and_joining_and_leaving_are_three_activities(hooked: Hooked) -> None:
    for action in ("unsubscribe", "subscribe", "unsubscribe"):
        hooked.person(action, "kunde-01")
        hooked.scenario.pass_time(by=timedelta(minutes=5))

    hooked.ingest_and_sync()

    after = hooked.scenario.picture()
    assert sorted(after.activities("kunde-01")) == sorted([LEFT, JOINED, LEFT])
    assert after.newsletter("kunde-01") == CANCEL


def test_what_a_sync_has_booked_is_not_booked_again_when_the_webhook_comes_late(
    hooked: Hooked,
) -> None:
    hooked.mailbox.is_down = True
    hooked.scenario.person("unsubscribe", "kunde-01")
    hooked.mailbox.wait_refused(refused=1)
    hooked.scenario.sync()
    hooked.mailbox.is_down = False
    hooked.scenario.pass_time(by=timedelta(hours=1))
    hooked.mailbox.wait(stored=1)

    hooked.ingest_and_sync()

    assert hooked.scenario.picture().activities("kunde-01") == [LEFT]


def test_an_opt_out_that_a_sync_dated_later_is_not_booked_again_when_its_event_comes(
    hooked: Hooked,
) -> None:
    hooked.mailbox.is_down = True
    hooked.scenario.person("unsubscribe", "kunde-01")
    left_at = hooked.scenario.link.now()
    hooked.scenario.pass_time(by=timedelta(hours=2))
    # A member changes once more, and with it the only date that a read shows.
    hooked.scenario.staff("update", "kunde-01", merge_fields={"LNAME": "Anders"})
    hooked.scenario.sync()
    hooked.mailbox.is_down = False
    hooked.tell("unsubscribe", "kunde-01", ago=hooked.scenario.link.now() - left_at)

    hooked.ingest_and_sync()

    assert hooked.scenario.picture().activities("kunde-01") == [LEFT]


@pytest.mark.parametrize(
    ("module", "name"),
    [(opt_out_path, "_cancel"), (opt_out_tables, "note_reached"), (bookings, "note")],
    ids=["before the CRM is written", "between CRM and activity", "before an activity is sent"],
)
def test_a_kill_loses_nothing_and_repeats_nothing(
    hooked: Hooked, monkeypatch: pytest.MonkeyPatch, module: object, name: str
) -> None:
    hooked.person("unsubscribe", "kunde-01")

    def die(*_arguments: object, **_options: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(module, name, die)
        with pytest.raises(Killed):
            hooked.ingest()
    hooked.ingest()
    hooked.ingest_and_sync()

    after = hooked.scenario.picture()
    assert (after.newsletter("kunde-01"), after.activities("kunde-01")) == (CANCEL, [LEFT])


def test_a_kill_right_after_an_activity_was_sent_books_it_once(
    hooked: Hooked, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooked.person("unsubscribe", "kunde-01")
    client = hooked.scenario.link.crm.client
    create = client.create_activities

    def create_and_die(*arguments: object) -> None:
        create(*arguments)  # type: ignore[arg-type]
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(client, "create_activities", create_and_die)
        with pytest.raises(Killed):
            hooked.ingest()
    hooked.ingest()

    assert hooked.scenario.picture().activities("kunde-01") == [LEFT]
    # Found by its marker: known to be written, not left in doubt.
    states = hooked.rows("SELECT state FROM activities WHERE source = 'event'")
    assert states == [("written",)]


def test_an_activity_that_cannot_be_dated_stops_no_other(hooked: Hooked) -> None:
    contact = hooked.scenario.picture().contact("kunde-02")
    with hooked.scenario.link.warehouse.transaction() as db:
        db.execute(
            "INSERT INTO activities BY NAME SELECT 'k' AS activity_key, ? AS key, ? AS crm_id,"
            " 'unsubscribe' AS kind, '9999-12-31 23:59:59'::TIMESTAMP AS happened_at, '' AS note,"
            " 'planned' AS state, '' AS record_id, '' AS cause, now()::TIMESTAMP AS recorded_at,"
            " 'event' AS source",
            [address("kunde-02"), contact["id"]],
        )
    hooked.person("unsubscribe", "kunde-01")

    hooked.ingest()

    assert hooked.scenario.picture().activities("kunde-01") == [LEFT]
    assert hooked.rows("SELECT state, cause FROM activities WHERE activity_key = 'k'") == [
        ("refused", "impossible_time")
    ]


# Outages ----------------------------------------------------------------------------------------


def test_a_crm_that_is_down_for_hours_gets_everything_afterwards(hooked: Hooked) -> None:
    before = hooked.scenario.picture().api_history()
    hooked.scenario.control.fault("onoffice", kind="status", match="", status=503, times=1000)
    hooked.person("unsubscribe", "kunde-01")
    for _ in range(3):
        assert hooked.ingest().stopped_by is not None
        hooked.scenario.pass_time(by=timedelta(hours=1))
    hooked.scenario.control.clear_faults()

    hooked.ingest_and_sync()

    after = hooked.scenario.picture()
    assert (after.newsletter("kunde-01"), after.activities("kunde-01")) == (CANCEL, [LEFT])
    assert after.api_history() == before


def test_a_provider_that_is_down_keeps_no_opt_out_from_the_crm(hooked: Hooked) -> None:
    hooked.person("unsubscribe", "kunde-01")
    hooked.scenario.control.fault("mailchimp", kind="status", match="", status=503, times=1000)

    result = hooked.ingest()

    assert result.stopped_by is not None
    assert hooked.scenario.newsletter("kunde-01") == CANCEL


def test_webhooks_lost_for_good_are_made_up_for_by_the_next_sync(hooked: Hooked) -> None:
    before = hooked.scenario.picture().api_history()
    hooked.mailbox.is_down = True
    hooked.scenario.person("unsubscribe", "kunde-01")
    hooked.scenario.pass_time(by=timedelta(hours=3))
    hooked.mailbox.is_down = False
    hooked.person("unsubscribe", "kunde-02")

    hooked.ingest_and_sync()

    after = hooked.scenario.picture()
    assert [after.newsletter(name) for name in ("kunde-01", "kunde-02")] == [CANCEL, CANCEL]
    assert [after.activities(name) for name in ("kunde-01", "kunde-02")] == [[LEFT], [LEFT]]
    assert after.api_history() == before


def test_an_ingest_that_was_down_takes_in_hours_at_once(hooked: Hooked) -> None:
    for number in range(1, 6):
        hooked.person("unsubscribe", f"kunde-{number:02d}")
        hooked.scenario.pass_time(by=timedelta(hours=1))
    hooked.scenario.set_newsletter("none", YES)

    hooked.ingest_and_sync()

    after = hooked.scenario.picture()
    names = [f"kunde-{number:02d}" for number in range(1, 6)]
    assert {after.newsletter(name) for name in names} == {CANCEL}
    assert [after.activities(name) for name in names] == [[LEFT]] * 5
    assert after.status("none") == "subscribed"


# Activities that the settings ask for ------------------------------------------------------------


def test_a_campaign_of_reports_becomes_activities_where_the_settings_say_so(
    hooked: Hooked,
) -> None:
    wanted = hooked.scenario.link.settings.activities
    delivered = wanted.model_copy(update={"delivered": wanted.profile})
    hooked.scenario.change_settings(activities=delivered)
    now = hooked.scenario.link.now()
    event = SubscriberEvent(
        EventKind.DELIVERED,
        "kunde-01@kunde.example",
        "",
        "",
        "c1",
        "",
        "",
        now,
        now,
        "history",
        True,
        "",
    )
    for _ in range(2):
        events.store(hooked.scenario.link.warehouse, events=[event], read=[], now=now)
        hooked.ingest()

    after = hooked.scenario.picture()
    kinds = [
        a["Aktionsart"]
        for a in after.onoffice["activities"]
        if a["Adress_nr"] == after.contact("kunde-01")["id"]
    ]
    assert kinds == ["Email"]


def test_nothing_is_told_of_the_fresh_where_nothing_was_written(hooked: Hooked) -> None:
    hooked.tell("profile", "kunde-01")

    assert hooked.ingest().from_received is None


def test_how_long_an_opt_out_took_is_measured_from_its_receipt_and_its_happening(
    hooked: Hooked,
) -> None:
    hooked.person("unsubscribe", "kunde-01")
    hooked.scenario.pass_time(by=timedelta(minutes=10))

    result = hooked.ingest()

    assert result.from_received is not None
    assert result.from_happened is not None
    assert 600 <= result.from_received.p50 <= result.from_happened.p95 < 660
