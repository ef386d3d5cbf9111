"""What staff and contacts do inside onOffice, and the dump that shows it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from nl_pipeline_tests.sandbox.onoffice_caller import Asked, OnOfficeCaller
from nl_pipeline_tests.sandbox_control import SandboxControl

SHARED = "family@kunde.example"


def staff(sandbox: SandboxControl, action: str, **details: Any) -> list[int]:
    ids: list[int] = sandbox.act("onoffice", actor="staff", action=action, **details)["ids"]
    return ids


def dumped(sandbox: SandboxControl, number: int) -> dict[str, Any]:
    addresses = sandbox.dump("onoffice")["addresses"]
    found: dict[str, Any] = next(address for address in addresses if address["id"] == number)
    return found


def refusal(sandbox: SandboxControl, payload: dict[str, Any]) -> str:
    answer = httpx.post(
        f"{sandbox.base_url}/_sandbox/onoffice/act", json=payload, trust_env=False, verify=False
    )
    assert answer.status_code == 400
    error: str = answer.json()["error"]
    return error


def test_staff_creates_a_contact_with_fields(sandbox: SandboxControl) -> None:
    fields = {"Vorname": "Eva", "newsletter_aktiv": "1", "NewsletterTag": []}
    [number] = staff(sandbox, "create", fields=fields, email="eva@kunde.example")

    found = dumped(sandbox, number)

    assert (found["Vorname"], found["newsletter_aktiv"]) == ("Eva", "1")
    assert found["emails"] == ["eva@kunde.example"]


def test_fields_may_stand_beside_the_other_keys(sandbox: SandboxControl) -> None:
    [number] = staff(sandbox, "create", Vorname="Eva", emails=["a@b.example", "c@b.example"])

    assert dumped(sandbox, number)["emails"] == ["a@b.example", "c@b.example"]


def test_the_dump_has_defaults_and_plain_types(sandbox: SandboxControl) -> None:
    [number] = staff(sandbox, "create", Vorname="Eva")

    found = dumped(sandbox, number)

    assert found["Privat"] is False
    assert found["newsletter_aktiv"] == "4"
    assert found["Status2Adr"] == "status2adr_active"
    assert found["NewsletterTag"] == []
    assert found["emails"] == []


def test_staff_modifies_every_contact_that_shares_an_email(sandbox: SandboxControl) -> None:
    ids = [staff(sandbox, "create", email=email)[0] for email in (SHARED, SHARED.upper())]

    assert staff(sandbox, "modify", email=SHARED, fields={"newsletter_aktiv": "0"}) == ids
    assert [dumped(sandbox, number)["newsletter_aktiv"] for number in ids] == ["0", "0"]


def test_staff_is_seen_by_the_api_as_a_change(
    onoffice: OnOfficeCaller, sandbox: SandboxControl
) -> None:
    record = onoffice.read(data=["Aenderung"], listlimit=1)[0]

    staff(sandbox, "modify", id=record["id"], fields={"Name": "Neu"})

    changed = onoffice.address(record["id"], "Aenderung")["Aenderung"]
    assert changed > record["elements"]["Aenderung"]


def test_staff_changes_one_of_several_emails(sandbox: SandboxControl) -> None:
    [number] = staff(sandbox, "create", emails=["a@b.example", "c@b.example"])

    staff(sandbox, "change_email", email="c@b.example", new_email="d@b.example")

    assert dumped(sandbox, number)["emails"] == ["a@b.example", "d@b.example"]


def test_staff_changes_the_main_email_of_an_id(sandbox: SandboxControl) -> None:
    [number] = staff(sandbox, "create", emails=["a@b.example", "c@b.example"])

    staff(sandbox, "change_email", id=number, new_email="d@b.example")

    assert dumped(sandbox, number)["emails"] == ["d@b.example", "c@b.example"]


def test_a_modify_may_replace_the_main_email_or_all(sandbox: SandboxControl) -> None:
    [number] = staff(sandbox, "create", email="a@b.example")

    staff(sandbox, "modify", id=number, fields={"Email": "c@b.example"})
    assert dumped(sandbox, number)["emails"] == ["c@b.example"]

    staff(sandbox, "modify", id=number, fields={"emails": ["d@b.example", "e@b.example"]})
    assert dumped(sandbox, number)["emails"] == ["d@b.example", "e@b.example"]


def test_a_deleted_contact_leaves_no_trace(
    onoffice: OnOfficeCaller, sandbox: SandboxControl
) -> None:
    [number] = staff(sandbox, "create", email=SHARED)

    staff(sandbox, "delete", email=SHARED)

    assert onoffice.records(Asked("read", "address", {}, resource_id=number)) == []
    assert onoffice.modify(number, Name="A") == 80


def test_a_merge_keeps_the_lowest_id_with_all_emails_and_activities(
    sandbox: SandboxControl,
) -> None:
    [first] = staff(sandbox, "create", emails=["a@b.example"])
    [second] = staff(sandbox, "create", emails=["c@b.example", "A@b.example"])
    sandbox.act("onoffice", actor="person", action="unsubscribe", id=second)

    assert staff(sandbox, "merge", ids=[second, first]) == [first]

    state = sandbox.dump("onoffice")
    assert second not in [address["id"] for address in state["addresses"]]
    assert dumped(sandbox, first)["emails"] == ["a@b.example", "c@b.example"]
    assert [activity["Adress_nr"] for activity in state["activities"]] == [first]


def test_a_person_unsubscribes_at_onoffice_with_an_activity(sandbox: SandboxControl) -> None:
    [number] = staff(sandbox, "create", email=SHARED, fields={"newsletter_aktiv": "1"})

    sandbox.act("onoffice", actor="person", action="unsubscribe", email=SHARED)

    assert dumped(sandbox, number)["newsletter_aktiv"] == "2"
    [activity] = sandbox.dump("onoffice")["activities"]
    assert (activity["Aktionsart"], activity["Aktionstyp"]) == ("Newsletter", "nicht bestellt")


def test_an_import_may_store_a_value_that_is_not_permitted(sandbox: SandboxControl) -> None:
    act = sandbox.act("onoffice", actor="import", action="create", fields={"newsletter_aktiv": "7"})

    assert dumped(sandbox, act["ids"][0])["newsletter_aktiv"] == "7"


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({"actor": "staff", "action": "explode"}, "allowed: create, modify"),
        ({"actor": "ghost", "action": "create"}, "allowed: staff"),
        ({"actor": "person", "action": "delete", "id": 1}, "allowed: unsubscribe"),
        ({"actor": "staff", "action": "delete", "id": 2}, "no contact with id 2"),
        ({"actor": "staff", "action": "delete"}, "names no contact"),
        ({"actor": "staff", "action": "create", "newsletter_aktiv": "9"}, "code 77"),
        ({"actor": "staff", "action": "restrict_rights"}, "needs visible"),
    ],
)
def test_an_act_that_cannot_be_done_says_why(
    sandbox: SandboxControl, payload: dict[str, Any], reason: str
) -> None:
    assert reason in refusal(sandbox, payload)


def test_a_refused_act_names_no_email(sandbox: SandboxControl) -> None:
    error = refusal(sandbox, {"actor": "staff", "action": "delete", "email": SHARED})

    assert SHARED not in error
