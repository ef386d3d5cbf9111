"""Acts and campaigns: what happens at Mailchimp itself, and where the API shows it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from nl_pipeline_tests.sandbox.mailchimp.caller import (
    ANNA,
    MailchimpCaller,
    bring_into_state,
    subscriber_hash,
)
from nl_pipeline_tests.sandbox_control import SandboxControl


def feed(mailchimp: MailchimpCaller, **parameters: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = mailchimp.get(
        f"members/{subscriber_hash(ANNA)}/activity-feed", **parameters
    )["activity"]
    return items


def history(sandbox: SandboxControl, email: str = ANNA) -> list[tuple[str, str, str]]:
    members = sandbox.dump("mailchimp")["members"]
    (member,) = [found for found in members if found["email_address"] == email]
    return [(entry["actor"], entry["from"], entry["to"]) for entry in member["history"]]


def refusal(sandbox: SandboxControl, **act: Any) -> str:
    with pytest.raises(httpx.HTTPStatusError) as refused:
        sandbox.act("mailchimp", **act)
    return str(refused.value.response.json()["error"])


def test_a_person_who_signs_up_is_a_signup_with_consent_data(
    mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    sandbox.act(
        "mailchimp",
        actor="person",
        action="subscribe",
        email=ANNA,
        merge_fields={"FNAME": "Anna"},
        tags=["Messe"],
    )
    member = mailchimp.member()
    assert (member["source"], member["merge_fields"]["FNAME"]) == ("Hosted Signup Form", "Anna")
    assert member["ip_opt"] == member["ip_signup"] != ""
    assert [item["activity_type"] for item in feed(mailchimp)] == ["signup"]


@pytest.mark.parametrize(("actor", "category"), [("staff", "Admin Add"), ("import", "Import")])
def test_an_added_contact_is_a_generic_signup(
    actor: str, category: str, mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    sandbox.act("mailchimp", actor=actor, action="subscribe", email=ANNA)
    (item,) = feed(mailchimp)
    assert (item["activity_type"], item["signup_category"]) == ("generic_signup", category)


def test_a_contact_added_by_api_is_a_generic_signup(mailchimp: MailchimpCaller) -> None:
    mailchimp.add()
    assert feed(mailchimp)[0]["signup_category"] == "API - Generic"


@pytest.mark.parametrize(
    ("state", "by_admin"), [("unsubscribed by API", True), ("unsubscribed by contact", False)]
)
def test_the_feed_tells_who_unsubscribed(
    state: str, by_admin: bool, mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    bring_into_state(state, mailchimp=mailchimp, sandbox=sandbox)
    (item,) = feed(mailchimp, activity_filters="unsub")
    assert item["is_admin_unsubscribed"] is by_admin


def test_the_feed_of_an_archived_member_still_shows_the_opt_out(
    mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    bring_into_state("unsubscribed by contact", mailchimp=mailchimp, sandbox=sandbox)
    sandbox.act("mailchimp", actor="staff", action="archive", email=ANNA)
    assert feed(mailchimp, activity_filters="unsub")[0]["is_admin_unsubscribed"] is False


def test_double_opt_in_waits_for_the_confirmation(
    mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    mailchimp.do("PATCH", "", {"double_optin": True})
    sandbox.act("mailchimp", actor="person", action="subscribe", email=ANNA)
    assert mailchimp.member()["status"] == "pending"
    sandbox.act("mailchimp", actor="person", action="confirm", email=ANNA)
    assert mailchimp.member()["status"] == "subscribed"


def test_a_subscription_by_api_skips_double_opt_in(mailchimp: MailchimpCaller) -> None:
    mailchimp.do("PATCH", "", {"double_optin": True})
    assert mailchimp.add()["status"] == "subscribed"


def test_staff_cannot_bring_back_who_left_without_force(
    mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    bring_into_state("unsubscribed by contact", mailchimp=mailchimp, sandbox=sandbox)
    act = {"actor": "staff", "action": "subscribe", "email": ANNA}
    assert '"force": true' in refusal(sandbox, **act)
    sandbox.act("mailchimp", **act, force=True)
    assert history(sandbox)[-1] == ("staff", "unsubscribed", "subscribed")


def test_history_names_who_did_what(mailchimp: MailchimpCaller, sandbox: SandboxControl) -> None:
    bring_into_state("unsubscribed by contact", mailchimp=mailchimp, sandbox=sandbox)
    sandbox.act("mailchimp", actor="staff", action="delete_permanent", email=ANNA)
    assert history(sandbox) == [
        ("api", "absent", "subscribed"),
        ("person", "subscribed", "unsubscribed"),
        ("staff", "unsubscribed", "deleted"),
    ]


def test_archive_all_archives_everybody(
    mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    mailchimp.add()
    mailchimp.add("b@kunde.example", status="unsubscribed")
    sandbox.act("mailchimp", actor="staff", action="archive_all")
    assert mailchimp.get("members", status="archived")["total_items"] == 2


def test_members_of_a_deleted_audience_stay_in_the_dump(
    mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    mailchimp.add()
    sandbox.act("mailchimp", actor="staff", action="delete_audience")
    assert mailchimp.call("GET", "members").status_code == 404
    members = sandbox.dump("mailchimp")["members"]
    assert [found["status"] for found in members if found["email_address"] == ANNA] == ["deleted"]


@pytest.mark.parametrize(
    ("act", "text"),
    [
        ({"action": "fliegen", "email": ANNA}, "allowed: archive"),
        ({"action": "unsubscribe"}, "needs email"),
        ({"action": "unsubscribe", "email": ANNA}, "no such member"),
        ({"action": "subscribe", "email": ANNA, "audience": "Keine"}, "onoffice ("),
    ],
)
def test_an_impossible_act_is_refused_with_a_reason(
    act: dict[str, Any], text: str, mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    assert text in refusal(sandbox, actor="person", **act)


def test_a_refusal_names_no_address(mailchimp: MailchimpCaller, sandbox: SandboxControl) -> None:
    mailchimp.add()
    mailchimp.add("b@kunde.example")
    text = refusal(
        sandbox, actor="person", action="change_email", email=ANNA, new_email="b@kunde.example"
    )
    assert "Member Exists" in text
    assert "@" not in text


def send_to_many(
    mailchimp: MailchimpCaller, sandbox: SandboxControl, **rates: float
) -> dict[str, Any]:
    members = [
        {"email_address": f"k{number}@kunde.example", "status": "subscribed"}
        for number in range(200)
    ]
    mailchimp.do("POST", "", {"members": members})
    return sandbox.send_campaign(subject="Neubau am See", **rates)


def test_a_campaign_is_reported_as_it_was_sent(
    mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    sent = send_to_many(mailchimp, sandbox, hard_bounce_rate=0.1, soft_bounce_rate=0.1)
    report = mailchimp.get(f"/reports/{sent['campaign_id']}")
    assert report["emails_sent"] == 200
    assert report["bounces"]["hard_bounces"] == sent["hard_bounces"] > 0
    rows = mailchimp.get(f"/reports/{sent['campaign_id']}/sent-to", count=1000)["sent_to"]
    assert [row["status"] for row in rows].count("hard") == sent["hard_bounces"]


def test_hard_bounces_are_cleaned_and_soft_ones_are_not(
    mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    sent = send_to_many(mailchimp, sandbox, hard_bounce_rate=0.1, soft_bounce_rate=0.1)
    assert mailchimp.get("members", status="cleaned")["total_items"] == sent["hard_bounces"]


def test_opens_clicks_and_bounces_have_their_time(
    mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    sent = send_to_many(mailchimp, sandbox, open_rate=1, click_rate=1, hard_bounce_rate=0)
    path = f"/reports/{sent['campaign_id']}/email-activity"
    actions = {
        item["action"]
        for email in mailchimp.get(path, count=1000)["emails"]
        for item in email["activity"]
    }
    assert actions == {"open", "click", "bounce"}


def test_opt_outs_of_a_campaign_are_reported_with_their_reason(
    mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    mailchimp.add()
    sent = sandbox.send_campaign(subject="S", hard_bounce_rate=0, soft_bounce_rate=0)
    sandbox.act(
        "mailchimp",
        actor="person",
        action="unsubscribe",
        email=ANNA,
        reason="Zu oft",
        campaign_id=sent["campaign_id"],
    )
    (row,) = mailchimp.get(f"/reports/{sent['campaign_id']}/unsubscribed")["unsubscribes"]
    assert (row["email_address"], row["reason"]) == (ANNA, "Zu oft")


def test_a_campaign_is_listed_for_its_audience(
    mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    mailchimp.add()
    sandbox.send_campaign(subject="Neubau")
    (campaign,) = mailchimp.get("/campaigns", list_id=mailchimp.list_id)["campaigns"]
    assert (campaign["status"], campaign["settings"]["subject_line"]) == ("sent", "Neubau")
