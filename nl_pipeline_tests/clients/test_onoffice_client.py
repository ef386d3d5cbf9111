"""The onOffice client against the twin: what it reads, writes and makes of failures."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from nl_pipeline.clients.errors import (
    OperatorNeeded,
    OutcomeUnknown,
    Permanent,
    Retryable,
    SkipRecord,
)
from nl_pipeline.clients.onoffice import (
    AddressChange,
    Condition,
    NewActivity,
    NewAddress,
    OnOfficeClient,
    RightMissing,
)
from nl_pipeline_tests.clients.conftest import CrmFactory
from nl_pipeline_tests.sandbox_control import SandboxControl

NEW_ADDRESS = "anna.neu@kunde-901.example"


def addresses(sandbox: SandboxControl) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = sandbox.dump("onoffice")["addresses"]
    return listed


def address(sandbox: SandboxControl, address_id: int) -> dict[str, Any]:
    return next(one for one in addresses(sandbox) if one["id"] == address_id)


def somebody(sandbox: SandboxControl) -> dict[str, Any]:
    """A contact with exactly one e-mail address that nobody else has."""
    everyone = addresses(sandbox)
    owned = [email.strip().casefold() for one in everyone for email in one["emails"]]
    return next(
        one
        for one in everyone
        if len(one["emails"]) == 1 and owned.count(one["emails"][0].strip().casefold()) == 1
    )


def ids_read(client: OnOfficeClient, *, conditions: Any = None) -> list[int]:
    pages = client.read_addresses(fields=["Name"], conditions=conditions)
    return [record.id for page in pages for record in page.records]


def api_calls(sandbox: SandboxControl) -> int:
    return sum(call.count for call in sandbox.calls() if call.service == "onoffice")


def test_all_addresses_are_read_page_by_page(sandbox: SandboxControl, crm_with: CrmFactory) -> None:
    pages = crm_with(page_size=20).read_addresses(fields=["Name"])

    read = [record.id for page in pages for record in page.records]

    assert sorted(read) == sorted(one["id"] for one in addresses(sandbox))
    assert pages.complete


def test_every_address_comes_with_all_its_email_entries(
    sandbox: SandboxControl, crm: OnOfficeClient
) -> None:
    pages = crm.read_addresses(fields=["Email", "email"])

    read = {record.id: set(record.email_addresses) for page in pages for record in page.records}

    stored = {one["id"]: {e for e in one["emails"] if e.strip()} for one in addresses(sandbox)}
    assert read == stored


def test_several_pages_may_travel_in_one_request(
    sandbox: SandboxControl, crm_with: CrmFactory
) -> None:
    client = crm_with(page_size=10)
    sandbox.forget_calls()

    pages = client.read_addresses(fields=["Name"], pages_per_request=5)
    total = sum(len(page.records) for page in pages)

    assert total == len(addresses(sandbox))
    assert api_calls(sandbox) == 2


def test_the_callback_sees_every_page(crm_with: CrmFactory) -> None:
    seen: list[int] = []
    client = crm_with(page_size=20)

    pages = list(
        client.read_addresses(fields=["Name"], on_page=lambda page: seen.append(page.offset))
    )

    assert seen == [page.offset for page in pages]


def test_the_count_is_what_the_api_user_may_see(
    sandbox: SandboxControl, crm: OnOfficeClient
) -> None:
    sandbox.act("onoffice", actor="staff", action="restrict_rights", visible=7)

    assert crm.count_addresses() == 7


def test_a_condition_selects_addresses(sandbox: SandboxControl, crm: OnOfficeClient) -> None:
    wanted = [one["id"] for one in addresses(sandbox) if one["newsletter_aktiv"] == "1"]

    read = ids_read(crm, conditions={"newsletter_aktiv": [Condition("=", "1")]})

    assert sorted(read) == sorted(wanted)


def test_changed_addresses_are_found_by_a_moment(
    sandbox: SandboxControl, crm: OnOfficeClient
) -> None:
    one = somebody(sandbox)
    sandbox.act("onoffice", actor="staff", action="modify", id=one["id"], Vorname="Neu")
    lately = datetime.now(UTC) - timedelta(minutes=1)

    read = ids_read(crm, conditions={"Aenderung": [Condition(">=", lately)]})

    assert one["id"] in read


def test_a_page_cut_short_shows_in_the_counters(
    sandbox: SandboxControl, crm_with: CrmFactory
) -> None:
    sandbox.fault("onoffice", kind="short_page", match="read:address", skip=1, times=1)
    pages = crm_with(page_size=20).read_addresses(fields=["Name"])

    list(pages)

    assert pages.announced_first == pages.announced_last == len(addresses(sandbox))
    assert pages.rows < len(addresses(sandbox))


def test_a_row_that_moves_between_pages_shows_in_the_counters(
    sandbox: SandboxControl, crm_with: CrmFactory
) -> None:
    sandbox.fault("onoffice", kind="page_drift", match="read:address", skip=1, times=1)
    pages = crm_with(page_size=20).read_addresses(fields=["Name"])

    list(pages)

    assert not pages.complete


def test_addresses_are_read_by_their_ids_and_those_that_are_gone_are_missing(
    sandbox: SandboxControl, crm: OnOfficeClient
) -> None:
    first, second, *_ = [one["id"] for one in addresses(sandbox)]
    sandbox.act("onoffice", actor="staff", action="delete", id=second)

    records = crm.read_addresses_by_id([first, second], fields=["Name"])

    assert [record.id for record in records] == [first]


def test_contacts_are_found_by_a_secondary_address_too(
    sandbox: SandboxControl, crm: OnOfficeClient
) -> None:
    one = somebody(sandbox)
    both = [one["emails"][0], NEW_ADDRESS]
    sandbox.act("onoffice", actor="staff", action="modify", id=one["id"], fields={"emails": both})

    found = crm.find_addresses_by_email([NEW_ADDRESS, "nobody@kunde-902.example"], fields=["Name"])

    assert [[record.id for record in matches] for matches in found] == [[one["id"]], []]


def test_many_look_ups_travel_in_few_requests(
    sandbox: SandboxControl, crm_with: CrmFactory
) -> None:
    client = crm_with(actions_per_request=10)
    sandbox.forget_calls()

    client.find_addresses_by_email([f"n{n}@kunde-9.example" for n in range(25)], fields=["Name"])

    assert api_calls(sandbox) == 3


def test_fields_come_with_the_keys_of_their_values(crm: OnOfficeClient) -> None:
    newsletter = crm.read_fields()["newsletter_aktiv"]

    assert newsletter.options is not None
    assert {"0", "1", "2", "3", "4"} <= set(newsletter.options)


def test_fields_are_asked_for_once(sandbox: SandboxControl, crm: OnOfficeClient) -> None:
    crm.read_fields()
    sandbox.forget_calls()

    crm.read_fields()

    assert api_calls(sandbox) == 0


def test_kinds_of_activities_come_with_their_types(crm: OnOfficeClient) -> None:
    assert {"bestellt", "nicht bestellt"} <= set(crm.read_action_kinds()["Newsletter"])


def test_a_change_writes_only_what_it_names(sandbox: SandboxControl, crm: OnOfficeClient) -> None:
    before = somebody(sandbox)

    outcomes = crm.modify_addresses([AddressChange(before["id"], {"newsletter_aktiv": "2"})])

    after = address(sandbox, before["id"])
    assert [outcome.ok for outcome in outcomes] == [True]
    assert after["newsletter_aktiv"] == "2"
    assert after["Name"] == before["Name"]


def test_a_contact_instruction_moves_the_main_address(
    sandbox: SandboxControl, crm: OnOfficeClient
) -> None:
    before = somebody(sandbox)
    instruction = {
        "action": "modify",
        "oldvalue": before["emails"][0],
        "newvalue": NEW_ADDRESS,
        "default": True,
    }

    outcome = crm.modify_addresses([AddressChange(before["id"], {"email": instruction})])[0]

    assert outcome.ok
    assert address(sandbox, before["id"])["emails"] == [NEW_ADDRESS]


@pytest.mark.parametrize("shape", ["documented", "inner", "mirror"])
def test_one_refused_change_does_not_touch_the_others(
    sandbox: SandboxControl, crm: OnOfficeClient, shape: str
) -> None:
    sandbox.switch("onoffice", name="error_shape", value=shape)
    one = somebody(sandbox)["id"]
    changes = [
        AddressChange(one, {"Vorname": "Neu"}),
        AddressChange(999_999_999, {"Vorname": "Neu"}),
        AddressChange(one, {"newsletter_aktiv": "gibt es nicht"}),
    ]

    outcomes = crm.modify_addresses(changes)

    assert [outcome.ok for outcome in outcomes] == [True, False, False]
    assert all(isinstance(outcome.error, SkipRecord) for outcome in outcomes[1:])


def test_many_changes_travel_in_few_requests(sandbox: SandboxControl, crm_with: CrmFactory) -> None:
    client = crm_with(actions_per_request=25)
    ids = [one["id"] for one in addresses(sandbox)]
    sandbox.forget_calls()

    outcomes = client.modify_addresses([AddressChange(i, {"Vorname": "Neu"}) for i in ids])

    assert all(outcome.ok for outcome in outcomes)
    assert api_calls(sandbox) == -(-len(ids) // 25)


def test_a_plain_change_survives_a_lost_answer(
    sandbox: SandboxControl, crm_with: CrmFactory
) -> None:
    one = somebody(sandbox)["id"]
    sandbox.fault("onoffice", kind="timeout_after_apply", match="modify:address", times=1)

    outcome = crm_with(timeout_seconds=0.5).modify_addresses(
        [AddressChange(one, {"Vorname": "Neu"})]
    )[0]

    assert outcome.ok


def test_a_create_gives_the_id_of_the_contact(sandbox: SandboxControl, crm: OnOfficeClient) -> None:
    new = NewAddress("lead-1", {"Name": "Neu", "email": NEW_ADDRESS, "default_email": NEW_ADDRESS})

    outcome = crm.create_addresses([new])[0]

    assert outcome.record_id is not None
    assert address(sandbox, outcome.record_id)["emails"] == [NEW_ADDRESS]


def created_with(sandbox: SandboxControl, email: str) -> Sequence[dict[str, Any]]:
    return [one for one in addresses(sandbox) if email in one["emails"]]


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("timeout_after_apply", {}),
        ("reset", {"after_apply": True}),
        ("truncate", {}),
        ("html_error", {"after_apply": True}),
    ],
    ids=["time-out", "reset", "cut", "html-502"],
)
def test_a_create_whose_answer_is_lost_happens_once_and_is_unknown(
    sandbox: SandboxControl, crm_with: CrmFactory, kind: str, options: dict[str, Any]
) -> None:
    sandbox.fault("onoffice", kind=kind, match="create:address", times=1, **options)
    new = NewAddress("lead-1", {"Name": "Neu", "email": NEW_ADDRESS})

    outcome = crm_with(timeout_seconds=0.5).create_addresses([new])[0]

    assert isinstance(outcome.error, OutcomeUnknown)
    assert len(created_with(sandbox, NEW_ADDRESS)) == 1


def test_a_create_that_was_throttled_is_sent_again(
    sandbox: SandboxControl, crm: OnOfficeClient
) -> None:
    sandbox.fault("onoffice", kind="status", match="create:address", times=1, status=429, body=None)

    outcome = crm.create_addresses([NewAddress("lead-1", {"Name": "N", "email": NEW_ADDRESS})])[0]

    assert outcome.ok
    assert len(created_with(sandbox, NEW_ADDRESS)) == 1


def test_a_create_without_the_right_is_refused_for_the_record(
    sandbox: SandboxControl, crm: OnOfficeClient
) -> None:
    sandbox.act("onoffice", actor="staff", action="restrict_rights", write=False)

    outcome = crm.create_addresses([NewAddress("lead-1", {"Name": "Neu"})])[0]

    assert isinstance(outcome.error, RightMissing)


def booked(address_id: int, note: str, *, kind: str = "Newsletter") -> NewActivity:
    at = datetime(2026, 3, 2, 8, 15, tzinfo=UTC)
    return NewActivity("act-1", address_id, kind, "bestellt", at, note)


def test_an_activity_is_found_again_by_its_marker(
    sandbox: SandboxControl, crm: OnOfficeClient
) -> None:
    one = somebody(sandbox)["id"]
    crm.create_activities([booked(one, "Newsletter bestellt [m-1]"), booked(one, "other [m-2]")])

    found = crm.find_activities(one, marker="[m-1]")

    assert [(a.kind, a.type, a.note) for a in found] == [
        ("Newsletter", "bestellt", "Newsletter bestellt [m-1]")
    ]
    assert found[0].at == datetime(2026, 3, 2, 8, 15, tzinfo=UTC)


def test_an_activity_of_an_unknown_kind_needs_the_operator(
    sandbox: SandboxControl, crm: OnOfficeClient
) -> None:
    one = somebody(sandbox)["id"]

    outcome = crm.create_activities([booked(one, "x", kind="Gibt es nicht")])[0]

    assert isinstance(outcome.error, OperatorNeeded)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("status", {"status": 503}),
        ("status", {"status": 429, "body": None, "headers": {"Retry-After": "7"}}),
        ("status", {"errorcode": 1}),
        ("html_error", {}),
        ("truncate", {}),
        ("reset", {}),
        ("timeout_before", {}),
    ],
    ids=["503", "429", "code-1", "html-502", "cut", "reset", "time-out"],
)
def test_a_read_survives_a_passing_failure(
    sandbox: SandboxControl, crm_with: CrmFactory, kind: str, options: dict[str, Any]
) -> None:
    sandbox.fault("onoffice", kind=kind, match="read:address", times=1, **options)

    assert crm_with(timeout_seconds=0.5).count_addresses() == len(addresses(sandbox))


def test_a_read_that_keeps_failing_is_left_to_the_next_run(
    sandbox: SandboxControl, crm: OnOfficeClient
) -> None:
    sandbox.fault("onoffice", kind="status", match="read:address", status=503, times=9)

    with pytest.raises(Retryable):
        crm.count_addresses()


@pytest.mark.parametrize("shape", ["documented", "inner", "mirror"])
def test_an_unknown_field_is_named(
    sandbox: SandboxControl, crm: OnOfficeClient, shape: str
) -> None:
    sandbox.switch("onoffice", name="error_shape", value=shape)

    with pytest.raises(Permanent, match="Wunschfeld"):
        list(crm.read_addresses(fields=["Name", "Wunschfeld"]))


@pytest.mark.parametrize("code", [22, 41, 47])
def test_an_unknown_token_needs_the_operator(
    sandbox: SandboxControl, crm_with: CrmFactory, code: int
) -> None:
    sandbox.switch("onoffice", name="bad_token_code", value=code)

    with pytest.raises(OperatorNeeded):
        crm_with(token="f" * 32).count_addresses()


@pytest.mark.parametrize("shape", ["documented", "inner", "mirror"])
def test_a_wrong_secret_needs_the_operator(
    sandbox: SandboxControl, crm_with: CrmFactory, shape: str
) -> None:
    sandbox.switch("onoffice", name="error_shape", value=shape)

    with pytest.raises(OperatorNeeded):
        crm_with(secret="0" * 64).count_addresses()


def test_a_blocked_ip_address_needs_the_operator(
    sandbox: SandboxControl, crm: OnOfficeClient
) -> None:
    sandbox.switch("onoffice", name="ip_blocked", value=True)

    with pytest.raises(OperatorNeeded):
        crm.count_addresses()


def test_a_server_whose_clock_is_ahead_is_followed(
    sandbox: SandboxControl, crm: OnOfficeClient
) -> None:
    sandbox.switch("onoffice", name="clock_skew_seconds", value=3600)

    assert crm.count_addresses() == len(addresses(sandbox))


def test_actions_are_counted_by_name(crm: OnOfficeClient) -> None:
    crm.count_addresses()

    assert crm.calls == {"POST api.php": 1, "read:address": 1}
