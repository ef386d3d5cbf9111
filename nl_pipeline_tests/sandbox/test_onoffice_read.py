"""Reading addresses from the onOffice twin."""

from __future__ import annotations

from typing import Any

import pytest

from nl_pipeline_tests.sandbox.onoffice_caller import Asked, OnOfficeCaller
from nl_pipeline_tests.sandbox_control import SandboxControl


def ids(records: list[dict[str, Any]]) -> list[int]:
    return [record["id"] for record in records]


def where(field: str, op: str, val: Any) -> dict[str, Any]:
    return {field: [{"op": op, "val": val}]}


def test_a_read_gives_twenty_rows_and_the_total(onoffice: OnOfficeCaller) -> None:
    result = onoffice.result(Asked("read", "address", {"data": ["Name"]}))

    assert len(result["data"]["records"]) == 20
    assert result["data"]["meta"]["cntabsolute"] == 60
    assert result["cacheable"] is True


def test_a_limit_above_500_is_cut(onoffice: OnOfficeCaller, sandbox: SandboxControl) -> None:
    sandbox.reset(contacts=510)

    assert len(onoffice.read(data=[], listlimit=1000)) == 500


def test_a_limit_above_500_may_be_an_error(
    onoffice: OnOfficeCaller, sandbox: SandboxControl
) -> None:
    sandbox.switch("onoffice", name="listlimit_over_500", value="error")

    assert onoffice.code(Asked("read", "address", {"listlimit": 501})) == 255


def test_pages_together_are_all_addresses_once(onoffice: OnOfficeCaller) -> None:
    pages = [
        ids(onoffice.read(data=[], sortby="KdNr", listlimit=25, listoffset=offset))
        for offset in (0, 25, 50, 75)
    ]

    assert [len(page) for page in pages] == [25, 25, 10, 0]
    assert len(set().union(*pages)) == 60


def test_ids_are_odd_with_gaps(onoffice: OnOfficeCaller) -> None:
    found = ids(onoffice.read(data=[], listlimit=500))

    assert all(number % 2 for number in found)
    assert found[-1] - found[0] > 2 * len(found)


def test_ids_in_elements_are_sometimes_text(onoffice: OnOfficeCaller) -> None:
    kinds = {type(record["elements"]["id"]) for record in onoffice.read(data=[])}

    assert kinds == {int, str}


def test_customer_numbers_are_text(onoffice: OnOfficeCaller) -> None:
    assert isinstance(onoffice.read(data=["KdNr"])[0]["elements"]["KdNr"], str)


def test_a_multiselect_is_read_between_pipes(onoffice: OnOfficeCaller) -> None:
    number = onoffice.create(Name="A", HerkunftKontakt=["Newsletter", "Sonstiges"])

    origin = onoffice.address(number, "HerkunftKontakt")["HerkunftKontakt"]

    assert origin == "|Newsletter||Sonstiges|"


def test_formatted_output_gives_labels(onoffice: OnOfficeCaller) -> None:
    number = onoffice.create(Name="A", newsletter_aktiv="2")

    parameters = {"data": ["newsletter_aktiv"], "formatoutput": True, "outputlanguage": "ENG"}
    record = onoffice.records(Asked("read", "address", parameters, resource_id=number))[0]

    assert record["elements"]["newsletter_aktiv"] == "Cancellation"


def test_contact_entries_are_flat_keys_with_the_entry_id(onoffice: OnOfficeCaller) -> None:
    number = onoffice.create(email="a@kunde.example", email_private="b@kunde.example")

    elements = onoffice.address(number, "email", "defaultemail", "Email")

    main = next(key for key in elements if key.startswith("defaultemail__"))
    entry = main.removeprefix("defaultemail__")
    assert elements["Email"] == elements[main] == elements[f"email__{entry}"] == "a@kunde.example"
    assert elements[f"email__{entry}__Comment"] == ""
    assert len([key for key in elements if key.startswith("email__")]) == 4


