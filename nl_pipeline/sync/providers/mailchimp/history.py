"""What happened at Mailchimp in a window of time, in the words of the webhooks that would have
told it.

Belongs here: what is asked for, in which portions. Must not be here: which answer stands for which
event (``past_events``), storing events, what follows from them.

Mailchimp keeps no journal of an audience. What it still tells:
- a member shows the time of its last change and its opt-in; its activity feed shows every sign-up,
  unsubscribe (with the campaign, and whether staff or an API client did it) and bounce (Swagger
  document). So whoever changed since the window began is looked up there, unless the change was
  ours: a webhook would not have told that one either;
- of several changes of a profile only the last one has a time, and none of an address that was
  changed shows the former one: such an event is that the member changed;
- complaints come with member, time and campaign; campaigns with the time they were sent.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from nl_pipeline.clients.errors import OperatorNeeded, Retryable
from nl_pipeline.clients.mailchimp import MailchimpClient, Member
from nl_pipeline.clients.mailchimp.times import moment_of
from nl_pipeline.domain.address import address_key
from nl_pipeline.domain.events import EventKind, SubscriberEvent
from nl_pipeline.sync.providers.mailchimp.look_ups import SIGNUP_FILTERS
from nl_pipeline.sync.providers.mailchimp.past_events import (
    LEAVING,
    SUBSCRIBING,
    Changed,
    Ours,
    deliveries,
    last_status,
    may_be_ours,
    of_member,
    only_ours,
)
from nl_pipeline.sync.providers.mailchimp.reading import OVERLAP
from nl_pipeline.sync.providers.past import Window, event_of
from nl_pipeline.sync.providers.port import CampaignNumbers, HistoryPortion, OwnWrites

#: Members looked at together: their feeds come in a few batches.
_PORTION = 5_000
#: Pages of recipients that are handed on together.
_PAGES = 5
_SECONDS = timedelta(seconds=2)
#: Reads of the members that changed until one is complete.
_TRIES = 3


class History:
    """Tells what happened in the audiences of one account."""

    def __init__(self, client: MailchimpClient) -> None:
        self._client = client

    def history(
        self,
        audience_id: str,
        *,
        start: datetime,
        end: datetime,
        now: datetime,
        is_ours: OwnWrites,
        bounces: bool,
    ) -> Iterator[HistoryPortion]:
        """What happened in [start, end), in portions: complaints, members, campaigns.

        ``is_ours`` tells which changes of members were our own; ``bounces``: whether bounces are
        wanted as events of their own.
        """
        window = Window(start, end, now)
        complained: dict[str, list[datetime]] = {}
        complaints = []
        for report in self._client.reports.complaints(audience_id):
            key = address_key(report.email_address)
            if report.at is None or key is None or not window.holds(report.at):
                continue
            complained.setdefault(report.email_id, []).append(report.at)
            complaints.append(
                event_of(
                    window,
                    EventKind.COMPLAINT,
                    key,
                    report.at,
                    campaign_id=report.campaign_id,
                    reason="abuse",
                    actor="person",
                )
            )
        yield HistoryPortion("complaints", complaints, len(complaints), len(complaints))
        yield from self._members(
            audience_id, window=window, complained=complained, is_ours=is_ours, bounces=bounces
        )
        campaigns = self._client.campaigns.sent(audience_id, start=start, end=end)
        sent = [
            event_of(
                window,
                EventKind.CAMPAIGN,
                "",
                campaign.sent_at,
                campaign_id=campaign.id,
                reason="sent",
            )
            for campaign in campaigns
        ]
        yield HistoryPortion("campaigns", sent, len(sent), len(sent))

    def campaign(self, audience_id: str, campaign_id: str) -> CampaignNumbers | None:
        """A campaign in numbers; None if it is gone, not sent, or went to another audience."""
        try:
            report = self._client.reports.summary(campaign_id)
        except OperatorNeeded as error:
            if error.status != 404:
                raise
            return None
        if report.audience_id != audience_id or report.sent_at is None:
            return None
        return CampaignNumbers(campaign_id, report.sent_at, report.emails_sent, report.hard_bounces)

    def recipients(
        self, campaign: CampaignNumbers, *, now: datetime, wanted: Collection[EventKind]
    ) -> Iterator[HistoryPortion]:
        """Who got a campaign and whose address turned out not to exist, in portions."""
        window = Window(campaign.sent_at, now, now)
        hard: dict[str, str] = {}
        done, events = 0, []
        for number, page in enumerate(self._client.reports.recipients(campaign.campaign_id), 1):
            done += len(page)
            if EventKind.DELIVERED in wanted:
                events += list(deliveries(page, campaign=campaign, window=window))
            hard |= {r.email_id: r.email_address for r in page if r.outcome == "hard"}
            if number % _PAGES == 0:
                yield HistoryPortion("recipients", events, done, campaign.recipients)
                events = []
        if EventKind.HARD_BOUNCE in wanted and hard:
            events += self._hard_bounces(campaign, hard=hard, window=window)
        yield HistoryPortion("recipients", events, done, campaign.recipients)

    def _hard_bounces(
        self, campaign: CampaignNumbers, *, hard: dict[str, str], window: Window
    ) -> list[SubscriberEvent]:
        found = self._client.reports.bounces(
            campaign.campaign_id,
            member_ids=list(hard),
            since=campaign.sent_at - _SECONDS,
            recipients=campaign.recipients,
        )
        events = []
        for member_id, email_address in hard.items():
            key = address_key(email_address)
            times = [bounce.at for bounce in found.get(member_id, ()) if bounce.kind == "hard"]
            if key is not None:
                events.append(
                    event_of(
                        window,
                        EventKind.HARD_BOUNCE,
                        key,
                        # A report without the time still says that it bounced.
                        min(times, default=campaign.sent_at),
                        campaign_id=campaign.campaign_id,
                        reason="hard",
                    )
                )
        return events

    def _members(
        self,
        audience_id: str,
        *,
        window: Window,
        complained: dict[str, list[datetime]],
        is_ours: OwnWrites,
        bounces: bool,
    ) -> Iterator[HistoryPortion]:
        """Archived members are a sweep of their own: the plain one need not show them.

        Whoever changes while pages are read may slip between two of them, so a read that is not
        complete is made again; what it had told already is told twice and stored once.
        """
        for status in (None, "archived"):
            for _ in range(_TRIES):
                pages = self._client.members(
                    audience_id,
                    status=status,
                    since_last_changed=window.start - OVERLAP,
                    merge_tags=(),
                )
                done = 0
                waiting: list[Changed] = []
                for page in pages:
                    waiting += list(_changed(page.members, window=window, complained=complained))
                    done += len(page.members)
                    if len(waiting) >= _PORTION:
                        events = self._told(
                            audience_id, waiting, window=window, is_ours=is_ours, bounces=bounces
                        )
                        yield HistoryPortion("members", events, done, page.total)
                        waiting = []
                events = self._told(
                    audience_id, waiting, window=window, is_ours=is_ours, bounces=bounces
                )
                yield HistoryPortion("members", events, done, done)
                if pages.complete:
                    break
            else:
                raise Retryable(
                    f"members changed while they were read, {_TRIES} times",
                    system="mailchimp",
                    code="incomplete",
                    what_next="what was found is stored; start the recovery again",
                )

    def _told(
        self,
        audience_id: str,
        seen: list[Changed],
        *,
        window: Window,
        is_ours: OwnWrites,
        bounces: bool,
    ) -> list[SubscriberEvent]:
        opted_in = [(s.key, s.opted_in_at) for s in seen if s.opted_in_at is not None]
        ours = Ours(
            changed=_ours(is_ours, [(one.key, one.changed_at) for one in seen]),
            subscribed=_ours(
                is_ours, [c for c in opted_in if c[1] >= window.start], actions=SUBSCRIBING
            ),
            left=_ours(
                is_ours,
                [(s.key, s.changed_at) for s in seen if s.member.status == "unsubscribed"],
                actions=LEAVING,
            ),
        )
        open_ones = [one for one in seen if not only_ours(one, ours=ours, window=window)]
        feeds = self._client.activity_feeds(
            audience_id,
            [one.member.id for one in open_ones],
            filters=["unsub", "bounce", *SIGNUP_FILTERS],
        )
        items = {
            one.key: [i for i in feeds.get(one.member.id, ()) if window.holds(i.at)]
            for one in open_ones
        }
        left = [(k, i.at) for k, found in items.items() for i in found if may_be_ours(i)]
        ours = replace(ours, left=_ours(is_ours, left, actions=LEAVING))
        events: list[SubscriberEvent] = []
        for one in open_ones:
            events += of_member(
                one,
                items=items[one.key],
                last_status=last_status(feeds.get(one.member.id, ())),
                ours=ours,
                window=window,
                bounces=bounces,
            )
        return events


def _changed(
    members: Iterable[Member], *, window: Window, complained: dict[str, list[datetime]]
) -> Iterator[Changed]:
    for member in members:
        key, changed_at = address_key(member.email_address), moment_of(member.last_changed)
        if key is not None and changed_at is not None and changed_at >= window.start:
            yield Changed(
                member,
                key,
                changed_at,
                moment_of(member.timestamp_opt),
                complained.get(member.id, ()),
            )


def _ours(
    is_ours: OwnWrites,
    changes: Sequence[tuple[str, datetime]],
    *,
    actions: Collection[str] = (),
) -> frozenset[tuple[str, datetime]]:
    """Those of the changes that were ours."""
    told = zip(changes, is_ours(changes, actions=actions), strict=True)
    return frozenset(change for change, ours in told if ours)
