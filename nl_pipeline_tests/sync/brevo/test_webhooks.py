"""What Brevo tells between two syncs, from its webhooks through a receiver into ledger and CRM."""

from __future__ import annotations

from datetime import timedelta

import pytest

from nl_pipeline.sync.events.ingest import ingest_and_sync
from nl_pipeline_tests.scenario import CANCEL, YES
from nl_pipeline_tests.sync.brevo.hooked import KIND, RETRIES, Hooked

NAME = "kunde-01"
OTHER = "kunde-02"


def switch(hooked: Hooked, **values: object) -> None:
    for name, value in values.items():
        hooked.scenario.control.switch("brevo", name=name, value=value)


@pytest.mark.parametrize(
    ("spelling", "lists"), [("guide", "named"), ("samples", "empty"), ("requests", "missing")]
)
def test_an_opt_out_by_the_link_in_a_mail_is_in_the_crm_at_once(
    hooked: Hooked, spelling: str, lists: str
) -> None:
    switch(hooked, payload_spelling=spelling, payload_email="list", unsubscribed_lists=lists)
    campaign = hooked.send_campaign()
    hooked.pass_time()

    hooked.scenario.person("unsubscribe", NAME, campaign_id=campaign)
    told = hooked.ingest()

    assert told.opt_outs_applied == 1
    assert hooked.scenario.newsletter(NAME) == CANCEL
    assert hooked.ledger(NAME) == "WITHDRAW_PERSON"
    assert hooked.booked(NAME, "unsubscribe") == ["told_by_webhook"]
    assert hooked.rows("SELECT campaign_id FROM subscriber_events WHERE kind = 'UNSUBSCRIBE'") == [
        (str(campaign),)
    ]


def test_a_complaint_is_an_opt_out_that_weighs_most(hooked: Hooked) -> None:
    hooked.scenario.person("complain", NAME)
    hooked.ingest()

    assert hooked.scenario.newsletter(NAME) == CANCEL
    assert hooked.ledger(NAME) == "WITHDRAW_PROVIDER"


def test_leaving_our_list_alone_is_an_opt_out(hooked: Hooked) -> None:
    hooked.scenario.person("unsubscribe", NAME, list_only=True)
    hooked.ingest()

    assert hooked.scenario.newsletter(NAME) == CANCEL


def test_leaving_another_list_is_looked_at_and_no_opt_out(hooked: Hooked) -> None:
    hooked.add_list("Makler")
    hooked.scenario.staff("subscribe", NAME, audience="Makler")
    hooked.ingest()

    hooked.scenario.person("unsubscribe", NAME, audience="Makler", list_only=True)
    told = hooked.ingest()

    assert told.touched == 1
    assert hooked.scenario.newsletter(NAME) == YES
    assert hooked.ledger(NAME).startswith("GRANT")
    assert hooked.outcomes(NAME)["UNSUBSCRIBE"] == "hint"


def test_leaving_everything_by_a_mail_to_another_list_is_found_by_looking(hooked: Hooked) -> None:
    hooked.add_list("Makler")
    hooked.scenario.staff("subscribe", NAME, audience="Makler")
    campaign = hooked.send_campaign(audience="Makler")
    hooked.pass_time()
    hooked.ingest()

    hooked.scenario.person("unsubscribe", NAME, campaign_id=campaign)
    hooked.heard.hear()
    ingest_and_sync(hooked.scenario.link)

    assert hooked.outcomes(NAME)["UNSUBSCRIBE"] == "hint"
    assert hooked.scenario.newsletter(NAME) == CANCEL
    assert hooked.ledger(NAME) == "WITHDRAW_PERSON"


def test_a_blocklisting_by_hand_is_told_as_a_change_and_found_by_looking(hooked: Hooked) -> None:
    hooked.scenario.staff("unsubscribe", NAME)
    hooked.heard.hear()
    told, synced = ingest_and_sync(hooked.scenario.link)

    assert told.new == {"PROFILE": 1}
    assert synced is not None
    assert hooked.scenario.newsletter(NAME) == CANCEL