def test_an_unknown_field_fails_the_whole_read(onoffice: OnOfficeCaller) -> None:
    assert onoffice.code(Asked("read", "address", {"data": ["Name", "Nonsense"]})) == 141


@pytest.mark.parametrize(
    ("shown", "known", "unknown"),
    [("Status2Adr", "Status2Adr", "Status"), ("Status", "Status", "Status2Adr")],
)
def test_an_account_exposes_one_of_the_two_status_fields(
    onoffice: OnOfficeCaller, sandbox: SandboxControl, shown: str, known: str, unknown: str
) -> None:
    sandbox.switch("onoffice", name="status_field", value=shown)

    assert onoffice.code(Asked("read", "address", {"data": [known]})) == 0
    assert onoffice.code(Asked("read", "address", {"data": [unknown]})) == 141


def test_an_inactive_field_acts_as_unknown(
    onoffice: OnOfficeCaller, sandbox: SandboxControl
) -> None:
    sandbox.switch("onoffice", name="inactive_fields", value=["NewsletterTag"])

    assert onoffice.code(Asked("read", "address", {"data": ["NewsletterTag"]})) == 141


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"filter": where("Name", "near", "A")}, 142),
        ({"filter": where("Nonsense", "=", "A")}, 141),
        ({"filter": where("NewsletterTag", ">", "A")}, 232),
        ({"filter": where("KdNr", "between", 5)}, 257),
        ({"filter": where("KdNr", "in", 5)}, 257),
        ({"filter": "Name"}, 257),
        ({"filterid": 9999}, 284),
        ({"sortby": "Nonsense"}, 212),
        ({"data": "Name"}, 74),
        ({"recordids": list(range(501))}, 302),
        ({"data": ["Name"], "formatoutput": True, "outputlanguage": "XXX"}, 160),
    ],
)
def test_a_faulty_read_is_refused(
    onoffice: OnOfficeCaller, parameters: dict[str, Any], code: int
) -> None:
    assert onoffice.code(Asked("read", "address", parameters)) == code


@pytest.mark.parametrize(
    ("op", "val", "expected"),
    [
        ("=", "Beta", ["Beta"]),
        ("is", "beta", ["Beta"]),
        ("!=", "Beta", ["Alpha", "Gamma"]),
        ("like", "%a%m%", ["Gamma"]),
        ("not like", "%m%", ["Alpha", "Beta"]),
        ("in", ["Alpha", "Gamma"], ["Alpha", "Gamma"]),
        ("NOT IN", ["Alpha", "Gamma"], ["Beta"]),
        ("between", ["Alpha", "Beta"], ["Alpha", "Beta"]),
        (">", "Alpha", ["Beta", "Gamma"]),
        ("<=", "Beta", ["Alpha", "Beta"]),
    ],
)
def test_operators_select(
    onoffice: OnOfficeCaller, sandbox: SandboxControl, op: str, val: Any, expected: list[str]
) -> None:
    sandbox.reset(contacts=0)
    for name in ("Alpha", "Beta", "Gamma"):
        onoffice.create(Name=name)

    found = onoffice.read(data=["Name"], filter=where("Name", op, val))

    assert [record["elements"]["Name"] for record in found] == expected


def test_conditions_of_one_field_are_joined_by_and(
    onoffice: OnOfficeCaller, sandbox: SandboxControl
) -> None:
    sandbox.reset(contacts=20)
    middle = {"KdNr": [{"op": ">", "val": 1205}, {"op": "<", "val": "1208"}]}

    assert len(onoffice.read(data=[], filter=middle)) == 2


def test_a_multiselect_filter_finds_one_key_among_several(onoffice: OnOfficeCaller) -> None:
    number = onoffice.create(HerkunftKontakt=["eMail-Aktion", "Newsletter"])

    found = onoffice.read(data=[], filter=where("HerkunftKontakt", "=", "Newsletter"))

    assert ids(found) == [number]


