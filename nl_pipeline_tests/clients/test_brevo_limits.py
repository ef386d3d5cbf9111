"""Limits kept ahead of time: the arithmetic against a service that counts, and the twin's count."""

from __future__ import annotations

import itertools
from contextlib import suppress

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nl_pipeline.clients.brevo import BrevoClient, ImportRow, Limits
from nl_pipeline.clients.brevo.limits import BudgetSpent, Limiter, group_of
from nl_pipeline.clients.errors import Retryable
from nl_pipeline_tests.clients.answering import Naps, Server
from nl_pipeline_tests.clients.brevo_answering import client_of, process, refused, told
from nl_pipeline_tests.clients.conftest import BrevoFactory
from nl_pipeline_tests.sandbox_control import SandboxControl

SMALL = Limits(contacts_per_second=3, contacts_per_hour=7, other_per_hour=5, reserve=2)


class Clock:
    """Time that passes when somebody waits, and when the test says so."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.naps: list[float] = []

    def __call__(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        self.naps.append(seconds)


def limiter_of(clock: Clock, limits: Limits = SMALL) -> Limiter:
    return Limiter(limits, ticks=clock, sleep=clock.sleep)


def headers(*, limit: int, remaining: int, reset: int) -> dict[str, str]:
    return {
        "x-sib-ratelimit-limit": str(limit),
        "x-sib-ratelimit-remaining": str(remaining),
        "x-sib-ratelimit-reset": str(reset),
    }


@pytest.mark.parametrize(
    ("template", "group"),
    [
        ("/contacts", "contacts"),
        ("/contacts/{identifier}/campaignStats", "contacts"),
        ("/contacts/lists/{listId}", "contacts"),
        ("/contacts/import", "contacts"),
        ("/events", "events"),
        ("/account", "other"),
        ("/processes/{processId}", "other"),
        ("/webhooks", "other"),
        ("/emailCampaigns/{campaignId}/exportRecipients", "other"),
    ],
)
def test_a_path_counts_in_the_group_of_the_documentation(template: str, group: str) -> None:
    assert group_of(template) == group


STEPS = st.lists(
    st.tuples(st.sampled_from(["send", "answer"]), st.floats(0, 0.7, allow_nan=False)),
    min_size=1,
    max_size=80,
)


@settings(max_examples=60, deadline=None)
@given(steps=STEPS, places=st.lists(st.sampled_from([0.0, 1.0]), min_size=9, max_size=9))
def test_whenever_a_call_is_counted_no_second_holds_more_than_allowed(
    steps: list[tuple[str, float]], places: list[float]
) -> None:
    clock = Clock()
    limiter = limiter_of(clock, Limits(contacts_per_second=3))
    open_since: list[float] = []
    counted: list[float] = []
    for (step, pause), place in zip(steps, itertools.cycle(places), strict=False):
        clock.sleep(pause)
        if step == "send" and len(open_since) < 3:
            limiter.take("contacts")
            open_since.append(clock())
        elif open_since:
            sent = open_since.pop(0)
            # The service counts the call at some moment between request and answer.
            counted.append(sent + place * (clock() - sent))
            limiter.back("contacts")

    for moment in counted:
        assert sum(moment <= other < moment + 1 for other in counted) <= 3


def test_calls_go_out_at_once_as_long_as_the_second_has_room() -> None:
    clock = Clock()
    limiter = limiter_of(clock)

    for _ in range(3):
        limiter.take("contacts")
        limiter.back("contacts")

    assert clock() == 1000.0


def test_a_call_too_many_waits_for_the_second_to_pass() -> None:
    clock = Clock()
    limiter = limiter_of(clock)

    for _ in range(4):
        limiter.take("contacts")
        limiter.back("contacts")

    assert clock() == 1001.0


def test_a_call_keeps_its_place_for_a_second_after_its_answer() -> None:
    """The service may have counted it as late as that."""
    clock = Clock()
    limiter = limiter_of(clock)
    for _ in range(3):
        limiter.take("contacts")
    clock.sleep(0.5)
    for _ in range(3):
        limiter.back("contacts")

    clock.sleep(0.9)
    limiter.take("contacts")

    assert clock() == 1001.5


def test_a_refusal_counts_for_more_than_what_its_headers_say_is_left() -> None:
    clock = Clock()
    limiter = limiter_of(clock)
    limiter.take("other")
    limiter.back("other", headers=headers(limit=5, remaining=4, reset=30))
    limiter.refused("other")

    limiter.take("other")

    assert clock() == 1030.0


def test_groups_do_not_wait_for_each_other() -> None:
    clock = Clock()
    limiter = limiter_of(clock)

    for _ in range(3):
        limiter.take("contacts")
        limiter.take("events")
        limiter.take("other")

    assert clock() == 1000.0


def test_the_hour_of_contacts_is_not_waited_for() -> None:
    clock = Clock()
    limiter = limiter_of(clock)
    for _ in range(7):
        limiter.take("contacts")
        limiter.back("contacts")

    with pytest.raises(BudgetSpent) as spent:
        limiter.take("contacts")

    assert 3500 < spent.value.seconds <= 3600


def test_the_reserve_is_for_those_who_wait_for_processes() -> None:
    limiter = limiter_of(Clock())
    for _ in range(3):
        limiter.take("other")
        limiter.back("other")

    with pytest.raises(BudgetSpent):
        limiter.take("other")
    for _ in range(2):
        limiter.take("other", reserved=True)
        limiter.back("other")
    with pytest.raises(BudgetSpent):
        limiter.take("other", reserved=True)


def test_an_hour_later_there_is_a_budget_again() -> None:
    clock = Clock()
    limiter = limiter_of(clock)
    for _ in range(3):
        limiter.take("other")
        limiter.back("other")

    clock.sleep(3600)
    limiter.take("other")

    assert clock() == 4600.0


def test_what_other_programs_used_is_learnt_from_an_answer() -> None:
    limiter = limiter_of(Clock())
    limiter.take("other")
    limiter.back("other", headers=headers(limit=5, remaining=2, reset=1800))

    with pytest.raises(BudgetSpent) as spent:
        limiter.take("other")

    assert spent.value.seconds == 1800


def test_an_answer_that_leaves_more_than_we_know_of_raises_no_limit() -> None:
    limiter = limiter_of(Clock())
    for _ in range(3):
        limiter.take("other")
        limiter.back("other", headers=headers(limit=500, remaining=499, reset=1800))

    with pytest.raises(BudgetSpent):
        limiter.take("other")


def test_what_an_answer_told_is_forgotten_when_its_window_is_over() -> None:
    clock = Clock()
    limiter = limiter_of(clock)
    limiter.take("other")
    limiter.back("other", headers=headers(limit=5, remaining=0, reset=1800))

    clock.sleep(1800)
    limiter.take("other")

    assert clock() == 2800.0


def test_a_short_window_that_is_used_up_is_waited_for() -> None:
    clock = Clock()
    limiter = limiter_of(clock)
    limiter.take("contacts")
    limiter.back("contacts", headers=headers(limit=3, remaining=0, reset=1))

    limiter.take("contacts")

    assert clock() == 1001.0


@pytest.mark.parametrize(
    "told_headers",
    [{}, {"x-sib-ratelimit-remaining": "x", "x-sib-ratelimit-reset": "y"}],
    ids=["none", "unreadable"],
)
def test_an_answer_without_readable_limits_teaches_nothing(told_headers: dict[str, str]) -> None:
    clock = Clock()
    limiter = limiter_of(clock)
    limiter.take("other")
    limiter.back("other", headers=told_headers)

    limiter.take("other")

    assert clock() == 1000.0


@pytest.mark.parametrize(
    "wrong",
    [{"other_per_hour": 0}, {"contacts_per_second": 0}, {"other_per_hour": 5, "reserve": 5}],
    ids=str,
)
def test_limits_that_let_nothing_pass_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be"):
        Limits(**wrong)


def test_a_spent_budget_says_when_the_next_call_passes_and_sends_nothing() -> None:
    answer = told(
        {"webhooks": []},
        headers={
            "date": "Sun, 01 Mar 2026 12:00:00 GMT",
            **headers(limit=100, remaining=0, reset=1800),
        },
    )
    server, naps = Server([answer]), Naps()
    client = client_of(server, sleep=naps)
    client.webhooks.all()

    with pytest.raises(Retryable, match=r"2026-03-01 12:(29|30)") as spent:
        client.webhooks.all()

    assert spent.value.code == "budget"
    assert spent.value.not_applied
    assert len(server.requests) == 1
    assert naps.seconds == []
    client.close()


def test_a_refusal_for_too_many_calls_is_not_repeated_into_a_spent_hour() -> None:
    too_many = refused(429, "too_many_requests", "slow down")
    too_many.headers.update(headers(limit=100, remaining=0, reset=1800))
    server = Server([too_many])
    client = client_of(server)

    with pytest.raises(Retryable) as spent:
        client.webhooks.all()

    assert spent.value.code == "budget"
    assert len(server.requests) == 1
    client.close()


def test_a_refusal_that_names_no_window_is_repeated_after_a_wait() -> None:
    server = Server([refused(429, "too_many_requests", "slow down"), told({"webhooks": []})])
    naps = Naps()
    client = client_of(server, sleep=naps)

    assert client.webhooks.all() == []
    assert sum(naps.seconds) >= 59
    client.close()


def test_a_call_whose_answer_is_lost_counts_all_the_same() -> None:
    lost = httpx.ReadTimeout("lost")
    server = Server([lost, told({"webhooks": []})])
    client = client_of(server)

    client.webhooks.all()

    assert client.budget().left == client.budget().limit - 2
    client.close()


@pytest.mark.parametrize("lost", [1, 9], ids=["the first answer", "all answers"])
def test_a_call_whose_answer_is_lost_counts_no_longer_than_any_other(lost: int) -> None:
    clock = Clock()
    server = Server([*[httpx.ReadTimeout("lost")] * lost, told({"webhooks": []})])
    client = client_of(server, sleep=clock.sleep, ticks=clock)
    with suppress(Retryable):
        client.webhooks.all()

    clock.sleep(3600)

    assert client.budget().left == client.budget().limit
    client.close()


def test_calls_to_the_twin_are_never_one_too_many(
    sandbox: SandboxControl, brevo: BrevoClient
) -> None:
    for _ in range(35):
        brevo.lists()

    assert sandbox.dump("brevo")["violations"] == {}


def test_many_threads_at_the_twin_are_never_one_too_many(
    sandbox: SandboxControl, brevo_with: BrevoFactory
) -> None:
    client = brevo_with(page_size=2, max_connections=6)
    list_id = client.lists()[0].id
    rows = [ImportRow(f"person-{n}@kunde-{n}.example") for n in range(40)]
    client.await_processes(client.import_contacts(list_id, rows).process_ids)

    pages = client.contacts()
    read = sum(len(page.contacts) for page in pages)

    assert read == pages.rows >= 40
    assert pages.complete
    assert sandbox.dump("brevo")["violations"] == {}


def test_the_budget_of_the_account_is_kept_by_a_client_that_comes_new(
    sandbox: SandboxControl, brevo_with: BrevoFactory
) -> None:
    """What the client before it used is told by the first answer."""
    limits = Limits(other_per_hour=10, reserve=2)
    sandbox.switch("brevo", name="other_per_hour", value=10)

    def used_up(client: BrevoClient) -> int:
        for calls in range(10):
            try:
                client.campaigns.campaign(1)
            except Retryable:
                return calls
        return 10

    assert [used_up(brevo_with(limits=limits)) for _ in range(3)] == [8, 1, 1]
    assert sandbox.dump("brevo")["violations"] == {}


def test_waiting_outlasts_a_spent_budget_and_says_that_it_goes_on() -> None:
    spent = headers(limit=100, remaining=0, reset=1800)
    server = Server([told(process("queued"), headers=spent), told(process())])
    clock, heard = Clock(), []
    client = client_of(server, sleep=clock.sleep, ticks=clock)

    over = client.await_processes([78], on_progress=lambda done, of: heard.append((done, of)))

    assert over[78].status == "completed"
    assert sum(clock.naps) >= 1800
    assert max(clock.naps) <= 90
    assert len(heard) > 15
    client.close()
