"""Shapes of LinkedIn's answers, hand-made: queries, leads and forms, refusals, notices."""

from __future__ import annotations

import json
import traceback
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nl_pipeline.clients.errors import ApiError, OperatorNeeded, Permanent, Retryable, SkipRecord
from nl_pipeline.clients.linkedin import (
    DailyQuotaReached,
    LeadAction,
    LeadNotice,
    PageRole,
    UnreadableNotice,
    VersionSunset,
    may_read_leads,
    notices_in,
)
from nl_pipeline.clients.linkedin.problems import next_midnight
from nl_pipeline.clients.linkedin.query import Literal, Value, encoded, query
from nl_pipeline.clients.linkedin.urns import form_and_version, number_of, versioned_form
from nl_pipeline.domain.leads import (
    Answer,
    ConsentAnswer,
    LeadType,
    Owner,
    OwnerKind,
    QuestionKind,
)
from nl_pipeline_tests.clients.answering import Naps, Server
from nl_pipeline_tests.clients.linkedin_answers import (
    ACCOUNT,
    CANARY,
    FORM,
    NOON,
    SECRET,
    client_of,
    lead_row,
    page,
    refused,
    told,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (
            {"sponsoredAccount": "urn:li:sponsoredAccount:123"},
            "(sponsoredAccount:urn%3Ali%3AsponsoredAccount%3A123)",
        ),
        (
            versioned_form(7234246, 1),
            "urn%3Ali%3AversionedLeadGenForm%3A%28urn%3Ali%3AleadGenForm%3A7234246%2C1%29",
        ),
        (
            {"status": {"values": ["ACTIVE"]}, "test": False},
            "(status:(values:List(ACTIVE)),test:false)",
        ),
        (["a", "b c"], "List(a,b%20c)"),
        (Literal("id,form:(name,id)"), "id,form:(name,id)"),
        (1785600123456, "1785600123456"),
        ("a/b~c(d)", "a%2Fb~c%28d%29"),
    ],
    ids=["owner", "URN with parentheses", "search", "list", "projection", "number", "text"],
)
def test_structure_stays_literal_and_values_are_encoded(value: Value, text: str) -> None:
    assert encoded(value) == text


def test_the_query_reaches_linkedin_byte_for_byte() -> None:
    server = Server([page([])])
    pages = client_of(server).leads(ACCOUNT, start=NOON, end=NOON, form=(8120345, 2))

    list(pages)

    assert server.requests[0].url.raw_path.decode().split("&fields=")[0] == (
        "/rest/leadFormResponses?q=owner"
        "&owner=(sponsoredAccount:urn%3Ali%3AsponsoredAccount%3A507000111)"
        "&leadType=(leadType:SPONSORED)"
        "&submittedAtTimeRange=(start:1785585599999,end:1785585600001)"
    )
    assert b"form:(hiddenFields,creationLocale,name,id,content)" in server.requests[0].url.raw_path
    assert (
        b"&versionedLeadGenFormUrn=urn%3Ali%3AversionedLeadGenForm%3A%28urn%3Ali%3AleadGenForm"
        b"%3A8120345%2C2%29&" in server.requests[0].url.raw_path
    )


@given(st.text())
def test_no_value_can_add_to_the_structure(text: str) -> None:
    written = query({"owner": {"name": text.encode(errors="ignore").decode()}})

    assert written.startswith("owner=(name:")
    assert not set(written[len("owner=(name:") : -1]) & set("(),:&=? #")


def test_every_call_carries_token_version_and_protocol() -> None:
    server = Server([page([])])

    client_of(server).forms(ACCOUNT)

    headers = server.requests[0].headers
    assert headers["authorization"] == "Bearer old"
    assert headers["linkedin-version"] == "202607"
    assert headers["x-restli-protocol-version"] == "2.0.0"
    assert "content-type" not in headers


