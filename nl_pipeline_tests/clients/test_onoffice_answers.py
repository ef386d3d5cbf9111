"""Shapes of onOffice's answers that the sources disagree on, hand-made, and the signature."""

from __future__ import annotations

import json
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from nl_pipeline.clients.errors import (
    ApiError,
    OperatorNeeded,
    OutcomeUnknown,
    Permanent,
    Retryable,
    SkipRecord,
)
from nl_pipeline.clients.onoffice import (
    AddressChange,
    AddressRecord,
    CrmZone,
    NewActivity,
    NewAddress,
    OnOfficeClient,
    RightMissing,
    ValueRefused,
    multiselect_keys,
)
from nl_pipeline.clients.onoffice.envelope import signature
from nl_pipeline_tests.clients.answering import Answer, Naps, Server

TOKEN = "0123456789abcdef0123456789abcdef"
SECRET = "00112233445566778899aabbccddeeff" * 2
NOW = 1_700_000_000.0
CANARY = "canary.person@kunde-77.example"
ACTION = "urn:onoffice-de-ns:smart:2.5:smartml:action:"
DONE = {"records": [{"id": 0, "type": "address", "elements": {"success": "success"}}]}


def client_of(server: Server, **options: Any) -> OnOfficeClient:
    return OnOfficeClient(
        base_url="https://crm.example/api.php",
        token=TOKEN,
        secret=SECRET,
        http=server.client(),
        now=lambda: NOW,
        sleep=Naps(),
        **options,
    )


def envelope(
    results: Sequence[dict[str, Any]] | None, *, code: int = 200, errorcode: int = 0
) -> httpx.Response:
    body: dict[str, Any] = {"status": {"code": code, "errorcode": errorcode, "message": "x"}}
    if results is not None:
        body["response"] = {"results": list(results)}
    return httpx.Response(200, json=body)


def result(data: Any, *, errorcode: int = 0, message: str = "OK", identifier: str = "") -> Any:
    return {
        "identifier": identifier,
        "data": data,
        "status": {"errorcode": errorcode, "message": message},
    }


def page(rows: Sequence[int], *, total: Any) -> Any:
    records = [{"id": row, "type": "address", "elements": {"id": row}} for row in rows]
    return result({"meta": {"cntabsolute": total}, "records": records})


def failed(errorcode: int, message: str = "no") -> Any:
    return result([], errorcode=errorcode, message=message)


def sent_actions(request: httpx.Request) -> list[dict[str, Any]]:
    actions: list[dict[str, Any]] = json.loads(request.content)["request"]["actions"]
    return actions


def count_failure(answer: Answer) -> ApiError:
    client = client_of(Server([answer]))
    with pytest.raises(ApiError) as caught:
        client.count_addresses()
    return caught.value


@pytest.mark.parametrize(
    ("secret", "timestamp", "token", "resource_type", "verb", "expected"),
    [
        (
            "dhY8h7FeU9",
            123456789,
            "dX5hkIIU6W",
            "estateCategories",
            "get",
            "F9OXyaJv7p+bLkwGDGV7ZUmfYgjH2E24zpsxY5/nVDk=",
        ),
        (
            SECRET,
            1_700_000_000,
            TOKEN,
            "address",
            "read",
            "Ys5IibthbmhGZabSL2YwJT9WETexUoxJngjgd8CuJSw=",
        ),
        (
            SECRET,
            1_700_000_000,
            TOKEN,
            "agentslog",
            "create",
            "zKU2oF1PllnwGH1cdQD+q2Ei39FTvDEf/AxzLOYFSM0=",
        ),
    ],
    ids=["inputs-of-the-docs", "read-address", "create-agentslog"],
)
def test_the_signature_is_the_one_of_the_vectors(
    secret: str, timestamp: int, token: str, resource_type: str, verb: str, expected: str
) -> None:
    made = signature(
        secret,
        token=token,
        resource_type=resource_type,
        action_id=ACTION + verb,
        timestamp=timestamp,
    )

    assert made == expected


def test_each_try_is_signed_anew() -> None:
    moments = iter([NOW, NOW + 40])
    server = Server([httpx.Response(502, text="<html>"), envelope([page([], total=0)])])
    client = OnOfficeClient(
        base_url="https://crm.example/api.php",
        token=TOKEN,
        secret=SECRET,
        http=server.client(),
        now=lambda: next(moments),
        sleep=Naps(),
    )

    client.count_addresses()

    assert [sent_actions(r)[0]["timestamp"] for r in server.requests] == [NOW, NOW + 40]


