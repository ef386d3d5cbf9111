"""Shapes of Mailchimp's answers, hand-made: refusals, throttling, archives, broken bodies."""

from __future__ import annotations

import io
import json
import tarfile
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import httpx
import pytest

from nl_pipeline.clients.errors import (
    ApiError,
    OperatorNeeded,
    OutcomeUnknown,
    Retryable,
)
from nl_pipeline.clients.mailchimp import (
    AudienceDetails,
    MailchimpClient,
    MemberAbsent,
    MemberRefused,
    NewMember,
    Operation,
    RefusalCause,
    StateForbids,
    patch_member,
)
from nl_pipeline.clients.mailchimp.times import query_time
from nl_pipeline_tests.clients.answering import Answer, Naps, Server, problem

KEY = "sekret0123456789-us7"
CANARY = "canary.person@kunde-77.example"
LIST = "a6b5da1054"


def client_of(server: Server, **options: Any) -> MailchimpClient:
    settings: dict[str, Any] = {"base_url": None, "batch_threshold": 3, **options}
    return MailchimpClient(api_key=KEY, http=server.client(), sleep=Naps(), **settings)


def writes(count: int) -> list[Operation]:
    return [patch_member(f"m{n}", reference=f"r{n}", status="unsubscribed") for n in range(count)]


def refusal(answer: Answer) -> ApiError:
    client = client_of(Server([answer]))
    error = client.run(LIST, writes(1))[0].error
    client.close()
    assert error is not None
    return error


def members_page(ids: Sequence[str], *, total: int) -> httpx.Response:
    members = [{"id": i, "email_address": f"{i}@x.example", "status": "subscribed"} for i in ids]
    return httpx.Response(200, json={"members": members, "total_items": total})


