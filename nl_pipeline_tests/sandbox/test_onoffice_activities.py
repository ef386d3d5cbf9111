"""The agents log and registerNewsletter of the onOffice twin."""

from __future__ import annotations

from typing import Any

import pytest

from nl_pipeline_tests.sandbox.onoffice_caller import Asked, OnOfficeCaller
from nl_pipeline_tests.sandbox_control import SandboxControl

ORDERED = {"actionkind": "Newsletter", "actiontype": "bestellt"}
COLUMNS = ["Nr", "Adress_nr", "Aktionsart", "Aktionstyp", "Datum", "Bemerkung"]


@pytest.fixture
def anna(onoffice: OnOfficeCaller) -> int:
    """An address without activities."""
    return onoffice.create(Vorname="Anna", email="anna@kunde.example")


def book(onoffice: OnOfficeCaller, *ids: int, **parameters: Any) -> int:
    """The error code of booking an activity."""
    return onoffice.code(
        Asked("create", "agentslog", {"addressids": list(ids), **ORDERED, **parameters})
    )


def log(onoffice: OnOfficeCaller, *ids: int, **parameters: Any) -> list[dict[str, Any]]:
    asked = {"addressid": list(ids), "data": COLUMNS, **parameters}
    return [record["elements"] for record in onoffice.records(Asked("read", "agentslog", asked))]


def test_an_activity_is_read_with_german_names(onoffice: OnOfficeCaller, anna: int) -> None:
    book(onoffice, anna, datetime="2026-03-02 09:15:00", note="Hallo")

    found = log(onoffice, anna)[0]

    assert found == {
        "Nr": found["Nr"],
        "Adress_nr": [str(anna)],
        "Aktionsart": "Newsletter",
        "Aktionstyp": "bestellt",
        "Datum": "2026-03-02 09:15:00",
        "Bemerkung": "Hallo",
    }


def test_an_activity_of_two_addresses_is_two_entries(onoffice: OnOfficeCaller, anna: int) -> None:
    other = onoffice.create(Vorname="Ben")

    book(onoffice, anna, other)

    assert len(log(onoffice, anna)) == len(log(onoffice, other)) == 1


def test_activities_come_newest_first(onoffice: OnOfficeCaller, anna: int) -> None:
    for day in ("02", "04", "03"):
        book(onoffice, anna, datetime=f"2026-03-{day} 09:00:00")

    assert [found["Datum"][8:10] for found in log(onoffice, anna)] == ["04", "03", "02"]


def test_activities_are_sorted_by_a_field_and_direction(
    onoffice: OnOfficeCaller, anna: int
) -> None:
    for day in ("02", "04", "03"):
        book(onoffice, anna, datetime=f"2026-03-{day} 09:00:00")

    found = log(onoffice, anna, sortby={"Datum": "ASC"})

    assert [one["Datum"][8:10] for one in found] == ["02", "03", "04"]


def test_a_marker_in_the_note_is_found(onoffice: OnOfficeCaller, anna: int) -> None:
    book(onoffice, anna, note="first [m:1]")
    book(onoffice, anna, note="second [m:2]")

    found = log(onoffice, anna, filter={"Bemerkung": [{"op": "like", "val": "%[m:2]%"}]})

    assert [one["Bemerkung"] for one in found] == ["second [m:2]"]


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"addressids": []}, 98),
        ({"addressids": 4711}, 99),
        ({"addressids": ["x"]}, 96),
        ({"addressids": [2]}, 292),
        ({"actionkind": "Unsinn"}, 100),
        ({"actiontype": "Unsinn"}, 101),
        ({"datetime": "gestern"}, 92),
        ({"origincontact": "Unsinn"}, 220),
        ({"cost": "viel"}, 222),
        ({"duration": "lang"}, 223),
        ({"advisorylevel": "Z"}, 224),
        ({"data": {"note": "x"}}, 144),
    ],
)
def test_a_faulty_activity_is_refused(
    onoffice: OnOfficeCaller, anna: int, parameters: dict[str, Any], code: int
) -> None:
    asked = {"addressids": [anna], **ORDERED, **parameters}

    assert onoffice.code(Asked("create", "agentslog", asked)) == code
    assert log(onoffice, anna) == []


def test_a_note_may_be_required(
    onoffice: OnOfficeCaller, sandbox: SandboxControl, anna: int
) -> None:
    sandbox.switch("onoffice", name="note_required", value=True)

    assert book(onoffice, anna) == 113


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({}, 98),
        ({"addressid": 4711}, 74),
        ({"addressid": [1], "data": ["Unsinn"]}, 141),
        ({"addressid": [1], "filter": {"Benutzer": [{"op": "=", "val": "x"}]}}, 257),
        ({"addressid": [1], "sortby": "Unsinn"}, 212),
    ],
)
def test_a_faulty_read_of_the_log_is_refused(
    onoffice: OnOfficeCaller, parameters: dict[str, Any], code: int
) -> None:
    assert onoffice.code(Asked("read", "agentslog", parameters)) == code


def test_an_activity_is_modified_in_nested_data(onoffice: OnOfficeCaller, anna: int) -> None:
    book(onoffice, anna, note="before")
    number = int(log(onoffice, anna)[0]["Nr"])

    asked = Asked("modify", "agentslog", {"data": {"note": "after"}}, resource_id=number)

    assert onoffice.records(asked)[0]["elements"]["Bemerkung"] == "after"
    assert log(onoffice, anna)[0]["Bemerkung"] == "after"


def test_types_added_by_the_administrator_are_listed_and_accepted(
    onoffice: OnOfficeCaller, sandbox: SandboxControl, anna: int
) -> None:
    types = {"Newsletter": {"zugestellt": "delivered"}}
    sandbox.switch("onoffice", name="action_types", value=types)

    assert book(onoffice, anna, actiontype="zugestellt") == 0


def test_a_cancellation_through_onoffice_books_an_activity(
    onoffice: OnOfficeCaller, anna: int
) -> None:
    asked = Asked("do", "registerNewsletter", {"register": False}, resource_id=anna)

    assert onoffice.records(asked)[0]["elements"] == {"success": "success"}
    assert onoffice.address(anna, "newsletter_aktiv")["newsletter_aktiv"] == "2"
    assert log(onoffice, anna)[0]["Aktionstyp"] == "nicht bestellt"


def test_a_registration_without_double_opt_in_is_yes_at_once(
    onoffice: OnOfficeCaller, sandbox: SandboxControl, anna: int
) -> None:
    onoffice.result(Asked("do", "registerNewsletter", {"register": True}, resource_id=anna))

    assert onoffice.address(anna, "newsletter_aktiv")["newsletter_aktiv"] == "1"
    assert log(onoffice, anna)[0]["Aktionstyp"] == "bestellt"
    assert sandbox.dump("onoffice")["mails"] == []


def test_a_registration_with_double_opt_in_sends_a_mail(
    onoffice: OnOfficeCaller, sandbox: SandboxControl, anna: int
) -> None:
    sandbox.switch("onoffice", name="double_opt_in", value=True)

    onoffice.result(Asked("do", "registerNewsletter", {"register": True}, resource_id=anna))

    assert onoffice.address(anna, "newsletter_aktiv")["newsletter_aktiv"] == "3"
    assert [mail["address_id"] for mail in sandbox.dump("onoffice")["mails"]] == [anna]


def test_a_plain_write_of_the_newsletter_state_books_nothing(
    onoffice: OnOfficeCaller, anna: int
) -> None:
    onoffice.modify(anna, newsletter_aktiv="2")

    assert log(onoffice, anna) == []
