"""One visit of Mailchimp's own client library to the twin, from ping to the last abuse report.

Belongs here: the calls, in an order in which they make sense, and what came back. Not here:
assertions; `test_mailchimp_sdk` looks at the answers, `test_mailchimp_spec` at the traffic.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from typing import Any

import httpx

from nl_pipeline_tests.contract.mailchimp.sdk_answers import (
    AccountAnswers,
    BulkAnswers,
    MemberAnswers,
    Refused,
    ReportAnswers,
    TagAnswers,
    Visit,
    WebhookAnswers,
)
from nl_pipeline_tests.sandbox.mailchimp.caller import AUDIENCE, subscriber_hash
from nl_pipeline_tests.sandbox_control import SandboxControl

EVA, TIM, UTE, JAN, LEA, KAI = (
    f"{name}@kunde.example" for name in ("Eva.Berg", "tim", "ute", "jan", "lea", "kai")
)
NEW_LIST: dict[str, Any] = {
    **AUDIENCE,
    "contact": {**AUDIENCE["contact"], "state": "", "zip": "52062"},  # type: ignore[dict-item]
}
EVENTS = ("subscribe", "unsubscribe", "profile", "cleaned", "upemail", "campaign")


def visit(sdk: Any, *, control: SandboxControl, hook_url: str) -> Visit:
    """Make all calls against a twin that has nobody."""
    account = _account(sdk)
    list_id = account.created["id"]
    bulk = _bulk(sdk, list_id, control=control)
    return Visit(
        account=account,
        members=_members(sdk, list_id),
        bulk=bulk,
        tags=_tags(sdk, list_id),
        webhooks=_webhooks(sdk, list_id, url=hook_url),
        reports=_reports(sdk, list_id, control=control),
        refused=_refusals(sdk, list_id, control=control),
    )


def _account(sdk: Any) -> AccountAnswers:
    created = sdk.lists.create_list(NEW_LIST)
    return AccountAnswers(
        ping=sdk.ping.get(),
        root=sdk.root.get_root(),
        created=created,
        found=sdk.lists.get_list(created["id"], include_total_contacts=True),
        listed=sdk.lists.get_all_lists(count=10, sort_field="date_created", sort_dir="ASC"),
        changed=sdk.lists.update_list(created["id"], {**NEW_LIST, "double_optin": True}),
    )


def _members(sdk: Any, list_id: str) -> MemberAnswers:
    lists = sdk.lists
    added = lists.add_list_member(
        list_id,
        {"email_address": EVA, "status": "subscribed", "merge_fields": {"FNAME": "Eva"}},
        skip_merge_validation=True,
    )
    put = lists.set_list_member(
        list_id, subscriber_hash(JAN), {"email_address": JAN, "status_if_new": "pending"}
    )
    changed = lists.update_list_member(
        list_id, subscriber_hash(EVA), {"merge_fields": {"LNAME": "Berg"}}
    )
    opted_out = lists.update_list_member(list_id, subscriber_hash(TIM), {"status": "unsubscribed"})
    lists.delete_list_member(list_id, subscriber_hash(UTE))
    moved = lists.update_list_member(
        list_id, subscriber_hash(LEA), {"email_address": "lea.neu@kunde.example"}
    )
    members: Callable[..., Any] = lists.get_list_members_info
    return MemberAnswers(
        added=added,
        put=put,
        changed=changed,
        opted_out=opted_out,
        archived=lists.get_list_member(list_id, subscriber_hash(UTE)),
        moved=moved,
        pages=tuple(
            members(list_id, count=2, offset=offset, sort_field="last_changed", sort_dir="ASC")
            for offset in (0, 2, 4)
        ),
        only_unsubscribed=members(list_id, status="unsubscribed"),
        in_window=members(list_id, since_last_changed="2020-01-01T00:00:00+00:00", count=1000),
        chosen_fields=members(list_id, count=1, fields=["members.id", "members.status"]),
    )


def _bulk(sdk: Any, list_id: str, *, control: SandboxControl) -> BulkAnswers:
    subscribed = sdk.lists.batch_list_members(
        list_id,
        {
            "members": [
                {"email_address": address, "status": "subscribed"}
                for address in (TIM, UTE, LEA, KAI, "nobody@example.com")
            ],
            "update_existing": False,
        },
    )
    member = f"/lists/{list_id}/members/{subscriber_hash(KAI)}"
    started = sdk.batches.start(
        {
            "operations": [
                {
                    "method": "PATCH",
                    "path": member,
                    "operation_id": "change",
                    "body": json.dumps({"merge_fields": {"FNAME": "Kai"}}),
                },
                {"method": "GET", "path": member, "operation_id": "read"},
                {"method": "DELETE", "path": f"{member[:-1]}x", "operation_id": "absent"},
            ]
        }
    )
    control.advance(seconds=60)
    status = sdk.batches.status(started["id"])
    return BulkAnswers(
        subscribed=subscribed,
        started=started,
        status=status,
        listed=sdk.batches.list(count=10),
        results=_results(status["response_body_url"]),
    )


def _results(url: str) -> dict[str, int]:
    """Status by operation id. The library leaves fetching the archive to its user."""
    content = httpx.get(url, trust_env=False, verify=False).raise_for_status().content
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
        files = [archive.extractfile(entry) for entry in archive if entry.isfile()]
        rows = [row for file in files if file for row in json.loads(file.read() or b"[]")]
    return {row["operation_id"]: row["status_code"] for row in rows}


def _tags(sdk: Any, list_id: str) -> TagAnswers:
    lists = sdk.lists
    tags = {"tags": [{"name": "Interessent", "status": "active"}], "is_syncing": True}
    lists.update_list_member_tags(list_id, subscriber_hash(EVA), tags)
    segment = lists.create_segment(list_id, {"name": "Kunden", "static_segment": [KAI]})
    changed = lists.batch_segment_members(
        {"members_to_add": [EVA, "nobody@kunde.example"], "members_to_remove": [KAI]},
        list_id,
        segment["id"],
    )
    segments = lists.list_segments(list_id, type="static", count=10)
    segment_members = lists.get_segment_members_list(list_id, segment["id"])
    lists.update_segment(list_id, segment["id"], {"name": "Bestand", "static_segment": []})
    lists.delete_segment(list_id, segment["id"])
    field = {"name": "Anrede", "type": "text", "tag": "ANREDE", "required": False, "public": False}
    merge_field = lists.add_list_merge_field(list_id, field)
    merge_fields = lists.get_list_merge_fields(list_id, count=100)
    lists.update_list_merge_field(list_id, merge_field["merge_id"], {"name": "Salutation"})
    lists.get_list_merge_field(list_id, merge_field["merge_id"])
    lists.delete_list_merge_field(list_id, merge_field["merge_id"])
    return TagAnswers(
        tags=lists.get_list_member_tags(list_id, subscriber_hash(EVA), count=50),
        search=lists.tag_search(list_id, name="Inter"),
        segment=segment,
        changed=changed,
        segments=segments,
        segment_members=segment_members,
        after_removal=lists.list_segments(list_id),
        merge_field=merge_field,
        merge_fields=merge_fields,
        merge_fields_after=lists.get_list_merge_fields(list_id),
    )


def _webhooks(sdk: Any, list_id: str, *, url: str) -> WebhookAnswers:
    lists = sdk.lists
    sources = {"user": True, "admin": True, "api": False}
    webhook = {"url": url, "events": dict.fromkeys(EVENTS, True), "sources": sources}
    created = lists.create_list_webhook(list_id, webhook)
    listed = lists.get_list_webhooks(list_id)
    changed = lists.update_list_webhook(list_id, created["id"], {"events": {"campaign": False}})
    read = lists.get_list_webhook(list_id, created["id"])
    lists.delete_list_webhook(list_id, created["id"])
    return WebhookAnswers(created, listed, changed, read, lists.get_list_webhooks(list_id))


def _reports(sdk: Any, list_id: str, *, control: SandboxControl) -> ReportAnswers:
    rates = {"open_rate": 1.0, "click_rate": 1.0, "hard_bounce_rate": 0.0, "soft_bounce_rate": 0.0}
    control.send_campaign(subject="Neue Objekte", audience=list_id, **rates)
    campaigns = sdk.campaigns.list(list_id=list_id, status="sent", count=10)
    campaign_id = campaigns["campaigns"][0]["id"]
    control.act(
        "mailchimp",
        actor="person",
        action="unsubscribe",
        email=KAI,
        audience=list_id,
        campaign_id=campaign_id,
        reason="Kein Interesse mehr",
    )
    control.act(
        "mailchimp",
        actor="person",
        action="complain",
        email="lea.neu@kunde.example",
        audience=list_id,
        campaign_id=campaign_id,
    )
    note = sdk.lists.create_list_member_note(list_id, subscriber_hash(EVA), {"note": "Rückruf"})
    reports = sdk.reports
    return ReportAnswers(
        campaigns=campaigns,
        campaign=sdk.campaigns.get(campaign_id),
        report=reports.get_campaign_report(campaign_id),
        sent_to=reports.get_campaign_recipients(campaign_id, count=100),
        unsubscribed=reports.get_unsubscribed_list_for_campaign(campaign_id, count=100),
        email_activity=reports.get_email_activity_for_campaign(campaign_id, count=100),
        campaign_complaints=reports.get_campaign_abuse_reports(campaign_id),
        complaints=sdk.lists.get_list_abuse_reports(list_id, count=100),
        growth=sdk.lists.get_list_recent_activity(list_id),
        feed=sdk.lists.get_list_member_activity_feed(list_id, subscriber_hash(KAI), count=100),
        activity=sdk.lists.get_list_member_activity(list_id, subscriber_hash(KAI)),
        note=note,
        notes=sdk.lists.get_list_member_notes(list_id, subscriber_hash(EVA)),
    )


def _refusals(sdk: Any, list_id: str, *, control: SandboxControl) -> dict[str, Refused]:
    """What the service says no to, by a word for each."""
    lists, eva = sdk.lists, subscriber_hash(EVA)
    new = {"email_address": EVA, "status": "subscribed"}
    lists.delete_list_member_permanent(list_id, subscriber_hash(JAN))
    calls: dict[str, Callable[[], Any]] = {
        "absent": lambda: lists.get_list_member(list_id, subscriber_hash("x@kunde.example")),
        "exists": lambda: lists.add_list_member(list_id, new),
        "opted out": lambda: lists.update_list_member(
            list_id, subscriber_hash(KAI), {"status": "subscribed"}
        ),
        "forgotten": lambda: lists.add_list_member(
            list_id, {"email_address": JAN, "status": "subscribed"}
        ),
        "already archived": lambda: lists.delete_list_member(list_id, subscriber_hash(UTE)),
        "fake": lambda: lists.add_list_member(
            list_id, {"email_address": "x@example.com", "status": "subscribed"}
        ),
        "no webhook there": lambda: lists.create_list_webhook(
            list_id, {"url": "http://127.0.0.1:1/hook"}
        ),
    }
    refused = {name: _refused(call) for name, call in calls.items()}
    control.switch("mailchimp", name="max_audiences", value=1)
    refused["one audience too many"] = _refused(lambda: lists.create_list(NEW_LIST))
    control.switch("mailchimp", name="connection_limit", value=0)
    refused["throttled"] = _refused(lambda: lists.get_list_member(list_id, eva))
    control.switch("mailchimp", name="connection_limit", value=10)
    return refused


def _refused(call: Callable[[], Any]) -> Refused:
    from mailchimp_marketing.api_client import ApiClientError

    try:
        call()
    except ApiClientError as error:
        return Refused(error.status_code, error.text)
    raise AssertionError("the twin should have refused this call")
