"""Creating and modifying addresses in the onOffice twin."""

from __future__ import annotations

from typing import Any

import pytest

from nl_pipeline_tests.sandbox.onoffice_caller import Asked, OnOfficeCaller
from nl_pipeline_tests.sandbox_control import SandboxControl

MAIN = "anna@kunde.example"
OTHER = "anna.b@kunde.example"


@pytest.fixture
def anna(onoffice: OnOfficeCaller) -> int:
    """An address with one e-mail."""
    return onoffice.create(Vorname="Anna", Name="Beispiel", email=MAIN)


def test_a_new_address_has_the_defaults_of_its_fields(onoffice: OnOfficeCaller) -> None:
    number = onoffice.create(Vorname="Anna")

    elements = onoffice.address(number, "newsletter_aktiv", "Status2Adr", "SpracheKontakt")

    assert elements["newsletter_aktiv"] == "4"
    assert elements["Status2Adr"] == "status2adr_active"
    assert elements["SpracheKontakt"] == "DEU"


def test_a_create_answers_the_id_with_empty_elements(onoffice: OnOfficeCaller) -> None:
    result = onoffice.result(Asked("create", "address", {"Vorname": "Anna"}))

    assert result["data"]["records"][0]["elements"] == []
    assert result["data"]["meta"]["cntabsolute"] is None
    assert result["cacheable"] is False


def test_the_entry_date_has_no_time(onoffice: OnOfficeCaller) -> None:
    number = onoffice.create(Vorname="Anna")

    assert len(onoffice.address(number, "Eintragsdatum")["Eintragsdatum"]) == len("2026-01-31")


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({}, 78),
        ({"data": {"Name": "A"}}, 75),
        ({"Nonsense": "A"}, 75),
        ({"KdNr": "7"}, 75),
        ({"Email": MAIN}, 75),
        ({"NewsletterTag": ["nope"]}, 76),
        ({"newsletter_aktiv": "9"}, 77),
        ({"NewsletterTag": "indMulti2098Select5952"}, 74),
        ({"Name": ["A"]}, 187),
        ({"Geburtsdatum": "1.2.1980"}, 92),
        ({"Geburtsdatum": "1980-02-31"}, 92),
        ({"Benutzer": "nobody"}, 251),
        ({"Privat": "perhaps"}, 270),
        ({"email": "no-email"}, 300),
        ({"email": MAIN, "default_email": OTHER}, 258),
        ({"fax": "1", "default_fax": "2"}, 259),
        ({"phone": "1", "default_phone": "2"}, 260),
    ],
)
def test_a_faulty_create_is_refused(
    onoffice: OnOfficeCaller, parameters: dict[str, Any], code: int
) -> None:
    assert onoffice.code(Asked("create", "address", parameters)) == code


def test_a_refused_create_leaves_nothing_behind(onoffice: OnOfficeCaller) -> None:
    onoffice.result(Asked("create", "address", {"Name": "A", "newsletter_aktiv": "9"}))

    assert onoffice.total(Asked("read", "address", {})) == 60


def test_an_unknown_field_of_a_write_may_be_ignored(
    onoffice: OnOfficeCaller, sandbox: SandboxControl, anna: int
) -> None:
    sandbox.switch("onoffice", name="unknown_write_field", value="ignore")

    assert onoffice.modify(anna, Nonsense="A", Name="Neu") == 0
    assert onoffice.address(anna, "Name")["Name"] == "Neu"


def test_the_chosen_default_is_the_main_email(onoffice: OnOfficeCaller) -> None:
    number = onoffice.create(email=MAIN, email_business=OTHER, default_email=OTHER)

    assert onoffice.emails(number) == [OTHER, MAIN]


def test_a_mobile_number_becomes_a_mobile_entry(onoffice: OnOfficeCaller) -> None:
    number = onoffice.create(phone="+49 171 1234567")

    elements = onoffice.address(number, "phone", "mobile", "Telefon1")

    assert [key.split("__")[0] for key in elements if "__" in key] == ["mobile", "mobile"]
    assert elements["Telefon1"] == "+49 171 1234567"


def test_a_modify_changes_only_what_is_sent(onoffice: OnOfficeCaller, anna: int) -> None:
    onoffice.modify(anna, newsletter_aktiv="2")

    elements = onoffice.address(anna, "newsletter_aktiv", "Vorname")

    assert (elements["newsletter_aktiv"], elements["Vorname"]) == ("2", "Anna")


