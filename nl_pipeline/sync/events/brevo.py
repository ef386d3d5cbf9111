"""What a webhook of Brevo tells: one line of the log as events.

Belongs here: the JSON and its words. Must not be here: what follows from an event.

- One request tells one event, or several where somebody has set the webhook to batches. How a batch
  is wrapped is documented nowhere: a list is taken, and an object around one list.
- Names are those of the request for a webhook (`hardBounce`), those of its documentation
  (`hard_bounce`) or those of older samples (`hard_bounced`): told apart by their letters alone.
- `id` is that of the webhook, and no event has one. `ts_event` is UTC; it comes with what a
  campaign led to. `ts`, `date` and `date_event` are in the zone of the account, or an hour beside
  it in the documentation's own samples, so events of contacts happened when they were received.
- `api_key_name` says whose API key caused a change of a contact; with that of ours it is an echo.
- Mail scanners, and servers that fetch pictures in advance, open by proxy; such openings are apart.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from nl_pipeline.domain.address import address_key
from nl_pipeline.domain.events import EventKind, SubscriberEvent
from nl_pipeline.sync.events.told import Told, Unusable, is_believed, within_reason
from nl_pipeline.webhook_log.lines import LogLine

PROVIDER = "brevo"
#: What the button "test" of Brevo's page of webhooks sends.
_OF_A_TEST = "example@example.com"
#: An unsubscribe that names other lists only: no withdrawal by itself, a reason to look at once.
OTHER_LIST: Final = "other_list"

_KINDS: Mapping[str, tuple[EventKind, ...]] = {
    "unsubscribe": (EventKind.UNSUBSCRIBE,),
    "spam": (EventKind.COMPLAINT,),
    "hardbounce": (EventKind.CLEANED, EventKind.HARD_BOUNCE),
    "delivered": (EventKind.DELIVERED,),
    "opened": (EventKind.OPEN,),
    "proxyopen": (EventKind.PROXY_OPEN,),
    "click": (EventKind.CLICK,),
    "listaddition": (EventKind.SUBSCRIBE,),
    "contactupdated": (EventKind.PROFILE,),
    "contactdeleted": (EventKind.REMOVED,),
    # A mail that was sent, or waits: nothing is known of the contact by it.
    "softbounce": (),
    "request": (),
    "sent": (),
    "deferred": (),
}
_SPELLINGS: Mapping[str, str] = {
    "unsubscribed": "unsubscribe",
    "hardbounced": "hardbounce",
    "softbounced": "softbounce",
    "open": "opened",
    "uniqueopen": "opened",
    "uniqueopened": "opened",
    "firstopening": "opened",
    "uniqueproxyopen": "proxyopen",
    "proxyopened": "proxyopen",
    "loadedbyproxy": "proxyopen",
    "clicked": "click",
    "complaint": "spam",
    "delivery": "delivered",
    "listadded": "listaddition",
}
#: What our own writes cause. An opt-out is none of it, whatever else stands in its notice.
_ECHOED = ((EventKind.SUBSCRIBE,), (EventKind.PROFILE,))
#: Of what may be the person's own doing the actor is not told; a link in a mail is the person's.
_BY_LINK = frozenset({EventKind.UNSUBSCRIBE, EventKind.COMPLAINT})
_MOST_TEXT = 2_000
_MEMBER = re.compile(r'"(event|email)"\s*:\s*"([^"\\]*)"')
_NAMES_WITH_LINK = ("URL", "url", "link")


@dataclass(frozen=True)
class _Line:
    """What the events of a line have in common."""

    line: LogLine
    received_at: datetime
    audience_id: str | None
    key_name: str


def told_by(line: LogLine, *, audience_id: str | None, key_name: str) -> Told:
    """The events a line tells.

    ``audience_id``: the list of the connection, None while it has none. ``key_name``: what our API
    key is called at Brevo; what it caused is left out, and so are tests of the webhook and what is
    about other lists. One part that is unusable stops no other; Unusable if the line is no JSON
    that could hold an event.
    """
    if line.provider != PROVIDER:
        raise Unusable("unknown_provider")
    common = _Line(line, line.received_at.astimezone(UTC), audience_id, key_name)
    events: list[SubscriberEvent] = []
    unusable: list[str] = []
    for told in _parts(_document(line)):
        try:
            events += _of_one(told, common=common)
        except Unusable as cause:
            unusable.append(str(cause))
    return Told(tuple(events), tuple(unusable))


def _document(line: LogLine) -> Any:
    text = line.body or line.raw_body().decode(errors="replace")
    try:
        return msgspec.json.decode(text.encode(errors="replace"))
    except (msgspec.DecodeError, RecursionError):
        pass
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return _salvaged(text)


def _salvaged(text: str) -> Any:
    """What can be told of a body that is no JSON, as the documentation's own sample of a changed
    contact is none: the first event and address that stand in it."""
    found = {match[1]: match[2] for match in reversed(list(_MEMBER.finditer(text)))}
    if "email" not in found:
        raise Unusable("no_json")
    return found


def _parts(document: Any) -> list[Any]:
    """The single events of a document. Unusable if there can be none."""
    if isinstance(document, list):
        return document
    if not isinstance(document, dict):
        raise Unusable("no_event")
    if "event" not in document and "email" not in document:
        lists = [value for value in document.values() if isinstance(value, list)]
        if len(lists) == 1 and any(isinstance(part, dict) for part in lists[0]):
            return lists[0]
    return [document]


def _of_one(told: Any, *, common: _Line) -> list[SubscriberEvent]:
    """The events of one object: one for each address it names, two for a hard bounce.

    The addresses that can be used are, whatever the others are; Unusable if there are none.
    """
    if not isinstance(told, dict):
        raise Unusable("no_event")
    named = _text(told.get("event"))
    addresses = list(_addresses(told.get("email")))
    if not named and not addresses:
        raise Unusable("no_event")
    kinds = _kinds_of(named)
    keys = [key for raw in addresses if (key := address_key(raw)) is not None]
    if kinds and not keys:
        raise Unusable("invalid_address" if any(addresses) else "no_address")
    if kinds in _ECHOED and _is_ours(told, common=common):
        return []
    lists = _ids(told.get("list_id"))
    is_elsewhere = bool(common.audience_id and lists) and common.audience_id not in lists
    if is_elsewhere and kinds == (EventKind.SUBSCRIBE,):
        return []
    return [
        _event(told, kind=kind, key=key, common=common, is_elsewhere=is_elsewhere)
        for key in dict.fromkeys(keys)
        if key != _OF_A_TEST
        for kind in kinds
    ]


def _event(
    told: Mapping[str, Any], *, kind: EventKind, key: str, common: _Line, is_elsewhere: bool
) -> SubscriberEvent:
    campaign = _number_as_text(told.get("camp_id"))
    of_other_list = is_elsewhere and kind is EventKind.UNSUBSCRIBE
    return SubscriberEvent(
        kind=kind,
        key=key,
        former_key="",
        provider_ref="",
        campaign_id=campaign,
        reason=OTHER_LIST if of_other_list else _text(told.get("reason")),
        actor="person" if campaign and kind in _BY_LINK else "",
        happened_at=within_reason(_moment(told.get("ts_event")), received_at=common.received_at),
        received_at=common.received_at,
        source="webhook",
        believed=is_believed(common.line) and not of_other_list,
        line_id=common.line.id,
        link=_link(told) if kind is EventKind.CLICK else "",
    )


def _kinds_of(named: str) -> tuple[EventKind, ...]:
    letters = "".join(letter for letter in named.lower() if letter.isalnum())
    # A word nobody knows about somebody we may know: look again.
    return _KINDS.get(_SPELLINGS.get(letters, letters), (EventKind.REMOVED,))


def _is_ours(told: Mapping[str, Any], *, common: _Line) -> bool:
    name = told.get("api_key_name")
    return isinstance(name, str) and bool(name) and name == common.key_name


def _addresses(told: Any) -> Iterator[str]:
    """One connector has met lists of addresses."""
    for raw in told if isinstance(told, list) else [told]:
        if text := _text(raw):
            yield text


def _ids(told: Any) -> frozenset[str]:
    """The lists an event is about, as text; empty if it names none."""
    found = (_number_as_text(one) for one in (told if isinstance(told, list) else [told]))
    return frozenset(one for one in found if one)


def _number_as_text(told: Any) -> str:
    """An id, which comes as a number or as text; "" for anything else."""
    if isinstance(told, bool):
        return ""
    if isinstance(told, float) and told.is_integer():
        told = int(told)
    return str(told) if isinstance(told, int) else _text(told)


def _moment(told: Any) -> datetime | None:
    """Seconds since 1970 as aware UTC; None if it is none."""
    try:
        return datetime.fromtimestamp(int(_number_as_text(told)), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _link(told: Mapping[str, Any]) -> str:
    return next((link for name in _NAMES_WITH_LINK if (link := _text(told.get(name)))), "")


def _text(told: Any) -> str:
    """A text as tables take it; "" for anything else."""
    if not isinstance(told, str):
        return ""
    return told.strip()[:_MOST_TEXT].encode(errors="replace").decode()