def archive(*files: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as packed:
        folder = tarfile.TarInfo("./")
        folder.type = tarfile.DIRTYPE
        packed.addfile(folder)
        for number, content in enumerate(files):
            entry = tarfile.TarInfo(f"./{number:x}.json")
            entry.size = len(content)
            packed.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def row(operation_id: str, *, status: int = 200, response: Any = None) -> dict[str, Any]:
    text = "" if response is None else json.dumps(response)
    return {"status_code": status, "operation_id": operation_id, "response": text}


def batch(status: str, *, url: str = "", finished: int = 0) -> httpx.Response:
    body = {"id": "b1", "status": status, "finished_operations": finished, "response_body_url": url}
    return httpx.Response(200, json=body)


def test_the_data_centre_is_read_off_the_key() -> None:
    server = Server([httpx.Response(200, json={"account_id": "1", "role": "owner"})])

    client_of(server).account()

    assert str(server.requests[0].url) == "https://us7.api.mailchimp.com/3.0/"


def test_a_key_without_a_data_centre_needs_the_operator() -> None:
    with pytest.raises(OperatorNeeded, match="data centre"):
        MailchimpClient(base_url=None, api_key="nodatacentre")


@pytest.mark.parametrize(
    ("title", "detail", "cause"),
    [
        (
            "Member In Compliance State",
            f"{CANARY} is in a compliance state due to unsubscribe, bounce, or compliance review",
            RefusalCause.COMPLIANCE,
        ),
        ("Member In Compliance State", "", RefusalCause.COMPLIANCE),
        (
            "Forgotten Email Not Subscribed",
            f"{CANARY} was permanently deleted and cannot be re-imported.",
            RefusalCause.FORGOTTEN,
        ),
        (
            "Bad Request",
            f"{CANARY} was previously removed from this audience. To rejoin, sign up",
            RefusalCause.FORGOTTEN,
        ),
        (
            "Bad Request",
            f"{CANARY} has previously unsubscribed from this list and must opt in again.",
            RefusalCause.UNSUBSCRIBED,
        ),
        ("Bad Request", 'This member\'s status is "unsubscribed."', RefusalCause.UNSUBSCRIBED),
        ("Bad Request", 'This member\'s status is "cleaned."', RefusalCause.CLEANED),
        (
            "Bad Request",
            'is already in this list with a status of "Cleaned".',
            RefusalCause.CLEANED,
        ),
        ("Bad Request", 'This member\'s status is "archived."', RefusalCause.ARCHIVED),
        (
            "Bad Request",
            'is already in this list with a status of "Unsubscribed".',
            RefusalCause.UNSUBSCRIBED,
        ),
        (
            "Bad Request",
            'is already in this list with a status of "Deleted".',
            RefusalCause.FORGOTTEN,
        ),
        ("Bad Request", f"{CANARY}: invalid interest id", RefusalCause.OTHER),
        (
            "Bad Request",
            'is already in this list with a status of "Subscribed".',
            RefusalCause.EXISTS,
        ),
        ("Member Exists", f"{CANARY} is already a list member. Use PUT", RefusalCause.EXISTS),
        (
            "Invalid Resource",
            f"{CANARY} looks fake or invalid, please enter a real email address.",
            RefusalCause.FAKE_OR_INVALID,
        ),
        (
            "Invalid Resource",
            "Please provide a valid email address.",
            RefusalCause.INVALID_EMAIL,
        ),
        ("Invalid Resource", "Your merge fields were invalid.", RefusalCause.MERGE_FIELDS),
        (
            "Bad Request",
            f"{CANARY} has signed up to a lot of lists very recently;",
            RefusalCause.TOO_MANY_SIGNUPS,
        ),
        ("Bad Request", "something new", RefusalCause.OTHER),
    ],
)
def test_a_refusal_is_known_by_its_cause(title: str, detail: str, cause: RefusalCause) -> None:
    error = refusal(problem(400, title, detail=detail))

    assert isinstance(error, MemberRefused)
    assert (error.cause, error.code) == (cause, cause.value)
    assert CANARY not in "".join(traceback.format_exception(error))


def test_a_refused_merge_field_is_named_by_its_tag() -> None:
    error = refusal(
        problem(
            400,
            "Invalid Resource",
            detail="Your merge fields were invalid.",
            errors=[{"field": "ONOID", "message": f"not a number: {CANARY}"}, {"field": CANARY}],
        )
    )

    assert isinstance(error, MemberRefused)
    assert error.fields == ("ONOID",)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.Response(403), Retryable),
        (httpx.Response(403, text="<html>busy</html>"), Retryable),
        (httpx.Response(429), Retryable),
        (problem(429, "TooManyRequests"), Retryable),
        (httpx.Response(502, text="<html>cdn</html>"), Retryable),
        (problem(500, "InternalServerError"), Retryable),
        (httpx.Response(401), OperatorNeeded),
        (problem(401, "API Key Invalid"), OperatorNeeded),
        (problem(403, "User Disabled"), OperatorNeeded),
        (problem(404, "Resource Not Found"), MemberAbsent),
        (httpx.Response(404, text="<html>proxy</html>"), OperatorNeeded),
        (problem(405, "Method Not Allowed"), StateForbids),
    ],
    ids=[
        "403-empty",
        "403-html",
        "429-empty",
        "429",
        "502-html",
        "500",
        "401-empty",
        "401",
        "403-problem",
        "404",
        "404-html",
        "405",
    ],
)
def test_a_failed_write_says_what_to_do_next(answer: Answer, kind: type[ApiError]) -> None:
    assert type(refusal(answer)) is kind


def test_a_missing_audience_needs_the_operator() -> None:
    client = client_of(Server([problem(404, "Resource Not Found")]))

    with pytest.raises(OperatorNeeded, match="gone"):
        list(client.members(LIST))


def test_after_a_refused_key_no_further_operation_is_sent() -> None:
    server = Server([problem(401, "API Key Invalid")])
    client = client_of(server, max_connections=1, batch_threshold=100)

    outcomes = client.run(LIST, writes(5))

    assert len(server.requests) == 1
    assert all(isinstance(outcome.error, OperatorNeeded) for outcome in outcomes)


def test_a_lost_answer_to_an_address_change_is_not_repeated() -> None:
    server = Server([httpx.ReadTimeout(CANARY)])
    move = patch_member("m", reference="r", email_address=CANARY)

    outcome = client_of(server).run(LIST, [move])[0]

    assert isinstance(outcome.error, OutcomeUnknown)
    assert len(server.requests) == 1


