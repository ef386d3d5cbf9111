"""Strangers: Brevo's own client library works against the twin and gets what it expects.

The visit is made once (`sdk_visit`); each test looks at one thing that came back.
"""

from __future__ import annotations

import csv
import dataclasses
import io
from typing import Any

import pytest

from nl_pipeline_tests.contract.brevo import sdk_visit as people
from nl_pipeline_tests.contract.brevo.conftest import SdkVisit
from nl_pipeline_tests.contract.brevo.sdk_answers import (
    AccountAnswers,
    CampaignAnswers,
    ContactAnswers,
    ProcessAnswers,
    Visit,
    WebhookAnswers,
    flaws_of,
)

UNKNOWN_TO_THE_LIBRARY = {
    "GetContactInfoResponse: unknown subscriptions": "in a live capture of 2026",
    "GetContactDetails: unknown subscriptions": "in a live capture of 2026",
    "GetWebhook: unknown channel": "in Brevo's OpenAPI document",
}
"""What the library's models do not say, and where it comes from."""


@pytest.fixture
def visit(sdk_visit: SdkVisit) -> Visit:
    return sdk_visit.visit


@pytest.fixture
def account(visit: Visit) -> AccountAnswers:
    return visit.account


@pytest.fixture
def contacts(visit: Visit) -> ContactAnswers:
    return visit.contacts


@pytest.fixture
def processes(visit: Visit) -> ProcessAnswers:
    return visit.processes


@pytest.fixture
def webhooks(visit: Visit) -> WebhookAnswers:
    return visit.webhooks


@pytest.fixture
def campaigns(visit: Visit) -> CampaignAnswers:
    return visit.campaigns


def emails(page: Any) -> list[str]:
    return [contact.email for contact in page.contacts]


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text), delimiter=";"))


def test_every_answer_is_what_the_models_of_the_library_say(visit: Visit) -> None:
    parts = (visit.account, visit.contacts, visit.processes, visit.webhooks, visit.campaigns)
    answers = [getattr(part, f.name) for part in parts for f in dataclasses.fields(part)]

    assert set(flaws_of(answers)) == set(UNKNOWN_TO_THE_LIBRARY)


def test_the_library_reads_the_account(account: AccountAnswers) -> None:
    assert account.account.company_name == "Sandbox Immobilien GmbH"
    assert [plan.type for plan in account.account.plan] == ["subscription"]


def test_the_library_makes_a_folder_and_a_list_in_it(account: AccountAnswers) -> None:
    assert [folder.name for folder in account.folders.folders][-1] == "onOffice"
    assert account.found.folder_id == account.folder.id
    assert [one.id for one in account.in_folder.lists] == [account.created.id]


def test_a_list_that_the_library_renames_keeps_its_id(account: AccountAnswers) -> None:
    names = [
        next(one.name for one in page.lists if one.id == account.created.id)
        for page in (account.lists, account.renamed)
    ]
    assert names == ["Kunden", "onoffice"]


def test_the_library_finds_german_attributes_and_adds_one(account: AccountAnswers) -> None:
    before = {attribute.name for attribute in account.attributes.attributes}
    after = {attribute.name for attribute in account.attributes_after.attributes}
    assert {"VORNAME", "NACHNAME"} <= before
    assert after - before == {"ANREDE"}


def test_the_library_creates_and_changes_a_contact(contacts: ContactAnswers) -> None:
    assert contacts.found.id == contacts.created.id
    assert contacts.found.email == people.EVA.lower()
    assert contacts.changed.attributes.NACHNAME == "Berg"
    assert contacts.changed.attributes.VORNAME == "Eva"


def test_a_contact_that_moves_keeps_its_id_for_the_library(contacts: ContactAnswers) -> None:
    (before,) = (c for page in contacts.pages for c in page.contacts if "jan" in c.email)
    assert (contacts.moved.id, contacts.moved.email) == (before.id, "jan.neu@kunde.example")


