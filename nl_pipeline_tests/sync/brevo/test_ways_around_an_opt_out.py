"""Ways in which an opt-out at Brevo could be lost, undone or kept waiting for ever."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import timedelta

import pytest

from nl_pipeline.clients.errors import Retryable
from nl_pipeline.domain.events import EventKind, SubscriberEvent
from nl_pipeline.sync.events import ingest
from nl_pipeline.warehouse import events
from nl_pipeline_tests.sync.brevo.account import CANCEL, YES, Account, address


@pytest.mark.parametrize("moves", [True, False])
def test_who_bounced_and_left_later_is_cancelled_though_nobody_was_told(
    account: Account, moves: bool
) -> None:
    account.control.switch("brevo", name="blocklisting_moves_modified", value=moves)
    account.add_contact("kunde")
    account.start()
    account.act("system", "bounce", "kunde")
    account.sync("full")
    assert account.newsletter("kunde") == YES
    account.pass_time(timedelta(days=5))
    account.act("person", "unsubscribe", "kunde")

    account.pass_time(timedelta(days=5))
    account.sync("full")

    assert account.newsletter("kunde") == CANCEL


def test_who_left_and_is_no_contact_is_made_none_by_a_change_of_address(account: Account) -> None:
    account.add_contact("other")
    account.start()
    account.put_on_the_list("kunde")
    account.act("person", "unsubscribe", "kunde")
    account.sync()
    account.act("staff", "change_email", "kunde", new_email=address("moved"))

    account.sync()

    assert (account.newsletter("moved"), account.state("moved")) == ("", "blocklisted")


def both_leave(account: Account) -> None:
    for name in ("left", "bounced"):
        account.add_contact(name)
    account.start()
    account.act("person", "unsubscribe", "left")
    account.act("system", "bounce", "bounced")


def break_calls(account: Account, match: str) -> None:
    account.control.fault("brevo", kind="status", status=500, match=match, times=1000)


def test_a_reason_that_its_own_call_does_not_tell_is_in_the_contact(account: Account) -> None:
    both_leave(account)
    break_calls(account, "/campaignStats")

    account.sync()

    assert {n: account.newsletter(n) for n in ("left", "bounced")} == {
        "left": CANCEL,
        "bounced": YES,
    }


@pytest.mark.parametrize("broken", ["left", "bounced"])
def test_an_opt_out_waits_for_no_contact_of_which_brevo_tells_nothing(
    account: Account, broken: str
) -> None:
    both_leave(account)
    break_calls(account, f"/contacts/{account.id_of(broken)}")

    account.sync()

    assert account.newsletter("left") == CANCEL


def test_a_contact_of_which_brevo_tells_nothing_keeps_no_other_from_being_read_again(
    account: Account,
) -> None:
    both_leave(account)
    break_calls(account, f"/contacts/{account.id_of('bounced')}/campaignStats")

    found = account.link.audience.read_again(
        str(account.list_id),
        [[str(account.id_of(name))] for name in ("bounced", "left")],
        observed_at=account.now(),
    )

    assert set(found["state"]) == {"CLEANED", "UNSUB"}


def test_an_opt_out_that_an_import_lifts_is_written_again_though_no_answer_tells_why(
    account: Account,
) -> None:
    lists = account.call("GET", "/contacts/lists?limit=50")["lists"]
    account.add_contact("kunde")
    account.call("POST", "/contacts", {"email": address("kunde"), "listIds": [lists[0]["id"]]})
    for name, value in {"import_seconds": 2400, "import_keeps_blocklist": False}.items():
        account.control.switch("brevo", name=name, value=value)

    def leave(what: str, done: int, total: int) -> None:
        if what == "imports at Brevo" and not done:
            account.watchers.clear()
            account.control.fault("brevo", kind="reset", match="/campaignStats", times=1000)
            account.act("person", "unsubscribe", "kunde")

    account.watchers.append(leave)
    with contextlib.suppress(Retryable):
        account.start()

    assert account.state("kunde") == "blocklisted"


def test_an_opt_out_that_a_notice_led_to_is_not_taken_for_the_bounce_of_before(
    account: Account,
) -> None:
    account.control.switch("brevo", name="blocklisting_moves_modified", value=False)
    account.add_contact("kunde")
    account.start()
    account.act("system", "bounce", "kunde")
    account.sync("full")
    account.act("person", "unsubscribe", "kunde")
    account.pass_time(timedelta(minutes=1))
    look_at(account, notice(account, "kunde"))

    account.sync("full")

    assert account.newsletter("kunde") == CANCEL


def notice(account: Account, name: str) -> SubscriberEvent:
    """Something about this person has changed."""
    now = account.now().replace(microsecond=0)
    return SubscriberEvent(
        kind=EventKind.PROFILE,
        key=address(name),
        former_key="",
        provider_ref="",
        campaign_id="",
        reason="",
        actor="",
        happened_at=now,
        received_at=now,
        source="webhook",
        believed=True,
        line_id="1",
    )


def look_at(account: Account, *told: SubscriberEvent) -> None:
    """These notices have come, and whom they are about is looked at."""
    events.store(account.link.warehouse, events=told, read=[], now=account.now())
    ingest.carry_out(account.link)


def test_a_hint_of_an_opt_out_among_hundreds_of_notices_is_looked_into(account: Account) -> None:
    account.control.switch("brevo", name="blocklisting_moves_modified", value=False)
    account.add_contact("kunde")
    account.start()
    # The import is not among what changed any more.
    account.sync()
    account.sync()
    account.act("person", "unsubscribe", "kunde")
    account.pass_time(timedelta(minutes=5))
    hint = replace(notice(account, "kunde"), kind=EventKind.UNSUBSCRIBE, believed=False)

    look_at(account, hint, *(notice(account, f"other-{number}") for number in range(100)))
    account.sync()

    assert account.newsletter("kunde") == CANCEL