def test_a_page_that_breaks_off_is_read_again() -> None:
    server = Server([httpx.Response(200, text='{"members":[{"id"'), members_page(["a"], total=1)])
    pages = client_of(server).members(LIST)

    list(pages)

    assert pages.complete


def test_merge_values_of_every_type_are_read() -> None:
    values = {"FNAME": "É", "ONOID": 4711, "SCORE": 1.5, "ADDRESS": {"addr1": "x"}, "PHONE": ""}
    member = {"id": "a", "email_address": "a@x.example", "status": "subscribed"}
    answer = httpx.Response(
        200, json={"members": [{**member, "merge_fields": values}], "total_items": 1}
    )

    page = next(iter(client_of(Server([answer])).members(LIST)))

    assert page.members[0].merge_fields == values


def test_paging_never_goes_on_for_ever() -> None:
    growing = iter(range(10_000))
    server = Server(
        [
            members_page(["first"], total=3),
            lambda _: members_page([f"m{next(growing)}"], total=1_000_000),
        ]
    )
    pages = client_of(server, page_size=1, max_connections=1).members(LIST)

    assert len(list(pages)) == 5  # three for the total of the first page, two of grace


def test_a_short_page_shows_in_the_counters() -> None:
    def answered(request: httpx.Request) -> httpx.Response:
        offset = int(request.url.params["offset"])
        ids = [f"m{n}" for n in range(offset, min(offset + 3, 7))]
        return members_page(ids[:1] if offset == 4 else ids, total=7)

    pages = client_of(Server([answered]), page_size=3).members(LIST)
    list(pages)

    assert (pages.announced_first, pages.announced_last, pages.rows) == (7, 7, 5)


def test_pages_come_in_the_order_of_their_offsets() -> None:
    def answered(request: httpx.Request) -> httpx.Response:
        offset = int(request.url.params["offset"])
        return members_page([f"m{offset}"], total=40)

    pages = client_of(Server([answered]), page_size=1).members(LIST)

    assert [page.offset for page in pages] == list(range(40))


def test_no_more_pages_are_asked_for_than_the_reader_takes() -> None:
    def answered(request: httpx.Request) -> httpx.Response:
        return members_page([request.url.params["offset"]], total=1000)

    server = Server([answered])
    client = client_of(server, page_size=1, max_connections=4)
    pages = iter(client.members(LIST))
    next(pages)
    next(pages)
    client.close()

    assert len(server.requests) <= 1 + 2 * 4


def test_a_time_filter_has_whole_seconds_in_utc() -> None:
    berlin = timezone(timedelta(hours=2))

    assert query_time(datetime(2026, 3, 1, 2, 0, 0, 999_999, berlin)) == "2026-03-01T00:00:00+00:00"


def test_the_plus_of_a_time_filter_is_encoded() -> None:
    server = Server([members_page([], total=0)])

    list(client_of(server).members(LIST, since_last_changed=datetime(2026, 3, 1, tzinfo=UTC)))

    query = server.requests[0].url.query.decode()
    assert "since_last_changed=2026-03-01T00%3A00%3A00%2B00%3A00" in query


def test_a_naive_time_filter_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        query_time(datetime(2026, 3, 1))


def test_every_address_added_has_exactly_one_outcome() -> None:
    names = ["new", "dead", "old", "field", "odd", "lost"]
    answer = {
        "new_members": [{"id": "1", "email_address": "NEW@x.example", "status": "subscribed"}],
        "updated_members": [],
        "errors": [
            {"email_address": "dead@x.example", "error": "is in a compliance state due to x"},
            {"email_address": "old@x.example", "error": "", "error_code": "ERROR_CONTACT_EXISTS"},
            {"email_address": "field@x.example", "error": "Value must be", "field": "ONOID"},
            {"email_address": "odd@x.example", "error": "?", "error_code": "ERROR_GENERIC"},
        ],
    }
    client = client_of(Server([httpx.Response(200, json=answer)]))

    outcome = client.add_members(
        LIST, [NewMember(f"{name}@x.example", "subscribed") for name in names]
    )

    assert [member.id for member in outcome.created] == ["1"]
    assert [refused.cause for refused in outcome.refused] == [
        RefusalCause.COMPLIANCE,
        RefusalCause.EXISTS,
        RefusalCause.MERGE_FIELDS,
        RefusalCause.OTHER,
    ]
    assert outcome.unknown == ("lost@x.example",)


