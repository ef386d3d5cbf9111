"""What happened at Brevo in a window of time, in the words of the webhooks that would have told it.

Belongs here: what is asked for, in which portions. Must not be here: which answer stands for which
event (``past_events``), storing events, what follows from them.

Brevo keeps no journal that every account may read: the history of webhooks is an Enterprise
feature, reaches back seven days, and its columns are documented nowhere. What every account tells:
- contacts by the time of their last change. Whoever has opted out in any way is looked up: the
  statistics of a contact have each unsubscription, complaint and bounce with its own time and
  campaign. Of all other changes only the last one has a time, and of none is told what it was;
- the campaigns of the window, and files of who left by one of them: whether leaving moves the time
  of a contact's last change is documented nowhere, so these are looked up, too;
- files of who got, opened and clicked a campaign. When somebody did is in the statistics again.

An opening by proxy is not told apart there. Openings are found only if those count as well.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from nl_pipeline.clients.brevo import BrevoClient, Campaign, Contact, ContactStatistics
from nl_pipeline.clients.brevo.campaigns import RecipientsType
from nl_pipeline.clients.brevo.times import moment_of
from nl_pipeline.clients.errors import Retryable
from nl_pipeline.domain.address import address_key
from nl_pipeline.domain.events import EventKind, SubscriberEvent
from nl_pipeline.sync.providers.brevo.past_events import (
    Changed,
    deliveries,
    of_contact,
    of_recipient,
)
from nl_pipeline.sync.providers.brevo.reading import OVERLAP
from nl_pipeline.sync.providers.brevo.recipients import recipients_of
from nl_pipeline.sync.providers.past import Window, event_of
from nl_pipeline.sync.providers.port import CampaignNumbers, HistoryPortion, OwnWrites

#: Actions of plans that end a subscription.
_LEAVING = ("unsubscribe",)
#: Reads of the contacts that changed until one is complete.
_TRIES = 3
#: Contacts that are looked up one by one and handed on together.
_PORTION = 500
#: People still leave by a campaign that was sent so long before the window.
_STILL_READ = timedelta(days=7)
#: Which file names the people of a kind of event.
_FILES: dict[EventKind, RecipientsType] = {
    EventKind.HARD_BOUNCE: "hardBounces",
    EventKind.OPEN: "openers",
    EventKind.CLICK: "clickers",
}


class History:
    """Tells what happened in the lists of one account."""

    def __init__(self, client: BrevoClient) -> None:
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
        """What happened in [start, end), in portions: contacts, who left by campaigns, campaigns.

        As the port says.
        """
        window, list_id = Window(start, end, now), int(audience_id)
        looked_up: set[str] = set()

        def told(changed: Sequence[Changed]) -> list[SubscriberEvent]:
            looked_up.update(one.key for one in changed)
            return _told(changed, window=window, is_ours=is_ours, bounces=bounces)

        for changed, done, total in self._changed(list_id, window=window):
            yield HistoryPortion("contacts", told(changed), done, total)
        campaigns = self._client.campaigns.sent(list_id=list_id, start=start - _STILL_READ, end=end)
        left = self._left_by(campaigns, but=looked_up, since=start)
        for portion, done, total in left:
            yield HistoryPortion("people who left by campaigns", told(portion), done, total)
        sent = [
            event_of(
                window,
                EventKind.CAMPAIGN,
                "",
                campaign.sent_at,
                campaign_id=str(campaign.id),
                reason="sent",
            )
            for campaign in campaigns
            if window.holds(campaign.sent_at)
        ]
        yield HistoryPortion("campaigns", sent, len(sent), len(sent))

    def campaign(self, audience_id: str, campaign_id: str) -> CampaignNumbers | None:
        """A campaign in numbers; None if it is gone, not sent, or went to another list."""
        found = self._client.campaigns.campaign(int(campaign_id)) if campaign_id.isdigit() else None
        if found is None or int(audience_id) not in found.list_ids:
            return None
        numbers = found.on_list(int(audience_id))
        return CampaignNumbers(campaign_id, found.sent_at, numbers.sent, numbers.hard_bounces)

    def recipients(
        self, campaign: CampaignNumbers, *, now: datetime, wanted: Collection[EventKind]
    ) -> Iterator[HistoryPortion]:
        """What became of the mails of a campaign, in portions, as the port says."""
        window = Window(campaign.sent_at, now, now)
        number = int(campaign.campaign_id)
        looked_up = [k for k in _FILES if k in wanted]
        if EventKind.PROXY_OPEN not in wanted and EventKind.OPEN in looked_up:
            looked_up.remove(EventKind.OPEN)
        files: list[RecipientsType] = [_FILES[kind] for kind in looked_up]
        if EventKind.DELIVERED in wanted:
            files += ["all", "hardBounces", "softBounces"]
        found = recipients_of(self._client, [(number, file) for file in dict.fromkeys(files)])
        if EventKind.DELIVERED in wanted:
            bounced = {*found[number, "hardBounces"], *found[number, "softBounces"]}
            arrived = [key for key in found[number, "all"] if key not in bounced]
            yield HistoryPortion(
                "recipients",
                deliveries(arrived, campaign=campaign, window=window),
                len(found[number, "all"]),
                campaign.recipients,
            )
        kinds: dict[str, list[EventKind]] = {}
        for kind in looked_up:
            for key in found[number, _FILES[kind]]:
                kinds.setdefault(key, []).append(kind)
        for portion, done, total in _portions(list(kinds)):
            events: list[SubscriberEvent] = []
            for key in portion:
                events += of_recipient(
                    key,
                    statistics=self._statistics_of(key, since=campaign.sent_at),
                    kinds=kinds[key],
                    campaign=campaign,
                    window=window,
                )
            yield HistoryPortion("what recipients did", events, done, total)

    def _changed(self, list_id: int, *, window: Window) -> Iterator[tuple[list[Changed], int, int]]:
        """Contacts of ours that changed since the window began, looked up where they have left.

        Whoever changes while pages are read may slip between two of them, so a read that is not
        complete is made again; what it had told already is told twice and stored once.
        """
        for _ in range(_TRIES):
            pages = self._client.contacts(modified_since=window.start - OVERLAP, attribute_names=())
            done = 0
            for page in pages:
                done += len(page.contacts)
                changed = [
                    one
                    for contact in page.contacts
                    if (one := self._seen(contact, list_id=list_id, window=window)) is not None
                ]
                yield changed, done, page.total
            if pages.complete:
                return
        raise Retryable(
            f"contacts changed while they were read, {_TRIES} times",
            system="brevo",
            code="incomplete",
            what_next="what was found is stored; start the recovery again",
        )

    def _seen(self, contact: Contact, *, list_id: int, window: Window) -> Changed | None:
        """A contact of the account that is ours, or that nobody may write to any more."""
        key = address_key(contact.email or "") if contact.has_address else None
        changed_at = moment_of(contact.modified_at)
        is_ours = list_id in contact.lists or contact.has_opted_out
        if key is None or not is_ours or changed_at is None or changed_at < window.start:
            return None
        statistics = None
        if contact.has_opted_out:
            statistics = self._client.statistics(contact.id, since=window.start)
        return Changed(key, changed_at, contact.has_opted_out, statistics or ContactStatistics())

    def _left_by(
        self, campaigns: Sequence[Campaign], *, but: Collection[str], since: datetime
    ) -> Iterator[tuple[list[Changed], int, int]]:
        """Who left by these campaigns and was not looked up before."""
        files = recipients_of(self._client, [(c.id, "unsubscribed") for c in campaigns])
        keys = [key for keys in files.values() for key in keys if key not in but]
        for portion, done, total in _portions(list(dict.fromkeys(keys))):
            changed = []
            for key in portion:
                statistics = self._statistics_of(key, since=since)
                if statistics is not None:
                    changed.append(Changed(key, None, True, statistics))
            yield changed, done, total

    def _statistics_of(self, key: str, *, since: datetime) -> ContactStatistics | None:
        """What happened to a contact since then, as far as it is told; None if it is gone."""
        details = self._client.contact_of(key)
        if details is None:
            return None
        return self._client.statistics(details.contact.id, since=since)


def _told(
    changed: Sequence[Changed], *, window: Window, is_ours: OwnWrites, bounces: bool
) -> list[SubscriberEvent]:
    ours = frozenset[tuple[str, datetime]]()
    for has_left in (False, True):
        changes = [
            (one.key, one.changed_at)
            for one in changed
            if one.changed_at is not None and one.has_left == has_left
        ]
        # A minute after any other write of ours the person may have left.
        ours |= _ours(is_ours, changes, actions=_LEAVING if has_left else ())
    our_ends = _ours(
        is_ours,
        [end for one in changed for end in one.left_by_staff(window)],
        actions=_LEAVING,
    )
    return [
        event
        for one in changed
        for event in of_contact(one, window=window, bounces=bounces, ours=ours, our_ends=our_ends)
    ]


def _ours(
    is_ours: OwnWrites,
    changes: Sequence[tuple[str, datetime]],
    *,
    actions: Collection[str] = (),
) -> frozenset[tuple[str, datetime]]:
    """Those of the changes that were ours."""
    told = zip(changes, is_ours(changes, actions=actions), strict=True)
    return frozenset(change for change, ours in told if ours)


def _portions(keys: Sequence[str]) -> Iterable[tuple[Sequence[str], int, int]]:
    """Portions, and how many of all are done after each."""
    for start in range(0, len(keys), _PORTION):
        portion = keys[start : start + _PORTION]
        yield portion, start + len(portion), len(keys)
