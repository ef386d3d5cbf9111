"""Endpoints of the events API: events that a program of the account's owner tells Brevo.

Belongs here: ``/events`` and ``/events/batch``. Does not belong here: what happens to mails, which
this API never shows. An event may write attributes of its contact (``contact_properties``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from nl_pipeline.sandbox.brevo import changes, errors, times
from nl_pipeline.sandbox.brevo.account import Account
from nl_pipeline.sandbox.brevo.attribute_values import address, checked, telephone
from nl_pipeline.sandbox.brevo.calls import NO_CONTENT, Answer, ApiCall
from nl_pipeline.sandbox.brevo.paging import page_of
from nl_pipeline.sandbox.brevo.state import Contact, CustomEvent, IdentifierKind

PAGE_LIMIT = 10_000
MOST_BYTES = 50_000
"""Of the ``event_properties`` of an event."""
DAY = 86_400_000
DEFAULT_DAYS = 183
"""``GET /events`` without dates: six months."""

_NAME = re.compile(r"^[A-Za-z0-9_-]{1,255}$")
_TELEPHONES: dict[str, IdentifierKind] = {
    "phone_id": "sms",
    "whatsapp_id": "whatsapp",
    "landline_number_id": "landline_number",
}


class _EventBody(msgspec.Struct):
    event_name: str
    identifiers: dict[str, Any]
    event_date: str = ""
    event_properties: dict[str, Any] = {}
    contact_properties: dict[str, Any] = {}
    object: dict[str, Any] | None = None


class _BatchBody(msgspec.Struct):
    events: list[_EventBody]


def create_event(account: Account, call: ApiCall) -> Answer:
    """``POST /events``: 204, also for somebody Brevo does not know."""
    body = call.read(_EventBody)
    _check(body)
    _take(account, body, call=call)
    return NO_CONTENT


def create_events(account: Account, call: ApiCall) -> Answer:
    """``POST /events/batch``: all are checked before any is taken."""
    bodies = call.read(_BatchBody).events
    if not bodies:
        raise errors.missing("events is missing")
    for body in bodies:
        _check(body)
    for body in bodies:
        _take(account, body, call=call)
    return Answer({"message": "Batch accepted", "count": len(bodies)}, status=202)


def list_events(account: Account, call: ApiCall) -> Answer:
    """``GET /events``: custom events only, the latest first."""
    ids, names, kinds = (
        _values(call, name) for name in ("contact_id", "event_name", "object_type")
    )
    first, last = _window(account, call)
    chosen = [
        event
        for event in account.custom_events
        if first <= event.at <= last
        and (not ids or str(event.contact_id) in ids)
        and (not names or event.name in names)
        and (not kinds or (event.object or {}).get("type") in kinds)
    ]
    chosen.sort(key=lambda event: event.at)
    page = page_of(chosen, call=call, default=100, most=PAGE_LIMIT)
    rows = [
        {
            "contact_id": event.contact_id,
            "event_name": event.name,
            "event_date": times.shown(event.at, switches=account.switches),
            "event_properties": event.properties,
            **({"object_type": event.object["type"]} if event.object else {}),
        }
        for event in page.rows
    ]
    return Answer({"events": rows, "count": page.total})


def _check(body: _EventBody) -> None:
    if not _NAME.match(body.event_name):
        raise errors.invalid("event_name is invalid")
    if not body.identifiers:
        raise errors.missing("identifiers is missing")
    if body.event_date and times.parse(body.event_date) is None:
        raise errors.invalid("event_date is invalid")
    if len(msgspec.json.encode(body.event_properties)) > MOST_BYTES:
        raise errors.invalid("event_properties is too large")


def _take(account: Account, body: _EventBody, *, call: ApiCall) -> None:
    contact = _contact(account, body.identifiers)
    email = address(str(body.identifiers.get("email_id", "")))
    if contact is None and email and account.switches.event_creates_contact:
        contact = changes.create(account, email=email, attributes={}, cause=call.cause)
    if contact is None:
        return
    at = times.parse(body.event_date) if body.event_date else None
    account.custom_events.append(
        CustomEvent(
            name=body.event_name,
            at=account.now() if at is None else at,
            contact_id=contact.id,
            properties=body.event_properties,
            object=body.object,
        )
    )
    values = checked(account, body.contact_properties)
    if values:
        changes.change_values(account, contact, attributes=values, cause=call.cause)


def _contact(account: Account, identifiers: dict[str, Any]) -> Contact | None:
    """Whom an event means: ``contact_id`` goes before all others."""
    if "contact_id" in identifiers:
        number = identifiers["contact_id"]
        return account.contacts.get(number) if isinstance(number, int) else None
    holders = account.holders
    if "email_id" in identifiers:
        return account.by_email(str(identifiers["email_id"]))
    if "ext_id" in identifiers:
        return holders.get(("ext_id", str(identifiers["ext_id"])))
    for name, kind in _TELEPHONES.items():
        if name in identifiers:
            return holders.get((kind, telephone(str(identifiers[name]))))
    return None


def _window(account: Account, call: ApiCall) -> tuple[int, int]:
    now = account.now()
    start_text, end_text = call.text("startDate"), call.text("endDate")
    if not start_text and not end_text:
        return now - DEFAULT_DAYS * DAY, now
    if not start_text or not end_text:
        raise errors.missing("Both startDate and endDate are required")
    start, end = _moment(start_text), _moment(end_text)
    if times.parse_day(end_text) is not None:
        end += DAY - 1
    if start > end:
        raise errors.invalid("startDate should not be after endDate")
    return start, end


def _moment(text: str) -> int:
    day = times.parse_day(text)
    moment = times.parse(text) if day is None else day
    if moment is None:
        raise errors.invalid("startDate and endDate should be YYYY-MM-DD or RFC 3339")
    return moment


def _values(call: ApiCall, name: str) -> Sequence[str]:
    return [part for value in call.query.get(name, []) for part in value.split(",") if part]
