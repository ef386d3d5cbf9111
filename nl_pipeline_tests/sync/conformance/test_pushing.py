"""What every adapter does with changes: each with a result of its own, that tells the truth.

Whom ``withdrawn`` names is never subscribed or asked, whatever fails and is repeated.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from nl_pipeline.clients.errors import ApiError
from nl_pipeline.domain.least_calls import least_at_provider
from nl_pipeline.warehouse.outcomes import Result
from nl_pipeline_tests.providers import each_provider
from nl_pipeline_tests.scenario import Picture, address
from nl_pipeline_tests.sync.conformance.bench import Bench, texts_with_addresses
from nl_pipeline_tests.sync.pushing import change

pytestmark = each_provider


@dataclass(frozen=True)
class Pushed:
    """One push of every action at once."""

    before: Picture
    after: Picture
    results: dict[int, Result]
    mails: dict[str, int]
    least: int
    made: int
    asked: list[frozenset[str]]


@pytest.fixture(scope="module")
def pushed(bench: Bench) -> Pushed:
    bench.scenario.person("unsubscribe", "kunde-06")
    before, calls, asked = bench.scenario.picture(), bench.calls_made(), len(bench.asked)
    pending = [
        bench.new("neu-1", seq=1, first_name="Neu", last_name="Eins"),
        bench.new("neu-2", seq=2),
        bench.of("unsubscribe", "kunde-01", before={"newsletter": "CANCEL"}, seq=3),
        bench.of("unsubscribe", "kunde-02", before={"newsletter": "NO"}, code="no_in_crm", seq=4),
        bench.of("archive", "kunde-03", seq=5),
        bench.of("update_member", "kunde-04", after={"first_name": "Anders"}, seq=6),
        bench.of("change_address", "kunde-05", after={"email": address("anders-05")}, seq=7),
        bench.of("confirm", "kunde-06", after={"state": "PENDING"}, seq=8),
    ]
    results = bench.push(*pending)
    least = least_at_provider(bench.audience.work_of(pending), limits=bench.audience.limits)
    return Pushed(
        before,
        bench.scenario.picture(),
        results,
        dict(bench.stage.confirmation_mails()),
        least,
        bench.calls_made() - calls,
        bench.asked[asked:],
    )


def test_every_change_has_a_result_of_its_own(pushed: Pushed) -> None:
    assert {seq: one.result for seq, one in pushed.results.items()} == dict.fromkeys(
        range(1, 9), "sent"
    )


def test_who_is_subscribed_gets_mail_and_has_the_values(bench: Bench, pushed: Pushed) -> None:
    names = bench.stage.names
    values = (pushed.after.member("neu-1") or {})["merge_fields"]

    assert [pushed.after.status(name) for name in ("neu-1", "neu-2")] == ["subscribed"] * 2
    assert [values[names["first_name"]], values[names["last_name"]]] == ["Neu", "Eins"]


def test_who_is_unsubscribed_or_archived_gets_no_mail(bench: Bench, pushed: Pushed) -> None:
    ended = [pushed.after.status(f"kunde-0{number}") for number in (1, 2, 3)]

    assert ended == ["unsubscribed", bench.stage.status_of_a_no, "archived"]


def test_an_update_changes_the_values_it_carries_and_no_status(
    bench: Bench, pushed: Pushed
) -> None:
    before, after = pushed.before.member("kunde-04") or {}, pushed.after.member("kunde-04") or {}
    first = bench.stage.names["first_name"]

    assert after["merge_fields"] == before["merge_fields"] | {first: "Anders"}
    assert after["status"] == before["status"] == "subscribed"


def test_a_change_of_address_keeps_the_person_and_the_status(pushed: Pushed) -> None:
    before, after = pushed.before.member("kunde-05") or {}, pushed.after.member("anders-05") or {}

    assert after["contact_id"] == before["contact_id"]
    assert (after["status"], pushed.after.status("kunde-05")) == ("subscribed", "absent")


def test_who_is_asked_to_confirm_gets_one_mail_and_no_newsletter_before_the_click(
    pushed: Pushed,
) -> None:
    assert pushed.mails == {address("kunde-06"): 1}
    assert pushed.after.status("kunde-06") in ("pending", "unsubscribed")


def test_the_least_calls_are_no_more_than_those_made(pushed: Pushed) -> None:
    assert 0 < pushed.least <= pushed.made


def test_everybody_who_is_subscribed_or_asked_was_asked_about_and_nobody_else_had_to_be(
    pushed: Pushed,
) -> None:
    asked = frozenset().union(*pushed.asked)

    assert asked >= {address(name) for name in ("neu-1", "neu-2", "kunde-06")}


def test_an_archived_person_is_put_back(bench: Bench) -> None:
    bench.scenario.staff("remove", "kunde-07")
    taken = {"state": "SUB", "email": address("kunde-07")}
    shown = bench.audience.traits.shows_removed
    item = bench.of("resubscribe", "kunde-07", after=taken) if shown else bench.new("kunde-07")

    results = bench.push(item)

    assert (results[1].result, bench.status("kunde-07")) == ("sent", "subscribed")


def test_whoever_has_withdrawn_is_not_subscribed_and_not_asked(bench: Bench) -> None:
    bench.scenario.person("unsubscribe", "kunde-08")
    gone = {address(name) for name in ("weg", "kunde-08")}

    results = bench.push(
        bench.new("weg", seq=1),
        bench.new("da", seq=2),
        bench.of("confirm", "kunde-08", after={"state": "PENDING"}, seq=3),
        withdrawn=lambda keys: gone & set(keys),
    )

    assert {seq: one.result for seq, one in results.items()} == {
        1: "overtaken",
        2: "sent",
        3: "overtaken",
    }
    assert [bench.status(name) for name in ("weg", "da")] == ["absent", "subscribed"]
    assert address("kunde-08") not in bench.stage.confirmation_mails()


#: A call that was certainly not carried out and may be repeated.
_TRY_AGAIN: dict[str, Any] = {"kind": "status", "status": 429, "headers": {"Retry-After": "1"}}


@pytest.mark.parametrize("action", ["subscribe", "confirm"])
def test_who_withdraws_before_a_repeat_is_not_in_it(bench: Bench, action: str) -> None:
    name = f"wieder-{action}"
    if action == "subscribe":
        item, match = bench.new(name), "POST"
    else:
        bench.scenario.person("subscribe", name)
        bench.scenario.person("unsubscribe", name)
        item = bench.of("confirm", name, after={"state": "PENDING"})
        match = "(POST|PATCH|PUT)"
    gone: set[str] = set()

    def leave(request: httpx.Request) -> None:
        # Nobody had left when they were asked about for the first time.
        if request.method != "GET":
            gone.add(address(name))

    with bench.broken(match=match, **_TRY_AGAIN), bench.watched(leave):
        results = bench.push(item, withdrawn=lambda keys: gone & set(keys))
        assert bench.scenario.control.struck() == 1

    assert results[1].result == "overtaken"
    assert bench.status(name) in ("absent", "unsubscribed")
    assert address(name) not in bench.stage.confirmation_mails()


def test_people_are_asked_about_right_before_the_request_that_carries_them(bench: Bench) -> None:
    told: list[str] = []

    def withdrawn(keys: Collection[str]) -> Collection[str]:
        told.append("asked")
        return ()

    def sent(request: httpx.Request) -> None:
        if address("danach").encode() in request.content:
            told.append("sent")

    with bench.watched(sent):
        bench.push(bench.new("danach"), withdrawn=withdrawn)

    assert "sent" in told
    assert told[told.index("sent") - 1] == "asked"


HOW_CALLS_FAIL: dict[str, dict[str, Any]] = {
    "the line breaks before": {"kind": "reset"},
    "the line breaks after it was done": {"kind": "reset", "after_apply": True},
    "a server error": {"kind": "status", "status": 500},
    "a server error after it was done": {"kind": "status", "status": 500, "after_apply": True},
    "a page of a proxy": {"kind": "html_error"},
    "a page of a proxy after it was done": {"kind": "html_error", "after_apply": True},
    "an answer that is cut off": {"kind": "truncate"},
    "too many calls": {"kind": "status", "status": 429},
    "a refusal": {"kind": "status", "status": 400},
    "no permission": {"kind": "status", "status": 403},
}
DONE = {
    "subscribe": ("subscribed",),
    "update_member": ("Anders",),
    "unsubscribe": ("unsubscribed",),
    "change_address": ("subscribed",),
}


@pytest.mark.parametrize("how", HOW_CALLS_FAIL)
@pytest.mark.parametrize("times", [1, 30], ids=["once", "again and again"])
def test_a_result_never_says_what_is_not_so(bench: Bench, how: str, times: int) -> None:
    tag = f"{list(HOW_CALLS_FAIL).index(how)}-{times}"
    names = {action: f"{action.replace('_', '-')}-{tag}" for action in DONE}
    for name in list(names.values())[1:]:
        bench.scenario.act("import", "subscribe", name)
    moved = f"moved-{tag}"
    pending = [
        bench.new(names["subscribe"], seq=1),
        bench.of("update_member", names["update_member"], after={"first_name": "Anders"}, seq=2),
        bench.of("unsubscribe", names["unsubscribe"], before={"newsletter": "CANCEL"}, seq=3),
        bench.of("change_address", names["change_address"], after={"email": address(moved)}, seq=4),
    ]
    results: dict[int, Result] = {}
    error: ApiError | None = None

    with bench.broken(match="(POST|PUT|PATCH|DELETE) /", times=times, **HOW_CALLS_FAIL[how]):
        found: list[Result] = []
        try:
            bench.audience.push(
                bench.audience_id, pending, on_results=found.extend, withdrawn=lambda keys: ()
            )
        except ApiError as raised:
            error = raised
        results = {one.seq: one for one in found}
        assert bench.scenario.control.struck() > 0

    after = bench.scenario.picture()
    first = bench.stage.names["first_name"]
    is_done = {
        1: after.status(names["subscribe"]) == "subscribed",
        2: (after.member(names["update_member"]) or {})["merge_fields"].get(first) == "Anders",
        3: after.status(names["unsubscribe"]) == "unsubscribed",
        4: after.status(moved) == "subscribed",
    }
    # Whoever has no result was not sent, or the whole push was stopped while it was.
    claimed = {seq: one.result for seq, one in results.items()}
    assert [seq for seq, result in claimed.items() if result == "sent" and not is_done[seq]] == []
    assert [
        seq for seq, result in claimed.items() if result in ("refused", "failed") and is_done[seq]
    ] == []
    if error is None:
        assert claimed.keys() == {1, 2, 3, 4}
    assert texts_with_addresses(error) == []


def test_what_became_of_a_lost_answer_is_found_by_reading_again(bench: Bench) -> None:
    with bench.broken(kind="reset", match="POST", after_apply=True):
        results = bench.push(bench.new("verschollen"))

    rows = bench.read_again((address("verschollen"),))

    is_there = dict(zip(rows["key"], rows["state"], strict=True)) == {address("verschollen"): "SUB"}
    assert results[1].result in ("unknown", "sent")
    assert is_there == (bench.status("verschollen") == "subscribed")


def test_an_address_the_provider_refuses_keeps_nobody_else_out(bench: Bench) -> None:
    refused = bench.stage.refused_address()
    pending = [
        change("subscribe", refused, after={"state": "SUB", "email": refused}, seq=1),
        bench.new("nebenan", seq=2, first_name="Kim"),
    ]

    results = bench.push(*pending)

    assert (results[1].result, results[2].result) == ("refused", "sent")
    assert results[1].cause in ("fake_or_invalid", "invalid_email")
    assert bench.status("nebenan") == "subscribed"


def test_whoever_was_erased_meanwhile_is_not_brought_back(bench: Bench) -> None:
    item = bench.of("update_member", "kunde-09", after={"first_name": "Anders"})
    bench.scenario.staff("delete", "kunde-09")

    results = bench.push(item)

    assert results[1].result == "refused"
    assert bench.status("kunde-09") in ("absent", "deleted")


def test_nothing_is_under_way_once_everything_has_been_waited_for(bench: Bench) -> None:
    since = bench.now()
    bench.push(bench.new("fertig"))

    assert bench.audience.settle(since=since) == 0
