"""What every adapter shows of an audience."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import Any

import httpx
import pytest

from nl_pipeline.clients.errors import ApiError
from nl_pipeline.domain.least_calls import ProviderWork, least_at_provider
from nl_pipeline_tests.providers import each_provider
from nl_pipeline_tests.scenario import address
from nl_pipeline_tests.sync.conformance.bench import Bench, texts_with_addresses

pytestmark = each_provider

STATES = {
    "kunde-01": "SUB",
    "foreign": "SUB",
    "left": "UNSUB",
    "complained": "COMPLAINT",
    "bounced": "CLEANED",
}
"""People of the scenario, and what must be known of them once all reasons are."""


def test_checking_and_preparing_what_is_there_finds_it_and_writes_nothing(bench: Bench) -> None:
    scenario = bench.scenario
    scenario.control.forget_calls()

    found = [
        bench.audience.check(name="onoffice", audience_id=None),
        bench.audience.check(name="onoffice", audience_id=bench.audience_id),
        bench.audience.prepare(scenario.link.settings, audience_id=bench.audience_id),
        bench.audience.prepare(scenario.link.settings, audience_id=None),
    ]

    assert {(one.audience_id, one.created, one.fields_created) for one in found} == {
        (bench.audience_id, False, ())
    }
    assert scenario.writes() == {}


def test_a_full_read_counts_what_was_announced_and_shows_everybody_who_gets_mail(
    bench: Bench,
) -> None:
    read, rows = bench.read()

    assert read.complete
    assert read.announced_before == read.announced_after == read.rows
    shown = set(rows.loc[rows["state"] == "SUB", "key"])
    assert shown == bench.subscribed()


def test_who_gets_no_mail_is_told_apart_by_the_reason(bench: Bench) -> None:
    _, rows = bench.read()

    states = bench.states(rows)
    complained = {
        key
        for key, member in zip(rows["key"], rows["member_id"], strict=True)
        if member in bench.audience.complaints(bench.audience_id)
    }
    states |= dict.fromkeys(complained, "COMPLAINT")
    assert {name: states[address(name)] for name in STATES} == STATES


def test_a_read_of_what_changed_shows_it_with_an_overlap_and_leaves_the_rest_alone(
    bench: Bench,
) -> None:
    bench.scenario.person("unsubscribe", "kunde-02")
    bench.scenario.person("update", "kunde-03", values={"first_name": "Anders"})
    bench.scenario.pass_time(by=timedelta(seconds=30))

    read, rows = bench.read(since=bench.now())

    assert read.complete
    shown = dict(zip(rows["key"], rows["state"], strict=True))
    assert shown[address("kunde-02")] == "UNSUB"
    assert shown[address("kunde-03")] == "SUB"
    assert address("kunde-04") not in shown


def test_who_is_taken_off_the_list_is_in_a_read_of_what_changed(bench: Bench) -> None:
    since = bench.now()
    bench.scenario.staff("remove", "kunde-05")

    _, rows = bench.read(since=since)

    shown = dict(zip(rows["key"], rows["state"], strict=True))
    expected = "ARCHIVED" if bench.audience.traits.shows_removed else "ABSENT"
    assert shown[address("kunde-05")] == expected


@pytest.mark.parametrize("vanishes", [True, False], ids=["deleted", "added"])
def test_a_read_during_which_people_come_or_go_misses_nobody_it_claims_to_know(
    bench: Bench, vanishes: bool
) -> None:
    passing = count()

    def act(request: httpx.Request) -> None:
        # After the first page, and before the others.
        if request.method == "GET" and next(passing) == 1:
            if vanishes:
                bench.scenario.staff("delete", "kunde-06")
            else:
                bench.scenario.person("subscribe", "between-pages")

    before = bench.subscribed()
    with bench.watched(act):
        read, rows = bench.read()

    after = bench.subscribed()
    assert before != after
    shown = set(rows.loc[rows["state"] == "SUB", "key"])
    assert not read.complete or before & after <= shown


def test_a_page_that_comes_short_makes_a_read_incomplete(bench: Bench) -> None:
    with bench.broken(kind="short_page", match="GET", times=50, rows=3):
        try:
            read, rows = bench.read()
        except ApiError:
            return

    everybody = bench.subscribed()
    shown = set(rows.loc[rows["state"] == "SUB", "key"])
    assert not read.complete or shown == everybody


def test_people_are_read_again_by_id_then_by_address_and_with_the_reason(bench: Bench) -> None:
    moved = bench.record("kunde-07")
    bench.scenario.person("change_email", "kunde-07", new_email=address("umgezogen"))

    rows = bench.read_again(
        (moved["contact_id"], address("kunde-07")),
        (address("bounced"),),
        (address("left"),),
        ("nobody@kunde.example",),
    )

    assert dict(zip(rows["key"], rows["state"], strict=True)) == {
        address("umgezogen"): "SUB",
        address("bounced"): "CLEANED",
        address("left"): "UNSUB",
    }


def test_the_time_of_a_read_is_the_providers(bench: Bench) -> None:
    bench.scenario.control.switch(bench.stage.service, name="clock_skew_seconds", value=900.0)
    try:
        read, _ = bench.read()
    finally:
        bench.scenario.control.switch(bench.stage.service, name="clock_skew_seconds", value=0.0)

    assert read.served_at is not None
    ahead = read.served_at - bench.now()
    assert timedelta(minutes=14) < ahead < timedelta(minutes=16)


def test_what_is_read_takes_no_fewer_calls_than_it_needs(bench: Bench) -> None:
    before = bench.calls_made()
    bench.read()

    work = ProviderWork(passes=bench.audience.passes)
    assert least_at_provider(work, limits=bench.audience.limits) <= bench.calls_made() - before


def test_who_signed_up_is_answered_for_everybody_and_never_guessed(bench: Bench) -> None:
    names = ("foreign", "kunde-08")
    members = [(address(n), bench.record(n)["id"], None) for n in names]

    answers = bench.audience.look_up_signups(bench.audience_id, members)

    assert {a.key: a.detail for a in answers} == dict.fromkeys(map(address, names), "OTHER")


FAILURES: dict[str, dict[str, Any]] = {
    "server error": {"kind": "status", "status": 500},
    "refused": {"kind": "status", "status": 400},
    "no permission": {"kind": "status", "status": 403},
    "not json": {"kind": "html_error"},
    "cut off": {"kind": "truncate"},
    "reset": {"kind": "reset"},
}


@pytest.mark.parametrize("how", FAILURES)
def test_no_error_of_a_read_names_anybody(bench: Bench, how: str) -> None:
    body = {"message": f"{address('kunde-01')} Kim", "detail": address("kunde-01")}
    options = FAILURES[how] | ({"body": body} if FAILURES[how]["kind"] == "status" else {})
    with (
        bench.broken(match="GET", times=100, **options),
        pytest.raises(ApiError) as caught,
    ):
        bench.read()

    assert texts_with_addresses(caught.value) == []