def test_email_in_lower_case_matches_every_entry_and_email_the_main_one(
    onoffice: OnOfficeCaller,
) -> None:
    number = onoffice.create(email="main@a.example", email_business="second@a.example")

    assert ids(onoffice.read(data=[], filter=where("email", "=", "Second@A.example"))) == [number]
    assert ids(onoffice.read(data=[], filter=where("Email", "=", "second@a.example"))) == []
    assert ids(onoffice.read(data=[], filter=where("Email", "=", "main@a.example"))) == [number]


def test_email_comparison_may_mind_the_case(
    onoffice: OnOfficeCaller, sandbox: SandboxControl
) -> None:
    sandbox.switch("onoffice", name="email_compare", value="exact")
    onoffice.create(email="main@a.example")

    assert onoffice.read(data=[], filter=where("email", "=", "Main@a.example")) == []


def test_record_ids_restrict_a_read(onoffice: OnOfficeCaller) -> None:
    first, second = ids(onoffice.read(data=[], listlimit=2))

    assert ids(onoffice.read(data=[], recordids=[second, first, 999_999])) == [first, second]


def test_a_read_by_resource_id_gives_one_record(onoffice: OnOfficeCaller) -> None:
    number = ids(onoffice.read(data=[], listlimit=1))[0]

    found = onoffice.records(Asked("read", "address", {"data": ["Name"]}, resource_id=str(number)))

    assert ids(found) == [number]


def test_rows_changed_since_a_moment_come_in_the_order_of_change(onoffice: OnOfficeCaller) -> None:
    changed = where("Aenderung", ">=", "2022-01-01 00:00:00")

    found = onoffice.read(data=["Aenderung"], filter=changed, sortby="Aenderung", listlimit=500)

    moments = [record["elements"]["Aenderung"] for record in found]
    assert moments == sorted(moments)
    assert moments[0] >= "2022-01-01 00:00:00"
    assert 0 < len(moments) < 60


def test_the_moment_of_change_may_be_filterable_only(
    onoffice: OnOfficeCaller, sandbox: SandboxControl
) -> None:
    sandbox.switch("onoffice", name="aenderung_readable", value=False)
    since = where("Aenderung", ">=", "2022-01-01 00:00:00")

    assert onoffice.code(Asked("read", "address", {"data": ["Aenderung"]})) == 141
    assert onoffice.code(Asked("read", "address", {"sortby": "Aenderung"})) == 212
    assert onoffice.code(Asked("read", "address", {"filter": since})) == 0


def test_archived_addresses_are_read_unless_filtered(
    onoffice: OnOfficeCaller, sandbox: SandboxControl
) -> None:
    number = onoffice.create(Name="A")
    sandbox.act("onoffice", actor="staff", action="archive", id=number)

    assert onoffice.address(number, "Status2Adr")["Status2Adr"] == "status2adr_archive"


def test_a_page_shows_a_write_made_between_two_pages(onoffice: OnOfficeCaller) -> None:
    page = {"data": ["Name"], "sortby": "KdNr", "sortorder": "DESC", "listlimit": 1}
    onoffice.read(**page)

    number = onoffice.create(Name="Neu")

    assert ids(onoffice.read(**page)) == [number]


@pytest.mark.parametrize(("visible", "left"), [(0, 0), (0.5, 30), (20, 20), (1.0, 60), ("all", 60)])
def test_restricted_rights_hide_rows_without_an_error(
    onoffice: OnOfficeCaller, sandbox: SandboxControl, visible: Any, left: int
) -> None:
    sandbox.act("onoffice", actor="staff", action="restrict_rights", visible=visible)

    assert onoffice.total(Asked("read", "address", {"data": []})) == left


def test_a_hidden_address_is_read_as_nothing(
    onoffice: OnOfficeCaller, sandbox: SandboxControl
) -> None:
    seen, hidden = ids(onoffice.read(data=[], listlimit=2))
    sandbox.act("onoffice", actor="staff", action="restrict_rights", visible=[seen])

    assert onoffice.records(Asked("read", "address", {}, resource_id=hidden)) == []