def test_a_hard_bounce_is_no_opt_out(hooked: Hooked) -> None:
    hooked.scenario.want_activities(hard_bounce=KIND)
    hooked.send_campaign(on_their_way=True)
    hooked.pass_time()

    hooked.scenario.act("system", "bounce", NAME)
    hooked.ingest()

    assert hooked.scenario.newsletter(NAME) == YES
    assert hooked.ledger(NAME).startswith("GRANT")
    assert len(hooked.booked(NAME, "hard_bounce")) == 1


def test_what_is_told_twice_and_late_is_one_event(hooked: Hooked) -> None:
    control = hooked.scenario.control
    control.fault("brevo", kind="duplicate_webhook", match="WEBHOOK", times=2)

    hooked.scenario.person("unsubscribe", NAME)
    hooked.scenario.staff("subscribe", "fresh")
    told = hooked.ingest()

    assert told.new["UNSUBSCRIBE"] == 1
    assert told.new["SUBSCRIBE"] == 1
    assert sum(told.duplicates.values()) == 2


def test_all_tries_of_one_notice_are_one_event(hooked: Hooked) -> None:
    hooked.scenario.staff("subscribe", "fresh")
    hooked.heard.hear()
    first = hooked.heard.lines()[-1]
    hooked.ingest()

    hooked.pass_time(sum(RETRIES, timedelta()))
    hooked.repeat(first)
    told = hooked.ingest()

    assert (told.new, told.duplicates) == ({}, {"SUBSCRIBE": 1})


def test_what_could_not_be_stored_is_told_again_and_counts(hooked: Hooked) -> None:
    hooked.heard.is_deaf, hooked.heard.deaf_answer = True, 429
    hooked.scenario.person("unsubscribe", NAME)
    hooked.heard.hear()
    before = hooked.ingest().opt_outs_applied
    hooked.heard.is_deaf = False
    hooked.pass_time(RETRIES[0])

    assert (before, hooked.ingest().opt_outs_applied) == (0, 1)


def test_the_test_button_of_brevo_s_page_leads_to_nothing(hooked: Hooked) -> None:
    (webhook,) = hooked.webhooks()
    hooked.scenario.control.act(
        "brevo", actor="staff", action="test_webhook", webhook_id=webhook["id"]
    )

    told = hooked.ingest()

    assert told.lines == len(webhook["events"])
    assert (told.new, told.poison) == ({}, {})


# T11 --------------------------------------------------------------------------------------------


def test_t11_what_our_own_sync_changes_at_brevo_does_not_come_back(hooked: Hooked) -> None:
    switch(hooked, import_loses_notices=False)
    hooked.scenario.add_contact("fresh", YES)
    hooked.scenario.set_field(NAME, Name="Neu")
    hooked.scenario.set_newsletter(OTHER, CANCEL)
    hooked.scenario.sync()
    hooked.heard.hear()
    stored = len(hooked.heard.lines())

    told, synced = ingest_and_sync(hooked.scenario.link)

    assert stored >= 3
    assert told.lines == stored
    assert told.new == {}
    assert synced is None


def test_t11_without_the_name_of_the_key_an_echo_is_looked_at_once_and_ends_there(
    hooked: Hooked,
) -> None:
    switch(hooked, api_key_name_told=False)
    hooked.scenario.set_field(NAME, Name="Neu")
    hooked.scenario.sync()
    hooked.heard.hear()

    told, synced = ingest_and_sync(hooked.scenario.link)
    hooked.heard.hear()
    again, _ = ingest_and_sync(hooked.scenario.link)

    assert (told.touched, told.echoes) == (1, 1)
    assert synced is None
    assert again.lines == 0


def test_t11_what_another_program_changes_is_news(hooked: Hooked) -> None:
    hooked.scenario.act("api", "subscribe", "fresh", key_name="website")
    hooked.heard.hear()

    told, synced = ingest_and_sync(hooked.scenario.link)

    assert told.new["SUBSCRIBE"] == 1
    assert synced is not None


