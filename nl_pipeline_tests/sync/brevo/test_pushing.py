"""What the adapter sends for a change, where Brevo has its own dangers: opt-outs that a changed
address lifts, values that vanish silently, mails nobody set up."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from nl_pipeline.settings import Brevo, Connection, FieldMapping
from nl_pipeline.warehouse.outcomes import DroppedField, Result
from nl_pipeline_tests.sandbox_control import SandboxControl
from nl_pipeline_tests.sync.brevo.account import Account, address, opened
from nl_pipeline_tests.sync.pushing import change, push, subscription


def prepared(account: Account) -> Account:
    """The list and the attributes are there, and nobody is on the list."""
    account.prepare()
    return account


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
    contact_id = prepared(account).put_on_the_list("before")
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
    contact_id = born.put_on_the_list("odd")

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
                record_id=account.id_of("kunde"),
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
    contact_id = prepared(account).put_on_the_list("kunde")
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


NO_ADDRESS = "punkt.@kunde.example"
"""An address the CRM takes and Brevo does not."""


def test_an_address_brevo_takes_for_none_is_refused_by_the_report_of_its_import(
    account: Account,
) -> None:
    prepared(account)

    results = push(
        account.link.audience,
        account.list_id,
        [subscription(NO_ADDRESS, seq=1), subscription(address("fine"), seq=2)],
    )

    assert [(r.result, r.cause) for r in results] == [("refused", "invalid_email"), ("sent", "")]
    assert account.state("fine") == "on the list"


def test_an_import_that_lasts_too_long_to_wait_for_leaves_its_people_in_doubt(
    account: Account,
) -> None:
    prepared(account)
    account.control.switch("brevo", name="import_seconds", value=3 * 3600)

    results = push(account.link.audience, account.list_id, [subscription(address("late"))])

    assert [(r.result, r.cause) for r in results] == [("unknown", "import_running")]


def test_a_report_that_cannot_be_had_leaves_the_judgement_to_the_read_back(
    account: Account,
) -> None:
    prepared(account)
    account.control.fault("brevo", kind="status", match="/brevo/files/", status=404)

    results = push(
        account.link.audience,
        account.list_id,
        [subscription(NO_ADDRESS, seq=1), subscription(address("fine"), seq=2)],
    )

    assert [r.result for r in results] == ["sent", "sent"]


def test_whoever_was_erased_is_not_created_again_by_an_update(account: Account) -> None:
    contact_id = prepared(account).put_on_the_list("erased")
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
    contact_id = prepared(account).put_on_the_list("off")
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