def test_members_whose_addition_got_no_answer_are_unknown_and_sent_once() -> None:
    server = Server([httpx.ReadTimeout("late")])

    outcome = client_of(server).add_members(LIST, [NewMember(CANARY, "subscribed")])

    assert outcome.unknown == (CANARY,)
    assert len(server.requests) == 1
    assert CANARY not in repr(outcome)


def test_one_member_that_spoils_a_whole_call_does_not_keep_the_others_out() -> None:
    def answered(request: httpx.Request) -> httpx.Response:
        sent = [member["email_address"] for member in json.loads(request.content)["members"]]
        if "bad@x.example" in sent:
            return problem(400, "Invalid Resource", detail="Please provide a valid email address.")
        created = [{"id": a, "email_address": a, "status": "subscribed"} for a in sent]
        return httpx.Response(200, json={"new_members": created, "errors": []})

    names = ["a", "b", "bad", "c"]
    outcome = client_of(Server([answered])).add_members(
        LIST, [NewMember(f"{name}@x.example", "subscribed") for name in names]
    )

    assert len(outcome.created) == 3
    assert [refused.cause for refused in outcome.refused] == [RefusalCause.INVALID_EMAIL]


def test_members_after_a_refused_key_are_not_sent() -> None:
    server = Server([problem(401, "API Key Invalid")])
    members = [NewMember(f"m{n}@x.example", "subscribed") for n in range(1200)]

    outcome = client_of(server, max_connections=1).add_members(LIST, members)

    assert len(outcome.not_sent) == 1200
    assert isinstance(outcome.stopped_by, OperatorNeeded)
    assert len(server.requests) == 1


class BatchServer:
    """A server that takes one batch, finishes it and hands out an archive."""

    def __init__(self, content: bytes, *, archive_answers: Sequence[Answer] = ()) -> None:
        self.server = Server([self.answered])
        self.posted: list[dict[str, Any]] = []
        self.downloads: list[httpx.Request] = []
        self._content = content
        self._archive_answers = list(archive_answers)
        self._states = ["pending", "started"]

    def answered(self, request: httpx.Request) -> Answer:
        if request.method == "POST":
            self.posted = json.loads(request.content)["operations"]
            return batch("pending")
        if request.url.host == "storage.example":
            self.downloads.append(request)
            if self._archive_answers:
                return self._archive_answers.pop(0)
            return httpx.Response(200, content=self._content)
        if self._states:
            return batch(self._states.pop(0))
        return batch("finished", url="https://storage.example/result?signature=sekret")


def test_many_operations_travel_as_one_batch_and_come_back_one_by_one() -> None:
    refused = {"title": "Member In Compliance State", "status": 400, "detail": CANARY}
    content = archive(
        json.dumps([row("2", status=204)]).encode(),
        b"",
        json.dumps([row("1", status=400, response=refused)]).encode(),
        json.dumps([row("0", response={"id": "m0", "status": "unsubscribed"})]).encode(),
    )
    fake = BatchServer(content)

    outcomes = client_of(fake.server).run(LIST, writes(4))

    assert [(o.reference, o.status) for o in outcomes] == [
        ("r0", 200),
        ("r1", 400),
        ("r2", 204),
        ("r3", None),
    ]
    assert outcomes[0].body == {"id": "m0", "status": "unsubscribed"}
    assert outcomes[1].cause is RefusalCause.COMPLIANCE
    assert isinstance(outcomes[3].error, OutcomeUnknown)


def test_the_body_of_a_batched_operation_is_json_in_a_text() -> None:
    fake = BatchServer(archive())

    client_of(fake.server).run(LIST, writes(3))

    assert fake.posted[0]["path"] == f"/lists/{LIST}/members/m0"
    assert json.loads(fake.posted[0]["body"]) == {"status": "unsubscribed"}