@pytest.mark.parametrize(
    ("urn", "version"),
    [
        ("urn:li:versionedLeadGenForm:(urn:li:leadGenForm:8120345,2)", (8120345, 2)),
        ("urn:li:versionedLeadGenForm:(urn:li:leadGenForm:818, 1)", (818, 1)),
        (
            "urn:li:versionedLeadGenForm:(urn:li:leadGenForm:6851219773716516864,1)",
            (6851219773716516864, 1),
        ),
        ("urn:li:leadGenForm:818", None),
        ("", None),
    ],
)
def test_a_versioned_form_is_told_with_and_without_a_blank(
    urn: str, version: tuple[int, int] | None
) -> None:
    assert form_and_version(urn) == version


@pytest.mark.parametrize(
    ("value", "number"),
    [(7, 7), ("7", 7), ("urn:li:sponsoredAccount:7", 7), ("urn:li:person:aB7", None), (None, None)],
)
def test_an_id_may_be_a_number_or_a_urn(value: object, number: int | None) -> None:
    assert number_of(value) == number


def test_a_lead_is_read_with_everything_that_came_with_it() -> None:
    lead = client_of(Server([told(lead_row())])).lead("0d9f4c1e-6")

    assert lead is not None
    assert (lead.response_id, lead.form_id, lead.form_version) == ("0d9f4c1e-6", 8120345, 2)
    assert lead.submitted_at == NOON + timedelta(milliseconds=456)
    assert (lead.owner, lead.owner_name) == (ACCOUNT, "Acme Italia Ads")
    assert (lead.campaign_id, lead.campaign_name, lead.creative_id) == ("198", "Q4 demo", "241")
    assert lead.answers == (Answer(208120345, CANARY), Answer(308120345, options=(1,)))
    assert lead.consents == (ConsentAnswer(0, True),)
    assert not lead.is_test


def test_the_form_that_comes_with_a_lead_is_the_version_the_lead_names() -> None:
    client = client_of(Server([told(lead_row())]))
    lead = client.lead("0d9f4c1e-6")

    assert lead is not None
    form = client.form_of(lead)
    assert form is not None
    assert (form.id, form.version, form.locale) == (8120345, 2, "it_IT")
    assert [(q.id, q.kind, q.predefined) for q in form.questions] == [
        (208120345, QuestionKind.TEXT, "EMAIL"),
        (308120345, QuestionKind.CHOICE, ""),
    ]
    assert form.questions[1].options[1].text("it_IT") == "Più di una"
    assert form.consents[0].text.text("it_IT") == "Accetto"
    assert form.hidden_fields == {"utm_source": "linkedin"}


@pytest.mark.parametrize(
    "changes",
    [
        {"form": None, "form!": {"status": 500, "serviceErrorCode": 0, "message": "Internal"}},
        {"form": {"id": 8120345, "content": "not as documented"}},
        {"form": {**FORM, "id": 1}},
        {"form": {**FORM, "versionId": 9}},
    ],
    ids=["not decorated", "another shape", "another form", "another version"],
)
def test_a_lead_is_read_without_a_form_that_did_not_come_right(changes: dict[str, Any]) -> None:
    lead = client_of(Server([told(lead_row(**changes))])).lead("0d9f4c1e-6")

    assert lead is not None
    assert lead.form is None
    assert lead.form_version == 2


@pytest.mark.parametrize(("latest", "is_used"), [(2, True), (3, False)])
def test_a_missing_form_is_looked_up_once_and_used_if_it_is_the_very_version(
    latest: int, is_used: bool
) -> None:
    server = Server([told(lead_row(form=None)), told({**FORM, "versionId": latest})])
    client = client_of(server)
    lead = client.lead("0d9f4c1e-6")
    assert lead is not None

    form = client.form_of(lead)

    assert (form is not None) == is_used
    assert server.requests[1].url.path == "/rest/leadForms/8120345"


