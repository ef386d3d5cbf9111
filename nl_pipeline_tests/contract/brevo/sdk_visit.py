"""One visit of Brevo's own client library to the twin, from the account to the history of webhooks.

Belongs here: the calls, in an order in which they make sense, and what came back. Not here:
assertions; `test_brevo_sdk` looks at the answers, `test_brevo_spec` at the traffic.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import httpx

from nl_pipeline.sandbox.credentials import BREVO_API_KEY
from nl_pipeline_tests.contract.brevo.sdk_answers import (
    AccountAnswers,
    CampaignAnswers,
    ContactAnswers,
    ProcessAnswers,
    Refused,
    Visit,
    WebhookAnswers,
)
from nl_pipeline_tests.sandbox_control import SandboxControl

EVA, TIM, UTE, JAN, LEA, KAI, PIA, ZOE = (
    f"{name}@kunde.example"
    for name in ("Eva.Berg", "tim", "ute", "jan", "lea", "kai", "pia", "zoe")
)
EVENTS = ["unsubscribed", "spam", "hardBounce", "listAddition", "contactUpdated", "contactDeleted"]
OPTIONS = {"enterprise": True, "import_seconds": 60.0, "contacts_per_second": 10_000}
"""Switches of the account that is visited: with the history of webhooks, imports that take their
time, and a limit the library knows nothing of out of the way."""

_QUIET = {"open_rate": 1.0, "click_rate": 1.0, "hard_bounce_rate": 0.0, "soft_bounce_rate": 0.0}


@contextlib.contextmanager
def library(base_url: str, *, api_key: str = BREVO_API_KEY) -> Iterator[Any]:
    """The library's client, which tries nothing twice."""
    from brevo import Brevo

    with httpx.Client(trust_env=False, verify=False, timeout=30) as http:
        yield Brevo(api_key=api_key, base_url=base_url, max_retries=0, httpx_client=http)


def visit(sdk: Any, *, control: SandboxControl, hook_url: str) -> Visit:
    """Make all calls against a twin that has nobody."""
    account, list_id = _account(sdk)
    webhooks = _webhooks(sdk, url=hook_url)
    contacts = _contacts(sdk, list_id, control=control)
    processes = _processes(sdk, list_id, control=control)
    campaigns = _campaigns(sdk, list_id, control=control)
    return Visit(
        account=account,
        contacts=contacts,
        processes=processes,
        webhooks=webhooks,
        campaigns=campaigns,
        refused=_refusals(sdk, list_id, control=control),
    )


def _account(sdk: Any) -> tuple[AccountAnswers, int]:
    contacts = sdk.contacts
    account = sdk.account.get_account()
    folder = contacts.create_folder(name="onOffice")
    created = contacts.create_list(name="Kunden", folder_id=folder.id)
    lists = contacts.get_lists(limit=50, offset=0, sort="asc")
    contacts.update_list(created.id, name="onoffice")
    attributes = contacts.get_attributes()
    contacts.create_attribute("normal", "ANREDE", type="text")
    return (
        AccountAnswers(
            account=account,
            folders=contacts.get_folders(limit=50, offset=0, sort="asc"),
            folder=contacts.get_folder(folder.id),
            created=created,
            lists=lists,
            found=contacts.get_list(created.id),
            renamed=contacts.get_lists(limit=50, offset=0, sort="asc"),
            in_folder=contacts.get_folder_lists(folder.id, limit=50, offset=0),
            segments=contacts.get_segments(limit=50, offset=0),
            attributes=attributes,
            attributes_after=contacts.get_attributes(),
        ),
        created.id,
    )


def _webhooks(sdk: Any, *, url: str) -> WebhookAnswers:
    from brevo.webhooks.types import CreateWebhookRequestAuth

    hooks = sdk.webhooks
    created = hooks.create_webhook(
        url=url,
        type="marketing",
        channel="email",
        description="onOffice",
        events=EVENTS,
        auth=CreateWebhookRequestAuth(type="bearer", token="geheim"),
        batched=False,
    )
    listed = hooks.get_webhooks(type="marketing", sort="asc")
    hooks.update_webhook(created.id, events=["unsubscribed"], url=f"{url}2")
    changed = hooks.get_webhook(created.id)
    hooks.update_webhook(created.id, events=EVENTS, url=url)
    other = hooks.create_webhook(url=f"{url}3", type="transactional", events=["delivered"])
    transactional = hooks.get_webhooks()
    hooks.delete_webhook(other.id)
    history = hooks.export_webhooks_history(
        event="allEvents", type="marketing", notify_url=url, days=7, sort="asc"
    )
    return WebhookAnswers(
        created=created,
        listed=listed,
        transactional=transactional,
        changed=changed,
        after_deletion=hooks.get_webhooks(type="marketing"),
        history=sdk.process.get_process(history.process_id),
        history_file=_file_of(sdk, history.process_id),
    )


