"""Queries to LinkedIn, and the shapes of leads, forms, accounts and roles, hand-made."""

from __future__ import annotations

import traceback
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nl_pipeline.clients.errors import SkipRecord
from nl_pipeline.clients.linkedin import (
    PageRole,
    may_read_leads,
)
from nl_pipeline.clients.linkedin.query import Literal, Value, encoded, query
from nl_pipeline.clients.linkedin.urns import form_and_version, number_of, versioned_form
from nl_pipeline.domain.leads import (
    Answer,
    ConsentAnswer,
    LeadType,
    QuestionKind,
)
from nl_pipeline_tests.clients.answering import Server
from nl_pipeline_tests.clients.linkedin_answers import (
    ACCOUNT,
    CANARY,
    FORM,
    NOON,
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
