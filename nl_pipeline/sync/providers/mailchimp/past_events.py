"""Which answers of Mailchimp stand for which event.

Belongs here: judging one member, one entry of a feed, one recipient. Must not be here: calls
(``history``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from nl_pipeline.clients.mailchimp import FeedItem, Member, Recipient
from nl_pipeline.domain.address import address_key
from nl_pipeline.domain.events import SAME_WITHIN, EventKind, SubscriberEvent
from nl_pipeline.sync.providers.mailchimp.columns import BY_ADMIN
from nl_pipeline.sync.providers.mailchimp.look_ups import who_signed_up
from nl_pipeline.sync.providers.past import Window, event_of
from nl_pipeline.sync.providers.port import CampaignNumbers

_SECONDS = timedelta(seconds=2)
#: Actions of plans that make a subscriber of a member, and the one that ends it.
SUBSCRIBING = ("subscribe", "resubscribe", "confirm")
LEAVING = ("unsubscribe",)
#: Statuses in which a change that is none of the status is told as a change of the profile.
_WITH_PROFILE = ("subscribed", "unsubscribed", "cleaned")
_ACTOR = {"PERSON": "person", "STAFF": "staff"}


@dataclass(frozen=True)
class Changed:
    """A member that changed since the window began."""

    member: Member
    key: str
    changed_at: datetime
    opted_in_at: datetime | None
    complained_at: Sequence[datetime] = field(default=())


@dataclass(frozen=True)
class Ours:
    """Changes of members, (key, when), that lie in the time of a write of ours that could be them:
    of any kind, one that subscribed them, one that unsubscribed them."""

    changed: frozenset[tuple[str, datetime]]
    subscribed: frozenset[tuple[str, datetime]]
    left: frozenset[tuple[str, datetime]] = frozenset()


def only_ours(one: Changed, *, ours: Ours, window: Window) -> bool:
    """Whether nothing but a push of ours can have changed the member since the window began.

    Never of somebody who has left or was archived by whomever: a minute after our write the person
    may have left. And not of somebody who subscribed since then, unless that was us, too.
    """
    change = (one.key, one.changed_at)
    if one.member.status == "unsubscribed":
        is_our_end = one.member.unsubscribe_reason == BY_ADMIN and change in ours.left
        if not is_our_end:
            return False
    elif one.member.status != "subscribed" or change not in ours.changed:
        return False
    subscribed_since = one.opted_in_at is not None and one.opted_in_at >= window.start
    return not subscribed_since or (one.key, one.opted_in_at) in ours.subscribed


def may_be_ours(item: FeedItem) -> bool:
    """Whether an entry can be an unsubscribe of ours. Of the person's own acts none is, however
    close to a write of ours; and a sign-up by an API client is told by its category."""
    return item.activity_type == "unsub" and item.is_admin_unsubscribed is True


def of_member(
    one: Changed,
    *,
    items: Sequence[FeedItem],
    last_status: str,
    ours: Ours,
    window: Window,
    bounces: bool,
) -> list[SubscriberEvent]:
    events: list[SubscriberEvent] = []
    for item in items:
        if not (may_be_ours(item) and (one.key, item.at) in ours.left):
            events += _of_item(one, item=item, window=window, bounces=bounces)
    kinds = {event.kind for event in events}
    status = one.member.status
    if window.holds(one.opted_in_at) and status == "subscribed":
        assert one.opted_in_at is not None
        # An import need not leave an entry in the feed; an API client is none of the webhooks'.
        unknown = EventKind.SUBSCRIBE not in kinds and not one.member.source.startswith("API")
        if unknown and (one.key, one.opted_in_at) not in ours.subscribed:
            events.append(event_of(window, EventKind.SUBSCRIBE, one.key, one.opted_in_at))
    if not window.holds(one.changed_at):
        return events
    if status == "cleaned" and EventKind.CLEANED not in kinds and not one.complained_at:
        events.append(event_of(window, EventKind.CLEANED, one.key, one.changed_at, reason="hard"))
    if (one.key, one.changed_at) in ours.changed:
        return events
    if status == "archived" and last_status != "unsub":
        events.append(event_of(window, EventKind.REMOVED, one.key, one.changed_at))
    told = [*(event.happened_at for event in events), *one.complained_at]
    if status in _WITH_PROFILE and not any(abs(at - one.changed_at) <= _SECONDS for at in told):
        events.append(event_of(window, EventKind.PROFILE, one.key, one.changed_at))
    return events


def _of_item(
    one: Changed, *, item: FeedItem, window: Window, bounces: bool
) -> Iterator[SubscriberEvent]:
    if item.activity_type == "unsub":
        # The complaint is an event already, and the stronger one.
        if not any(abs(at - item.at) <= SAME_WITHIN["mailchimp"] for at in one.complained_at):
            yield event_of(
                window,
                EventKind.UNSUBSCRIBE,
                one.key,
                item.at,
                campaign_id=item.campaign_id,
                reason="manual",
                # Other API clients count as staff: Mailchimp does not tell them apart.
                actor="staff" if item.is_admin_unsubscribed else "person",
            )
    elif item.activity_type == "bounce":
        if item.bounce_type == "hard":
            for kind in (EventKind.CLEANED, *((EventKind.HARD_BOUNCE,) if bounces else ())):
                yield event_of(
                    window, kind, one.key, item.at, campaign_id=item.campaign_id, reason="hard"
                )
    elif not item.signup_category.startswith("API"):
        actor = _ACTOR.get(who_signed_up(item), "")
        yield event_of(window, EventKind.SUBSCRIBE, one.key, item.at, actor=actor)


def last_status(items: Iterable[FeedItem]) -> str:
    """The newest entry of a feed that is about the status; "" if there is none.

    Of one second, an opt-out is the newer one: nothing is concluded from a tie.
    """
    statuses = [i for i in items if i.activity_type != "bounce"]
    newest = max(statuses, key=lambda i: (i.at, i.activity_type == "unsub"), default=None)
    return "" if newest is None else newest.activity_type


def deliveries(
    page: Sequence[Recipient], *, campaign: CampaignNumbers, window: Window
) -> Iterator[SubscriberEvent]:
    for recipient in page:
        key = address_key(recipient.email_address)
        if recipient.outcome == "sent" and key is not None:
            yield event_of(
                window,
                EventKind.DELIVERED,
                key,
                campaign.sent_at,
                campaign_id=campaign.campaign_id,
            )
