"""What an account holds after a reset."""

from __future__ import annotations

from nl_pipeline_tests.sandbox_control import SandboxControl

CONTACTS = 400


def statuses(sandbox: SandboxControl, audience: str) -> set[str]:
    dump = sandbox.dump("mailchimp")
    (found,) = [item for item in dump["audiences"] if item["name"] == audience]
    return {member["status"] for member in dump["members"] if member["list_id"] == found["id"]}


def test_a_reset_leaves_a_foreign_audience_and_no_own_one(sandbox: SandboxControl) -> None:
    sandbox.reset(contacts=CONTACTS)
    names = [audience["name"] for audience in sandbox.dump("mailchimp")["audiences"]]
    assert names == ["Kunden 2019"]
    assert statuses(sandbox, "Kunden 2019") == {
        "subscribed",
        "unsubscribed",
        "cleaned",
        "archived",
    }


def test_the_same_seed_gives_the_same_people(sandbox: SandboxControl) -> None:
    dumps = []
    for _ in range(2):
        sandbox.reset(contacts=CONTACTS, seed=3, existing_audience=True)
        members = sandbox.dump("mailchimp")["members"]
        dumps.append([(member["email_address"], member["status"]) for member in members])
    assert dumps[0] == dumps[1]


def test_a_used_audience_holds_every_status(sandbox: SandboxControl) -> None:
    sandbox.reset(contacts=CONTACTS, existing_audience=True)
    assert statuses(sandbox, "onoffice") == {
        "subscribed",
        "unsubscribed",
        "cleaned",
        "archived",
        "pending",
    }


def test_a_used_audience_holds_people_the_crm_does_not_know(sandbox: SandboxControl) -> None:
    sandbox.reset(contacts=CONTACTS, existing_audience=True)
    known = {
        address.strip().lower()
        for contact in sandbox.dump("onoffice")["addresses"]
        for address in contact["emails"]
    }
    members = sandbox.dump("mailchimp")["members"]
    assert any(member["email_address"].lower() not in known for member in members)


def test_a_used_audience_holds_opt_outs_whose_contact_says_yes(sandbox: SandboxControl) -> None:
    sandbox.reset(contacts=CONTACTS, existing_audience=True)
    dump = sandbox.dump("mailchimp")
    (own,) = [audience["id"] for audience in dump["audiences"] if audience["name"] == "onoffice"]
    left = {
        member["email_address"]
        for member in dump["members"]
        if member["list_id"] == own
        and member["status"] == "unsubscribed"
        and member["history"][-1]["actor"] == "person"
    }
    yes = {
        address
        for contact in sandbox.dump("onoffice")["addresses"]
        if str(contact["newsletter_aktiv"]) == "1"
        for address in contact["emails"]
    }
    assert left & yes
