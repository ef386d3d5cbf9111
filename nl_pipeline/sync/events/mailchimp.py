"""What a webhook of Mailchimp tells: one line of the log as an event.

Belongs here: the form and its words. Must not be here: what follows from an event. Facts: forms,
all values text, the type in ``type``, the rest below ``data[…]``; ``fired_at`` has no zone.

The form is taken apart by hand: of some thirty fields eleven are looked at, and decoding all of
them would be most of the work of an ingest.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import quote, unquote_plus
from zoneinfo import ZoneInfo

from nl_pipeline.domain.address import address_key
from nl_pipeline.domain.events import EventKind, SubscriberEvent
from nl_pipeline.sync.events.told import Unusable, is_believed, within_reason
from nl_pipeline.webhook_log.lines import LogLine

PROVIDER = "mailchimp"
#: Mailchimp puts an address below this domain in the place of one that was deleted for good.
_FORGOTTEN = "@forgotten.mailchimp.com"
_ACTORS = ("person", "staff")

_WANTED = (
    "type",
    "fired_at",
    "data[list_id]",
    "data[id]",
    "data[email]",
    "data[action]",
    "data[reason]",
    "data[campaign_id]",
    "data[new_email]",
    "data[old_email]",
    "data[status]",
)
#: Names as they stand in a form, with their brackets encoded either way or not at all.
_NAMES = {
    spelled: name
    for name in _WANTED
    for spelled in (
        name,
        quote(name, safe=""),
        quote(name, safe="").replace("%5B", "%5b").replace("%5D", "%5d"),
    )
}


def event_of(line: LogLine, *, audience_id: str | None, zone: ZoneInfo) -> SubscriberEvent:
    """The event a line tells.

    ``audience_id``: the audience of the connection, None while it has none; a notice about another
    one is Unusable. ``zone`` is that of ``fired_at``. Where the time is missing, unreadable or one
    that cannot be, that of receiving stands in: no opt-out is lost for want of a date.
    """
    if line.provider != PROVIDER:
        raise Unusable("unknown_provider")
    form = read_form(line.body or _text(line))
    listed = form.get("data[list_id]", "")
    if audience_id and listed and listed != audience_id:
        raise Unusable("other_audience")
    kind, key, former_key = _what(form)
    campaign = form.get("data[id]" if kind is EventKind.CAMPAIGN else "data[campaign_id]", "")
    if kind is EventKind.CAMPAIGN and not campaign:
        raise Unusable("no_campaign")
    received = line.received_at.astimezone(UTC)
    fired = _moment(form.get("fired_at", ""), zone=zone)
    return SubscriberEvent(
        kind=kind,
        key=key,
        former_key=former_key,
        provider_ref="" if kind is EventKind.CAMPAIGN else form.get("data[id]", ""),
        campaign_id=campaign,
        reason=form.get("data[status]" if kind is EventKind.CAMPAIGN else "data[reason]", ""),
        actor=line.origin if line.origin in _ACTORS else "",
        happened_at=within_reason(fired, received_at=received),
        received_at=received,
        source="webhook",
        believed=is_believed(line),
        line_id=line.id,
    )


def read_form(text: str) -> dict[str, str]:
    """The fields of a form that matter here, by their plain names; of several the first one."""
    form: dict[str, str] = {}
    for pair in text.split("&"):
        spelled, _, value = pair.partition("=")
        name = _NAMES.get(spelled)
        if name is None:
            if "merges" in spelled:
                continue
            name = _plain_name(spelled)
            if name not in _WANTED:
                continue
        if name not in form:
            form[name] = _decoded(value)
    return form


@lru_cache(maxsize=1024)
def _plain_name(spelled: str) -> str:
    """The name of a field however it is encoded; forms bring the same ones again and again."""
    return unquote_plus(spelled).strip()


def _decoded(value: str) -> str:
    if "%" not in value and "+" not in value:
        return value.strip()
    # Addresses and times need nothing else, and these are a tenth of the price of the general way.
    plain = value.replace("+", " ").replace("%40", "@").replace("%3A", ":")
    return (unquote_plus(value) if "%" in plain else plain).strip()


def _what(form: dict[str, str]) -> tuple[EventKind, str, str]:
    """Kind, key and former key."""
    told = form.get("type", "").lower()
    if told == "campaign":
        return EventKind.CAMPAIGN, "", ""
    if told == "upemail":
        key, former_key = (
            _key(form, "data[new_email]"),
            _key(form, "data[old_email]", optional=True),
        )
        return (EventKind.ADDRESS if former_key else EventKind.REMOVED), key, former_key
    if not told and not form.get("data[email]"):
        raise Unusable("no_form")
    key = _key(form, "data[email]")
    by_complaint = form.get("data[reason]", "").lower() == "abuse"
    if told == "unsubscribe":
        if by_complaint:
            return EventKind.COMPLAINT, key, ""
        # The action was missing in deliveries that were seen: an unsubscribe then.
        action = form.get("data[action]", "").lower()
        return (EventKind.UNSUBSCRIBE if action in ("", "unsub") else EventKind.REMOVED), key, ""
    if told == "cleaned":
        return (EventKind.COMPLAINT if by_complaint else EventKind.CLEANED), key, ""
    if told == "subscribe":
        return EventKind.SUBSCRIBE, key, ""
    if told == "profile":
        return EventKind.PROFILE, key, ""
    # A word nobody knows about somebody we may know: look again.
    return EventKind.REMOVED, key, ""


def _key(form: dict[str, str], name: str, *, optional: bool = False) -> str:
    raw = form.get(name, "")
    if raw.lower().endswith(_FORGOTTEN):
        if optional:
            return ""
        raise Unusable("forgotten_address")
    key = address_key(raw)
    if key is None:
        if optional:
            return ""
        raise Unusable("invalid_address" if raw else "no_address")
    return key


def _moment(text: str, *, zone: ZoneInfo) -> datetime | None:
    """A time without a zone, in UTC and whole seconds; None if it cannot be read."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC if zone.key == "UTC" else zone, microsecond=0)
        return moment if moment.tzinfo is UTC else moment.astimezone(UTC).replace(microsecond=0)
    except (ValueError, OverflowError):
        return None


def _text(line: LogLine) -> str:
    """A body that is no UTF-8; what matters of a form is ASCII anyway."""
    return line.raw_body().decode(errors="replace")
