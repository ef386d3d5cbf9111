"""Endpoints of notes and events of a member, and of entering a customer journey.

Belongs here: what staff or an API client attaches to one member. Does not belong here: the
member's own data (``members``).
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from nl_pipeline.sandbox.mailchimp import errors, times
from nl_pipeline.sandbox.mailchimp.account import Account, JourneyEntry
from nl_pipeline.sandbox.mailchimp.addresses import is_address
from nl_pipeline.sandbox.mailchimp.calls import NO_CONTENT, Answer, ApiCall
from nl_pipeline.sandbox.mailchimp.paging import page_of
from nl_pipeline.sandbox.mailchimp.state import Audience, FeedItem, Member, Note

NOTE_LENGTH = 1000


class _NoteBody(msgspec.Struct):
    note: str


class _EventBody(msgspec.Struct):
    name: str
    properties: dict[str, str] = {}
    is_syncing: bool = False
    occurred_at: str | UnsetType = UNSET


class _JourneyBody(msgspec.Struct):
    email_address: str


def list_notes(account: Account, call: ApiCall) -> Answer:
    """``GET …/notes``, newest first."""
    audience, member = _find(account, call)
    page = page_of(member.notes[::-1], call=call)
    return Answer(
        {
            "notes": [_rendered(note, audience=audience, member=member) for note in page.rows],
            "email_id": member.id,
            "list_id": audience.id,
            "total_items": page.total,
            "_links": [],
        }
    )


def create_note(account: Account, call: ApiCall) -> Answer:
    """``POST …/notes``: at most 1,000 characters."""
    audience, member = _find(account, call)
    text = _note_text(call)
    now = account.now()
    note = Note(account.ids.number("note"), now, now, text)
    member.notes.append(note)
    audience.revision += 1
    details = {"note_id": str(note.note_id), "note_text": text, "created_by": ""}
    member.feed.append(FeedItem("note", now, details))
    return Answer(_rendered(note, audience=audience, member=member))


def read_note(account: Account, call: ApiCall) -> Answer:
    """``GET …/notes/{note_id}``."""
    audience, member, note = _find_note(account, call)
    return Answer(_rendered(note, audience=audience, member=member))


def change_note(account: Account, call: ApiCall) -> Answer:
    """``PATCH …/notes/{note_id}``."""
    audience, member, note = _find_note(account, call)
    note.note = _note_text(call)
    note.updated_at = account.now()
    audience.revision += 1
    return Answer(_rendered(note, audience=audience, member=member))


def delete_note(account: Account, call: ApiCall) -> Answer:
    """``DELETE …/notes/{note_id}``."""
    audience, member, note = _find_note(account, call)
    member.notes.remove(note)
    audience.revision += 1
    return NO_CONTENT


def create_event(account: Account, call: ApiCall) -> Answer:
    """``POST …/events``: a name of 2 to 30 characters, text properties; 204."""
    _, member = _find(account, call)
    body = call.read(_EventBody)
    if not 2 <= len(body.name) <= 30:
        raise errors.invalid_body(errors.FieldError("name", "2 to 30 characters are allowed."))
    at = account.now()
    if body.occurred_at:
        parsed = times.parse(str(body.occurred_at))
        if parsed is None:
            raise errors.invalid_body(errors.FieldError("occurred_at", "Not a valid time."))
        at = int(parsed)
    details = {"event_name": body.name, "event_properties": body.properties}
    item = FeedItem("event", at, details)
    member.events.append(item)
    member.feed.append(item)
    return NO_CONTENT


def list_events(account: Account, call: ApiCall) -> Answer:
    """``GET …/events``, newest first."""
    _, member = _find(account, call)
    page = page_of(member.events[::-1], call=call)
    events = [
        {
            "occurred_at": times.iso(item.at),
            "name": item.details["event_name"],
            "properties": item.details["event_properties"],
        }
        for item in page.rows
    ]
    return Answer({"events": events, "total_items": page.total, "_links": []})


def trigger_journey(account: Account, call: ApiCall) -> Answer:
    """``POST /customer-journeys/…/actions/trigger``: 204.

    404 for a journey that does not exist, 400 for an address that no audience has as a subscriber
    [both inferred].
    """
    journey, step = call.parameters["journey_id"], call.parameters["step_id"]
    if f"{journey}/{step}" not in account.switches.journeys:
        raise errors.not_found()
    address = call.read(_JourneyBody).email_address
    if not is_address(address):
        raise errors.invalid_address()
    known = [audience.find(address) for audience in account.audiences.values()]
    if not any(member is not None and member.status == "subscribed" for member in known):
        raise errors.bad_request("The contact is not subscribed to the journey's audience.")
    account.journey_entries.append(JourneyEntry(account.now(), int(journey), int(step), address))
    return NO_CONTENT


def _find(account: Account, call: ApiCall) -> tuple[Audience, Member]:
    return account.member(call.parameters["list_id"], call.parameters["subscriber_hash"])


def _find_note(account: Account, call: ApiCall) -> tuple[Audience, Member, Note]:
    audience, member = _find(account, call)
    for note in member.notes:
        if str(note.note_id) == call.parameters["note_id"]:
            return audience, member, note
    raise errors.not_found()


def _note_text(call: ApiCall) -> str:
    text = call.read(_NoteBody).note
    if not 0 < len(text) <= NOTE_LENGTH:
        raise errors.invalid_body(errors.FieldError("note", "1 to 1000 characters are allowed."))
    return text


def _rendered(note: Note, *, audience: Audience, member: Member) -> dict[str, Any]:
    return {
        "id": note.note_id,
        "created_at": times.iso(note.created_at),
        "created_by": "",
        "updated_at": times.iso(note.updated_at),
        "note": note.note,
        "list_id": audience.id,
        "email_id": member.id,
        "contact_id": member.contact_id,
        "_links": [],
    }
