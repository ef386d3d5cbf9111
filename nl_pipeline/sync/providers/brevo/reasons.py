"""Why a contact is blocklisted: the person, staff, a complaint or a bounce.

Belongs here: reading the statistics of single contacts. Must not be here: what follows from it (the
rules).

Brevo blocklists for all of these and shows one flag for them. The statistics of a contact tell the
rest, 90 days at a time, so they are asked for the days before the contact was changed last. What
they do not explain counts as an opt-out of the person.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from nl_pipeline.clients.brevo import BrevoClient, ContactStatistics, MailEvent
from nl_pipeline.domain.states import ProviderState
from nl_pipeline.sync.providers.port import WhyLeft

#: With the day after the change the longest window there is (Brevo: 90 days, both ends told).
_BEFORE, _AFTER = timedelta(days=88), timedelta(days=1)


@dataclass(frozen=True)
class Reason:
    """State and actor that the statistics stand for; ``at`` None where they tell no time."""

    state: str
    by: Literal["person", "staff"] | None
    at: datetime | None


def reason_in(statistics: ContactStatistics) -> Reason:
    """What these events say about a blocklisted contact.

    Any unsubscription weighs more than a bounce, whichever was later: an opt-out that was lifted in
    between is not seen here. That of the person weighs more than that of staff.
    """
    unsub = str(ProviderState.UNSUB)
    if statistics.complaints:
        return Reason(str(ProviderState.COMPLAINT), None, _last(statistics.complaints))
    if statistics.user_unsubscriptions:
        return Reason(unsub, "person", _last(statistics.user_unsubscriptions))
    if statistics.admin_unsubscriptions:
        return Reason(unsub, "staff", _last(statistics.admin_unsubscriptions))
    if statistics.hard_bounces:
        return Reason(str(ProviderState.CLEANED), None, _last(statistics.hard_bounces))
    return Reason(unsub, "person", None)


class Reasons:
    """Looks up why contacts are blocklisted."""

    def __init__(self, client: BrevoClient) -> None:
        self._client = client

    def why_left(
        self, audience_id: str, members: Sequence[tuple[str, str, datetime | None]]
    ) -> list[WhyLeft]:
        """Why these members, (key, id, changed at), are blocklisted, as the port says."""
        found = []
        for _, member_id, changed_at in members:
            reason = self.of(int(member_id), changed_at=changed_at)
            if reason is not None:
                found.append(WhyLeft(member_id, reason.state, reason.by, reason.at))
        return found

    def of(self, contact_id: int, *, changed_at: datetime | None) -> Reason | None:
        """Why a contact is blocklisted; None if it is gone."""
        around = changed_at or self._client.now()
        if around is not None and around.tzinfo is None:
            around = around.replace(tzinfo=UTC)
        statistics = self._client.statistics(
            contact_id,
            since=None if around is None else around - _BEFORE,
            until=None if around is None else around + _AFTER,
        )
        return None if statistics is None else reason_in(statistics)


def _last(events: Iterable[MailEvent]) -> datetime:
    return max(event.at for event in events)