@pytest.mark.parametrize(
    ("entity", "creative", "event"),
    [
        ({"associatedCreative": "urn:li:sponsoredCreative:241"}, "241", ""),
        ({"sponsoredCreative": "urn:li:sponsoredCreative:241"}, "241", ""),
        ({"event": "urn:li:event:77"}, "", "77"),
        (None, "", ""),
    ],
)
def test_creative_and_event_are_told_whatever_their_key(
    entity: dict[str, str] | None, creative: str, event: str
) -> None:
    lead = client_of(Server([told(lead_row(associatedEntity=entity))])).lead("x")

    assert lead is not None
    assert (lead.creative_id, lead.event_id) == (creative, event)


def test_a_lead_without_campaign_owner_or_consents_is_read() -> None:
    bare = lead_row(
        owner=None, ownerInfo=None, leadMetadata=None, leadMetadataInfo=None, formResponse=None
    )
    lead = client_of(Server([told(bare)])).lead("x")

    assert lead is not None
    assert (lead.owner, lead.campaign_id, lead.answers, lead.consents) == (None, "", (), ())


def test_the_campaign_is_told_without_its_name_where_that_did_not_come() -> None:
    lead = client_of(Server([told(lead_row(leadMetadataInfo=None))])).lead("x")

    assert lead is not None
    assert (lead.campaign_id, lead.campaign_name) == ("198", "")


def test_a_lead_linkedin_does_not_have_is_none() -> None:
    assert client_of(Server([refused(404)])).lead("x") is None


def test_a_lead_of_an_unknown_shape_is_one_records_error() -> None:
    row = {**lead_row(), "submittedAt": CANARY}

    with pytest.raises(SkipRecord) as caught:
        client_of(Server([told(row)])).lead("0d9f4c1e-6")

    shown = "".join(traceback.format_exception(caught.value))
    assert "0d9f4c1e-6" in shown
    assert CANARY not in shown


def test_several_leads_are_read_in_one_call_and_absent_ones_left_out() -> None:
    server = Server([told({"results": {"a-6": lead_row("a-6")}, "errors": {"b-6": {}}})])

    found = client_of(server).leads_by_id(["a-6", "b-6", "a-6"])

    assert list(found) == ["a-6"]
    assert b"ids=List(a-6,b-6)&" in server.requests[0].url.raw_path


def test_many_leads_are_read_in_calls_short_enough_for_a_query() -> None:
    server = Server([told({"results": {}})])

    client_of(server).leads_by_id([f"249592fc-7a52-4e0b-8c2b-3f1f6f0a9d11-{n}" for n in range(120)])

    assert len(server.requests) == 3
    assert all(len(request.url.raw_path) < 4000 for request in server.requests)


def failure(answer: httpx.Response, *, naps: Naps | None = None) -> ApiError:
    client = client_of(Server([answer]), naps=naps)
    with pytest.raises(ApiError) as caught:
        client.forms(ACCOUNT)
    return caught.value


@pytest.mark.parametrize(
    ("call", "names"),
    [
        (lambda c: c.lead("x"), ["r_marketing_leadgen_automation", "LEAD_GEN_FORMS_MANAGER"]),
        (
            lambda c: c.notifications(ACCOUNT, lead_type=LeadType.SPONSORED),
            ["r_marketing_leadgen_automation"],
        ),
        (lambda c: c.forms(ACCOUNT), ["r_ads", "VIEWER"]),
        (lambda c: c.ad_accounts(), ["r_ads"]),
        (lambda c: c.page_roles(), ["r_organization_admin"]),
    ],
    ids=["leads", "notifications", "forms", "ad accounts", "roles"],
)
def test_a_403_names_the_role_and_scope_that_may_be_missing(call: Any, names: list[str]) -> None:
    answer = refused(403, "Not enough permissions to access: x.GET.202607", code="ACCESS_DENIED")

    with pytest.raises(OperatorNeeded) as caught:
        call(client_of(Server([answer])))

    assert caught.value.status == 403
    for name in names:
        assert name in caught.value.what_next