def test_a_blocklisted_contact_that_moves_is_allowed_again(contacts: ContactAnswers) -> None:
    assert contacts.blocklisted.email_blacklisted
    assert contacts.moved_blocklisted.id == contacts.blocklisted.id
    assert not contacts.moved_blocklisted.email_blacklisted


def test_the_library_pages_through_all_contacts_once(contacts: ContactAnswers) -> None:
    found = [email for page in contacts.pages for email in emails(page)]
    assert len(found) == len(set(found)) == contacts.pages[0].count == 6
    assert contacts.pages[-1].contacts == []


def test_the_library_finds_what_was_modified_since(contacts: ContactAnswers) -> None:
    assert people.EVA.lower() in emails(contacts.modified)


def test_filters_of_the_library_choose_contacts_by_list(contacts: ContactAnswers) -> None:
    wanted = {people.UTE, people.LEA, people.ZOE}
    assert set(emails(contacts.chosen)) == set(emails(contacts.on_list)) == wanted


def test_the_library_learns_who_was_put_on_a_list_and_taken_off(contacts: ContactAnswers) -> None:
    assert contacts.added.contacts.success == [people.LEA]
    assert contacts.added.contacts.failure == [people.TIM]
    assert contacts.removed.contacts.success == [contacts.created.id]
    assert contacts.changed.list_ids == []


def test_a_double_opt_in_of_the_library_is_confirmed_onto_the_list(
    contacts: ContactAnswers, account: AccountAnswers
) -> None:
    assert contacts.confirmed.list_ids == [account.created.id]
    assert contacts.confirmed.attributes.VORNAME == "Zoe"


def test_the_library_watches_an_import_until_it_is_done(processes: ProcessAnswers) -> None:
    assert processes.waiting.status == "processing"
    assert processes.completed.id == processes.imported.process_id
    assert processes.completed.status == "completed"


def test_the_library_learns_from_a_report_whom_an_import_refused(
    processes: ProcessAnswers,
) -> None:
    assert [row["EMAIL"] for row in rows(processes.refused_rows)] == ["no address"]


def test_the_library_gets_a_file_of_contacts(processes: ProcessAnswers) -> None:
    names = {row["EMAIL"]: row["VORNAME"] for row in rows(processes.file)}
    assert names[people.KAI] == names[people.PIA] == "Kim"


def test_the_library_empties_a_list_by_a_process(processes: ProcessAnswers) -> None:
    assert processes.emptied.contacts.total == 1
    known = [process.id for process in processes.processes.processes]
    assert processes.emptied.contacts.process_id in known


def test_the_library_makes_a_webhook_with_a_token(webhooks: WebhookAnswers) -> None:
    (webhook,) = webhooks.listed.webhooks
    assert (webhook.id, webhook.type) == (webhooks.created.id, "marketing")
    assert webhook.events == people.EVENTS
    assert webhook.auth == {"type": "bearer", "token": "geheim"}


def test_the_library_sees_transactional_webhooks_unless_it_asks(webhooks: WebhookAnswers) -> None:
    assert [webhook.type for webhook in webhooks.transactional.webhooks] == ["transactional"]


def test_the_library_changes_and_deletes_webhooks(webhooks: WebhookAnswers) -> None:
    assert webhooks.changed.events == ["unsubscribed"]
    assert webhooks.changed.url.endswith("2")
    assert [webhook.id for webhook in webhooks.after_deletion.webhooks] == [webhooks.created.id]


def test_the_library_has_the_history_of_webhooks_written(webhooks: WebhookAnswers) -> None:
    assert (webhooks.history.name, webhooks.history.status) == ("EXPORT_WEBHOOK", "completed")
    assert webhooks.history_file.startswith("event;email;")


