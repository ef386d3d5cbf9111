"""Lead form responses of the LinkedIn twin: finding, paging, projections, retention."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from nl_pipeline.sandbox.app import World
from nl_pipeline.sandbox.linkedin.seeding import CONTACT_FORM_ID, EVENT_FORM_ID
from nl_pipeline_tests.sandbox.linkedin.caller import (
    ANNA,
    BERT,
    EVENT,
    OF_PAGE,
    SPONSORED,
    LinkedInCaller,
    answers_of,
    ids_of,
    within,
)

FULL = (
    "ownerInfo,associatedEntityInfo,leadMetadataInfo,owner,leadType,versionedLeadGenFormUrn,id,"
    "submittedAt,testLead,formResponse,form:(hiddenFields,creationLocale,name,id,content)"
)


def question_ids(linkedin: LinkedInCaller) -> dict[str, int]:
    """Predefined field, or text, -> id of the question of the contact form."""
    (form,) = [
        one for one in linkedin.sandbox.dump("linkedin")["forms"] if one["id"] == CONTACT_FORM_ID
    ]
    ids: dict[str, int] = form["versions"][-1]["questions"]
    return ids


def version_urn(version: int, *, blank: str = "") -> str:
    return f"urn:li:versionedLeadGenForm:(urn:li:leadGenForm:{CONTACT_FORM_ID},{blank}{version})"


def test_a_lead_has_what_was_filled_in_and_nothing_else(linkedin: LinkedInCaller) -> None:
    linkedin.submit(
        newsletter=True, answers={"INDUSTRY": "Immobilienwesen", "Wofür interessieren Sie sich?": 1}
    )
    (lead,) = linkedin.leads()
    ids = question_ids(linkedin)

    assert answers_of(lead) == {
        ids["FIRST_NAME"]: "Anna",
        ids["LAST_NAME"]: "Berg",
        ids["EMAIL"]: ANNA,
        ids["INDUSTRY"]: "Immobilienwesen",
        ids["Wofür interessieren Sie sich?"]: [1],
    }
    assert lead["formResponse"]["consentResponses"] == [{"consentId": 0, "accepted": True}]


def test_by_default_there_is_no_info_and_no_form(linkedin: LinkedInCaller) -> None:
    linkedin.submit(campaign="Herbst")
    (lead,) = linkedin.leads()

    assert set(lead) == {
        "id", "owner", "leadType", "submitter", "submittedAt", "testLead",
        "versionedLeadGenFormUrn", "leadMetadata", "associatedEntity", "formResponse",
    }  # fmt: skip
    campaign = lead["leadMetadata"]["sponsoredLeadMetadata"]["campaign"]
    assert campaign.startswith("urn:li:sponsoredCampaign:")


def test_a_projection_brings_info_and_the_form_of_that_version(linkedin: LinkedInCaller) -> None:
    linkedin.submit(campaign="Herbst")
    linkedin.act("staff", "new_form_version", questions=[{"predefined": "EMAIL"}])
    (lead,) = linkedin.leads(fields=FULL)

    assert set(lead) == {
        "id", "owner", "ownerInfo", "leadType", "submittedAt", "testLead", "form",
        "versionedLeadGenFormUrn", "leadMetadataInfo", "associatedEntityInfo", "formResponse",
    }  # fmt: skip
    assert lead["ownerInfo"] == {"sponsoredAccountInfo": {"name": "Sandbox Immobilien Ads"}}
    assert lead["leadMetadataInfo"]["sponsoredLeadMetadataInfo"]["campaign"]["name"] == "Herbst"
    assert set(lead["form"]) == {"hiddenFields", "creationLocale", "name", "id", "content"}
    assert len(lead["form"]["content"]["questions"]) == 7


def test_a_form_may_fail_to_be_inlined(linkedin: LinkedInCaller) -> None:
    linkedin.submit()
    linkedin.switch("form_decoration_fails", True)
    (lead,) = linkedin.leads(fields="id,form:(id,content)")

    assert set(lead) == {"id", "form!"}
    assert set(lead["form!"]) == {"status", "serviceErrorCode", "message"}


def test_answers_come_in_no_fixed_order(linkedin: LinkedInCaller) -> None:
    for _ in range(8):
        linkedin.submit(phone="1", company="2")
    orders = {tuple(answers_of(lead)) for lead in linkedin.leads()}

    assert len(orders) > 1
    assert linkedin.leads() == linkedin.leads()


def test_versioned_urns_may_have_a_blank(linkedin: LinkedInCaller) -> None:
    linkedin.submit()
    linkedin.switch("space_in_versioned_urns", True)
    (lead,) = linkedin.leads(versionedLeadGenFormUrn=quote(version_urn(1, blank=" "), safe=""))

    assert lead["versionedLeadGenFormUrn"] == version_urn(1, blank=" ")


def test_the_finder_selects_one_version_of_a_form(linkedin: LinkedInCaller) -> None:
    first = linkedin.submit()["id"]
    linkedin.act("staff", "new_form_version")
    second = linkedin.submit()["id"]

    assert ids_of(linkedin.leads(versionedLeadGenFormUrn=quote(version_urn(1), safe=""))) == [first]
    assert ids_of(linkedin.leads(versionedLeadGenFormUrn=quote(version_urn(2), safe=""))) == [
        second
    ]
    assert linkedin.find(versionedLeadGenFormUrn="urn%3Ali%3AleadGenForm%3A1").status_code == 400


def test_event_leads_belong_to_the_page(linkedin: LinkedInCaller) -> None:
    linkedin.submit(form="Infoabend Immobilien")
    (lead,) = linkedin.leads(owner=OF_PAGE, leadType=EVENT)

    assert linkedin.leads() == []
    assert lead["versionedLeadGenFormUrn"].endswith(f":{EVENT_FORM_ID},1)")
    assert lead["associatedEntity"]["event"].startswith("urn:li:event:")
    assert "leadMetadata" not in lead


@pytest.mark.parametrize(("mode", "status"), [("refused", 400), ("allowed", 200)])
def test_sponsored_leads_may_not_go_with_a_page(
    linkedin: LinkedInCaller, mode: str, status: int
) -> None:
    linkedin.switch("sponsored_on_pages", mode)

    assert linkedin.find(owner=OF_PAGE, leadType=SPONSORED).status_code == status


@pytest.mark.parametrize(
    ("role", "status"),
    [("CONTENT_ADMINISTRATOR", 200), ("LEAD_GEN_FORMS_MANAGER", 403), ("ANALYST", 403)],
)
def test_event_leads_need_an_administrator(
    linkedin: LinkedInCaller, role: str, status: int
) -> None:
    linkedin.act("staff", "restore_role", target="page", role=role)

    assert linkedin.find(owner=OF_PAGE, leadType=EVENT).status_code == status
    assert linkedin.find().status_code == 200


def test_a_range_includes_its_start_and_not_its_end(linkedin: LinkedInCaller) -> None:
    lead = linkedin.submit(days_ago=1)
    at = lead["submittedAt"]

    assert len(linkedin.leads(submittedAtTimeRange=within(at, at + 1))) == 1
    assert linkedin.leads(submittedAtTimeRange=within(at - 1, at)) == []


def test_the_ends_of_a_range_are_switches(linkedin: LinkedInCaller) -> None:
    at = linkedin.submit(days_ago=1)["submittedAt"]
    linkedin.switch("range_start", "exclusive")
    linkedin.switch("range_end", "inclusive")

    assert linkedin.leads(submittedAtTimeRange=within(at, at + 1)) == []
    assert len(linkedin.leads(submittedAtTimeRange=within(at - 1, at))) == 1


@pytest.mark.parametrize(
    "text", ["(start:1)", "(start:2,end:1)", "(start:a,end:b)", "(from:1,end:2)", "1"]
)
def test_a_range_that_cannot_be_is_refused(linkedin: LinkedInCaller, text: str) -> None:
    assert linkedin.find(submittedAtTimeRange=text).status_code == 400


def test_an_open_range_may_be_allowed(linkedin: LinkedInCaller) -> None:
    at = linkedin.submit(days_ago=1)["submittedAt"]
    linkedin.switch("open_range", "allowed")

    assert len(linkedin.leads(submittedAtTimeRange=f"(start:{at})")) == 1
    assert linkedin.leads(submittedAtTimeRange=f"(end:{at})") == []


@pytest.mark.parametrize(("kept", "ages"), [(90, [89]), (365, [89, 91, 364])])
def test_leads_are_kept_for_90_or_365_days(
    linkedin: LinkedInCaller, kept: int, ages: list[int]
) -> None:
    made = {age: linkedin.submit(days_ago=age)["id"] for age in (89, 91, 364, 366)}
    linkedin.switch("retention_days", kept)
    single = [linkedin.call("GET", f"leadFormResponses/{made[age]}") for age in made]

    assert ids_of(linkedin.leads()) == [made[age] for age in ages]
    assert [one.status_code for one in single] == [200 if a in ages else 404 for a in made]


def test_a_lead_goes_when_the_clock_passes_its_retention(linkedin: LinkedInCaller) -> None:
    linkedin.submit()
    linkedin.advance(days=59)
    before = len(linkedin.leads())
    linkedin.advance(days=1)
    tokens = linkedin.refresh().json()
    linkedin.headers["authorization"] = f"Bearer {tokens['access_token']}"
    linkedin.advance(days=30)

    assert (before, linkedin.leads()) == (1, [])


def test_a_range_beyond_the_retention_may_be_refused(linkedin: LinkedInCaller) -> None:
    whole = within(1, 2_000_000_000_000)
    cut = linkedin.find(submittedAtTimeRange=whole).status_code
    linkedin.switch("range_beyond_retention", "refused")

    assert (cut, linkedin.find(submittedAtTimeRange=whole).status_code) == (200, 400)


def test_test_leads_are_marked_and_can_be_asked_for_alone(linkedin: LinkedInCaller) -> None:
    real = linkedin.submit()["id"]
    test = linkedin.act("staff", "test_submit")["id"]

    assert {one["id"]: one["testLead"] for one in linkedin.leads()} == {real: False, test: True}
    assert ids_of(linkedin.leads(limitedToTestLeads="true")) == [test]
    assert len(linkedin.leads(limitedToTestLeads="false")) == 2
    linkedin.switch("limited_false_hides_tests", True)
    assert ids_of(linkedin.leads(limitedToTestLeads="false")) == [real]


def test_a_lead_may_be_readable_later_than_submitted(linkedin: LinkedInCaller) -> None:
    linkedin.switch("lead_lag_seconds", 60)
    lead = linkedin.submit()["id"]
    at_once = (linkedin.leads(), linkedin.call("GET", f"leadFormResponses/{lead}").status_code)
    linkedin.sandbox.advance(seconds=60)

    assert at_once == ([], 404)
    assert ids_of(linkedin.leads()) == [lead]


def test_several_leads_come_with_a_status_each(linkedin: LinkedInCaller) -> None:
    lead = linkedin.submit()["id"]
    gone = linkedin.submit(BERT)["id"]
    linkedin.act("person", "delete_lead", lead=gone)
    found = linkedin.get(f"leadFormResponses?ids=List({lead},{gone})&fields=id")

    assert found["results"] == {lead: {"id": lead}}
    assert found["statuses"] == {lead: 200, gone: 404}
    assert found["errors"][gone]["status"] == 404


def test_a_fresh_twin_has_people_of_the_crm_as_leads(
    linkedin: LinkedInCaller, shared_world: World
) -> None:
    shared_world.reset(contacts=60, seed=1, options={})
    dump = linkedin.sandbox.dump("linkedin")["leads"]
    crm = linkedin.sandbox.dump("onoffice")["addresses"]
    addresses = {email.lower() for one in crm for email in one["emails"]}

    assert {one["email"] for one in dump} <= addresses
    assert len(dump) == 6
    assert sum(one["readable"] for one in dump) == 5
    assert len(linkedin.leads()) == 4
