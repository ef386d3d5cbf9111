"""Ad accounts, page roles and lead forms of the LinkedIn twin."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from nl_pipeline.sandbox.app import World
from nl_pipeline.sandbox.linkedin.seeding import (
    AD_ACCOUNT_ID,
    CONTACT_FORM_ID,
    EVENT_FORM_ID,
    ORGANIZATION_ID,
    SURVEY_FORM_ID,
)
from nl_pipeline.sandbox.linkedin.state import AdAccount, Role
from nl_pipeline.sandbox.linkedin.urns import Owner
from nl_pipeline_tests.sandbox.linkedin.caller import (
    AD_ACCOUNT,
    OF_ACCOUNT,
    OF_PAGE,
    PAGE,
    LinkedInCaller,
)

SEARCH = "search=(status:(values:List(ACTIVE)),test:false)"
ACLS = "organizationAcls?q=roleAssignee"


def add_ad_accounts(world: World, *, count: int, test: bool = False) -> list[int]:
    """More ad accounts, without pages."""
    account = world.linkedin.account
    numbers = [600_000_000 + place for place in range(count)]
    for number in numbers:
        account.ad_accounts[number] = AdAccount(number, f"Konto {number}", None, 0, test=test)
        account.roles[Owner("sponsoredAccount", number)] = Role("VIEWER", "APPROVED", 0, 0)
    return numbers


def test_an_ad_account_tells_its_page_when_asked(linkedin: LinkedInCaller) -> None:
    (by_default,) = linkedin.get(f"adAccounts?q=search&{SEARCH}")["elements"]
    (asked,) = linkedin.get(
        f"adAccounts?q=search&{SEARCH}&fields=id,referenceInfo:(organization:(id,localizedName))"
    )["elements"]

    assert (by_default["id"], by_default["reference"]) == (AD_ACCOUNT_ID, PAGE)
    assert "referenceInfo" not in by_default
    assert asked == {
        "id": AD_ACCOUNT_ID,
        "referenceInfo": {
            "organization": {"id": ORGANIZATION_ID, "localizedName": "Sandbox Immobilien"}
        },
    }


def test_an_ad_account_without_a_page_has_forms_but_no_leads(
    linkedin: LinkedInCaller, shared_world: World
) -> None:
    (number,) = add_ad_accounts(shared_world, count=1)
    owner = f"(sponsoredAccount:{quote(f'urn:li:sponsoredAccount:{number}', safe='')})"
    found = linkedin.get("adAccounts?q=search&fields=id,referenceInfo")["elements"]

    assert {"id": number, "referenceInfo": {}} in found
    assert linkedin.call("GET", f"leadForms?q=owner&owner={owner}").status_code == 200
    assert linkedin.find(owner=owner).status_code == 403


def test_a_search_tells_test_accounts_from_others(
    linkedin: LinkedInCaller, shared_world: World
) -> None:
    numbers = add_ad_accounts(shared_world, count=1, test=True)
    found = linkedin.get("adAccounts?q=search&search=(test:true)")["elements"]

    assert [one["id"] for one in found] == numbers


def test_ad_accounts_are_paged_by_cursor(linkedin: LinkedInCaller, shared_world: World) -> None:
    numbers = add_ad_accounts(shared_world, count=4)
    path, found, pages = "adAccounts?q=search&pageSize=2", [], 0
    token: str | None = ""
    while token is not None:
        page = linkedin.get(path + (f"&pageToken={token}" if token else ""))
        found += [one["id"] for one in page["elements"]]
        token = page["metadata"].get("nextPageToken")
        pages += 1

    assert (found, pages) == ([AD_ACCOUNT_ID, *numbers], 3)


@pytest.mark.parametrize(("mode", "status"), [("refused", 400), ("allowed", 200)])
def test_search_and_page_token_may_exclude_each_other(
    linkedin: LinkedInCaller, shared_world: World, mode: str, status: int
) -> None:
    add_ad_accounts(shared_world, count=2)
    linkedin.switch("search_with_page_token", mode)
    first = linkedin.get(f"adAccounts?q=search&pageSize=1&{SEARCH}")
    token = first["metadata"]["nextPageToken"]

    again = linkedin.call("GET", f"adAccounts?q=search&pageSize=1&{SEARCH}&pageToken={token}")

    assert again.status_code == status


def test_an_ad_account_id_may_be_a_urn(linkedin: LinkedInCaller) -> None:
    linkedin.switch("account_ids", "urn")

    (found,) = linkedin.get("adAccounts?q=search&fields=id")["elements"]

    assert found == {"id": AD_ACCOUNT}


def test_page_roles_are_listed_by_state(linkedin: LinkedInCaller) -> None:
    (role,) = linkedin.get(f"{ACLS}&state=APPROVED")["elements"]
    linkedin.act("staff", "restore_role", target="page", role="ANALYST")
    analyst = linkedin.get(f"{ACLS}&state=APPROVED&role=ANALYST")

    assert (role["role"], role["organization"]) == ("ADMINISTRATOR", PAGE)
    assert role["roleAssignee"].startswith("urn:li:person:")
    assert analyst["paging"]["total"] == 1


def test_a_revoked_role_breaks_a_listing_without_state(linkedin: LinkedInCaller) -> None:
    before = linkedin.call("GET", ACLS).status_code
    linkedin.act("staff", "revoke_role", target="page")

    assert (before, linkedin.call("GET", ACLS).status_code) == (200, 403)
    assert linkedin.get(f"{ACLS}&state=APPROVED")["elements"] == []


def test_forms_are_listed_by_owner(linkedin: LinkedInCaller) -> None:
    of_account = linkedin.get(f"leadForms?q=owner&owner={OF_ACCOUNT}")
    of_page = linkedin.get(f"leadForms?q=owner&owner={OF_PAGE}")
    second = linkedin.get(f"leadForms?q=owner&owner={OF_ACCOUNT}&start=1&count=1")

    assert [one["id"] for one in of_account["elements"]] == [CONTACT_FORM_ID, SURVEY_FORM_ID]
    assert [one["id"] for one in of_page["elements"]] == [EVENT_FORM_ID]
    assert [one["id"] for one in second["elements"]] == [SURVEY_FORM_ID]
    assert second["paging"] == {"start": 1, "count": 1, "links": [], "total": 2}


def test_a_form_has_19_digits_a_locale_and_questions(linkedin: LinkedInCaller) -> None:
    form = linkedin.get(f"leadForms/{CONTACT_FORM_ID}")
    questions = {one.get("predefinedField"): one for one in form["content"]["questions"]}

    assert len(str(form["id"])) == 19
    assert form["creationLocale"] == {"country": "DE", "language": "de"}
    assert list(questions) == [
        "FIRST_NAME", "LAST_NAME", "EMAIL", "PHONE_NUMBER", "COMPANY_NAME", "INDUSTRY", None,
    ]  # fmt: skip
    assert questions["EMAIL"]["name"] == "Email address"
    assert questions["EMAIL"]["question"] == {"localized": {"de_DE": "E-Mail-Adresse"}}
    options = questions[None]["questionDetails"]["multipleChoiceQuestionDetails"]["options"]
    assert [one["id"] for one in options] == [0, 1, 2]
    (consent,) = form["content"]["legalInfo"]["consents"]
    assert (consent["id"], consent["checkRequired"]) == (0, False)


def test_a_form_without_consent_has_no_list_of_them(linkedin: LinkedInCaller) -> None:
    form = linkedin.get(f"leadForms/{SURVEY_FORM_ID}")

    assert "consents" not in form["content"]["legalInfo"]
    assert all("predefinedField" not in one for one in form["content"]["questions"])


def test_several_forms_come_with_a_status_each(linkedin: LinkedInCaller) -> None:
    found = linkedin.get(f"leadForms?ids=List({SURVEY_FORM_ID},99,x)&fields=id")

    assert found["results"] == {str(SURVEY_FORM_ID): {"id": SURVEY_FORM_ID}}
    assert found["statuses"] == {str(SURVEY_FORM_ID): 200, "99": 404, "x": 400}
    assert set(found["errors"]) == {"99", "x"}


def test_a_new_version_keeps_the_ids_of_questions_that_stay(linkedin: LinkedInCaller) -> None:
    before = linkedin.act("staff", "new_form_version", form="Umfrage")["questions"]
    changed = linkedin.act(
        "staff",
        "new_form_version",
        form="Umfrage",
        questions=[{"text": "Was fehlt Ihnen?"}, {"predefined": "EMAIL", "required": True}],
    )
    form = linkedin.get(f"leadForms/{SURVEY_FORM_ID}")

    assert (form["versionId"], changed["versionId"]) == (3, 3)
    assert changed["questions"]["Was fehlt Ihnen?"] == before["Was fehlt Ihnen?"]
    assert changed["questions"]["EMAIL"] not in before.values()
    assert len(form["content"]["questions"]) == 2


def test_a_new_form_is_found_and_an_archived_one_takes_nobody(linkedin: LinkedInCaller) -> None:
    made = linkedin.act("staff", "create_form", name="Neubau", checkboxes=[{"text": "Newsletter"}])
    linkedin.submit(form="Neubau", newsletter=True)
    linkedin.act("staff", "archive_form", form="Neubau")
    listed = linkedin.get(f"leadForms?q=owner&owner={OF_ACCOUNT}&fields=id,state")["elements"]

    assert {"id": made["form"], "state": "ARCHIVED"} in listed
    assert len(linkedin.leads()) == 1


def test_a_form_is_not_reviewed_at_once(linkedin: LinkedInCaller) -> None:
    made = linkedin.act("staff", "create_form", name="Neubau")
    at_once = linkedin.get(f"leadForms/{made['form']}")
    linkedin.advance(hours=1)

    assert "reviewInfo" not in at_once
    assert linkedin.get(f"leadForms/{made['form']}")["reviewInfo"]["reviewStatus"] == "APPROVED"