@pytest.mark.parametrize("announced", [3, "3"], ids=["number", "text"])
def test_the_announced_total_may_be_number_or_text(announced: Any) -> None:
    assert client_of(Server([envelope([page([7], total=announced)])])).count_addresses() == 3


@pytest.mark.parametrize("meta", [{"cntabsolute": None}, [], None], ids=["null", "array", "none"])
def test_a_read_without_a_total_is_a_failure_and_not_zero(meta: Any) -> None:
    answer = envelope([result({"meta": meta, "records": []})])

    assert count_failure(answer).code == "no-total"


@pytest.mark.parametrize(
    "answer",
    [
        envelope([failed(141)], code=500, errorcode=97),
        envelope([failed(141)]),
        envelope([failed(141)], code=500, errorcode=141),
        envelope(None, code=500, errorcode=141),
        envelope([], code=500, errorcode=141),
        envelope([result([], errorcode=141)], code=200, errorcode=97),
    ],
    ids=["documented-97", "outer-ok", "mirrored", "no-response", "no-results", "97-with-200"],
)
def test_a_failed_read_is_found_wherever_the_error_stands(answer: Answer) -> None:
    assert count_failure(answer).code == "141"


def test_error_codes_may_arrive_as_text() -> None:
    body = {"status": {"code": "400", "errorcode": "22", "message": "not authenticated"}}

    assert isinstance(count_failure(httpx.Response(200, json=body)), OperatorNeeded)


@pytest.mark.parametrize(
    ("errorcode", "kind"),
    [
        (22, OperatorNeeded),
        (41, OperatorNeeded),
        (137, OperatorNeeded),
        (158, OperatorNeeded),
        (170, OperatorNeeded),
        (201, OperatorNeeded),
        (100, OperatorNeeded),
        (1, Retryable),
        (70, Retryable),
        (141, Permanent),
        (212, Permanent),
        (25, Permanent),
    ],
)
def test_a_code_of_a_read_says_what_to_do_next(errorcode: int, kind: type[ApiError]) -> None:
    assert type(count_failure(envelope([failed(errorcode)]))) is kind


@pytest.mark.parametrize(
    ("errorcode", "kind"),
    [
        (80, SkipRecord),
        (292, SkipRecord),
        (77, ValueRefused),
        (75, ValueRefused),
        (131, RightMissing),
        (174, RightMissing),
        (261, RightMissing),
        (141, ValueRefused),
        (144, ValueRefused),
        (145, ValueRefused),
        (158, OperatorNeeded),
        (137, OperatorNeeded),
        (70, Retryable),
    ],
)
def test_a_code_of_a_write_says_what_to_do_next(errorcode: int, kind: type[ApiError]) -> None:
    server = Server([envelope([failed(errorcode)])])

    outcome = client_of(server).modify_addresses([AddressChange(7, {"Name": "X"})])[0]

    assert type(outcome.error) is kind


def test_an_outer_400_without_a_code_needs_the_operator() -> None:
    assert isinstance(count_failure(envelope([], code=400)), OperatorNeeded)


def test_an_unknown_field_is_named_when_it_is_one_of_ours() -> None:
    client = client_of(Server([envelope([failed(141, "Unknown field: Wunschfeld")])]))

    with pytest.raises(Permanent, match="unknown field Wunschfeld"):
        list(client.read_addresses(fields=["Name", "Wunschfeld"]))


def test_a_message_of_the_crm_is_not_repeated() -> None:
    server = Server([envelope([failed(252, f'unknown value "{CANARY}"')])])
    change = AddressChange(7, {"Name": CANARY})

    error = client_of(server).modify_addresses([change])[0].error

    assert error is not None
    assert CANARY not in "".join(traceback.format_exception(error)) + repr(change)


def test_too_few_results_are_never_matched_with_the_actions() -> None:
    server = Server([envelope([result(DONE)])])

    outcomes = client_of(server).create_addresses([NewAddress("a", {}), NewAddress("b", {})])

    assert [type(outcome.error) for outcome in outcomes] == [OutcomeUnknown, OutcomeUnknown]


def test_results_that_name_another_place_are_never_matched() -> None:
    swapped = [result(DONE, identifier="1"), result(DONE, identifier="0")]

    outcomes = client_of(Server([envelope(swapped)])).create_addresses(
        [NewAddress("a", {}), NewAddress("b", {})]
    )

    assert [type(outcome.error) for outcome in outcomes] == [OutcomeUnknown, OutcomeUnknown]


def test_a_create_without_an_id_in_the_answer_is_unknown() -> None:
    outcome = client_of(Server([envelope([result([])])])).create_addresses([NewAddress("a", {})])[0]

    assert isinstance(outcome.error, OutcomeUnknown)


