"""Endpoints of audiences: ``/lists``, their statistics, daily activity and abuse reports.

Belongs here: the list object and what is counted per list. Does not belong here: members.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from nl_pipeline.sandbox.mailchimp import errors, times
from nl_pipeline.sandbox.mailchimp.account import Account
from nl_pipeline.sandbox.mailchimp.calls import NO_CONTENT, Answer, ApiCall
from nl_pipeline.sandbox.mailchimp.merge_fields import default_fields
from nl_pipeline.sandbox.mailchimp.paging import page_of
from nl_pipeline.sandbox.mailchimp.projection import Projection
from nl_pipeline.sandbox.mailchimp.state import Audience

ACTIVITY_DAYS = 180

_COUNTRIES = frozenset(
    {"AT", "BE", "CH", "CZ", "DE", "DK", "ES", "FR", "GB", "HR", "HU", "IT"}
    | {"LI", "LU", "NL", "PL", "PT", "SE", "SI", "SK", "US"}
)
"""Two-letter codes the twin knows; Mailchimp falls back to US for an invalid one."""

_DEFAULTS: dict[str, Any] = {
    "use_archive_bar": True,
    "notify_on_subscribe": "",
    "notify_on_unsubscribe": "",
    "double_optin": False,
    "marketing_permissions": False,
}


class _Contact(msgspec.Struct):
    company: str
    address1: str
    city: str
    country: str
    address2: str = ""
    state: str = ""
    zip: str = ""
    phone: str = ""


class _CampaignDefaults(msgspec.Struct):
    from_name: str
    from_email: str
    subject: str
    language: str


class AudienceBody(msgspec.Struct):
    """Writable properties of a list."""

    name: str | UnsetType = UNSET
    contact: _Contact | UnsetType = UNSET
    permission_reminder: str | UnsetType = UNSET
    campaign_defaults: _CampaignDefaults | UnsetType = UNSET
    email_type_option: bool | UnsetType = UNSET
    use_archive_bar: bool | UnsetType = UNSET
    notify_on_subscribe: str | UnsetType = UNSET
    notify_on_unsubscribe: str | UnsetType = UNSET
    double_optin: bool | UnsetType = UNSET
    marketing_permissions: bool | UnsetType = UNSET


_REQUIRED = ("name", "contact", "permission_reminder", "campaign_defaults", "email_type_option")


def list_audiences(account: Account, call: ApiCall) -> Answer:
    """``GET /lists``: with ``constraints``; filters ``email`` and the creation times."""
    chosen = [audience for audience in account.audiences.values() if _fits(audience, call=call)]
    if call.query.get("sort_field") == "date_created":
        chosen.sort(
            key=lambda audience: audience.date_created,
            reverse=call.query.get("sort_dir", "").upper() == "DESC",
        )
    page = page_of(chosen, call=call)
    content = {
        "lists": [rendered(account, audience, call=call) for audience in page.rows],
        "total_items": page.total,
        "constraints": {
            "may_create": _may_create(account),
            "max_instances": account.switches.max_audiences,
            "current_total_instances": len(account.audiences),
        },
        "_links": [],
    }
    return Answer(Projection.of(call.query).cut(content))


def read_audience(account: Account, call: ApiCall) -> Answer:
    """``GET /lists/{list_id}``."""
    audience = account.audience(call.parameters["list_id"])
    return Answer(Projection.of(call.query).cut(rendered(account, audience, call=call)))


def create_audience(account: Account, call: ApiCall) -> Answer:
    """``POST /lists``: 403 when the plan allows no more [text inferred]."""
    body = call.read(AudienceBody)
    missing = [name for name in _REQUIRED if getattr(body, name) in (UNSET, "")]
    if missing:
        raise errors.invalid_body(
            *(errors.FieldError(name, "This value should not be blank.") for name in missing)
        )
    if not _may_create(account):
        raise errors.ApiProblem(
            403,
            "Authorization Failure",
            "Your plan does not permit another audience; the limit is "
            f"{account.switches.max_audiences}.",
        )
    audience = add_audience(account, details=_details(body))
    return Answer(rendered(account, audience, call=call))


def change_audience(account: Account, call: ApiCall) -> Answer:
    """``PATCH /lists/{list_id}``: the sent properties."""
    audience = account.audience(call.parameters["list_id"])
    body = call.read(AudienceBody)
    if body.name == "":
        raise errors.invalid_body(errors.FieldError("name", "This value should not be blank."))
    audience.details |= _details(body)
    return Answer(rendered(account, audience, call=call))


def delete_audience(account: Account, call: ApiCall) -> Answer:
    """``DELETE /lists/{list_id}``: history, unsubscribes and bounces go with it."""
    remove_audience(account, account.audience(call.parameters["list_id"]))
    return NO_CONTENT


def add_audience(account: Account, *, details: dict[str, Any]) -> Audience:
    """A new, empty audience with the default merge fields."""
    audience = Audience(
        id=account.ids.hexadecimal("audience", digits=10),
        web_id=account.ids.number("audience web", start=500_101),
        details=_DEFAULTS | details,
        date_created=account.now(),
        merge_fields=default_fields(),
    )
    account.audiences[audience.id] = audience
    return audience


def remove_audience(account: Account, audience: Audience) -> None:
    """Take an audience out of the account; the sandbox keeps it for its dump."""
    del account.audiences[audience.id]
    account.deleted_audiences.append(audience)


def list_activity(account: Account, call: ApiCall) -> Answer:
    """``GET /lists/{list_id}/activity``: up to 180 days, newest first."""
    audience = account.audience(call.parameters["list_id"])
    columns = (
        "emails_sent",
        "unique_opens",
        "recipient_clicks",
        "hard_bounce",
        "soft_bounce",
        "subs",
        "unsubs",
        "other_adds",
        "other_removes",
    )
    days = [
        {"day": day, **{column: audience.days[day][column] for column in columns}}
        for day in sorted(audience.days, reverse=True)[:ACTIVITY_DAYS]
    ]
    page = page_of(days, call=call)
    content = {
        "activity": page.rows,
        "list_id": audience.id,
        "total_items": page.total,
        "_links": [],
    }
    return Answer(content)


def list_abuse_reports(account: Account, call: ApiCall) -> Answer:
    """``GET /lists/{list_id}/abuse-reports``."""
    audience = account.audience(call.parameters["list_id"])
    page = page_of(audience.abuse_reports, call=call)
    tags = audience.merge_tags
    reports = [
        {
            "id": report.id,
            "campaign_id": report.campaign_id,
            "list_id": audience.id,
            "email_id": report.member.id,
            "email_address": report.email_address,
            "merge_fields": {tag: report.member.merge_fields.get(tag, "") for tag in tags},
            "vip": report.member.vip,
            "date": times.iso(report.at),
            "_links": [],
        }
        for report in page.rows
    ]
    content = {
        "abuse_reports": reports,
        "list_id": audience.id,
        "total_items": page.total,
        "_links": [],
    }
    return Answer(Projection.of(call.query).cut(content))


def rendered(account: Account, audience: Audience, *, call: ApiCall) -> dict[str, Any]:
    """The list object; ``stats`` are as old as the cache allows."""
    stats = dict(_stats(account, audience))
    stats["merge_field_count"] = len(audience.merge_fields)
    if not call.flag("include_total_contacts"):
        del stats["total_contacts"]
    return {
        "id": audience.id,
        "web_id": audience.web_id,
        **audience.details,
        "date_created": times.iso(audience.date_created),
        "list_rating": 0,
        "subscribe_url_short": f"http://eepurl.example/{audience.id[:6]}",
        "subscribe_url_long": f"https://us0.list-manage.example/subscribe?id={audience.id}",
        "beamer_address": f"us0-{audience.id}@inbound.example",
        "visibility": "prv",
        "has_welcome": False,
        "modules": [],
        "stats": stats,
        "_links": [],
    }


def _stats(account: Account, audience: Audience) -> dict[str, Any]:
    now = account.clock.epoch()
    age = now - audience.shown_stats_at
    if audience.shown_stats is None or age >= account.switches.stats_cache_seconds:
        audience.shown_stats, audience.shown_stats_at = _counted(account, audience), now
    return audience.shown_stats


def _counted(account: Account, audience: Audience) -> dict[str, Any]:
    counts = audience.counts
    sent = [item for item in account.campaigns.values() if item.list_id == audience.id]
    return {
        "member_count": counts["subscribed"],
        "total_contacts": sum(counts.values()) - counts["archived"],
        "unsubscribe_count": counts["unsubscribed"],
        "cleaned_count": counts["cleaned"],
        "member_count_since_send": counts["subscribed"],
        "unsubscribe_count_since_send": counts["unsubscribed"],
        "cleaned_count_since_send": counts["cleaned"],
        "campaign_count": len(sent),
        "campaign_last_sent": times.iso(audience.last_sent),
        "avg_sub_rate": 0,
        "avg_unsub_rate": 0,
        "target_sub_rate": 0,
        "open_rate": 0,
        "click_rate": 0,
        "last_sub_date": times.iso(audience.last_sub),
        "last_unsub_date": times.iso(audience.last_unsub),
    }


def _may_create(account: Account) -> bool:
    limit = account.switches.max_audiences
    return limit < 0 or len(account.audiences) < limit


def _details(body: AudienceBody) -> dict[str, Any]:
    details: dict[str, Any] = {
        name: msgspec.to_builtins(value)
        for name in body.__struct_fields__
        if (value := getattr(body, name)) is not UNSET
    }
    contact = details.get("contact")
    if contact is not None and contact["country"].upper() not in _COUNTRIES:
        contact["country"] = "US"
    return details


def _fits(audience: Audience, *, call: ApiCall) -> bool:
    since = times.parse(call.query.get("since_date_created", ""))
    before = times.parse(call.query.get("before_date_created", ""))
    if since is not None and audience.date_created <= since:
        return False
    if before is not None and audience.date_created >= before:
        return False
    address = call.query.get("email", "")
    return not address or audience.find(address) is not None
