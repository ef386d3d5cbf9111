"""Field configuration, select values, activity types, users and search of the onOffice twin."""

from __future__ import annotations

from typing import Any

import pytest

from nl_pipeline_tests.sandbox.onoffice_caller import Asked, OnOfficeCaller
from nl_pipeline_tests.sandbox_control import SandboxControl


def fields(onoffice: OnOfficeCaller, **parameters: Any) -> dict[str, Any]:
    record = onoffice.records(Asked("get", "fields", {"modules": ["address"], **parameters}))[0]
    found: dict[str, Any] = record["elements"]
    return found


def test_permitted_values_are_keys_without_labels(onoffice: OnOfficeCaller) -> None:
    assert fields(onoffice)["newsletter_aktiv"]["permittedvalues"] == [1, 0, 2, 3, 4, 5]


@pytest.mark.parametrize(("language", "label"), [("DEU", "Absage"), ("ENG", "Cancellation")])
def test_permitted_values_are_a_map_with_labels(
    onoffice: OnOfficeCaller, language: str, label: str
) -> None:
    found = fields(onoffice, labels=True, language=language)

    assert found["newsletter_aktiv"]["permittedvalues"]["2"] == label


def test_the_name_of_the_module_stands_among_the_labelled_fields(
    onoffice: OnOfficeCaller,
) -> None:
    assert fields(onoffice, labels=True)["label"] == "Adressen"


def test_a_map_with_rising_keys_arrives_as_a_list(
    onoffice: OnOfficeCaller, sandbox: SandboxControl
) -> None:
    sandbox.switch("onoffice", name="newsletter_values", value=["0", "1", "2", "3"])

    values = fields(onoffice, labels=True)["newsletter_aktiv"]["permittedvalues"]

    assert values == ["Nein", "Ja", "Absage", "Double Opt-In ausstehend"]


def test_a_field_that_is_no_select_has_no_permitted_values(onoffice: OnOfficeCaller) -> None:
    assert fields(onoffice)["Name"]["permittedvalues"] is None


def test_the_moment_of_change_is_not_configured(onoffice: OnOfficeCaller) -> None:
    assert "Aenderung" not in fields(onoffice)


def test_inactive_fields_are_listed_apart(
    onoffice: OnOfficeCaller, sandbox: SandboxControl
) -> None:
    sandbox.switch("onoffice", name="inactive_fields", value=["Vip"])

    assert "Vip" not in fields(onoffice)
    assert set(fields(onoffice, showOnlyInactive=True)) == {"Vip", "Status"}


def test_a_field_list_restricts_the_configuration(onoffice: OnOfficeCaller) -> None:
    assert set(fields(onoffice, fieldList=["Name"])) == {"Name"}


@pytest.mark.parametrize(
    ("parameters", "code"), [({"modules": ["nonsense"]}, 163), ({"language": "XX"}, 160)]
)
def test_a_faulty_request_for_fields_is_refused(
    onoffice: OnOfficeCaller, parameters: dict[str, Any], code: int
) -> None:
    assert onoffice.code(Asked("get", "fields", {"modules": ["address"], **parameters})) == code


def test_the_options_of_the_tags_are_the_accounts(
    onoffice: OnOfficeCaller, sandbox: SandboxControl
) -> None:
    sandbox.switch("onoffice", name="newsletter_tags", value={"indMulti1Select1": "VIP & Co"})

    parameters = {"module": "address", "fields": ["NewsletterTag"]}
    records = onoffice.records(Asked("get", "multiselectconfiguration", parameters))

    found = [(record["id"], record["elements"]["fieldcontent"]) for record in records]
    assert found == [("indMulti1Select1", "VIP & Co")]


def test_options_of_a_text_field_are_refused(onoffice: OnOfficeCaller) -> None:
    parameters = {"module": "address", "fields": ["Name"]}

    assert onoffice.code(Asked("get", "multiselectconfiguration", parameters)) == 171


def test_automatic_types_are_hidden_unless_asked_for(onoffice: OnOfficeCaller) -> None:
    def types(**parameters: Any) -> set[str]:
        records = onoffice.records(Asked("get", "actionkindtypes", {"lang": "ENG", **parameters}))
        elements = next(r["elements"] for r in records if r["elements"]["key"] == "Newsletter")
        return set(elements["types"])

    hidden = types(allowAutomaticTypesForActionKind=["Newsletter"]) - types()

    assert types() == {"bestellt", "nicht bestellt"}
    assert len(hidden) == 1


def test_a_kind_without_types_has_an_empty_array(onoffice: OnOfficeCaller) -> None:
    records = onoffice.records(Asked("get", "actionkindtypes"))

    assert next(r for r in records if r["elements"]["key"] == "Termin")["elements"]["types"] == []


def test_users_have_a_user_name(onoffice: OnOfficeCaller) -> None:
    records = onoffice.records(Asked("get", "users"))

    assert "nl-api" in [record["elements"]["username"] for record in records]


def test_a_saved_filter_selects(onoffice: OnOfficeCaller) -> None:
    saved = onoffice.records(Asked("get", "filters", {"module": "address"}))[0]["id"]

    found = onoffice.read(data=["newsletter_aktiv"], filterid=saved)

    assert {record["elements"]["newsletter_aktiv"] for record in found} == {"1"}


def test_the_search_finds_what_contains_every_word(onoffice: OnOfficeCaller) -> None:
    number = onoffice.create(Vorname="Xaver", Name="Quendel", email="xq@kunde.example")

    records = onoffice.records(Asked("get", "search", {"input": "quend xav"}, "address"))

    assert [record["id"] for record in records] == [number]
    assert records[0]["elements"]["primaryEmail"] == "xq@kunde.example"


@pytest.mark.parametrize(("text", "code"), [("", 69), ("x", 151)])
def test_a_search_needs_a_text(onoffice: OnOfficeCaller, text: str, code: int) -> None:
    assert onoffice.code(Asked("get", "search", {"input": text}, "address")) == code