@pytest.mark.parametrize(
    "answer",
    [httpx.Response(200, text='{"status":{"code":200,"err'), httpx.Response(502, text="<html>")],
    ids=["cut", "html-502"],
)
def test_a_create_whose_answer_is_lost_is_sent_once(answer: Answer) -> None:
    server = Server([answer])

    outcome = client_of(server).create_addresses([NewAddress("a", {})])[0]

    assert isinstance(outcome.error, OutcomeUnknown)
    assert len(server.requests) == 1


def test_a_plain_change_is_written_again_after_a_lost_answer() -> None:
    server = Server([httpx.ReadTimeout("late"), envelope([result(DONE)])])

    assert client_of(server).modify_addresses([AddressChange(7, {"Name": "X"})])[0].ok


def test_a_contact_instruction_is_not_sent_again_after_a_lost_answer() -> None:
    server = Server([httpx.ReadTimeout("late"), envelope([result(DONE)])])
    change = AddressChange(7, {"email": {"action": "add", "newvalue": CANARY}})

    assert isinstance(client_of(server).modify_addresses([change])[0].error, OutcomeUnknown)


def test_outcomes_of_changes_come_in_the_order_of_the_changes() -> None:
    def answered(request: httpx.Request) -> httpx.Response:
        results = [
            failed(80) if action["resourceid"] == "2" else result(DONE)
            for action in sent_actions(request)
        ]
        refused = any(one["status"]["errorcode"] for one in results)
        return envelope(results, code=500, errorcode=97) if refused else envelope(results)

    changes = [
        AddressChange(1, {"email": {"action": "delete", "oldvalue": CANARY}}),
        AddressChange(2, {"Name": "X"}),
        AddressChange(3, {"Name": "Y"}),
    ]

    outcomes = client_of(Server([answered]), actions_per_request=2).modify_addresses(changes)

    assert [(o.reference, o.ok) for o in outcomes] == [("1", True), ("2", False), ("3", True)]
    assert isinstance(outcomes[1].error, SkipRecord)


def test_nothing_more_is_written_after_the_credentials_were_refused() -> None:
    server = Server([envelope([failed(137)], code=500, errorcode=97)])
    client = client_of(server, actions_per_request=1)

    outcomes = client.modify_addresses([AddressChange(n, {"Name": "X"}) for n in (1, 2, 3)])

    assert [outcome.ok for outcome in outcomes] == [False, False, False]


def test_a_refused_timestamp_is_signed_again_by_the_servers_clock() -> None:
    late = envelope([failed(136)], code=500, errorcode=97)
    late.headers["date"] = "Tue, 14 Nov 2023 23:13:20 GMT"  # an hour after NOW
    server = Server([late, envelope([page([], total=0)])])

    client_of(server).count_addresses()

    assert sent_actions(server.requests[1])[0]["timestamp"] == NOW + 3600


def test_a_timestamp_refused_twice_needs_the_operator() -> None:
    server = Server([envelope([failed(136)], code=500, errorcode=97)])

    with pytest.raises(OperatorNeeded) as caught:
        client_of(server).count_addresses()

    assert caught.value.code == "clock"
    assert len(server.requests) == 2


def test_a_create_is_sent_again_when_its_timestamp_was_refused() -> None:
    done = result({"records": [{"id": "4711", "elements": []}]})
    server = Server([envelope([failed(136)]), envelope([done])])

    outcome = client_of(server).create_addresses([NewAddress("a", {})])[0]

    assert (outcome.ok, outcome.record_id) == (True, 4711)


def test_empty_elements_may_be_an_array() -> None:
    data = {"meta": {"cntabsolute": 1}, "records": [{"id": 7, "elements": []}]}

    pages = list(client_of(Server([envelope([result(data)])])).read_addresses(fields=[]))

    assert pages[0].records == [AddressRecord(7, {})]


def test_reading_ends_with_the_announced_total_even_if_every_page_is_full() -> None:
    endless = iter(range(1, 10_000, 2))
    first = envelope([page([20_001, 20_003], total=5)])
    server = Server(
        [first, lambda _: envelope([page([next(endless), next(endless)], total=10_000_000)])]
    )
    pages = client_of(server, page_size=2).read_addresses(fields=[])

    assert len(list(pages)) == 5  # three for the total of the first page, two of grace
    assert not pages.complete


def test_an_empty_page_before_the_total_shows_in_the_counters() -> None:
    server = Server([envelope([page([1, 3], total=6)]), envelope([page([], total=6)])])
    pages = client_of(server, page_size=2).read_addresses(fields=[])

    list(pages)

    assert (pages.announced_first, pages.announced_last, pages.rows) == (6, 6, 2)