def test_a_sunset_version_names_the_setting() -> None:
    error = failure(refused(426, "gone", code="NONEXISTENT_VERSION"))

    assert isinstance(error, VersionSunset)
    assert "202607" in str(error)
    assert "leads.linkedin.version" in error.what_next


@pytest.mark.parametrize("scope", ["APPLICATION", "APPLICATION_AND_MEMBER"])
def test_the_quota_of_the_day_stops_until_midnight_utc_and_is_not_waited_for(scope: str) -> None:
    naps = Naps()
    message = f"Resource level throttle {scope} DAY limit for calls to this resource is reached."

    error = failure(refused(429, message, code="TOO_MANY_REQUESTS", service_code=101), naps=naps)

    assert isinstance(error, DailyQuotaReached)
    assert error.until == datetime(2026, 8, 2, tzinfo=UTC)
    assert error.retry_after == 12 * 3600
    assert "2026-08-02 00:00 UTC" in str(error)
    assert naps.seconds == []


def test_another_429_is_tried_again_after_a_while() -> None:
    naps = Naps()

    error = failure(refused(429, "Too many requests", service_code=101), naps=naps)

    assert isinstance(error, Retryable)
    assert not isinstance(error, DailyQuotaReached)
    assert len(naps.seconds) == 2


@pytest.mark.parametrize("hour", [0, 12, 23])
def test_the_next_midnight_is_later_and_utc(hour: int) -> None:
    east = datetime(2026, 8, 1, hour, tzinfo=UTC).astimezone()

    assert next_midnight(east) == datetime(2026, 8, 2, tzinfo=UTC)


@pytest.mark.parametrize("status", [500, 503, 504])
def test_a_passing_failure_is_tried_again(status: int) -> None:
    server = Server([refused(status), httpx.Response(status, html="<h1>Oops</h1>"), page([])])

    assert client_of(server).forms(ACCOUNT).forms == ()


@pytest.mark.parametrize(
    ("status", "kind"),
    [(200, Retryable), (403, OperatorNeeded), (404, OperatorNeeded), (502, Retryable)],
)
def test_html_instead_of_json_is_a_failure_of_the_way(status: int, kind: type[ApiError]) -> None:
    error = failure(httpx.Response(status, html=f"<html>{CANARY}</html>"))

    assert isinstance(error, kind)
    assert CANARY not in str(error)


def test_html_instead_of_a_lead_does_not_say_that_it_is_gone() -> None:
    with pytest.raises(OperatorNeeded):
        client_of(Server([httpx.Response(404, html="<html></html>")])).lead("x")


def test_a_refused_call_keeps_the_code_and_the_reference_for_support() -> None:
    error = failure(refused(400, f"bad {CANARY}", code="ILLEGAL_ARGUMENT"))

    assert isinstance(error, Permanent)
    assert error.code == "ILLEGAL_ARGUMENT"
    assert "x-li-uuid AAY+x/1=" in str(error)


def test_an_error_of_the_older_shape_is_told_by_its_number() -> None:
    assert failure(refused(400, "bad", service_code=100)).code == "100"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 426, 429, 500])