# T2, T13 ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["unsubscribe", "complain"])
def test_t2_an_opt_out_whose_webhook_was_discarded_is_found_by_the_next_sync(
    hooked: Hooked, action: str
) -> None:
    hooked.heard.is_deaf = True
    hooked.scenario.person(action, NAME)
    hooked.heard.hear()
    hooked.heard.is_deaf = False
    hooked.pass_time(sum(RETRIES, timedelta(minutes=1)))

    told = hooked.ingest()
    hooked.scenario.sync()

    assert told.lines == 0
    assert hooked.scenario.newsletter(NAME) == CANCEL
    assert hooked.scenario.status(NAME) == "unsubscribed"


def test_t13_an_opt_out_that_brevo_did_not_tell_during_an_import_is_found_by_the_closing_pull(
    hooked: Hooked,
) -> None:
    switch(hooked, import_seconds=2400, import_loses_mail_notices=True)
    hooked.scenario.add_contact("fresh", YES)
    left: list[str] = []

    def leave(what: str, _done: int, _total: int) -> None:
        if "import" in what and not left:
            left.append(NAME)
            hooked.scenario.person("unsubscribe", NAME)

    hooked.watch_progress(leave)
    hooked.scenario.sync()
    told = hooked.ingest()

    assert left == [NAME]
    assert told.lines == 0
    assert hooked.scenario.newsletter(NAME) == CANCEL
    assert hooked.scenario.status("fresh") == "subscribed"


# Activities of mails ----------------------------------------------------------------------------


def test_the_first_opening_and_the_first_click_on_each_link_become_activities(
    hooked: Hooked,
) -> None:
    hooked.scenario.want_activities(delivered=KIND, open=KIND, click=KIND)
    hooked.set_up()
    campaign = hooked.send_campaign()
    # Further apart than two tellings of the same could be.
    for wait in (timedelta(minutes=3), timedelta(hours=13)):
        hooked.pass_time(wait)
        hooked.scenario.person("open", NAME)
        hooked.scenario.person("click", NAME, url="https://a.example/1")
        hooked.scenario.person("click", NAME, url="https://a.example/2")

    hooked.ingest()

    said = f"told_by_webhook, campaign {campaign}"
    assert hooked.booked(NAME, "delivered") == [said]
    assert hooked.booked(NAME, "open") == [said]
    assert sorted(hooked.booked(NAME, "click")) == [
        f"{said}, https://a.example/1",
        f"{said}, https://a.example/2",
    ]


def test_an_opening_in_another_campaign_is_an_activity_of_its_own(hooked: Hooked) -> None:
    hooked.scenario.want_activities(open=KIND)
    hooked.set_up()
    for _ in range(2):
        hooked.send_campaign()
        hooked.pass_time()
        hooked.scenario.person("open", NAME)
        hooked.ingest()

    assert len(hooked.booked(NAME, "open")) == 2


@pytest.mark.parametrize("counts", [False, True])
def test_an_opening_by_a_mail_scanner_counts_only_if_the_settings_say_so(
    hooked: Hooked, counts: bool
) -> None:
    hooked.scenario.want_activities(open=KIND, proxy_opens=counts)
    hooked.set_up()
    hooked.send_campaign()
    hooked.pass_time()
    hooked.scenario.act("system", "proxy_open", NAME)

    hooked.ingest()
    by_proxy = len(hooked.booked(NAME, "open"))
    hooked.scenario.person("open", NAME)
    hooked.ingest()

    assert by_proxy == int(counts)
    assert len(hooked.booked(NAME, "open")) == 1


def test_what_no_activity_is_wanted_for_is_not_asked_of_brevo(hooked: Hooked) -> None:
    hooked.send_campaign(open_rate=1, click_rate=1)

    assert hooked.ingest().lines == 0
