"""The port of an audience: what every provider must offer to the use cases.

Belongs here: the protocol and its records. Must not be here: anything of one provider.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import pandas as pd

from nl_pipeline.domain.events import EventKind, SubscriberEvent
from nl_pipeline.domain.least_calls import ProviderLimits, ProviderWork
from nl_pipeline.settings import Connection
from nl_pipeline.warehouse.observations import Evidence
from nl_pipeline.warehouse.outcomes import Pending, Result
from nl_pipeline.warehouse.reasons import WhyLeft

#: The tag by which we know the members we added or took over. Never mirrored into the CRM.
OWNERSHIP_TAG = "onoffice"

#: Of these keys, those who must not be subscribed, asked or tagged now. May be asked from several
#: threads, and costs next to nothing.
Withdrawn = Callable[[Collection[str]], Collection[str]]


class MemberRead(Protocol):
    """One read of an audience: iterate ``frames``, then look at the counts."""

    frames: Iterator[pd.DataFrame]
    rejected: list[tuple[str, str]]

    @property
    def announced_before(self) -> int: ...
    @property
    def announced_after(self) -> int: ...
    @property
    def rows(self) -> int: ...
    @property
    def served_at(self) -> datetime | None:
        """The provider's time when the read began, once it has; None if the provider tells no
        time."""
        ...

    @property
    def complete(self) -> bool: ...


@dataclass(frozen=True)
class ProviderTraits:
    """What an audience shows by itself.

    ``shows_pending``: who was asked to confirm is told from who has left. ``shows_removed``: who
    was taken off the list is still there, as archived; elsewhere they have no row any more and may
    be put back. ``tells_why``: an opt-out, a complaint and a bounce are told apart, or ``why_left``
    has to be asked. ``has_tags``: members carry tags. ``tells_signups``: it can be looked up who
    subscribed a member.
    """

    shows_pending: bool
    shows_removed: bool
    tells_why: bool
    has_tags: bool
    tells_signups: bool = True


@dataclass(frozen=True)
class AudienceFound:
    """The audience a connection works with; ``created`` and ``fields_created`` tell what was
    made."""

    audience_id: str
    created: bool
    fields_created: tuple[str, ...]


class OwnWrites(Protocol):
    """Tells for changes of members, (key, when), which of them were our own writes."""

    def __call__(
        self, changes: Sequence[tuple[str, datetime]], *, actions: Collection[str] = ()
    ) -> Sequence[bool]:
        """``actions``: only writes of these kinds, as plans call them; all when empty."""


@dataclass(frozen=True)
class HistoryPortion:
    """Events of the past, as far as they were found: what was looked at, how much of it, and of
    how much."""

    what: str
    events: Sequence[SubscriberEvent]
    done: int
    total: int


@dataclass(frozen=True)
class CampaignNumbers:
    """A campaign that was sent to our audience, in numbers."""

    campaign_id: str
    sent_at: datetime
    recipients: int
    hard_bounces: int


class ProviderHistory(Protocol):
    """What a provider still tells of the past."""

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
        """What happened in [start, end) as the provider's webhooks would have told it, in portions;
        ``bounces``: bounced mails as events of their own."""

    def campaign(self, audience_id: str, campaign_id: str) -> CampaignNumbers | None:
        """A campaign in numbers; None if it is gone, was not sent, or went to another audience."""

    def recipients(
        self, campaign: CampaignNumbers, *, now: datetime, wanted: Collection[EventKind]
    ) -> Iterator[HistoryPortion]:
        """What became of the mails of a campaign, in portions, as far as the provider tells:
        ``wanted`` are the kinds that are asked for."""


@dataclass(frozen=True)
class WantedHook:
    """A webhook as it should be. ``origin``: whose acts it tells (person, staff), or of what
    (changes, mails). Events and sources in the provider's words; its URL holds a secret.

    ``token``: another secret that it sends along, "" where the provider signs instead. Without any
    event there should be no such webhook.
    """

    origin: str
    url: str = field(repr=False)
    events: frozenset[str]
    sources: frozenset[str]
    token: str = field(default="", repr=False)


@dataclass(frozen=True)
class SeenHook:
    """A webhook as it is. ``signed``: whether the provider says that it signs what it sends.
    ``collects``: it tells of several events together, later."""

    hook_id: str
    url: str = field(repr=False)
    events: frozenset[str]
    sources: frozenset[str]
    signed: bool
    token: str = field(default="", repr=False)
    collects: bool = False


@dataclass(frozen=True)
class MadeHook:
    """A webhook that was just created, and the secret it signs with ("" if it does not)."""

    hook: SeenHook
    signing_secret: str = field(repr=False)


class ProviderHooks(Protocol):
    """The webhooks of a provider's audience. ``provider`` is its word in their URLs."""

    @property
    def provider(self) -> str: ...

    @property
    def lost_during(self) -> frozenset[str]:
        """Actions of plans while which webhooks are known to tell not everything."""

    def wanted(
        self, *, url_of: Callable[[str], str], token_of: Callable[[str], str]
    ) -> tuple[WantedHook, ...]:
        """The webhooks there should be; ``url_of`` and ``token_of`` give the URL and the token for
        an origin."""

    def all(self, audience_id: str) -> list[SeenHook]:
        """All webhooks of the audience, other people's too."""

    def check_reached(self, wanted: WantedHook) -> None:
        """OperatorNeeded if the URL of a webhook does not answer."""

    def create(self, audience_id: str, *, wanted: WantedHook) -> MadeHook:
        """Create a webhook; OperatorNeeded if the provider cannot reach its URL."""

    def change(self, audience_id: str, *, hook_id: str, wanted: WantedHook) -> None:
        """Make a webhook what it should be."""

    def delete(self, audience_id: str, *, hook_id: str) -> None:
        """Delete a webhook."""


