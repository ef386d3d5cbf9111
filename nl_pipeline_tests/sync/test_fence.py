"""The fence: an opt-out that was acknowledged stops the next request about that person.

The line is put into the log while a push is under way, and nobody ingests it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest

from nl_pipeline.clients.mailchimp import bulk
from nl_pipeline.sync import crm_writing, fence
from nl_pipeline.sync.fence import Fence
from nl_pipeline.sync.providers.mailchimp import MailchimpAudience
from nl_pipeline.warehouse import events
from nl_pipeline.webhook_log.reading import Segment, segments
from nl_pipeline_tests.scenario import CANCEL, NOT_SPECIFIED, YES, Scenario, address
from nl_pipeline_tests.sync.happening import TO_CRM, TO_PROVIDER, during
from nl_pipeline_tests.sync.hooked import Hooked
from nl_pipeline_tests.sync.proofs import grant_with_proof

NEW = tuple(f"neu-{number:02d}" for number in range(1, 13))
"""More new subscribers than requests go out at a time."""


def at_the_first(
    scenario: Scenario, request: Callable[[httpx.Request], bool], happens: Callable[[], object]
) -> None:
    """Let something happen right before the first request of a kind goes out; all others wait."""
    turn = threading.Lock()
    done = False

    def watch(going_out: httpx.Request) -> None:
        nonlocal done
        if not request(going_out):
            return
        with turn:
            if not done:
                done = True
                happens()

    assert isinstance(scenario.link.audience, MailchimpAudience)
    scenario.link.audience.client._session._http.event_hooks = {"request": [watch]}


def is_creation(request: httpx.Request) -> bool:
    return request.method == "POST" and request.url.path.rpartition("/")[0].endswith("/lists")


def test_a_line_that_comes_during_the_push_stops_the_next_request_of_that_person(
    hooked: Hooked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "CHUNK", 1)
    for name in NEW:
        hooked.scenario.add_contact(name, YES)
    plan = hooked.scenario.plan()
    last = sorted(NEW)[-1]
    at_the_first(hooked.scenario, is_creation, lambda: hooked.tell("unsubscribe", last))

    hooked.scenario.apply(plan)

    after = hooked.scenario.picture()
    assert {name: after.status(name) for name in NEW} == {
        **dict.fromkeys(NEW, "subscribed"),
        last: "absent",
    }


def test_a_request_that_is_repeated_leaves_out_who_has_left_meanwhile(hooked: Hooked) -> None:
    for name in NEW[:2]:
        hooked.scenario.add_contact(name, YES)
    plan = hooked.scenario.plan()
    hooked.scenario.control.fault(
        "mailchimp", kind="status", match=r"POST /mailchimp/3.0/lists/\w+(\?|$)", status=429
    )
    wait = hooked.scenario.pass_time

    def leave_while_waiting(*, by: timedelta) -> None:
        hooked.tell("unsubscribe", NEW[0])
        wait(by=by)

    hooked.scenario.pass_time = leave_while_waiting  # type: ignore[method-assign,assignment]

    hooked.scenario.apply(plan)

    assert hooked.scenario.control.struck() == 1
    after = hooked.scenario.picture()
    assert [after.status(name) for name in NEW[:2]] == ["absent", "subscribed"]


def test_nobody_is_brought_back_or_asked_who_has_just_left(hooked: Hooked) -> None:
    hooked.scenario.staff("archive", "kunde-01")
    hooked.scenario.sync()
    hooked.scenario.set_newsletter("kunde-01", YES)
    plan = hooked.scenario.plan()
    hooked.tell("unsubscribe", "kunde-01")

    hooked.scenario.apply(plan)

    assert hooked.scenario.status("kunde-01") == "archived"


def test_whoever_is_named_in_a_line_nobody_understands_waits(hooked: Hooked) -> None:
    hooked.scenario.add_contact(NEW[0], YES)
    plan = hooked.scenario.plan()
    day = next(iter(hooked.mailbox.folder.glob("*")), hooked.mailbox.folder / "2026-01-01")
    day.mkdir(parents=True, exist_ok=True)
    encoded = address(NEW[0]).replace("@", "%40")
    (day / "00.strange-1.jsonl").write_text(f'{{"torn": "type=unsub&data[email]={encoded}')

    hooked.scenario.apply(plan)

    assert hooked.scenario.status(NEW[0]) == "absent"


def test_a_wrong_signature_stops_a_subscription_until_somebody_has_looked(hooked: Hooked) -> None:
    hooked.scenario.add_contact(NEW[0], YES)
    plan = hooked.scenario.plan()
    hooked.mailbox.put_form(
        signature="wrong",
        type="unsubscribe",
        fired_at="2026-01-01 00:00:00",
        data_email=address(NEW[0]),
        data_list_id=hooked.scenario.audience_id,
    )

    hooked.scenario.apply(plan)
    stopped = hooked.scenario.status(NEW[0])
    hooked.ingest()
    hooked.scenario.sync()

    assert (stopped, hooked.scenario.status(NEW[0])) == ("absent", "subscribed")


def test_no_yes_is_written_for_somebody_who_has_just_left(hooked: Hooked) -> None:
    hooked.scenario.person("subscribe", "none")
    hooked.mailbox.wait(stored=1)
    plan = hooked.scenario.plan()
    hooked.tell("unsubscribe", "none")

    hooked.scenario.apply(plan)
    after_push = hooked.scenario.newsletter("none")
    hooked.ingest()

    assert (after_push, hooked.scenario.newsletter("none")) == (NOT_SPECIFIED, CANCEL)


def come_back(hooked: Hooked, *names: str) -> None:
    """Subscribers leave, which the CRM is told, and subscribe again, which it is not yet."""
    for action in ("unsubscribe", "subscribe"):
        for name in names:
            hooked.person(action, name)
        hooked.ingest()


@pytest.mark.parametrize("actor", ["person", "staff"])
def test_no_yes_is_written_over_an_opt_out_that_was_taken_in_after_the_plan(
    hooked: Hooked, actor: str
) -> None:
    come_back(hooked, "kunde-01")
    plan = hooked.scenario.plan()
    hooked.scenario.pass_time(by=timedelta(seconds=2))
    hooked.tell("unsubscribe", "kunde-01", origin=actor)
    hooked.ingest()

    hooked.scenario.apply(plan)

    assert hooked.scenario.newsletter("kunde-01") == CANCEL


def test_who_came_back_and_stayed_gets_a_yes(hooked: Hooked) -> None:
    come_back(hooked, "kunde-01")

    hooked.scenario.apply(hooked.scenario.plan())

    assert hooked.scenario.newsletter("kunde-01") == YES


def test_no_yes_is_written_over_an_opt_out_that_is_taken_in_during_the_push(
    hooked: Hooked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crm_writing, "_PORTION", 1)
    come_back(hooked, "kunde-01", "kunde-02")
    plan = hooked.scenario.plan()
    hooked.scenario.pass_time(by=timedelta(seconds=2))

    def leave() -> None:
        [last] = [n for n in ("kunde-01", "kunde-02") if hooked.scenario.newsletter(n) == CANCEL]
        left.append(last)
        hooked.tell("unsubscribe", last)
        hooked.ingest()

    left: list[str] = []
    during(hooked.scenario, TO_CRM, leave)
    hooked.scenario.apply(plan)

    assert [hooked.scenario.newsletter(name) for name in left] == [CANCEL]


def test_who_leaves_right_after_being_asked_is_not_said_to_be_asked(hooked: Hooked) -> None:
    hooked.person("unsubscribe", "kunde-01")
    hooked.ingest_and_sync()
    grant_with_proof(hooked.scenario, "kunde-01")
    hooked.scenario.set_newsletter("kunde-01", YES)
    plan = hooked.scenario.plan()
    during(hooked.scenario, TO_PROVIDER, lambda: hooked.tell("unsubscribe", "kunde-01"))

    hooked.scenario.apply(plan)

    assert hooked.scenario.picture().status("kunde-01") == "pending"
    assert hooked.scenario.newsletter("kunde-01") == YES
    hooked.ingest()
    assert hooked.scenario.newsletter("kunde-01") == CANCEL


def test_no_contact_is_created_for_somebody_who_leaves_during_the_push(
    hooked: Hooked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crm_writing, "_PORTION", 1)
    for name in NEW[:2]:
        hooked.scenario.person("subscribe", name)
    hooked.mailbox.wait(stored=2)
    plan = hooked.scenario.plan()
    created: list[str] = []

    def leave() -> None:
        created.extend(n for n in NEW[:2] if hooked.scenario.picture().contacts_of(n))
        for name in set(NEW[:2]) - set(created):
            hooked.tell("unsubscribe", name)

    during(hooked.scenario, TO_CRM, leave)
    hooked.scenario.apply(plan)

    after = hooked.scenario.picture()
    assert len(created) == 1
    assert [name for name in NEW[:2] if after.contacts_of(name)] == created


def test_what_is_written_while_the_ledger_is_asked_is_not_taken_for_known(
    hooked: Hooked, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = address("kunde-01")
    asked = events.withdrawn_keys

    def ask_and_write(*arguments: object, **named: object) -> set[str] | None:
        found = asked(*arguments, **named)  # type: ignore[arg-type]
        monkeypatch.setattr(events, "withdrawn_keys", asked)
        with hooked.scenario.link.warehouse.transaction() as db:
            db.execute(
                "INSERT INTO consent_ledger BY NAME SELECT ? AS key, 'WITHDRAW' AS event,"
                " 'person' AS actor, false AS proof, now()::TIMESTAMP AS happened_at,"
                " now()::TIMESTAMP AS recorded_at, 'test' AS source",
                [key],
            )
        return found

    monkeypatch.setattr(events, "withdrawn_keys", ask_and_write)
    asking = Fence(hooked.scenario.link)
    before = asking.withdrawn({key})

    assert (before, asking.withdrawn({key})) == (set(), {key})


def test_a_segment_that_its_writer_takes_back_holds_nothing(
    hooked: Hooked, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooked.tell("unsubscribe", "kunde-01")

    def list_and_lose(*arguments: object, **named: object) -> list[Segment]:
        found = segments(*arguments, **named)  # type: ignore[arg-type]
        for segment in found:
            (hooked.mailbox.folder / segment.name).unlink()
        return found

    monkeypatch.setattr(fence, "segments", list_and_lose)

    assert Fence(hooked.scenario.link).withdrawn({address("kunde-01")}) == set()


def test_what_was_ingested_by_another_process_stands_in_the_ledger(hooked: Hooked) -> None:
    fence = Fence(hooked.scenario.link)
    key = address("kunde-01")
    before = fence.withdrawn({key})
    hooked.tell("unsubscribe", "kunde-01")
    hooked.ingest()

    assert (before, fence.withdrawn({key})) == (set(), {key})


def test_only_the_end_of_the_log_is_read(hooked: Hooked) -> None:
    hooked.tell("profile", "kunde-01")
    hooked.ingest()
    segment = next(hooked.mailbox.folder.glob("*/*.jsonl"))
    # What was ingested is not looked at again: damage to it goes unnoticed.
    segment.write_bytes(b"x" * segment.stat().st_size)

    assert Fence(hooked.scenario.link).withdrawn({address("kunde-02")}) == set()
