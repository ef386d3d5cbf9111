"""T12 at Brevo: a webhook is gone, moved, edited, doubled or without its token, and nobody would
notice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest

from nl_pipeline.clients.errors import OperatorNeeded
from nl_pipeline.sandbox import credentials
from nl_pipeline.sync import webhook_watch
from nl_pipeline.sync.webhook_flaws import Flaw
from nl_pipeline.sync.webhook_watch import WatchResult
from nl_pipeline_tests.sync.brevo.hooked import KIND, Hooked

CHANGES = {
    "unsubscribed",
    "spam",
    "hardBounce",
    "listAddition",
    "contactUpdated",
    "contactDeleted",
}


def flaws(result: WatchResult) -> list[tuple[Flaw, str]]:
    return [(finding.flaw, finding.origin) for finding in result.findings]


def by_hand(hooked: Hooked, method: str, path: str = "", **body: Any) -> None:
    """Somebody changes the webhooks of the account by the API."""
    port = httpx.URL(hooked.scenario.control.base_url).port
    httpx.request(
        method,
        f"http://127.0.0.1:{port}/brevo/v3/webhooks{path}",
        json=body or None,
        headers={"api-key": credentials.BREVO_API_KEY},
        trust_env=False,
    ).raise_for_status()


def other(hooked: Hooked, number: int = 0, **body: Any) -> None:
    """A webhook of another tool."""
    by_hand(
        hooked,
        "POST",
        **({"url": f"https://other.example/{number}", "type": "transactional"} | body),
        events=["delivered"],
    )


def tells(hooked: Hooked) -> list[tuple[str, str]]:
    """Origin and what was found of the token, of what arrives when somebody leaves."""
    known = len(hooked.heard.lines())
    hooked.scenario.person("unsubscribe", "kunde-01")
    hooked.heard.hear()
    return [(line.origin, line.signature) for line in hooked.heard.lines()[known:]]


def test_set_up_makes_one_marketing_webhook_for_changes_which_sends_our_token(
    hooked: Hooked,
) -> None:
    (webhook,) = hooked.webhooks()

    assert set(webhook["events"]) == CHANGES
    assert webhook["type"] == "marketing"
    assert not webhook["batched"]
    assert tells(hooked) == [("changes", "valid")]


def test_what_becomes_of_mails_is_told_to_a_webhook_of_its_own(hooked: Hooked) -> None:
    hooked.scenario.want_activities(delivered=KIND, click=KIND)
    found = hooked.check()
    hooked.set_up()

    assert flaws(found) == [(Flaw.MISSING, "mails")]
    assert [set(webhook["events"]) for webhook in hooked.webhooks()] == [
        CHANGES,
        {"delivered", "click"},
    ]


def test_a_webhook_for_mails_goes_when_no_activity_needs_it_any_more(hooked: Hooked) -> None:
    hooked.scenario.want_activities(open=KIND)
    hooked.set_up()
    hooked.scenario.want_activities(open=None)
    found = hooked.set_up()

    assert flaws(found) == [(Flaw.UNWANTED, "mails")]
    assert [set(webhook["events"]) for webhook in hooked.webhooks()] == [CHANGES]
    assert flaws(hooked.check()) == []


def test_nothing_is_wrong_after_set_up_and_mending_it_writes_nothing(hooked: Hooked) -> None:
    hooked.scenario.control.forget_calls()

    result = hooked.set_up()

    assert (result.findings, result.mended) == ((), ())
    assert hooked.scenario.writes() == {}


@pytest.mark.parametrize(
    ("changed", "flaw"),
    [
        ({"url": "{moved}"}, Flaw.MOVED),
        ({"events": ["unsubscribed"]}, Flaw.WRONG_EVENTS),
        ({"auth": {"type": "bearer", "token": "another"}}, Flaw.WRONG_TOKEN),
        ({"batched": True}, Flaw.COLLECTS),
    ],
    ids=lambda value: str(value) if isinstance(value, Flaw) else None,
)
def test_a_webhook_that_was_edited_is_noticed_and_put_right(
    hooked: Hooked, changed: dict[str, Any], flaw: Flaw
) -> None:
    (webhook,) = hooked.webhooks()
    if "url" in changed:
        changed = {"url": webhook["url"].replace("127.0.0.1", "localhost")}
    by_hand(hooked, "PUT", f"/{webhook['id']}", **changed)

    found = hooked.check()
    hooked.set_up()

    assert flaws(found) == [(flaw, "changes")]
    assert [one["id"] for one in hooked.webhooks()] == [webhook["id"]]
    assert flaws(hooked.check()) == []
    assert tells(hooked) == [("changes", "valid")]


def test_a_webhook_that_was_deleted_is_made_again(hooked: Hooked) -> None:
    (webhook,) = hooked.webhooks()
    by_hand(hooked, "DELETE", f"/{webhook['id']}")

    found = hooked.set_up()

    assert flaws(found) == [(Flaw.MISSING, "changes")]
    assert tells(hooked) == [("changes", "valid")]


def test_after_a_change_of_the_secret_the_webhook_is_moved_and_nothing_is_lost(
    hooked: Hooked,
) -> None:
    (webhook,) = hooked.webhooks()
    place = replace(hooked.heard.place, secret="another")

    found = webhook_watch.repair(hooked.scenario.link, place=place)

    (moved,) = hooked.webhooks()
    assert flaws(found) == [(Flaw.MOVED, "changes"), (Flaw.WRONG_TOKEN, "changes")]
    assert moved["id"] == webhook["id"]
    assert moved["url"] == place.url(provider="brevo", origin="changes")


def test_webhooks_of_others_are_listed_by_host_and_left_alone(hooked: Hooked) -> None:
    other(hooked, type="marketing")

    result = hooked.set_up()

    assert result.foreign == ("other.example",)
    assert len(hooked.webhooks()) == 2


def test_no_webhook_is_made_for_a_receiver_that_does_not_answer(unhooked: Hooked) -> None:
    unhooked.heard.is_deaf = True

    with pytest.raises(OperatorNeeded) as refused:
        unhooked.set_up()

    assert refused.value.code == "webhook_not_reached"
    assert unhooked.webhooks() == []


def test_an_account_that_is_full_of_webhooks_is_told_what_to_do(unhooked: Hooked) -> None:
    for number in range(40):
        other(unhooked, number)

    with pytest.raises(OperatorNeeded) as refused:
        unhooked.set_up()

    assert refused.value.code == "webhook_refused"
    assert "40 webhooks" in refused.value.what_next


def test_no_secret_is_told(hooked: Hooked) -> None:
    (webhook,) = hooked.webhooks()
    by_hand(hooked, "PUT", f"/{webhook['id']}", auth={"type": "bearer", "token": "another"})

    result = hooked.set_up()

    said = repr(result) + repr(hooked.heard.place)
    assert webhook["url"].rpartition("/")[2] not in said
    assert hooked.heard.place.token(provider="brevo", origin="changes") not in said


def test_an_opt_out_that_no_webhook_told_shows_that_they_are_deaf(hooked: Hooked) -> None:
    hooked.heard.is_deaf = True
    hooked.scenario.person("unsubscribe", "kunde-01")
    hooked.heard.hear()
    hooked.heard.is_deaf = False
    hooked.scenario.sync()
    early = hooked.check()
    hooked.pass_time(hooked.scenario.link.warehouse.same_within * 2)

    assert flaws(early) == []
    assert flaws(hooked.check()) == [(Flaw.UNHEARD, "")]


def test_an_opt_out_that_was_told_as_no_more_than_a_change_was_heard(hooked: Hooked) -> None:
    hooked.scenario.control.switch("brevo", name="consent_groups", value=True)
    hooked.scenario.person("unsubscribe", "kunde-01", consent_group=1)
    hooked.ingest()
    hooked.scenario.sync()
    hooked.pass_time(hooked.scenario.link.warehouse.same_within * 2)

    assert hooked.ledger("kunde-01") == "WITHDRAW_PERSON"
    assert flaws(hooked.check()) == []


def test_what_brevo_does_not_tell_during_an_import_is_not_held_against_the_webhooks(
    hooked: Hooked,
) -> None:
    control = hooked.scenario.control
    control.switch("brevo", name="import_seconds", value=600)
    control.switch("brevo", name="import_loses_mail_notices", value=True)
    hooked.scenario.add_contact("fresh", "1")
    left: list[str] = []

    def leave(what: str, _done: int, _total: int) -> None:
        if "import" in what and not left:
            left.append("kunde-01")
            hooked.scenario.person("unsubscribe", "kunde-01")

    hooked.watch_progress(leave)
    hooked.scenario.sync()
    hooked.pass_time(hooked.scenario.link.warehouse.same_within * 2)

    assert left
    assert hooked.ledger("kunde-01") == "WITHDRAW_PERSON"
    assert flaws(hooked.check()) == []
