"""What happened to a subscriber: one event in the words of the sync, whoever told it.

Belongs here: the record, its kinds, and which of them take consent away. Must not be here: how a
provider words it (``sync.events``, ``sync.providers``), what follows from it (``sync.events``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import pandas as pd


class EventKind(StrEnum):
    """What happened.

    ``ADDRESS``: another address for the same member. ``REMOVED``: archived, deleted, or an action
    nobody knows: the member is read again. ``CAMPAIGN``: one was sent or called off.
    ``PROXY_OPEN``: opened by a mail scanner or a server that fetches pictures in advance, which
    need not be a person.
    """

    SUBSCRIBE = "SUBSCRIBE"
    UNSUBSCRIBE = "UNSUBSCRIBE"
    PROFILE = "PROFILE"
    ADDRESS = "ADDRESS"
    CLEANED = "CLEANED"
    REMOVED = "REMOVED"
    COMPLAINT = "COMPLAINT"
    DELIVERED = "DELIVERED"
    HARD_BOUNCE = "HARD_BOUNCE"
    OPEN = "OPEN"
    PROXY_OPEN = "PROXY_OPEN"
    CLICK = "CLICK"
    CAMPAIGN = "CAMPAIGN"


class Outcome(StrEnum):
    """What became of an event.

    ``echo``: the member is what we knew already. ``stale``: a later consent is known. ``hint``: it
    was only a reason to read the member again. ``unmatched``: nobody has the address.
    """

    NEW = "new"
    APPLIED = "applied"
    ECHO = "echo"
    STALE = "stale"
    UNMATCHED = "unmatched"
    HINT = "hint"


#: What takes consent away at once; a CLEANED one is a bounce, which does not.
OPT_OUTS = frozenset({EventKind.UNSUBSCRIBE, EventKind.COMPLAINT})
#: What ends a subscription, and so lies between two subscriptions that are not the same.
ENDS = frozenset({EventKind.UNSUBSCRIBE, EventKind.COMPLAINT, EventKind.CLEANED})
#: What became of a mail. It says nothing of the member, who is not read again for it.
OF_A_MAIL = frozenset(
    {
        EventKind.DELIVERED,
        EventKind.HARD_BOUNCE,
        EventKind.OPEN,
        EventKind.PROXY_OPEN,
        EventKind.CLICK,
    }
)
#: Repetitions of one notice carry other times, and all of them are the same event. Mailchimp goes
#: on for about 75 minutes; Brevo tries four times more, the last one 11 hours and 10 minutes after
#: the first.
SAME_WITHIN: Mapping[str, timedelta] = {
    "mailchimp": timedelta(minutes=90),
    "brevo": timedelta(hours=12),
}


@dataclass(frozen=True, slots=True)
class SubscriberEvent:
    """One thing that happened to a subscriber.

    ``key`` is the normal form of the address, "" for a campaign; ``former_key`` the address before
    an ADDRESS event. ``provider_ref`` is the provider's own id of the address. ``happened_at``
    (whole seconds) and ``received_at`` are aware UTC. ``believed`` is False where the signature was
    wrong, or where it is about another audience of the same person: such an event is a reason to
    look, never to believe. ``link``: what was clicked.
    """

    kind: EventKind
    key: str
    former_key: str
    provider_ref: str
    campaign_id: str
    reason: str
    actor: str
    happened_at: datetime
    received_at: datetime
    source: str
    believed: bool
    line_id: str
    link: str = field(default="", repr=False)


def event_columns(events: Sequence[SubscriberEvent]) -> pd.DataFrame:
    """The events as one frame with a column per field; times are UTC without a zone."""
    texts = {
        "kind": [str(e.kind) for e in events],
        "key": [e.key for e in events],
        "former_key": [e.former_key for e in events],
        "provider_ref": [e.provider_ref for e in events],
        "campaign_id": [e.campaign_id for e in events],
        "reason": [e.reason for e in events],
        "actor": [e.actor for e in events],
        "source": [e.source for e in events],
        "line_id": [e.line_id for e in events],
        "link": [e.link for e in events],
    }
    return pd.DataFrame(
        {
            **{name: pd.array(values, dtype="str") for name, values in texts.items()},
            "happened_at": pd.Series(
                [_plain(e.happened_at) for e in events],
                dtype="datetime64[us]",
            ),
            "received_at": pd.Series(
                [_plain(e.received_at) for e in events],
                dtype="datetime64[us]",
            ),
            "believed": pd.Series([e.believed for e in events], dtype="bool"),
        }
    )


def _plain(moment: datetime) -> datetime:
    """UTC without a zone, as tables have it."""
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return utc.replace(tzinfo=None)