def test_the_library_sees_a_campaign_with_its_numbers(
    campaigns: CampaignAnswers, account: AccountAnswers
) -> None:
    (campaign,) = campaigns.campaigns.campaigns
    (numbers,) = campaigns.campaign.statistics.campaign_stats
    assert campaign.id == campaigns.campaign.id
    assert (numbers.list_id, numbers.sent) == (account.created.id, 5)
    assert (numbers.unsubscriptions, numbers.complaints, numbers.hard_bounces) == (1, 1, 1)


def test_the_library_gets_a_file_of_recipients(campaigns: CampaignAnswers) -> None:
    found = {row["Email_ID"]: row for row in rows(campaigns.file)}
    assert len(found) == 5
    assert found[people.KAI]["Unsubscribe_Date"]
    assert not found[people.UTE]["Unsubscribe_Date"]


def test_the_library_sees_why_people_stopped(campaigns: CampaignAnswers) -> None:
    seen = campaigns.statistics
    assert seen[people.KAI].unsubscriptions.user_unsubscription[0].campaign_id
    assert seen[people.LEA].complaints
    assert seen[people.PIA].hard_bounces
    assert seen[people.UTE].unsubscriptions.admin_unsubscription
    assert seen[people.UTE].unsubscriptions.user_unsubscription == []


def test_the_library_sees_who_opened_and_clicked(campaigns: CampaignAnswers) -> None:
    assert [one.count for one in campaigns.statistics[people.KAI].opened] == [1]
    (clicked,) = campaigns.statistics[people.KAI].clicked
    assert [link.url for link in clicked.links] == ["https://immobilien.example/objekte"]


def test_who_left_is_blocklisted_for_the_library_and_still_on_the_list(
    campaigns: CampaignAnswers, account: AccountAnswers
) -> None:
    assert campaigns.contact.email_blacklisted
    assert campaigns.contact.list_ids == [account.created.id]


def test_the_library_reads_the_event_it_has_written(campaigns: CampaignAnswers) -> None:
    assert [event.event_name for event in campaigns.events.events] == ["visit"]


@pytest.mark.parametrize(
    ("what", "kind", "status", "code"),
    [
        ("unknown contact", "NotFoundError", 404, "document_not_found"),
        ("change of nobody", "NotFoundError", 404, "document_not_found"),
        ("exists", "BadRequestError", 400, "invalid_parameter"),
        ("taken address", "BadRequestError", 400, "invalid_parameter"),
        ("no identifier", "BadRequestError", 400, "missing_parameter"),
        ("nobody to add", "BadRequestError", 400, "invalid_parameter"),
        ("nobody to remove", "BadRequestError", 400, "invalid_parameter"),
        ("page too large", "BadRequestError", 400, "out_of_range"),
        ("unknown list", "NotFoundError", 404, "document_not_found"),
        ("import to no list", "BadRequestError", 400, "missing_parameter"),
        ("no such template", "BadRequestError", 400, "invalid_parameter"),
        ("attribute exists", "BadRequestError", 400, "invalid_parameter"),
        ("unknown process", "NotFoundError", 404, "document_not_found"),
        ("unknown webhook", "NotFoundError", 404, "document_not_found"),
        ("unknown campaign", "NotFoundError", 404, "document_not_found"),
        ("retired", "ApiError", 410, "method_not_allowed"),
        ("no webhooks", "BadRequestError", 400, "document_not_found"),
        ("no history", "ApiError", 403, "permission_denied"),
        ("wrong key", "ApiError", 401, "unauthorized"),
        ("throttled", "TooManyRequestsError", 429, "too_many_requests"),
    ],
)
def test_a_refusal_reaches_the_library_as_the_error_it_is(
    visit: Visit, what: str, kind: str, status: int, code: str
) -> None:
    refused = visit.refused[what]
    assert (refused.kind, refused.status_code, refused.code) == (kind, status, code)
    assert refused.message


def test_a_conflict_names_the_identifier_to_the_library(visit: Visit) -> None:
    assert visit.refused["taken address"].metadata == {"duplicate_identifiers": ["email"]}
