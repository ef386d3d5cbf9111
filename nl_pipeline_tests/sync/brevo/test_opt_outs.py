"""Opt-outs at Brevo: the kinds of gone, what each means in the CRM, and what goes the other way.

One flag at Brevo stands for opt-outs, complaints and bounces alike; the list says nothing about
anybody's wishes. Two stories are told once, and every test looks at what was seen in one of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from nl_pipeline_tests.sandbox_control import SandboxControl
from nl_pipeline_tests.sync.brevo.account import (
    CANCEL,
    NO,
    NO_LIMITS,
    NOT_SPECIFIED,
    YES,
    Account,
    address,
    opened,
)

BY_THE_LINK = "by-the-link"
FROM_THE_LIST = "from-the-list"
FROM_A_GROUP = "from-a-group"
BY_STAFF = "by-staff"
COMPLAINED = "complained"
BOUNCED = "bounced"
TAKEN_OFF = "taken-off"
DELETED = "deleted"
STAYED = "stayed"

MEANS = {
    BY_THE_LINK: CANCEL,
    FROM_THE_LIST: CANCEL,
    FROM_A_GROUP: CANCEL,
    BY_STAFF: CANCEL,
    COMPLAINED: CANCEL,
    BOUNCED: YES,
    TAKEN_OFF: NOT_SPECIFIED,
    DELETED: NOT_SPECIFIED,
    STAYED: YES,
}


def everybody_leaves(account: Account) -> None:
    account.act("person", "unsubscribe", BY_THE_LINK)
    account.act("person", "unsubscribe", FROM_THE_LIST, list_only=True)
    account.act("person", "unsubscribe", FROM_A_GROUP, consent_group=3)
    account.act("staff", "unsubscribe", BY_STAFF)
    account.act("person", "complain", COMPLAINED)
    account.act("system", "bounce", BOUNCED)
    account.act("staff", "remove_from_list", TAKEN_OFF)
    account.act("staff", "delete", DELETED)


@dataclass(frozen=True)
class Left:
    """What the CRM said after each sync, and who is in the ledger as having withdrawn."""

    after_changes: dict[str, str]
    after_everything: dict[str, str]
    withdrawn: dict[str, str]
    calls_about_single_contacts: int


@pytest.fixture(scope="module")
def left(brevo_server: SandboxControl, tmp_path_factory: pytest.TempPathFactory) -> Left:
    """Everybody leaves in another way; then a sync of what changed, and one of everything."""
    brevo_server.reset(contacts=0, brevo=NO_LIMITS | {"consent_groups": True})
    with opened(brevo_server, folder=tmp_path_factory.mktemp("left")) as account:
        for name in MEANS:
            account.add_contact(name)
        account.start()
        everybody_leaves(account)
        account.sync()
        after_changes = {name: account.newsletter(name) for name in MEANS}
        asked = account.link.audience.calls["GET /contacts/{identifier}/campaignStats"]
        account.sync("full")
        with account.link.warehouse.session() as db:
            rows = db.execute("SELECT key, actor FROM consent_ledger WHERE event = 'WITHDRAW'")
            withdrawn = {key.partition("@")[0]: actor for key, actor in rows.fetchall()}
        return Left(
            after_changes, {name: account.newsletter(name) for name in MEANS}, withdrawn, asked
        )


def test_every_way_to_leave_says_in_the_crm_what_it_means(left: Left) -> None:
    assert left.after_everything == MEANS


def test_a_sync_of_what_changed_sees_all_of_it_but_a_deletion(left: Left) -> None:
    assert left.after_changes == MEANS | {DELETED: YES}


def test_who_left_is_in_the_ledger_with_the_one_who_did_it(left: Left) -> None:
    assert left.withdrawn == {
        BY_THE_LINK: "person",
        FROM_THE_LIST: "person",
        FROM_A_GROUP: "person",
        BY_STAFF: "staff",
        COMPLAINED: "provider",
    }


def test_nobody_is_asked_about_whose_flags_say_it_or_twice(left: Left) -> None:
    # Blocklisted are: by the link, by staff, for a complaint, for a bounce.
    assert left.calls_about_single_contacts == 4


STRANGERS = ("theirs", "blocklisted-before", "bounced-before")


@dataclass(frozen=True)
class Ours:
    """What Brevo showed, who had a row in the warehouse, and what the CRM said."""

    on_the_list_first: set[str]
    rows_first: set[str]
    newsletter_first: dict[str, str]
    states: dict[str, str]
    lists_of_the_cancelled: Collection[int]
    states_after_a_fresh_yes: dict[str, str]
    list_id: int


@pytest.fixture(scope="module")
def ours(brevo_server: SandboxControl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ours]:
    """An account with people of other lists; then the CRM takes three off, and two come back."""
    brevo_server.reset(contacts=0, brevo=NO_LIMITS)
    names = ("cancelled", "no", "not-specified", "stays")
    folder: Path = tmp_path_factory.mktemp("ours")
    with opened(brevo_server, folder=folder) as account:
        other = account.call("GET", "/contacts/lists?limit=50")["lists"][0]["id"]
        for name in STRANGERS:
            account.call("POST", "/contacts", {"email": address(name), "listIds": [other]})
        account.act("person", "unsubscribe", "blocklisted-before")
        account.act("system", "bounce", "bounced-before")
        for name in (*names, "blocklisted-before", "bounced-before"):
            account.add_contact(name)
        account.start()
        account.call("POST", "/contacts", {"email": address("theirs-too"), "listIds": [other]})
        on_the_list = {n for n in (*names, *STRANGERS) if account.list_id in lists_of(account, n)}
        newsletter = {name: account.newsletter(name) for name in STRANGERS}
        for name, value in zip(names, (CANCEL, NO, NOT_SPECIFIED), strict=False):
            account.set_field(name, newsletter_aktiv=value)
        account.sync()
        with account.link.warehouse.session() as db:
            rows = {row[0].partition("@")[0] for row in db.execute("FROM members").fetchall()}
        states = {name: account.state(name) for name in names}
        lists = lists_of(account, "cancelled")
        for name in ("cancelled", "not-specified"):
            account.set_field(name, newsletter_aktiv=YES)
        account.sync()
        yield Ours(
            on_the_list,
            rows,
            newsletter,
            states,
            lists,
            {name: account.state(name) for name in ("cancelled", "not-specified")},
            account.list_id,
        )


def lists_of(account: Account, name: str) -> list[int]:
    contact = account.contact(name)
    assert contact is not None
    found: list[int] = contact["listIds"]
    return found


def test_nobody_is_put_on_the_list_who_had_left_before_us_on_another_one(ours: Ours) -> None:
    assert ours.on_the_list_first == {"cancelled", "no", "not-specified", "stays"}


def test_an_opt_out_of_before_us_reaches_the_crm_and_a_bounce_does_not(ours: Ours) -> None:
    assert ours.newsletter_first == {
        "theirs": "",
        "blocklisted-before": CANCEL,
        "bounced-before": YES,
    }


def test_people_of_the_account_who_are_none_of_ours_are_not_stored(ours: Ours) -> None:
    # Whoever was taken off has no row any more, either.
    assert ours.rows_first == {"cancelled", "stays", "blocklisted-before", "bounced-before"}


def test_a_cancellation_blocklists_and_a_no_only_takes_off_the_list(ours: Ours) -> None:
    assert ours.states == {
        "cancelled": "blocklisted",
        "no": "off the list",
        "not-specified": "off the list",
        "stays": "on the list",
    }


def test_a_blocklisted_person_is_on_our_list_no_more(ours: Ours) -> None:
    assert ours.list_id not in ours.lists_of_the_cancelled


def test_a_fresh_yes_brings_back_who_was_merely_off_the_list_and_nobody_else(ours: Ours) -> None:
    assert ours.states_after_a_fresh_yes == {
        "cancelled": "blocklisted",
        "not-specified": "on the list",
    }
