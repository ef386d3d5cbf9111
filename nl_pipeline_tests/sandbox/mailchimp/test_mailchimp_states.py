"""The state table of members, row by row: what each write does in each state."""

from __future__ import annotations

import pytest

from nl_pipeline_tests.sandbox.mailchimp.caller import (
    ANNA,
    MailchimpCaller,
    bring_into_state,
    subscriber_hash,
)
from nl_pipeline_tests.sandbox_control import SandboxControl

COMPLIANCE = "Member In Compliance State"
EXISTS = "Member Exists"
FORGOTTEN = "Forgotten Email Not Subscribed"

# state -> outcome of: PUT status_if_new | PUT subscribed | PUT unsubscribed | PUT pending | DELETE
# | POST subscribed. A word is the status afterwards, a number an HTTP status, a title a refusal.
ROWS: dict[str, tuple[str | int, ...]] = {
    "absent": ("subscribed", "subscribed", "unsubscribed", "pending", 404, "subscribed"),
    "subscribed": ("subscribed", "subscribed", "unsubscribed", "pending", "archived", EXISTS),
    "unsubscribed by API": (
        "unsubscribed",
        "subscribed",
        "unsubscribed",
        "pending",
        "archived",
        EXISTS,
    ),
    "unsubscribed by contact": (
        "unsubscribed",
        COMPLIANCE,
        "unsubscribed",
        "pending",
        "archived",
        EXISTS,
    ),
    "cleaned": ("cleaned", COMPLIANCE, "unsubscribed", COMPLIANCE, 405, EXISTS),
    "pending": ("pending", "subscribed", "unsubscribed", "pending", 405, EXISTS),
    "transactional": (
        "transactional",
        "subscribed",
        "unsubscribed",
        "pending",
        "archived",
        EXISTS,
    ),
    "archived": ("archived", "subscribed", "unsubscribed", "pending", 405, "subscribed"),
    "permanently deleted": (FORGOTTEN, FORGOTTEN, FORGOTTEN, FORGOTTEN, 404, FORGOTTEN),
}
WRITES = (
    "PUT status_if_new",
    "PUT subscribed",
    "PUT unsubscribed",
    "PUT pending",
    "DELETE",
    "POST subscribed",
)
CASES = [
    pytest.param(state, write, outcome, id=f"{state}: {write} -> {outcome}")
    for state, outcomes in ROWS.items()
    for write, outcome in zip(WRITES, outcomes, strict=True)
]


def outcome_of(write: str, *, mailchimp: MailchimpCaller) -> str | int:
    verb, _, status = write.partition(" ")
    if verb == "PUT":
        name = "status_if_new" if status == "status_if_new" else "status"
        value = "subscribed" if status == "status_if_new" else status
        answer = mailchimp.put(ANNA, **{name: value})
    elif verb == "POST":
        answer = mailchimp.call("POST", "members", {"email_address": ANNA, "status": status})
    else:
        answer = mailchimp.call("DELETE", f"members/{subscriber_hash(ANNA)}")
    if answer.is_success:
        return str(mailchimp.member()["status"])
    if answer.status_code in (404, 405):
        return answer.status_code
    return str(answer.json()["title"])


@pytest.mark.parametrize(("state", "write", "outcome"), CASES)
def test_a_write_has_the_outcome_of_its_row(
    state: str,
    write: str,
    outcome: str | int,
    mailchimp: MailchimpCaller,
    sandbox: SandboxControl,
) -> None:
    bring_into_state(state, mailchimp=mailchimp, sandbox=sandbox)
    assert outcome_of(write, mailchimp=mailchimp) == outcome


def test_patch_of_an_absent_member_is_not_found(mailchimp: MailchimpCaller) -> None:
    assert mailchimp.patch(ANNA, status="subscribed").status_code == 404


def test_a_pending_member_who_opted_out_before_cannot_be_subscribed_by_api(
    mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    bring_into_state("unsubscribed by contact", mailchimp=mailchimp, sandbox=sandbox)
    mailchimp.patch(ANNA, status="pending").raise_for_status()
    assert mailchimp.patch(ANNA, status="subscribed").json()["title"] == COMPLIANCE


def test_archiving_forgets_who_unsubscribed_so_the_api_can_subscribe_again(
    mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    bring_into_state("unsubscribed by contact", mailchimp=mailchimp, sandbox=sandbox)
    sandbox.act("mailchimp", actor="staff", action="archive", email=ANNA)
    assert mailchimp.put(ANNA, status="subscribed").json()["status"] == "subscribed"


def test_a_complaint_is_a_wall_for_the_api_and_reported(
    mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    mailchimp.add()
    sandbox.act("mailchimp", actor="person", action="complain", email=ANNA)
    assert mailchimp.patch(ANNA, status="subscribed").json()["title"] == COMPLIANCE
    reports = mailchimp.get("abuse-reports")["abuse_reports"]
    assert [report["email_address"] for report in reports] == [ANNA]


def test_the_switch_decides_about_pending_on_a_cleaned_member(
    mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    bring_into_state("cleaned", mailchimp=mailchimp, sandbox=sandbox)
    sandbox.switch("mailchimp", name="pending_on_cleaned", value="ok")
    assert mailchimp.patch(ANNA, status="pending").json()["status"] == "pending"


def test_the_switch_lets_a_forgotten_address_back_in(
    mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    bring_into_state("permanently deleted", mailchimp=mailchimp, sandbox=sandbox)
    sandbox.switch("mailchimp", name="forgotten", value="allowed")
    assert mailchimp.put(ANNA, status_if_new="subscribed").is_success


@pytest.mark.parametrize(
    ("state", "text"),
    [
        ("unsubscribed by contact", "has previously unsubscribed from this list"),
        ("cleaned", 'with a status of "Cleaned".'),
    ],
)
def test_the_switch_words_a_refusal_by_status(
    state: str, text: str, mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    bring_into_state(state, mailchimp=mailchimp, sandbox=sandbox)
    sandbox.switch("mailchimp", name="refusal_wording", value="status")
    assert text in mailchimp.patch(ANNA, status="subscribed").json()["detail"]


def test_a_forgotten_person_comes_back_through_a_form(
    mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    bring_into_state("permanently deleted", mailchimp=mailchimp, sandbox=sandbox)
    sandbox.act("mailchimp", actor="person", action="subscribe", email=ANNA)
    assert mailchimp.member()["status"] == "subscribed"


def test_the_errors_of_a_member_come_without_type(mailchimp: MailchimpCaller) -> None:
    mailchimp.add()
    answer = mailchimp.call("POST", "members", {"email_address": ANNA, "status": "subscribed"})
    document = answer.json()
    assert "type" not in document
    assert document["detail"] == (
        f"{ANNA} is already a list member. Use PUT to insert or update list members."
    )
    assert document["instance"] == answer.headers["X-Request-Id"]
