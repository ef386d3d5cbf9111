"""Events in Dagster: from the webhook log to the CRM, to activities, to a sync; and after an
outage."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from nl_pipeline.orchestration.partitions import Window, windows_of
from nl_pipeline_tests.orchestration.conftest import NORTH, Held
from nl_pipeline_tests.orchestration.deployment import Deployment
from nl_pipeline_tests.orchestration.hooked import YES, HookedDeployment, hooked
from nl_pipeline_tests.orchestration.test_whole_graph import materialized, metadata_of

CANCEL = "2"
LEFT, JOINED = "nicht bestellt", "bestellt"


@pytest.fixture
def told(synced: Deployment) -> Iterator[HookedDeployment]:
    with hooked(synced) as opened:
        yield opened


def test_an_unsubscribe_goes_through_every_asset_into_the_crm(told: HookedDeployment) -> None:
    leaves = told.someone()
    told.act("person", "unsubscribe", leaves)

    result = told.ingest()

    assert result.success
    assert materialized(result) == {
        "webhook_log",
        "subscriber_events",
        "activity_records",
        "lead_notices",
    }
    assert all(check.passed for check in result.get_asset_check_evaluations())
    assert told.contact(leaves)["newsletter_aktiv"] == CANCEL
    assert told.booked(leaves) == [LEFT]


def test_the_events_tell_how_long_an_opt_out_took(told: HookedDeployment) -> None:
    told.act("person", "unsubscribe", told.someone())

    metadata = metadata_of(told.ingest(), "subscriber_events")

    names = [f"opt_out_seconds_from_call_{share}" for share in ("p50", "p95")]
    seconds = [float(str(metadata[name].value)) for name in names]
    assert 0 < seconds[0] == seconds[1]


def test_the_same_log_again_does_nothing(told: HookedDeployment) -> None:
    leaves = told.someone()
    told.act("person", "unsubscribe", leaves)
    told.ingest()
    told.deployment.controls[NORTH].forget_calls()

    result = told.ingest()

    assert metadata_of(result, "webhook_log")["lines"].value == 0
    assert told.deployment.writes(NORTH) == 0
    assert told.booked(leaves) == [LEFT]


def test_an_opt_out_does_not_wait_for_the_approval_of_a_first_sync(
    unapproved: Deployment,
) -> None:
    contacts = unapproved.controls[NORTH].dump("onoffice")["addresses"]
    agreed = [c["Email"] for c in contacts if c["newsletter_aktiv"] == YES]
    leaves = next(e for e in agreed if agreed.count(e) == 1 and e == e.strip().lower())
    with hooked(unapproved) as told:
        told.act("person", "subscribe", leaves)
        told.act("person", "unsubscribe", leaves)

        metadata = metadata_of(told.ingest(), "subscriber_events")

        assert told.contact(leaves)["newsletter_aktiv"] == CANCEL
        assert metadata["needs_sync"].value is False


def test_an_opt_out_does_not_wait_for_the_release_of_a_held_plan(held: Held) -> None:
    with hooked(held.deployment) as told:
        leaves = held.renamed
        told.act("person", "unsubscribe", leaves)

        told.ingest()

        assert told.contact(leaves)["newsletter_aktiv"] == CANCEL
        assert held.are_still_subscribed()


def test_a_sign_up_asks_for_a_sync_which_brings_it_into_the_crm(told: HookedDeployment) -> None:
    told.act("person", "subscribe", "neu@kunde.example")
    told.ingest()

    tick = told.event_tick(cursor=None)

    (request,) = tick.run_requests or []
    assert request.partition_key == NORTH
    assert told.deployment.run("incremental_sync", NORTH).success
    assert told.contact("neu@kunde.example")["newsletter_aktiv"] == YES
    assert told.booked("neu@kunde.example") == [JOINED]
    assert told.event_tick(cursor=tick.cursor).run_requests == []


def test_an_echo_asks_for_no_sync(told: HookedDeployment) -> None:
    known = told.someone()
    told.mailbox.put_form(
        type="profile", fired_at="2026-01-01 00:00:00", data_id="abc", data_email=known
    )

    metadata = metadata_of(told.ingest(), "subscriber_events")

    assert (metadata["echoes"].value, metadata["needs_sync"].value) == (1, False)


def test_a_line_that_cannot_be_used_warns_and_stops_no_other(told: HookedDeployment) -> None:
    leaves = told.someone()
    told.mailbox.put(b"\x00garbage")
    told.act("person", "unsubscribe", leaves)

    result = told.ingest()

    checks = {c.check_name: c for c in result.get_asset_check_evaluations()}
    assert result.success
    assert (checks["every_line_usable"].passed, checks["every_opt_out_in_the_crm"].passed) == (
        False,
        True,
    )
    assert told.contact(leaves)["newsletter_aktiv"] == CANCEL


def test_while_the_crm_is_away_the_run_fails_and_the_next_one_carries_it_out(
    told: HookedDeployment,
) -> None:
    control = told.deployment.controls[NORTH]
    leaves = told.someone()
    told.act("person", "unsubscribe", leaves)
    control.fault("onoffice", kind="status", match="", status=503, times=50)
    during = told.ingest()
    control.clear_faults()

    after = told.ingest()

    assert not during.success
    assert after.success
    assert told.contact(leaves)["newsletter_aktiv"] == CANCEL
    assert told.booked(leaves) == [LEFT]
    events = [str(event) for event in told.deployment.instance.all_logs(during.run_id)]
    assert not any(leaves in event for event in events)


def test_what_is_unread_of_an_earlier_day_is_read_by_the_run_of_another(
    told: HookedDeployment,
) -> None:
    leaves = told.someone()
    told.act("person", "unsubscribe", leaves)
    told.age_log(days=3)

    result = told.ingest()

    assert metadata_of(result, "webhook_log")["lines"].value == 1
    assert told.contact(leaves)["newsletter_aktiv"] == CANCEL


def test_the_hourly_watch_makes_up_for_an_ingest_that_never_ran(told: HookedDeployment) -> None:
    leaves = told.someone()
    told.act("person", "unsubscribe", leaves)

    result = told.deployment.run("watch_webhooks", NORTH)

    assert result.success
    assert told.contact(leaves)["newsletter_aktiv"] == CANCEL
    assert told.booked(leaves) == [LEFT]


def test_an_opt_out_does_not_wait_for_the_report_of_a_campaign(told: HookedDeployment) -> None:
    leaves = told.someone()
    told.want_activity("hard_bounce", kind="Newsletter", type="bestellt")
    told.mailbox.put_form(
        type="campaign",
        fired_at=f"{datetime.now(UTC) - timedelta(minutes=5):%Y-%m-%d %H:%M:%S}",
        data_id="c0ffee",
        data_status="sent",
    )
    told.act("person", "unsubscribe", leaves)
    control = told.deployment.controls[NORTH]
    control.fault("mailchimp", kind="status", match="/reports/", status=403, times=50)

    result = told.deployment.run("watch_webhooks", NORTH)
    reports_asked = control.struck()
    control.clear_faults()

    assert (result.success, reports_asked > 0) == (False, True)
    assert told.contact(leaves)["newsletter_aktiv"] == CANCEL


def test_a_backfill_over_days_recovers_what_no_webhook_told(told: HookedDeployment) -> None:
    leaves = told.someone()
    told.mailbox.is_down = True
    told.act_unheard("person", "unsubscribe", leaves)
    told.mailbox.wait_refused(refused=1)

    result = told.backfill("recover_history", days=3)

    assert result.success
    assert materialized(result) == {
        "provider_history",
        "webhook_log",
        "subscriber_events",
        "activity_records",
        "lead_notices",
    }
    assert told.contact(leaves)["newsletter_aktiv"] == CANCEL
    assert told.booked(leaves) == [LEFT]


def test_opt_outs_found_before_the_provider_fails_are_in_the_crm_all_the_same(
    told: HookedDeployment,
) -> None:
    leaves = told.someone()
    told.act("person", "unsubscribe", leaves)
    taken = told.run("ingest_webhooks", only=("webhook_log",))
    told.deployment.controls[NORTH].fault(
        "mailchimp", kind="status", match="", status=503, times=50
    )

    result = told.run("recover_history", only=("provider_history",))

    assert (taken.success, result.success) == (True, False)
    assert told.contact(leaves)["newsletter_aktiv"] == CANCEL


def test_a_second_backfill_finds_nothing_new(told: HookedDeployment) -> None:
    told.act("person", "unsubscribe", told.someone())
    told.ingest()
    told.backfill("recover_history", days=2)

    result = told.backfill("recover_history", days=2)

    history = metadata_of_first(result, "provider_history")
    assert history["events_new"] == 0
    assert history["events_known_before"] > 0


def metadata_of_first(result: object, asset: str) -> dict[str, int]:
    """Numbers of one of the materializations a run over several days has of an asset."""
    events = result.get_asset_materialization_events()  # type: ignore[attr-defined]
    chosen = next(e for e in events if e.asset_key.to_user_string() == asset)
    metadata = chosen.materialization.metadata
    return {k: int(metadata[k].value) for k in ("events_new", "events_known_before")}


def test_without_an_address_of_the_receiver_the_watch_says_so(synced: Deployment) -> None:
    result = synced.materialize(NORTH, "provider_webhooks")

    assert result.success
    assert "public_url" in str(metadata_of(result, "provider_webhooks")["webhooks"].value)


def test_partitions_of_a_run_are_one_window_per_connection() -> None:
    keys = ["b-1|2026-03-02", "a|2026-03-01", "a|2026-03-02"]

    assert windows_of(keys) == [
        Window("a", (date(2026, 3, 1), date(2026, 3, 2))),
        Window("b-1", (date(2026, 3, 2),)),
    ]