class AudienceSide(Protocol):
    """A provider's audience in the words of the warehouse. Errors are those of
    ``clients.errors``."""

    @property
    def calls(self) -> Counter[str]: ...

    @property
    def traits(self) -> ProviderTraits:
        """What the audience shows by itself."""

    def now(self) -> datetime | None:
        """The provider's time by its last answer, None before one or if it tells no time."""

    def check(self, *, name: str, audience_id: str | None) -> AudienceFound:
        """Find the audience by stored id, then by exact name, and check the mapped fields."""

    def prepare(self, connection: Connection, *, audience_id: str | None) -> AudienceFound:
        """As ``check``, but create what is missing."""

    def read(
        self, audience_id: str, *, since: datetime | None, observed_at: datetime
    ) -> MemberRead:
        """All members, archived ones too, or those changed since (aware UTC, with overlap).

        Where ``traits.shows_removed`` is False, whoever changed and is not on the list (any more)
        comes with the state ABSENT."""

    def read_again(
        self, audience_id: str, people: Sequence[Sequence[str]], *, observed_at: datetime
    ) -> pd.DataFrame:
        """The members behind these references as they are now, archived ones too.

        Each person is named by what may find them, in order: stable ids, then addresses. Whoever is
        not found is missing in the frame; why somebody has left is in it."""

    def complaints(self, audience_id: str) -> list[str]:
        """Member ids with an abuse report."""

    def why_left(
        self, audience_id: str, members: Sequence[tuple[str, str, datetime | None]]
    ) -> Iterator[Sequence[WhyLeft]]:
        """Why these members get no mail, in portions: (key, member id, changed at). Whoever
        is missing counts as having opted out and is asked about again; asked only where
        ``traits.tells_why`` is False."""

    def look_up_signups(
        self, audience_id: str, members: Sequence[tuple[str, str, datetime | None]]
    ) -> list[Evidence]:
        """Who subscribed these members: (key, member id, changed at)."""

    def look_up_archived(
        self, audience_id: str, members: Sequence[tuple[str, str, datetime | None]]
    ) -> list[Evidence]:
        """Whether these archived members had unsubscribed before they were archived."""

    @property
    def past(self) -> ProviderHistory:
        """What happened before."""

    @property
    def hooks(self) -> ProviderHooks:
        """The webhooks of the audience."""

    @property
    def limits(self) -> ProviderLimits:
        """What fits into one call."""

    @property
    def passes(self) -> tuple[int, ...]:
        """Rows of each pass the latest ``read`` took."""

    @property
    def settings_calls(self) -> frozenset[str]:
        """Calls that ask about the audience as a whole, which once a sync is enough for."""

    @property
    def changes_at_once(self) -> int | None:
        """How many changes ``push`` wants at a time, so that its calls are full; None: as many as
        usual."""

    def work_of(self, pending: Sequence[Pending]) -> ProviderWork:
        """What it takes to send these changes."""

    def push(
        self,
        audience_id: str,
        pending: Sequence[Pending],
        *,
        on_results: Callable[[list[Result]], None],
        withdrawn: Withdrawn,
    ) -> None:
        """Send changes with the fewest calls that cannot overwrite a status; results as they
        come.

        Right before each request that subscribes, asks or tags people ``withdrawn`` is asked for
        them, before each repeat too; whoever it names is left out and "overtaken"."""

    def settle(self, *, since: datetime) -> int:
        """Wait for what was sent since and is still being carried out; returns how much it was."""
