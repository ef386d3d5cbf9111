"""Why a contact is blocklisted: the person, staff, a complaint or a bounce.

Belongs here: reading the statistics of single contacts. Must not be here: what follows from it (the
rules).

Brevo blocklists for all of these and shows one flag for them. The statistics of a contact tell the
rest, 90 days at a time, so they are asked for the days before the contact was changed last, and for
the last ones where those show nobody's wish. What they do not explain is nobody's act that is
known, and counts as an opt-out of the person.

One contact whose statistics cannot be had keeps no opt-out waiting: it has no reason, then, and
counts as having opted out like anybody of whom nothing is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from nl_pipeline.clients.brevo import BrevoClient, ContactStatistics, MailEvent
from nl_pipeline.clients.errors import ApiError, OperatorNeeded
from nl_pipeline.domain.states import ProviderState
from nl_pipeline.warehouse.reasons import WhyLeft

#: With the day after the change the longest window there is (Brevo: 90 days, both ends told).
_BEFORE, _AFTER = timedelta(days=88), timedelta(days=1)


#: Contacts whose reasons are handed on together.
_PORTION = 100
#: Failures one after the other that are no longer about single contacts.
_ALL_FAIL = 5
#: Brevo answers, and asks us to wait: the next run gets through.
_PASSING = frozenset({"throttled", "in-process"})


@dataclass(frozen=True)
class Reason:
    """State and actor that the statistics stand for, and when; None where they tell nothing."""

    state: str
    by: Literal["person", "staff"] | None
    at: datetime | None


_NOTHING_KNOWN = Reason(str(ProviderState.UNSUB), None, None)


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
    return _NOTHING_KNOWN


class Reasons:
    """Looks up why contacts are blocklisted."""

    def __init__(self, client: BrevoClient) -> None:
        self._client = client
        self._failed = 0

    def why_left(
        self, audience_id: str, members: Sequence[tuple[str, str, datetime | None]]
    ) -> Iterator[Sequence[WhyLeft]]:
        """Why these members, (key, id, changed at), are blocklisted, as the port says; whoever's
        statistics cannot be had is missing."""
        for start in range(0, len(members), _PORTION):
            yield [
                WhyLeft(key, reason.state, reason.by, reason.at, changed_at)
                for key, member_id, changed_at in (
                    (key, member_id, None if at is None else at.replace(tzinfo=UTC))
                    for key, member_id, at in members[start : start + _PORTION]
                )
                if (reason := self.of(int(member_id), changed_at=changed_at)) is not None
            ]

    def of(self, contact_id: int, *, changed_at: datetime | None) -> Reason | None:
        """Why a contact is blocklisted, who was changed last at this time (aware UTC); None if
        Brevo answers and its statistics cannot be had. Raises what concerns more than this
        contact."""
        try:
            reason = self._told(contact_id, changed_at=changed_at)
        except ApiError as error:
            if _is_about_everybody(error):
                raise
            try:
                # The contact itself comes with those of the last 90 days.
                details = self._client.contact(contact_id)
            except ApiError as failure:
                self._failed += 1
                if _is_about_everybody(failure) or self._failed >= _ALL_FAIL:
                    self._failed = 0
                    raise
                return None
            reason = _NOTHING_KNOWN if details is None else reason_in(details.statistics)
        self._failed = 0
        return reason

    def _told(self, contact_id: int, *, changed_at: datetime | None) -> Reason:
        now = self._client.now() or datetime.now(UTC)
        around = changed_at or now
        reason = self._within(contact_id, since=around - _BEFORE, until=around + _AFTER)
        if reason.by is None and reason.state != ProviderState.COMPLAINT and around + _AFTER < now:
            # Whoever is blocklisted already may leave without being changed by it.
            later = self._within(contact_id, since=now - _BEFORE, until=now)
            if later.by is not None or later.state == ProviderState.COMPLAINT:
                return later
        return reason

    def _within(self, contact_id: int, *, since: datetime, until: datetime) -> Reason:
        statistics = self._client.statistics(contact_id, since=since, until=until)
        return _NOTHING_KNOWN if statistics is None else reason_in(statistics)


def _is_about_everybody(error: ApiError) -> bool:
    """Whether a failure says nothing about the contact that was asked for: no right, no budget, or
    no answer at all."""
    return isinstance(error, OperatorNeeded) or error.status is None or error.code in _PASSING


def _last(events: Iterable[MailEvent]) -> datetime:
    return max(event.at for event in events)
