"""Shapes of Brevo's answers, hand-made: refusals, broken bodies, odd members, files."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nl_pipeline.clients.brevo import (
    AskToConfirm,
    BrevoClient,
    ImportRow,
    Process,
    RefusalCause,
    UpdateProfile,
)
from nl_pipeline.clients.brevo.imports import size
from nl_pipeline.clients.brevo.statistics import windows
from nl_pipeline.clients.brevo.times import moment_of, query_time
from nl_pipeline.clients.errors import (
    ApiError,
    OperatorNeeded,
    OutcomeUnknown,
    Permanent,
    Retryable,
)
from nl_pipeline_tests.clients.answering import Answer, Naps, Server
from nl_pipeline_tests.clients.brevo_answering import (
    CANARY,
    KEY,
    LIST,
    account,
    client_of,
    contact,
    process,
    refused,
    told,
)

HTML = httpx.Response(524, content=b"<html>A timeout occurred</html>")


def failure(answer: Answer, call: Callable[[BrevoClient], Any]) -> ApiError:
    client = client_of(Server([answer]))
    with pytest.raises(ApiError) as failed:
        call(client)
    client.close()
    return failed.value


def of_lists(client: BrevoClient) -> Any:
    return client.lists()


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (
            refused(401, "unauthorized", "authentication not found in headers"),
            OperatorNeeded,
            "unauthorized",
        ),
        (httpx.Response(401), OperatorNeeded, "problem"),
        (refused(402, "not_enough_credits", "no"), OperatorNeeded, "not_enough_credits"),
        (refused(403, "permission_denied", "no"), OperatorNeeded, "permission_denied"),
        (refused(404, "document_not_found", "gone"), OperatorNeeded, "document_not_found"),
        (httpx.Response(404, content=b"<html>nginx</html>"), OperatorNeeded, "endpoint"),
        (httpx.Response(200, content=b'{"count": 1, "lists": [{'), Retryable, "unreadable"),
        (refused(400, "invalid_parameter", CANARY), Permanent, "invalid_parameter"),
        (refused(400, f"Free text with {CANARY}", "x"), Permanent, "problem"),
        (refused(422, "unprocessable_entity", "no"), Permanent, "unprocessable_entity"),
        (refused(425, "too_early", "wait"), Retryable, "in-process"),
        (refused(400, "account_in_process", "wait"), Retryable, "in-process"),
        (refused(500, "internal", "no"), Retryable, "server"),
        (HTML, Retryable, "server"),
        (httpx.Response(408), Retryable, "server"),
        (httpx.ConnectError("refused"), Retryable, "ConnectError"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_failure_is_sorted_by_what_is_done_next(
    answer: Answer, kind: type[ApiError], code: str
) -> None:
    error = failure(answer, of_lists)

    assert type(error) is kind
    assert error.code == code


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500])
def test_no_error_names_a_person_or_a_secret_and_all_name_the_request(status: int) -> None:
    error = failure(
        refused(status, CANARY, f"{CANARY} with {KEY}", metadata={"email": CANARY}), of_lists
    )

    shown = "".join(traceback.format_exception(error))
    assert CANARY not in shown
    assert KEY not in shown
    assert "req-0a1b2c" in str(error) or error.code == "budget"


def test_an_id_of_a_request_that_could_be_anything_is_not_told() -> None:
    answer = refused(400, "invalid_parameter", "x")
    answer.headers["sib-request-id"] = f"for {CANARY}"

    assert CANARY not in str(failure(answer, of_lists))


def test_reprs_of_values_name_nobody() -> None:
    client = client_of(Server([account(of=lambda: contact(emailBlacklisted=True))]))
    found = client.contact(4711)
    [page] = client.contacts()
    outcome = client.import_contacts(LIST, [ImportRow(CANARY), ImportRow(CANARY, {"NEIN": "x"})])

    shown = repr((found, page, outcome, ImportRow(CANARY, {"VORNAME": "Erika"})))

    assert CANARY not in shown
    assert "Erika" not in shown
    client.close()


def test_what_is_in_process_is_repeated_even_where_a_lost_answer_is_not() -> None:
    server = Server([account(), refused(425, "too_early", "wait"), account()])
    client = client_of(server)
    client.attributes()

    outcome = client.import_contacts(LIST, [ImportRow(CANARY)])

    assert outcome.process_ids == (78,)
    client.close()


def test_an_import_that_was_one_call_too_many_was_not_carried_out_and_is_repeated() -> None:
    too_many = refused(429, "too_many_requests", "slow down")
    client = client_of(Server([account(), too_many, account()]))
    client.attributes()

    outcome = client.import_contacts(LIST, [ImportRow(CANARY)])

    assert (outcome.process_ids, outcome.unknown) == ((78,), ())
    client.close()


def test_a_server_failure_of_an_import_is_an_unknown_outcome() -> None:
    server = Server([account(), HTML])
    client = client_of(server)
    client.attributes()

    outcome = client.import_contacts(LIST, [ImportRow(CANARY)])

    assert outcome.unknown == (CANARY,)
    assert len(server.requests) == 2
    client.close()


@pytest.mark.parametrize(
    "odd",
    [
        {"email": None},
        {"listIds": None},
        {"attributes": {}},
        {"consentGroups": None},
        {"consentGroups": [{"id": "g1", "status": "subscribed"}]},
        {"listUnsubscribed": []},
        {"whatsappBlacklisted": True, "news": {"of": 2027}},
    ],
    ids=str,
)
def test_odd_members_of_a_contact_are_read(odd: dict[str, Any]) -> None:
    client = client_of(Server([account(of=lambda: contact(**odd))]))

    [page] = client.contacts()

    assert not page.contacts[0].has_opted_out
    client.close()


def test_a_contact_that_does_not_tell_whether_it_is_blocklisted_is_not_read() -> None:
    silent = {key: value for key, value in contact().items() if key != "emailBlacklisted"}
    client = client_of(Server([account(of=lambda: silent)]))

    with pytest.raises(Retryable, match="not readable"):
        list(client.contacts())
    with pytest.raises(Retryable, match="not readable"):
        client.contact(4711)
    client.close()


@pytest.mark.parametrize(
    ("address", "has"),
    [
        (CANARY, True),
        ("491701234567@mailin-sms.com", False),
        ("1@MAILIN-SMS.COM", False),
        ("", False),
    ],
)
def test_a_contact_of_sms_only_has_no_address(address: str, has: bool) -> None:
    client = client_of(Server([account(of=lambda: contact(email=address))]))

    [page] = client.contacts()

    assert page.contacts[0].has_address is has
    client.close()


def test_statistics_of_a_contact_without_history_are_empty() -> None:
    client = client_of(Server([told({})]))

    found = client.statistics(4711)

    assert found is not None
    assert found.reasons_to_stop == frozenset()
    client.close()


def test_statistics_are_read_with_their_times_and_campaigns() -> None:
    client = client_of(
        Server(
            [
                told(
                    {
                        "clicked": [
                            {
                                "campaignId": 31,
                                "links": [
                                    {
                                        "count": 2,
                                        "eventTime": "2026-03-02T10:40:11.000+01:00",
                                        "ip": "192.0.2.1",
                                        "url": "https://muster.example/1",
                                    }
                                ],
                            }
                        ],
                        "hardBounces": [{"campaignId": 31, "eventTime": "2026-03-02T09:00:00Z"}],
                        "softBounces": [{"campaignId": 31, "eventTime": "not a time"}],
                        "unsubscriptions": {
                            "adminUnsubscription": [{"eventTime": "2026-03-02T11:00:00Z"}]
                        },
                        "transacAttributes": [{}],
                    }
                )
            ]
        )
    )

    found = client.statistics(4711)

    assert found is not None
    [click] = found.clicked
    assert (click.campaign_id, click.count, click.url) == (31, 2, "https://muster.example/1")
    assert click.at == datetime(2026, 3, 2, 9, 40, 11, tzinfo=UTC)
    assert found.soft_bounces == ()
    assert {kind for kind, _ in found.reasons_to_stop} == {"hard_bounces", "admin_unsubscriptions"}
    client.close()


@given(
    st.dates(min_value=datetime(2024, 1, 1).date(), max_value=datetime(2026, 12, 31).date()),
    st.integers(0, 900),
)
def test_windows_of_statistics_cover_every_day_and_are_no_longer_than_allowed(
    today: Any, back: int
) -> None:
    since = today - timedelta(days=back)

    found = windows(since=since, today=today)

    covered = {today - timedelta(days=n) for n in range(89)}
    for start, end in found:
        assert (end - start).days <= 89
        assert end <= today
        covered |= {start + timedelta(days=n) for n in range((end - start).days + 1)}
    assert covered >= {since + timedelta(days=n) for n in range(back + 1)}


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 3, 1, 12, tzinfo=UTC), "2026-03-01T12:00:00.000Z"),
        (
            datetime(2026, 3, 1, 12, 0, 0, 123_999, tzinfo=timezone(timedelta(hours=2))),
            "2026-03-01T10:00:00.123Z",
        ),
    ],
)
def test_a_time_is_asked_for_in_utc_with_milliseconds(moment: datetime, text: str) -> None:
    assert query_time(moment) == text


def test_a_time_without_a_zone_is_not_asked_for() -> None:
    with pytest.raises(ValueError, match="zone"):
        query_time(datetime(2026, 3, 1))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-08-01T19:43:31.777+02:00", datetime(2026, 8, 1, 17, 43, 31, 777_000, tzinfo=UTC)),
        ("2026-08-01T19:43:31.777Z", datetime(2026, 8, 1, 19, 43, 31, 777_000, tzinfo=UTC)),
        ("", None),
        (None, None),
        ("soon", None),
    ],
)
def test_times_of_answers_are_read_with_their_offset(
    text: str | None, moment: datetime | None
) -> None:
    assert moment_of(text) == moment


def test_the_time_filter_of_a_read_is_inclusive_of_the_moment_asked_for() -> None:
    server = Server([account()])
    client = client_of(server)

    list(client.contacts(modified_since=datetime(2026, 3, 1, 12, tzinfo=UTC)))

    asked = server.requests[0].url.params
    assert asked["modifiedSince"] == "2026-03-01T12:00:00.000Z"
    assert (asked["sort"], asked["limit"], asked["offset"]) == ("asc", "1000", "0")
    client.close()


@given(
    st.lists(st.text(max_size=30), max_size=30),
    st.integers(300, 600),
)
def test_no_import_is_larger_than_allowed_and_none_could_have_been_left_out(
    names: list[str], most: int
) -> None:
    people = [ImportRow(f"p{n}@x.example", {"VORNAME": name}) for n, name in enumerate(names)]
    by_email = {row.email: row for row in people}
    server = Server([account()])
    client = client_of(server, import_bytes=most)

    outcome = client.import_contacts(LIST, people)

    sent = [request.content for request in server.requests if request.method == "POST"]
    assert all(len(content) <= most for content in sent)
    assert [e for chunk in outcome.chunks for e in chunk.emails] == [row.email for row in people]
    for chunk, following in zip(outcome.chunks, outcome.chunks[1:], strict=False):
        more = [by_email[e] for e in (*chunk.emails, following.emails[0])]
        assert size(LIST, more) > most
    for chunk, content in zip(outcome.chunks, sent, strict=True):
        body = json.loads(content)
        assert [item["email"] for item in body["jsonBody"]] == list(chunk.emails)
        assert body["listIds"] == [LIST]
    client.close()


def test_a_row_larger_than_an_import_is_refused_and_keeps_no_other_out() -> None:
    client = client_of(Server([account()]), import_bytes=300)

    outcome = client.import_contacts(
        LIST, [ImportRow("a@x.example", {"VORNAME": "x" * 400}), ImportRow("b@x.example")]
    )

    assert [(r.email, r.cause) for r in outcome.refused] == [
        ("a@x.example", RefusalCause.TOO_LARGE)
    ]
    assert outcome.chunks[0].emails == ("b@x.example",)
    client.close()


@pytest.mark.parametrize(
    "body",
    [{"contacts": {"success": [1, 2], "failure": []}}, {"success": [1, 2]}],
    ids=["as in the schema", "as in the examples"],
)
def test_both_shapes_of_a_removal_are_read(body: dict[str, Any]) -> None:
    server = Server([told(body, status=201)])
    client = client_of(server)

    outcomes = client.remove_from_list(LIST, [1, 2])

    assert all(outcome.error is None and not outcome.was_gone for outcome in outcomes)
    assert len(server.requests) == 1
    client.close()


def test_a_removal_that_failed_although_the_contact_is_on_the_list_is_an_error() -> None:
    removed = told({"contacts": {"success": [1], "failure": [4711]}}, status=201)
    client = client_of(Server([removed, account()]))

    done, failed = client.remove_from_list(LIST, [1, 4711])

    assert done.error is None
    assert failed.error is not None
    assert failed.error.code == "still_listed"
    client.close()


def test_a_removal_refused_for_another_reason_is_not_taken_for_done() -> None:
    client = client_of(Server([refused(400, "invalid_parameter", "List does not exist")]))

    [outcome] = client.remove_from_list(LIST, [4711])

    assert isinstance(outcome.error, Permanent)
    client.close()


@pytest.mark.parametrize("status", ["in_process", "processing", "queued", "of tomorrow"])
def test_a_process_in_any_other_status_is_waited_for(status: str) -> None:
    server = Server([told(process(status)), told(process("failed"))])
    client = client_of(server)

    over = client.await_processes([78])

    assert over[78].status == "failed"
    assert len(server.requests) == 2
    client.close()


def test_waits_between_looks_grow_and_stay_below_two_minutes() -> None:
    naps = Naps()
    client = client_of(Server([*[told(process("queued"))] * 20, told(process())]), sleep=naps)

    client.await_processes([78])

    assert naps.seconds == sorted(naps.seconds)
    assert naps.seconds[0] == 1
    assert naps.seconds[-1] == 90
    client.close()


def test_a_process_that_never_ends_is_given_up_and_missing() -> None:
    naps = Naps()
    client = client_of(Server([told(process("queued"))]), sleep=naps)

    assert client.await_processes([78]) == {}
    assert sum(naps.seconds) < 3 * 3600
    client.close()


@pytest.mark.parametrize("separator", [";", ",", "\t"])
def test_a_file_is_read_whatever_separates_its_columns(separator: str) -> None:
    text = f'\ufeffEMAIL{separator}NAME\r\n"a@x.example"{separator}"Müller; A, B"\r\n'
    client = client_of(Server([httpx.Response(200, content=text.encode())]))

    found = client.rows_of(Process(1, "X", "completed", "https://storage.example/x.csv"))

    assert found == [{"EMAIL": "a@x.example", "NAME": "Müller; A, B"}]
    client.close()


def test_no_key_is_sent_to_the_storage_of_files_and_its_link_is_in_no_error() -> None:
    server = Server([httpx.Response(403, content=b"<Error/>")])
    client = client_of(server)

    with pytest.raises(OperatorNeeded) as failed:
        client.rows_of(Process(1, "X", "completed", "https://storage.example/secret-token.csv"))

    assert "api-key" not in server.requests[0].headers
    assert "secret-token" not in str(failed.value)
    client.close()


def test_the_key_is_sent_with_every_call_and_bodies_are_json() -> None:
    server = Server([account()])
    client = client_of(server)

    client.run([UpdateProfile(1, "r", {"VORNAME": "E"})])

    assert all(request.headers["api-key"] == KEY for request in server.requests)
    assert server.requests[-1].headers["content-type"] == "application/json"
    assert str(server.requests[0].url) == "https://api.brevo.com/v3/contacts/attributes"
    client.close()


def test_a_list_of_nothing_may_be_missing_in_an_answer() -> None:
    client = client_of(Server([told({"count": 0})]))

    assert client.lists() == ()
    client.close()


def test_fewer_lists_than_announced_are_not_all_lists() -> None:
    client = client_of(Server([told({"count": 3, "lists": []})]))

    with pytest.raises(Retryable, match="announced"):
        client.lists()
    client.close()


def test_an_update_whose_answer_is_lost_is_sent_again() -> None:
    server = Server([account(), httpx.ReadTimeout("lost"), httpx.Response(204)])
    client = client_of(server)
    client.attributes()

    [outcome] = client.run([UpdateProfile(1, "r", {"VORNAME": "E"})])

    assert outcome.error is None
    client.close()


def test_a_question_for_confirmation_that_fails_at_the_server_is_not_sent_again() -> None:
    server = Server([HTML])
    client = client_of(server)

    [outcome] = client.run([AskToConfirm("r", CANARY, LIST, 1, "https://x.example")])

    assert isinstance(outcome.error, OutcomeUnknown)
    assert len(server.requests) == 1
    client.close()
