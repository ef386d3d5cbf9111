"""What the adapter sends for a change, where Brevo has its own dangers: opt-outs that a changed
address lifts, values that vanish silently, mails nobody set up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from nl_pipeline.settings import Brevo, Connection, FieldMapping
from nl_pipeline.sync.providers.brevo.endpoints import CALLS
from nl_pipeline.warehouse.outcomes import DroppedField, Pending, Result
from nl_pipeline_tests.sandbox_control import SandboxControl
from nl_pipeline_tests.sync.brevo.account import Account, address, opened
from nl_pipeline_tests.sync.pushed import change, push, subscription

PHONES = {"SMS", "WHATSAPP", "LANDLINE_NUMBER"}


def prepared(account: Account) -> Account:
    """The list and the attributes are there, and nobody is on the list."""
    account.link.audience.prepare(account.link.settings, audience_id=None)
    return account


def put_on_the_list(account: Account, name: str) -> int:
    """Somebody on the list, put there by staff; returns the id."""
    account.act("staff", "subscribe", name)
    return id_of(account, name)


def id_of(account: Account, name: str) -> int:
    contact = account.contact(name)
    assert contact is not None
    return int(contact["id"])


@dataclass(frozen=True)
class OptOut:
    actor: str
    action: str
    details: dict[str, Any]


OPT_OUTS = {
    "blocklisted": OptOut("person", "unsubscribe", {}),
    "off this list alone": OptOut("person", "unsubscribe", {"list_only": True}),
    "out of a consent group": OptOut("person", "unsubscribe", {"consent_group": 3}),
}


@pytest.mark.parametrize("opt_out", OPT_OUTS.values(), ids=OPT_OUTS)
@pytest.mark.parametrize("keeps", [True, False], ids=["the flag wins", "the reset wins"])
def test_an_opt_out_survives_a_change_of_address(
    account: Account, opt_out: OptOut, keeps: bool
) -> None:
    account.control.switch("brevo", name="address_change_keeps_flag_sent", value=keeps)
    account.control.switch("brevo", name="consent_groups", value=True)
    contact_id = put_on_the_list(prepared(account), "before")
    account.act(opt_out.actor, opt_out.action, "before", **opt_out.details)

    moved = change(
        "change_address",
        address("before"),
        record_id=contact_id,
        after={"email": address("after")},
    )
    results = push(account.link.audience, account.list_id, [moved])

    assert [r.result for r in results] == ["sent"]
    assert account.state("after") == "blocklisted"
    first = next(sent for sent in account.sent if sent.path == f"/contacts/{contact_id}")
    assert first.body["emailBlacklisted"] is True
    assert first.body["attributes"] == {"EMAIL": address("after")}


def with_birthday(connection: Connection) -> Connection:
    """The connection with a field that Brevo keeps as a day."""
    birthday = FieldMapping(name="birthday", crm="Geburtsdatum", provider="GEBURTSTAG")
    return connection.model_copy(update={"fields": (*connection.fields, birthday)})


@pytest.fixture
def born(control: SandboxControl, tmp_path: Path) -> Any:
    """A connection that maps a day, with the list and its attributes."""
    with opened(control, folder=tmp_path, change=with_birthday) as account:
        account.call("POST", "/contacts/attributes/normal/GEBURTSTAG", {"type": "date"})
        yield prepared(account)


def test_a_value_brevo_would_drop_silently_keeps_nobody_off_the_list(born: Account) -> None:
    results = push(
        born.link.audience,
        born.list_id,
        [
            subscription(address("odd"), seq=1, first_name="Kim", birthday="unbekannt"),
            subscription(address("fine"), seq=2, first_name="Eva", birthday="1980-02-03"),
        ],
    )

    assert results == [
        Result(1, "sent", dropped=(DroppedField("birthday", "attributes"),)),
        Result(2, "sent"),
    ]
    contacts = [born.contact(name) for name in ("odd", "fine")]
    assert [c and c["attributes"] for c in contacts] == [
        {"VORNAME": "Kim"},
        {"VORNAME": "Eva", "GEBURTSTAG": "1980-02-03"},
    ]
    assert {born.state(name) for name in ("odd", "fine")} == {"on the list"}


def test_a_value_brevo_would_drop_silently_keeps_no_other_out_of_an_update(born: Account) -> None:
    contact_id = put_on_the_list(born, "odd")

    results = push(
        born.link.audience,
        born.list_id,
        [
            change(
                "update_member",
                address("odd"),
                record_id=contact_id,
                after={"first_name": "Kim", "birthday": "unbekannt"},
            )
        ],
    )

    dropped = (DroppedField("birthday", "attributes"),)
    assert results == [Result(1, "sent", record_id=str(contact_id), dropped=dropped)]
    contact = born.contact("odd")
    assert contact is not None
    assert contact["attributes"] == {"VORNAME": "Kim"}


def test_a_blank_clears_a_value(account: Account) -> None:
    prepared(account).act("staff", "subscribe", "kunde", first_name="Kim", last_name="Muster")

    push(
        account.link.audience,
        account.list_id,
        [
            change(
                "update_member",
                address("kunde"),
                record_id=id_of(account, "kunde"),
                after={"first_name": ""},
            )
        ],
    )

    contact = account.contact("kunde")
    assert contact is not None
    assert contact["attributes"] == {"NACHNAME": "Muster"}


def without_double_opt_in(connection: Connection) -> Connection:
    provider = connection.provider
    assert isinstance(provider, Brevo)
    return connection.model_copy(
        update={"provider": provider.model_copy(update={"double_opt_in": None})}
    )


def ask(account: Account) -> list[Result]:
    """Have somebody who has left asked whether they want to come back."""
    contact_id = put_on_the_list(prepared(account), "kunde")
    account.act("person", "unsubscribe", "kunde")
    asked = change("confirm", address("kunde"), record_id=contact_id, after={"state": "PENDING"})
    return push(account.link.audience, account.list_id, [asked])


def test_nobody_is_asked_to_confirm_where_no_mail_is_set_up(
    control: SandboxControl, tmp_path: Path
) -> None:
    with opened(control, folder=tmp_path, change=without_double_opt_in) as account:
        results = ask(account)

        assert results == [Result(1, "refused", cause="double_opt_in_missing")]
        assert control.dump("brevo")["confirmations"] == []


def test_asking_lifts_no_blocklisting_before_the_person_says_yes(account: Account) -> None:
    results = ask(account)

    assert [r.result for r in results] == ["sent"]
    (confirmation,) = account.control.dump("brevo")["confirmations"]
    assert confirmation["email"] == address("kunde")
    assert account.state("kunde") == "blocklisted"


def test_whoever_withdrew_right_before_an_import_is_not_in_it(account: Account) -> None:
    prepared(account)
    gone = {address("gone")}

    results = push(
        account.link.audience,
        account.list_id,
        [subscription(address("gone"), seq=1), subscription(address("stays"), seq=2)],
        withdrawn=lambda keys: gone & set(keys),
    )

    assert [(r.result, r.cause) for r in results] == [("overtaken", "withdrawn"), ("sent", "")]
    assert [account.state(name) for name in ("gone", "stays")] == ["absent", "on the list"]


def test_whoever_was_erased_is_not_created_again_by_an_update(account: Account) -> None:
    contact_id = put_on_the_list(prepared(account), "erased")
    account.act("staff", "delete", "erased")

    results = push(
        account.link.audience,
        account.list_id,
        [
            change(
                "update_member",
                address("erased"),
                record_id=contact_id,
                after={"first_name": "Kim"},
            )
        ],
    )

    assert [(r.result, r.cause) for r in results] == [("refused", "absent")]
    assert account.state("erased") == "absent"


def test_whoever_was_taken_off_the_list_is_not_put_back_by_an_update(account: Account) -> None:
    contact_id = put_on_the_list(prepared(account), "off")
    account.act("staff", "remove_from_list", "off")

    push(
        account.link.audience,
        account.list_id,
        [
            change(
                "update_member", address("off"), record_id=contact_id, after={"first_name": "Kim"}
            )
        ],
    )

    assert account.state("off") == "off the list"


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
    contact_id = put_on_the_list(prepared(account), "kunde")
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
    ids = {name: put_on_the_list(prepared(account), name) for name in names}
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
        contact_id = put_on_the_list(prepared(account), f"kunde-{action}")
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
