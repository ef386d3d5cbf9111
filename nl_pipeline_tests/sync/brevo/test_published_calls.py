"""The published rule table says what is called at Brevo for which action; here it is called.

And what can never be sent at all, whatever the action.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from nl_pipeline.sync.providers.brevo.endpoints import CALLS
from nl_pipeline.warehouse.outcomes import Pending
from nl_pipeline_tests.sync.brevo.account import Account, address
from nl_pipeline_tests.sync.pushing import change, push, subscription

PHONES = {"SMS", "WHATSAPP", "LANDLINE_NUMBER"}


def prepared(account: Account) -> Account:
    """The list and the attributes are there, and nobody is on the list."""
    account.prepare()
    return account


EVERY_ACTION: dict[str, Callable[[int], list[Pending]]] = {
    "subscribe": lambda _: [subscription(address("new"))],
    "resubscribe": lambda i: [
        replace_action(subscription(address("kunde")), "resubscribe", record_id=i)
    ],
    "unsubscribe": lambda i: [
        change("unsubscribe", address("kunde"), record_id=i, before={"newsletter": "CANCEL"})
    ],
    "archive": lambda i: [change("archive", address("kunde"), record_id=i)],
    "confirm": lambda i: [change("confirm", address("kunde"), record_id=i)],
    "update_member": lambda i: [
        change("update_member", address("kunde"), record_id=i, after={"first_name": "Kim"})
    ],
    "change_address": lambda i: [
        change(
            "change_address", address("kunde"), record_id=i, after={"email": address("elsewhere")}
        )
    ],
}


def replace_action(item: Pending, action: str, *, record_id: int) -> Pending:
    changed = replace(item.change, action=action, record_id=str(record_id))
    return replace(item, change=changed)


def test_the_published_page_names_every_action_or_says_why_there_is_none() -> None:
    assert CALLS.actions.keys() == EVERY_ACTION.keys()
    assert "tag_member" in CALLS.never


@pytest.mark.parametrize("action", EVERY_ACTION)
def test_what_is_called_for_an_action_is_what_the_published_page_says(
    account: Account, action: str
) -> None:
    contact_id = prepared(account).put_on_the_list("kunde")
    before = account.link.audience.calls.copy()

    results = push(account.link.audience, account.list_id, EVERY_ACTION[action](contact_id))

    assert [r.result for r in results] == ["sent"]
    called = account.link.audience.calls - before
    # Attributes are asked for once by a connection, before anything is checked against them.
    called.pop("GET /contacts/attributes", None)
    published = {call.endpoint for call in CALLS.actions[action]}
    assert called.keys() <= published
    assert published - called.keys() <= ONLY_FOR_A_NO.get(action, set())


ONLY_FOR_A_NO = {"unsubscribe": {"POST /contacts/lists/{listId}/contacts/remove"}}
"""Calls of an action that not every change of it makes: a No takes off the list alone."""


def test_least_calls_of_all_actions_are_those_that_are_made(account: Account) -> None:
    names = [*EVERY_ACTION, "no"]
    ids = {name: prepared(account).put_on_the_list(name) for name in names}
    pending = [
        change(
            "unsubscribe",
            address("unsubscribe"),
            record_id=ids["unsubscribe"],
            before={"newsletter": "CANCEL"},
            seq=1,
        ),
        change(
            "unsubscribe", address("no"), record_id=ids["no"], before={"newsletter": "NO"}, seq=2
        ),
        change("archive", address("archive"), record_id=ids["archive"], seq=3),
        subscription(address("new"), seq=4),
        change(
            "update_member",
            address("update_member"),
            record_id=ids["update_member"],
            after={"first_name": "Kim"},
            seq=5,
        ),
        change(
            "change_address",
            address("change_address"),
            record_id=ids["change_address"],
            after={"email": address("elsewhere")},
            seq=6,
        ),
    ]
    before = account.link.audience.calls.copy()

    push(account.link.audience, account.list_id, pending)

    made = sum((account.link.audience.calls - before).values())
    work = account.link.audience.work_of(pending)
    assert work.bulk == (2,)
    assert work.single == (1 + 1 + 3,)
    assert len(work.imports) == 1
    # And one look at the import.
    assert made == 1 + 5 + 1 + 1


def test_nothing_that_is_sent_lifts_an_opt_out_or_carries_a_telephone_number(
    account: Account,
) -> None:
    account.control.switch("brevo", name="consent_groups", value=True)
    for action, pending in EVERY_ACTION.items():
        contact_id = prepared(account).put_on_the_list(f"kunde-{action}")
        account.call(
            "PUT",
            f"/contacts/{contact_id}?identifierType=contact_id",
            {"attributes": {"SMS": f"49170{contact_id:07d}"}},
        )
        push(account.link.audience, account.list_id, pending(contact_id))

    bodies = [sent.body for sent in account.sent]
    attributes = [
        row.get("attributes", {}) for body in bodies for row in (body, *body.get("jsonBody", ()))
    ]
    assert [b for b in bodies if b.get("emailBlacklisted") is False or b.get("forceMerge")] == []
    assert [sent for sent in account.sent if sent.method == "DELETE"] == []
    assert [names for names in attributes if PHONES & names.keys()] == []