def test_a_modify_answers_success_with_the_id_0(onoffice: OnOfficeCaller, anna: int) -> None:
    asked = Asked("modify", "address", {"Name": "Neu"}, resource_id=anna)

    assert onoffice.records(asked) == [
        {"id": 0, "type": "address", "elements": {"success": "success"}}
    ]


def test_a_modify_moves_the_moment_of_change(onoffice: OnOfficeCaller) -> None:
    record = onoffice.read(data=["Aenderung"], listlimit=1)[0]

    onoffice.modify(record["id"], Name="Neu")

    changed = onoffice.address(record["id"], "Aenderung")["Aenderung"]
    assert changed > record["elements"]["Aenderung"]


def test_what_moves_the_moment_of_change_is_switchable(
    onoffice: OnOfficeCaller, sandbox: SandboxControl
) -> None:
    sandbox.switch("onoffice", name="aenderung_bumped_by", value=["fields"])
    record = onoffice.read(data=["Aenderung"], listlimit=1)[0]

    onoffice.modify(record["id"], newsletter_aktiv="0")

    changed = onoffice.address(record["id"], "Aenderung")["Aenderung"]
    assert changed == record["elements"]["Aenderung"]


def test_moments_are_wall_time_of_the_account(
    onoffice: OnOfficeCaller, sandbox: SandboxControl, anna: int
) -> None:
    berlin = onoffice.address(anna, "Aenderung")["Aenderung"]
    sandbox.switch("onoffice", name="time_zone", value="Pacific/Kiritimati")

    onoffice.modify(anna, Name="Neu")

    assert onoffice.address(anna, "Aenderung")["Aenderung"][:13] > berlin[:13]


def test_a_multiselect_is_replaced_as_a_whole(onoffice: OnOfficeCaller, anna: int) -> None:
    onoffice.modify(anna, NewsletterTag=["indMulti2098Select5952"])
    onoffice.modify(anna, NewsletterTag=["indMulti2098Select5953"])

    tags = onoffice.address(anna, "NewsletterTag")["NewsletterTag"]

    assert tags == "|indMulti2098Select5953|"


def test_a_multiselect_is_cleared_by_an_empty_array(onoffice: OnOfficeCaller, anna: int) -> None:
    onoffice.modify(anna, NewsletterTag=["indMulti2098Select5952"])
    onoffice.modify(anna, NewsletterTag=[])

    assert onoffice.address(anna, "NewsletterTag")["NewsletterTag"] == ""


def test_the_older_status_field_archives(
    onoffice: OnOfficeCaller, sandbox: SandboxControl, anna: int
) -> None:
    sandbox.switch("onoffice", name="status_field", value="both")

    onoffice.modify(anna, Status=0)

    elements = onoffice.address(anna, "Status", "Status2Adr")
    assert elements == {**elements, "Status": "0", "Status2Adr": "status2adr_archive"}


def test_an_overlong_text_is_cut_without_a_word(onoffice: OnOfficeCaller, anna: int) -> None:
    assert onoffice.modify(anna, Name="x" * 100) == 0
    assert onoffice.address(anna, "Name")["Name"] == "x" * 80


def test_a_modify_without_an_id_is_refused(onoffice: OnOfficeCaller) -> None:
    assert onoffice.code(Asked("modify", "address", {"Name": "A"})) == 79


def test_a_modify_of_an_unknown_address_is_refused(onoffice: OnOfficeCaller) -> None:
    assert onoffice.modify(2, Name="A") == 80


def test_a_modify_of_a_hidden_address_is_refused(
    onoffice: OnOfficeCaller, sandbox: SandboxControl, anna: int
) -> None:
    sandbox.act("onoffice", actor="staff", action="restrict_rights", visible=0)

    assert onoffice.modify(anna, Name="A") == 261


def test_without_the_right_to_write_nothing_is_created_or_modified(
    onoffice: OnOfficeCaller, sandbox: SandboxControl, anna: int
) -> None:
    sandbox.act("onoffice", actor="staff", action="restrict_rights", write=False)

    assert onoffice.modify(anna, Name="A") == 174
    assert onoffice.code(Asked("create", "address", {"Name": "A"})) == 131


def test_an_email_is_modified_by_instruction(onoffice: OnOfficeCaller, anna: int) -> None:
    onoffice.modify(
        anna, email={"action": "modify", "oldvalue": MAIN, "newvalue": OTHER, "default": True}
    )

    assert onoffice.emails(anna) == [OTHER]
    assert onoffice.address(anna, "Email")["Email"] == OTHER