def test_no_failure_shows_what_linkedin_wrote_or_a_secret(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    answer = told(
        {"status": status, "message": CANARY, "code": CANARY, "serviceErrorCode": 1},
        status=status,
        **{"x-li-uuid": CANARY},
    )

    error = failure(answer)

    shown = "".join(traceback.format_exception(error)) + caplog.text
    for hidden in (CANARY, SECRET, "Bearer", "refresh_token="):
        assert hidden not in shown


def test_ad_accounts_are_read_over_all_pages_without_search_and_token_together() -> None:
    named = {"organization": {"id": 77, "localizedName": "Acme", "vanityName": "acme"}}
    active = {"name": "A", "test": False, "status": "ACTIVE", "referenceInfo": named}
    urn = "urn:li:sponsoredAccount:2"
    first = {"elements": [{**active, "id": 1}], "metadata": {"nextPageToken": "t/2"}}
    second = {
        "elements": [
            {**active, "id": urn, "test": True, "referenceInfo": {}},
            {**active, "id": 3, "status": "CANCELED"},
        ],
        "metadata": {},
    }
    server = Server([told(first), told(second)])

    accounts = client_of(server).ad_accounts()

    assert [(a.id, a.is_test, a.organization_id) for a in accounts] == [
        (1, False, 77),
        (2, True, None),
    ]
    queries = [request.url.query.decode() for request in server.requests]
    assert "search=(status:(values:List(ACTIVE)))" in queries[0]
    assert "search=(" not in queries[1]
    assert "pageToken=t%2F2" in queries[1]


def test_only_approved_roles_are_asked_for() -> None:
    acl = {"role": "ANALYST", "state": "APPROVED", "organization": "urn:li:organization:77"}
    server = Server([page([{**acl, "roleAssignee": "urn:li:person:x"}], total=1)])

    roles = client_of(server).page_roles()

    assert roles == [PageRole(77, "ANALYST", "APPROVED")]
    assert "state=APPROVED" in server.requests[0].url.query.decode()


@pytest.mark.parametrize(
    ("role", "lead_type", "may"),
    [
        ("ANALYST", LeadType.SPONSORED, True),
        ("RECRUITING_POSTER", LeadType.SPONSORED, False),
        ("ANALYST", LeadType.EVENT, False),
        ("ADMINISTRATOR", LeadType.EVENT, True),
    ],
)
def test_which_role_lets_leads_be_read(role: str, lead_type: LeadType, may: bool) -> None:
    roles = [PageRole(77, role, "APPROVED")]

    assert may_read_leads(roles, organization_id=77, lead_type=lead_type) == may
    assert not may_read_leads(roles, organization_id=78, lead_type=lead_type)


def test_a_form_that_can_not_be_understood_does_not_hide_the_others() -> None:
    server = Server([page([{**FORM, "versionId": 2}, {"id": 9, "content": 1}], total=2)])

    forms = client_of(server).forms(ACCOUNT)

    assert [(form.id, form.version) for form in forms.forms] == [(8120345, 2)]
    assert [row.id for row in forms.unreadable] == ["9"]


@pytest.mark.parametrize("status", [200, 201])
def test_the_id_of_a_new_subscription_is_taken_from_the_header(status: int) -> None:
    server = Server([httpx.Response(status, headers={"x-restli-id": "7012"})])

    made = client_of(server).create_notification(
        ACCOUNT, lead_type=LeadType.SPONSORED, webhook="https://x.example/hooks/geheim"
    )

    assert made == "7012"
    assert json.loads(server.requests[0].content) == {
        "webhook": "https://x.example/hooks/geheim",
        "owner": {"sponsoredAccount": "urn:li:sponsoredAccount:507000111"},
        "leadType": "SPONSORED",
    }


SUBSCRIBED = {
    "id": 7012,
    "owner": {"sponsoredAccount": "urn:li:sponsoredAccount:507000111"},
    "leadType": "SPONSORED",
    "webhook": "https://x.example/hooks/geheim",
}


@pytest.mark.parametrize("lost", [told({}), httpx.ReadTimeout("lost")], ids=["no id", "no answer"])
def test_a_subscription_without_an_id_is_found_in_the_list_and_not_made_twice(
    lost: httpx.Response | Exception,
) -> None:
    narrowed = {**SUBSCRIBED, "id": 1, "versionedForm": "urn:li:versionedLeadGenForm:(x,1)"}
    server = Server([lost, page([narrowed, SUBSCRIBED], total=2)])

    made = client_of(server).create_notification(
        ACCOUNT, lead_type=LeadType.SPONSORED, webhook=SUBSCRIBED["webhook"]
    )

    assert made == "7012"
    assert [request.method for request in server.requests] == ["POST", "GET"]
    assert (
        "owner=(value:(sponsoredAccount:urn%3Ali%3AsponsoredAccount%3A507000111))"
        "&leadType=(leadType:SPONSORED)" in server.requests[1].url.query.decode()
    )


def test_a_subscription_of_which_nothing_came_may_be_made_again() -> None:
    server = Server([httpx.ReadTimeout("lost"), page([], total=0)])

    with pytest.raises(Retryable) as caught:
        client_of(server).create_notification(ACCOUNT, lead_type=LeadType.SPONSORED, webhook="w")

    assert not caught.value.may_be_applied


def test_a_webhook_that_fails_the_challenge_needs_an_operator() -> None:
    server = Server([refused(400, "This URL did not pass the security challenge check")])

    with pytest.raises(OperatorNeeded) as caught:
        client_of(server).create_notification(ACCOUNT, lead_type=LeadType.SPONSORED, webhook="w")

    assert caught.value.code == "webhook_not_reached"


def test_a_subscription_shows_no_url() -> None:
    [shown] = client_of(Server([page([SUBSCRIBED], total=1)])).notifications(
        ACCOUNT, lead_type=LeadType.SPONSORED
    )

    assert (shown.id, shown.owner, shown.is_narrowed) == ("7012", ACCOUNT, False)
    assert "geheim" not in repr(shown)


def test_a_subscription_that_is_gone_is_deleted() -> None:
    client_of(Server([refused(404)])).delete_notification("7012")


NOTICE = {
    "type": "LEAD_ACTION",
    "leadAction": "CREATED",
    "leadType": "SPONSORED",
    "occurredAt": 1785585600999,
    "leadGenFormResponse": "urn:li:leadGenFormResponse:0d9f4c1e-7a52-4e0b-8c2b-3f1f6f0a9d11-6",
    "leadGenForm": "urn:li:versionedLeadGenForm:(urn:li:leadGenForm:8120345,2)",
    "owner": {"sponsoredAccount": "urn:li:sponsoredAccount:507000111"},
    "associatedEntity": {"associatedCreative": "urn:li:sponsoredCreative:241000333"},
}


def test_a_notice_names_the_lead_what_happened_and_when() -> None:
    assert notices_in(json.dumps(NOTICE).encode()) == (
        LeadNotice(
            response_id="0d9f4c1e-7a52-4e0b-8c2b-3f1f6f0a9d11-6",
            action=LeadAction.CREATED,
            occurred_at=NOON + timedelta(milliseconds=999),
            lead_type="SPONSORED",
            form=(8120345, 2),
            owner=ACCOUNT,
        ),
    )


def test_several_notices_in_one_body_are_told_apart() -> None:
    deleted = {**NOTICE, "leadAction": "DELETED"}

    notices = notices_in(json.dumps([NOTICE, deleted, NOTICE]).encode())

    assert [notice.action for notice in notices] == ["CREATED", "DELETED", "CREATED"]
    assert len({notice.key for notice in notices}) == 2


def test_a_page_owns_the_leads_of_its_events() -> None:
    body = {**NOTICE, "leadType": "EVENT", "owner": {"organization": "urn:li:organization:77"}}

    [notice] = notices_in(json.dumps(body).encode())

    assert notice.owner == Owner(OwnerKind.ORGANIZATION, 77)


def test_an_event_that_is_not_about_a_lead_is_left_out() -> None:
    assert notices_in(json.dumps([{**NOTICE, "type": "OTHER"}]).encode()) == ()


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"{}", json.dumps({**NOTICE, "leadAction": CANARY}).encode()]
)
def test_a_body_that_is_no_notice_is_refused_without_showing_it(body: bytes) -> None:
    with pytest.raises(UnreadableNotice) as caught:
        notices_in(body)

    assert CANARY not in "".join(traceback.format_exception(caught.value))