def _contacts(sdk: Any, list_id: int, *, control: SandboxControl) -> ContactAnswers:
    from brevo.contacts import (
        AddContactToListRequestBodyEmails,
        RemoveContactFromListRequestBodyIds,
    )

    contacts = sdk.contacts
    created = contacts.create_contact(
        email=EVA, attributes={"VORNAME": "Eva", "ANREDE": "Frau"}, list_ids=[list_id]
    )
    found = contacts.get_contact_info(created.id, identifier_type="contact_id")
    began = found.created_at
    contacts.update_contact(
        created.id, identifier_type="contact_id", attributes={"NACHNAME": "Berg"}
    )
    for email in (TIM, UTE, JAN, LEA):
        contacts.create_contact(email=email, update_enabled=False)
    contacts.create_contact(email=UTE, update_enabled=True, ext_id="oo-3", list_ids=[list_id])
    contacts.update_contact(TIM, email_blacklisted=True)
    blocklisted = contacts.get_contact_info(TIM)
    contacts.update_contact(JAN, attributes={"EMAIL": "jan.neu@kunde.example"})
    contacts.update_contact(TIM, attributes={"EMAIL": "tim.neu@kunde.example"})
    added = contacts.add_contact_to_list(
        list_id, request=AddContactToListRequestBodyEmails(emails=[LEA, TIM])
    )
    removed = contacts.remove_contact_from_list(
        list_id, request=RemoveContactFromListRequestBodyIds(ids=[created.id])
    )
    contacts.create_doi_contact(
        email=ZOE,
        include_list_ids=[list_id],
        template_id=1,
        redirection_url="https://immobilien.example/danke",
        attributes={"VORNAME": "Zoe"},
    )
    control.act("brevo", actor="person", action="confirm", email=ZOE)
    return ContactAnswers(
        created=created,
        found=found,
        changed=contacts.get_contact_info(EVA, identifier_type="email_id"),
        blocklisted=blocklisted,
        moved=contacts.get_contact_info("jan.neu@kunde.example"),
        moved_blocklisted=contacts.get_contact_info("tim.neu@kunde.example"),
        pages=tuple(contacts.get_contacts(limit=2, offset=o, sort="asc") for o in (0, 2, 4, 6)),
        modified=contacts.get_contacts(modified_since=began, limit=1000, sort="asc"),
        chosen=contacts.get_contacts(list_ids=[list_id, 2], limit=1000),
        on_list=contacts.get_contacts_from_list(list_id, limit=500, offset=0, sort="asc"),
        added=added,
        removed=removed,
        confirmed=contacts.get_contact_info(ZOE),
    )


def _processes(sdk: Any, list_id: int, *, control: SandboxControl) -> ProcessAnswers:
    from brevo.contacts import (
        ImportContactsRequestJsonBodyItem,
        RemoveContactFromListRequestBodyAll,
        RequestContactExportRequestCustomContactFilter,
    )

    contacts = sdk.contacts
    imported = contacts.import_contacts(
        list_ids=[list_id],
        update_existing_contacts=True,
        disable_notification=True,
        json_body=[
            ImportContactsRequestJsonBodyItem(email=email, attributes={"VORNAME": "Kim"})
            for email in (KAI, PIA, LEA, "no address")
        ],
    )
    control.advance(seconds=30)
    waiting = sdk.process.get_process(imported.process_id)
    control.advance(seconds=60)
    completed = sdk.process.get_process(imported.process_id)
    exported = contacts.request_contact_export(
        custom_contact_filter=RequestContactExportRequestCustomContactFilter(
            action_for_contacts="allContacts", list_id=list_id
        ),
        export_attributes=["VORNAME"],
        export_date_in_utc=True,
        disable_notification=True,
    )
    spare = contacts.create_list(name="Alt", folder_id=1)
    contacts.update_contact(PIA, list_ids=[spare.id])
    emptied = contacts.remove_contact_from_list(
        spare.id, request=RemoveContactFromListRequestBodyAll(all_=True)
    )
    contacts.delete_list(spare.id)
    return ProcessAnswers(
        imported=imported,
        waiting=waiting,
        completed=completed,
        refused_rows=_fetched(completed.info.import_.invalid_emails),
        exported=exported,
        file=_file_of(sdk, exported.process_id),
        emptied=emptied,
        processes=sdk.process.get_processes(limit=50, offset=0, sort="asc"),
    )