def test_an_added_email_is_main_only_when_asked(onoffice: OnOfficeCaller, anna: int) -> None:
    onoffice.modify(anna, email={"action": "add", "newvalue": OTHER})
    assert onoffice.emails(anna) == [MAIN, OTHER]

    onoffice.modify(anna, email={"action": "add", "newvalue": "c@kunde.example", "default": True})
    assert onoffice.emails(anna)[0] == "c@kunde.example"


def test_after_deleting_the_main_email_another_is_main(onoffice: OnOfficeCaller, anna: int) -> None:
    onoffice.modify(anna, email={"action": "add", "newvalue": OTHER})

    onoffice.modify(anna, email={"action": "delete", "oldvalue": MAIN})

    assert onoffice.address(anna, "Email")["Email"] == OTHER


@pytest.mark.parametrize(
    ("instruction", "code"),
    [
        ({"newvalue": OTHER}, 81),
        ({"action": "replace", "newvalue": OTHER}, 82),
        ({"action": "delete", "oldvalue": OTHER}, 83),
        (OTHER, 84),
        ({"action": "add"}, 85),
        ({"action": "modify", "newvalue": OTHER}, 86),
        ({"action": "add", "newvalue": "no-email"}, 300),
    ],
)
def test_a_faulty_instruction_is_refused(
    onoffice: OnOfficeCaller, anna: int, instruction: Any, code: int
) -> None:
    assert onoffice.modify(anna, email=instruction) == code


def test_an_ambiguous_old_value_is_refused(onoffice: OnOfficeCaller, anna: int) -> None:
    onoffice.modify(anna, email={"action": "add", "newvalue": MAIN})

    assert onoffice.modify(anna, email={"action": "delete", "oldvalue": MAIN}) == 87


def test_an_instruction_for_private_entries_sees_no_others(
    onoffice: OnOfficeCaller, anna: int
) -> None:
    assert onoffice.modify(anna, email_private={"action": "delete", "oldvalue": MAIN}) == 83


def test_a_failed_instruction_leaves_the_other_fields_alone(
    onoffice: OnOfficeCaller, anna: int
) -> None:
    onoffice.modify(anna, Name="Neu", email={"action": "delete", "oldvalue": OTHER})

    assert onoffice.address(anna, "Name")["Name"] == "Beispiel"


def test_a_failing_action_does_not_stop_the_others(onoffice: OnOfficeCaller, anna: int) -> None:
    results = onoffice.results(
        Asked("modify", "address", {"Name": "Eins"}, resource_id=anna),
        Asked("modify", "address", {"Name": "Zwei"}, resource_id=2),
        Asked("modify", "address", {"Vorname": "Drei"}, resource_id=anna),
    )

    assert [result["status"]["errorcode"] for result in results] == [0, 80, 0]
    elements = onoffice.address(anna, "Name", "Vorname")
    assert (elements["Name"], elements["Vorname"]) == ("Eins", "Drei")


def test_without_the_duplicate_check_a_second_address_is_made(
    onoffice: OnOfficeCaller, anna: int
) -> None:
    assert onoffice.create(email=MAIN) != anna


def test_the_duplicate_check_overwrites_the_lowest_id(onoffice: OnOfficeCaller, anna: int) -> None:
    onoffice.create(Name="Zweite", email=MAIN)

    found = onoffice.create(Name="Neu", email=MAIN.upper(), checkDuplicate=True)

    assert found == anna
    assert onoffice.address(anna, "Name")["Name"] == "Neu"


def test_the_duplicate_check_can_leave_the_existing_address_alone(
    onoffice: OnOfficeCaller, anna: int
) -> None:
    found = onoffice.create(Name="Neu", email=MAIN, checkDuplicate=True, noOverrideByDuplicate=True)

    assert found == anna
    assert onoffice.address(anna, "Name")["Name"] == "Beispiel"


@pytest.mark.parametrize(("compared", "is_found"), [("all", True), ("main", False)])
def test_which_emails_the_duplicate_check_compares_is_switchable(
    onoffice: OnOfficeCaller, sandbox: SandboxControl, anna: int, compared: str, is_found: bool
) -> None:
    sandbox.switch("onoffice", name="duplicate_check", value=compared)
    onoffice.modify(anna, email={"action": "add", "newvalue": OTHER})

    assert (onoffice.create(email=OTHER, checkDuplicate=True) == anna) is is_found