def test_a_row_that_comes_twice_counts_once() -> None:
    server = Server([envelope([page([1, 3], total=4)]), envelope([page([3, 5], total=4)])])
    pages = client_of(server, page_size=2).read_addresses(fields=[])

    list(pages)

    assert (pages.rows, pages.complete) == (3, False)


def test_an_id_that_is_gone_does_not_hide_the_others() -> None:
    def answered(request: httpx.Request) -> httpx.Response:
        actions = sent_actions(request)
        if len(actions) == 1:
            return envelope([failed(235)])
        return envelope([page([1], total=1), failed(235)], code=500, errorcode=97)

    records = client_of(Server([answered])).read_addresses_by_id([1, 2], fields=["Name"])

    assert [record.id for record in records] == [1]


def test_select_values_are_read_from_a_map_and_from_a_list() -> None:
    elements = {
        "label": "Adressen",
        "Anrede": {"type": "singleselect", "permittedvalues": {"Herr": "Mister"}, "length": None},
        "newsletter_aktiv": {"type": "singleselect", "permittedvalues": ["Nein", "Ja"]},
        "Name": {"type": "varchar", "permittedvalues": [], "length": "80", "label": "Nachname"},
    }
    data = {"records": [{"id": "address", "type": "", "elements": elements}]}

    fields = client_of(Server([envelope([result(data)])])).read_fields()

    assert sorted(fields) == ["Anrede", "Name", "newsletter_aktiv"]
    assert fields["Anrede"].options == {"Herr": "Mister"}
    assert fields["newsletter_aktiv"].options == {"0": "Nein", "1": "Ja"}
    assert (fields["Name"].options, fields["Name"].length) == (None, 80)


def test_a_kind_without_types_has_none() -> None:
    kinds = [
        {"id": "0", "elements": {"key": "Newsletter", "types": {"bestellt": "ordered"}}},
        {"id": "1", "elements": {"key": "Termin", "types": []}},
    ]

    read = client_of(Server([envelope([result({"records": kinds})])])).read_action_kinds()

    assert read == {"Newsletter": ("bestellt",), "Termin": ()}


def test_an_activity_is_dated_in_the_wall_time_of_the_crm() -> None:
    done = result({"records": [{"id": 9, "elements": []}]})
    server = Server([envelope([done])])
    at = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
    activity = NewActivity("r", 7, "Newsletter", "bestellt", at, "note")

    client_of(server).create_activities([activity])

    assert sent_actions(server.requests[0])[0]["parameters"]["datetime"] == "2026-07-02 00:30:00"


@pytest.mark.parametrize(
    "text",
    [
        "",
        None,
        "0000-00-00",
        "0000-00-00 00:00:00",
        0,
        "2026-13-45 00:00:00",
        "2026-01-01 10+01:00",
    ],
)
def test_an_unset_or_unreadable_date_is_no_moment(text: object) -> None:
    assert CrmZone().moment(text) is None


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-07-02 00:30:00", datetime(2026, 7, 1, 22, 30, tzinfo=UTC)),
        ("2026-7-2 0:30:00", datetime(2026, 7, 1, 22, 30, tzinfo=UTC)),
        ("2026-07-02", datetime(2026, 7, 1, 22, tzinfo=UTC)),
    ],
)
def test_a_date_is_read_as_wall_time_of_the_crm(text: str, moment: datetime) -> None:
    assert CrmZone().moment(text) == moment


def test_the_doubled_hour_of_autumn_is_read_as_the_earlier_moment() -> None:
    assert CrmZone().moment("2026-10-25 02:30:00") == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_all_email_entries_are_found_and_comments_are_not() -> None:
    record = AddressRecord(
        1,
        {
            "Email": "b@kunde.example",
            "email__1": "a@kunde.example",
            "email__1__Comment": "not@an.entry",
            "email__2": "b@kunde.example",
            "email__3": " ",
            "defaultemail__2": "b@kunde.example",
        },
    )

    assert record.email_addresses == ("b@kunde.example", "a@kunde.example")


@pytest.mark.parametrize(
    ("value", "keys"),
    [("|A||B|", ("A", "B")), ("", ()), (None, ()), (["A"], ("A",)), ("|Ä/ö x|", ("Ä/ö x",))],
)
def test_a_multiselect_is_read_as_its_keys(value: object, keys: tuple[str, ...]) -> None:
    assert multiselect_keys(value) == keys


def test_a_duplicate_check_that_would_overwrite_is_refused() -> None:
    with pytest.raises(ValueError, match="overwrite"):
        NewAddress("a", {"checkDuplicate": True})
