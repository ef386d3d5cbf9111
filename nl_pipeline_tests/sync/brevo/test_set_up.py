"""Set-up at Brevo: list, folder and attributes, found or made, in accounts of several languages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from nl_pipeline.clients.errors import OperatorNeeded
from nl_pipeline.settings import Connection, FieldMapping
from nl_pipeline.sync.providers.port import AudienceFound
from nl_pipeline_tests.sandbox_control import SandboxControl
from nl_pipeline_tests.sync.brevo.account import NO_LIMITS, Account, address, opened
from nl_pipeline_tests.sync.pushing import push, subscription

NAMES = {
    "de": ("VORNAME", "NACHNAME"),
    "en": ("FIRSTNAME", "LASTNAME"),
    "fr": ("PRENOM", "NOM"),
    "it": ("NOME", "COGNOME"),
}


def prepare(account: Account, *, audience_id: str | None = None) -> AudienceFound:
    return account.link.audience.prepare(account.link.settings, audience_id=audience_id)


def check(account: Account, *, audience_id: str | None = None) -> AudienceFound:
    return account.link.audience.check(name="onoffice", audience_id=audience_id)


@pytest.mark.parametrize("language", NAMES)
def test_names_go_into_the_attributes_of_the_accounts_language(
    brevo_server: SandboxControl, tmp_path: Path, language: str
) -> None:
    brevo_server.reset(contacts=0, brevo=NO_LIMITS | {"language": language})
    first, last = NAMES[language]
    with opened(brevo_server, folder=tmp_path) as account:
        found = prepare(account)
        people = [
            subscription(address("kunde"), first_name="Kim", last_name="Muster", salutation="Herr")
        ]
        push(account.link.audience, found.audience_id, people)

        contact = account.contact("kunde")
        assert contact is not None
        assert contact["attributes"] == {first: "Kim", last: "Muster", "ANREDE": "Herr"}
        # Brevo's own forms have no salutation; the names were there.
        assert found.fields_created == ("ANREDE",)


def test_a_list_is_made_in_the_folder_of_the_settings(account: Account) -> None:
    found = prepare(account)

    dump = account.control.dump("brevo")
    (made,) = [one for one in dump["lists"] if one["name"] == "onoffice"]
    (folder,) = [one for one in dump["folders"] if one["name"] == "onOffice"]
    assert (found.created, found.audience_id, made["folderId"]) == (
        True,
        str(made["id"]),
        folder["id"],
    )


def test_what_is_there_is_not_made_again(account: Account) -> None:
    first = prepare(account)
    account.sent.clear()

    again = prepare(account, audience_id=first.audience_id)

    assert again == AudienceFound(first.audience_id, created=False, fields_created=())
    assert account.sent == []


def test_a_renamed_list_is_found_by_its_id(account: Account) -> None:
    found = prepare(account)
    account.call("PUT", f"/contacts/lists/{found.audience_id}", {"name": "Newsletter"})

    assert check(account, audience_id=found.audience_id).audience_id == found.audience_id


def a_list_is_missing(_: Account) -> str | None:
    return None


def two_lists_have_the_name(account: Account) -> str | None:
    found = prepare(account)
    account.call("POST", "/contacts/lists", {"name": "onoffice", "folderId": 1})
    return found.audience_id


def the_list_is_gone(account: Account) -> str | None:
    found = prepare(account)
    account.call("DELETE", f"/contacts/lists/{found.audience_id}")
    return found.audience_id


def an_attribute_is_gone(account: Account) -> str | None:
    found = prepare(account)
    account.call("DELETE", "/contacts/attributes/normal/VORNAME")
    return found.audience_id


def an_attribute_is_doubled(account: Account) -> str | None:
    found = prepare(account)
    account.call("POST", "/contacts/attributes/normal/FIRSTNAME", {"type": "text"})
    return found.audience_id


def a_salutation_is_a_choice(account: Account) -> str | None:
    account.call(
        "POST",
        "/contacts/attributes/category/CIVILITE",
        {"type": "category", "enumeration": [{"value": 1, "label": "Madame"}]},
    )
    account.call("POST", "/contacts/lists", {"name": "onoffice", "folderId": 1})
    return None


@dataclass(frozen=True)
class Stop:
    """What is wrong with the account, and what is said about it."""

    spoil: Callable[[Account], str | None]
    code: str
    says: tuple[str, ...]


STOPS = {
    "the list is missing": Stop(a_list_is_missing, "audience_missing", ("setup",)),
    "two lists have the name": Stop(two_lists_have_the_name, "audience_doubled", ("2", "rename")),
    "the list is gone": Stop(the_list_is_gone, "audience_gone", ("gone", "opt-outs")),
    "an attribute is gone": Stop(
        an_attribute_is_gone, "attribute_missing", ("first_name", "setup", "provider: ")
    ),
    "an attribute is there in two languages": Stop(
        an_attribute_is_doubled,
        "attribute_ambiguous",
        ("first_name", "FIRSTNAME, VORNAME", "provider: "),
    ),
    "a salutation is a choice": Stop(
        a_salutation_is_a_choice, "attribute_type", ("salutation", "CIVILITE", "provider: ")
    ),
}


@pytest.mark.parametrize("stop", STOPS.values(), ids=STOPS)
def test_an_account_that_does_not_fit_stops_the_connection_and_says_what_to_do(
    account: Account, stop: Stop
) -> None:
    audience_id = stop.spoil(account)
    account.sent.clear()

    with pytest.raises(OperatorNeeded) as refused:
        check(account, audience_id=audience_id)

    message = str(refused.value)
    assert refused.value.code == stop.code
    assert [word for word in (*stop.says, "Next:") if word not in message] == []
    assert account.sent == []


def test_a_doubled_list_is_not_mended_by_set_up_either(account: Account) -> None:
    audience_id = two_lists_have_the_name(account)

    with pytest.raises(OperatorNeeded, match="audience_doubled"):
        prepare(account, audience_id=audience_id)


def with_an_attribute_by_hand(connection: Connection) -> Connection:
    fields = [f for f in connection.fields if f.name != "first_name"]
    by_hand = FieldMapping(name="first_name", crm="Vorname", provider="RUFNAME")
    return connection.model_copy(update={"fields": (*fields, by_hand)})


def test_an_attribute_mapped_by_hand_is_made_and_used(
    control: SandboxControl, tmp_path: Path
) -> None:
    with opened(control, folder=tmp_path, change=with_an_attribute_by_hand) as account:
        found = prepare(account)
        push(
            account.link.audience,
            found.audience_id,
            [subscription(address("kunde"), first_name="Kim")],
        )

        contact = account.contact("kunde")
        assert contact is not None
        assert contact["attributes"] == {"RUFNAME": "Kim"}
        assert set(found.fields_created) == {"ANREDE", "RUFNAME"}