def _campaigns(sdk: Any, list_id: int, *, control: SandboxControl) -> CampaignAnswers:
    from brevo.event.types import CreateEventRequestIdentifiers

    sent = control.send_campaign("brevo", subject="Neue Objekte", **_QUIET)
    campaign_id = sent["campaign_id"]
    for actor, action, email in (
        ("person", "unsubscribe", KAI),
        ("person", "complain", LEA),
        ("system", "bounce", PIA),
        ("staff", "unsubscribe", UTE),
    ):
        control.act("brevo", actor=actor, action=action, email=email, campaign_id=campaign_id)
    control.act("brevo", actor="person", action="unsubscribe", email=ZOE, list_only=True)
    campaigns = sdk.email_campaigns
    recipients = campaigns.email_export_recipients(campaign_id, recipients_type="all")
    sdk.event.create_event(
        event_name="visit", identifiers=CreateEventRequestIdentifiers(email_id=EVA)
    )
    return CampaignAnswers(
        campaigns=campaigns.get_email_campaigns(
            status="sent", statistics="globalStats", limit=100, exclude_html_content=True
        ),
        campaign=campaigns.get_email_campaign(
            campaign_id, statistics="globalStats", exclude_html_content=True
        ),
        recipients=recipients,
        file=_file_of(sdk, recipients.process_id),
        statistics={
            email: sdk.contacts.get_contact_stats(email) for email in (KAI, LEA, PIA, UTE, ZOE)
        },
        contact=sdk.contacts.get_contact_info(KAI),
        events=sdk.event.get_events(limit=100),
    )


def _refusals(sdk: Any, list_id: int, *, control: SandboxControl) -> dict[str, Refused]:
    """What the service says no to, by a word for each."""
    from brevo.contacts import (
        AddContactToListRequestBodyEmails,
        RemoveContactFromListRequestBodyEmails,
    )

    contacts = sdk.contacts
    calls: dict[str, Callable[[], Any]] = {
        "unknown contact": lambda: contacts.get_contact_info("x@kunde.example"),
        "change of nobody": lambda: contacts.update_contact("x@kunde.example", ext_id="1"),
        "exists": lambda: contacts.create_contact(email=EVA),
        "taken address": lambda: contacts.update_contact(LEA, attributes={"EMAIL": EVA}),
        "no identifier": lambda: contacts.create_contact(attributes={"VORNAME": "Kim"}),
        "nobody to add": lambda: contacts.add_contact_to_list(
            list_id, request=AddContactToListRequestBodyEmails(emails=["x@kunde.example"])
        ),
        "nobody to remove": lambda: contacts.remove_contact_from_list(
            list_id, request=RemoveContactFromListRequestBodyEmails(emails=[EVA])
        ),
        "page too large": lambda: contacts.get_contacts(limit=1001),
        "unknown list": lambda: contacts.get_list(4711),
        "import to no list": lambda: contacts.import_contacts(json_body=[]),
        "no such template": lambda: contacts.create_doi_contact(
            email=EVA,
            include_list_ids=[list_id],
            template_id=99,
            redirection_url="https://immobilien.example/danke",
        ),
        "attribute exists": lambda: contacts.create_attribute("normal", "ANREDE", type="text"),
        "unknown process": lambda: sdk.process.get_process(4711),
        "unknown webhook": lambda: sdk.webhooks.get_webhook(4711),
        "unknown campaign": lambda: sdk.email_campaigns.email_export_recipients(
            4711, recipients_type="all"
        ),
        "retired": lambda: contacts.update_batch_contacts(contacts=[]),
    }
    refused = {name: _refused(call) for name, call in calls.items()}
    (webhook,) = sdk.webhooks.get_webhooks(type="marketing").webhooks
    sdk.webhooks.delete_webhook(webhook.id)
    refused["no webhooks"] = _refused(lambda: sdk.webhooks.get_webhooks(type="marketing"))
    control.switch("brevo", name="enterprise", value=False)
    refused["no history"] = _refused(
        lambda: sdk.webhooks.export_webhooks_history(
            event="allEvents", type="marketing", notify_url="https://immobilien.example/x", days=1
        )
    )
    with library(control.brevo_url, api_key="xkeysib-nobody") as stranger:
        refused["wrong key"] = _refused(stranger.account.get_account)
    control.switch("brevo", name="contacts_per_second", value=0)
    refused["throttled"] = _refused(lambda: contacts.get_contacts(limit=1))
    return refused


def _refused(call: Callable[[], Any]) -> Refused:
    from brevo.core.api_error import ApiError

    try:
        call()
    except ApiError as error:
        body = error.body if isinstance(error.body, dict) else error.body.model_dump()
        return Refused(
            type(error).__name__,
            error.status_code or 0,
            body.get("code") or "",
            body["message"],
            body.get("metadata"),
        )
    raise AssertionError("the twin should have refused this call")


def _file_of(sdk: Any, process_id: int) -> str:
    """The library leaves fetching a file to its user."""
    return _fetched(sdk.process.get_process(process_id).export_url)


def _fetched(url: str) -> str:
    return httpx.get(url, trust_env=False, verify=False).raise_for_status().text