def test_the_key_is_not_sent_to_the_host_of_the_archive() -> None:
    fake = BatchServer(archive())

    client_of(fake.server).run(LIST, writes(3))

    assert all("authorization" not in request.headers for request in fake.downloads)


@pytest.mark.parametrize(
    "first",
    [problem(404, "Resource Not Found"), httpx.Response(200, content=archive(b"[]" * 50)[:40])],
    ids=["expired", "cut"],
)
def test_an_archive_that_cannot_be_read_is_fetched_by_a_new_link(first: Answer) -> None:
    rows = json.dumps([row(str(n)) for n in range(3)]).encode()
    fake = BatchServer(archive(rows), archive_answers=[first])

    outcomes = client_of(fake.server).run(LIST, writes(3))

    assert [outcome.error for outcome in outcomes] == [None, None, None]


def test_operations_of_a_batch_whose_submission_got_no_answer_are_unknown() -> None:
    server = Server([httpx.ReadTimeout("late")])

    outcomes = client_of(server).run(LIST, writes(3))

    assert all(isinstance(outcome.error, OutcomeUnknown) for outcome in outcomes)
    assert len(server.requests) == 1


def test_operations_of_a_batch_that_stands_still_are_unknown() -> None:
    server = Server([batch("pending")])

    outcomes = client_of(server).run(LIST, writes(3))

    assert all(isinstance(outcome.error, OutcomeUnknown) for outcome in outcomes)


def test_progress_ends_with_all_operations_done() -> None:
    seen: list[tuple[int, int]] = []
    fake = BatchServer(archive())

    def noted(done: int, of: int) -> None:
        seen.append((done, of))

    client_of(fake.server).run(LIST, writes(3), on_progress=noted)

    assert seen[-1] == (3, 3)


def test_a_lost_creation_of_an_audience_is_looked_up_by_its_name() -> None:
    found = {"lists": [{"id": LIST, "name": "onoffice"}], "total_items": 1}
    server = Server([httpx.ReadTimeout("late"), httpx.Response(200, json=found)])
    details = AudienceDetails(
        company="Muster GmbH",
        address1="Hauptstr. 1",
        city="Aachen",
        country="DE",
        from_name="Muster",
        from_email="news@muster.example",
        permission_reminder="Anmeldung auf der Website",
    )

    assert client_of(server).create_audience(name="onoffice", details=details).id == LIST
    assert [request.method for request in server.requests] == ["POST", "GET"]


def test_a_feed_of_a_member_who_is_gone_is_left_out() -> None:
    entry = {"activity_type": "unsub", "created_at_timestamp": "2026-03-01T10:00:00+00:00"}

    def answered(request: httpx.Request) -> httpx.Response:
        if "/gone/" in request.url.path:
            return problem(404, "Resource Not Found")
        return httpx.Response(200, json={"activity": [{**entry, "is_admin_unsubscribed": False}]})

    feeds = client_of(Server([answered])).activity_feeds(LIST, ["here", "gone"], filters=["unsub"])

    assert list(feeds) == ["here"]
    assert feeds["here"][0].is_admin_unsubscribed is False


def test_a_feed_of_which_a_batch_tells_a_full_page_only_is_read_by_itself() -> None:
    entry = {"activity_type": "signup", "created_at_timestamp": "2026-03-01T10:00:00+00:00"}
    full = {"activity": [entry] * 1000}
    packed = archive(json.dumps([row("0", response=full)]).encode())

    def answered(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return batch("finished", url="https://results.example/b1")
        if request.url.host == "results.example":
            return httpx.Response(200, content=packed)
        rest = {"activity": [{**entry, "activity_type": "unsub"}]}
        return httpx.Response(200, json=full if "offset=0" in str(request.url) else rest)

    client = client_of(Server([answered]), feed_batch_threshold=1)
    feeds = client.activity_feeds(LIST, ["long"], filters=[])

    assert (len(feeds["long"]), feeds["long"][-1].activity_type) == (1001, "unsub")


def test_a_collection_that_comes_short_is_not_used() -> None:
    def answered(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"merge_fields": [], "total_items": 4})

    with pytest.raises(Retryable, match="4 were announced"):
        client_of(Server([answered])).merge_fields(LIST)
