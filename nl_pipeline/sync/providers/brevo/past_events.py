"""Which answers of Brevo stand for which event.

Belongs here: judging one contact with its statistics, one recipient of a campaign. Must not be
here: calls (``history``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from nl_pipeline.clients.brevo import ContactStatistics, MailEvent
from nl_pipeline.domain.events import EventKind, SubscriberEvent
from nl_pipeline.sync.providers.past import Window, event_of
from nl_pipeline.sync.providers.port import CampaignNumbers

_SECONDS = timedelta(seconds=2)


@dataclass(frozen=True)
class Changed:
    """A contact that changed since the window began. Whoever has left, in whatever way, comes with
    what happened to them."""

    key: str
    changed_at: datetime | None
    has_left: bool
    statistics: ContactStatistics = field(default=ContactStatistics())

    def left_by_staff(self, window: Window) -> list[tuple[str, datetime]]:
        """What may have been a write of ours: of the person's own acts none is."""
        return [
            (self.key, event.at)
            for event in self.statistics.admin_unsubscriptions
            if window.holds(event.at)
        ]


def of_contact(
    one: Changed,
    *,
    window: Window,
    bounces: bool,
    ours: Collection[tuple[str, datetime]],
    our_ends: Collection[tuple[str, datetime]],
) -> list[SubscriberEvent]:
    """What happened to a contact in the window; ``ours`` and ``our_ends`` are changes of contacts,
    and unsubscriptions, that we made ourselves.

    A change that none of its events explains is a reason to look, as its webhook would have been:
    what changed is not told.
    """
    seen = one.statistics
    events = [
        *_told(window, EventKind.COMPLAINT, one.key, seen.complaints, reason="spam"),
        *_told(window, EventKind.UNSUBSCRIBE, one.key, seen.user_unsubscriptions, actor="person"),
        *_told(
            window,
            EventKind.UNSUBSCRIBE,
            one.key,
            [e for e in seen.admin_unsubscriptions if (one.key, e.at) not in our_ends],
            actor="staff",
        ),
        *_told(window, EventKind.CLEANED, one.key, seen.hard_bounces, reason="hard"),
    ]
    if bounces:
        events += _told(window, EventKind.HARD_BOUNCE, one.key, seen.hard_bounces, reason="hard")
    at = one.changed_at
    if at is None or not window.holds(at) or (one.key, at) in ours:
        return events
    if not any(abs(event.happened_at - at) <= _SECONDS for event in events):
        events.append(event_of(window, EventKind.PROFILE, one.key, at))
    return events


def of_recipient(
    key: str,
    *,
    statistics: ContactStatistics | None,
    kinds: Collection[EventKind],
    campaign: CampaignNumbers,
    window: Window,
) -> Iterator[SubscriberEvent]:
    """What one recipient did with the mail of a campaign, of these kinds; a bounce that has no time
    any more happened when the campaign was sent.

    Openings and clicks without a time are left out: an activity would say when somebody read it.
    """
    seen = statistics or ContactStatistics()
    number = int(campaign.campaign_id)
    by_kind = {EventKind.OPEN: seen.opened, EventKind.CLICK: seen.clicked}
    for kind in kinds:
        if kind is EventKind.HARD_BOUNCE:
            times = [e.at for e in seen.hard_bounces if e.campaign_id == number]
            at = min(times, default=campaign.sent_at)
            yield event_of(window, kind, key, at, campaign_id=campaign.campaign_id, reason="hard")
            continue
        of_this = [event for event in by_kind[kind] if event.campaign_id == number]
        yield from _told(window, kind, key, of_this, is_bounded=False)


def deliveries(
    keys: Iterable[str], *, campaign: CampaignNumbers, window: Window
) -> list[SubscriberEvent]:
    """The deliveries of a campaign, whose single times are in no file that could be relied on."""
    return [
        event_of(
            window,
            EventKind.DELIVERED,
            key,
            campaign.sent_at,
            campaign_id=campaign.campaign_id,
        )
        for key in keys
    ]


def _told(
    window: Window,
    kind: EventKind,
    key: str,
    events: Iterable[MailEvent],
    *,
    reason: str = "",
    actor: str = "",
    is_bounded: bool = True,
) -> list[SubscriberEvent]:
    return [
        event_of(
            window,
            kind,
            key,
            event.at,
            campaign_id="" if event.campaign_id is None else str(event.campaign_id),
            reason=reason,
            actor=actor,
            link=event.url if kind is EventKind.CLICK else "",
        )
        for event in events
        if not is_bounded or window.holds(event.at)
    ]
