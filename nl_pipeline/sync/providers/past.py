"""Events that were found in a provider's records instead of being told.

Belongs here: the window that is asked about and the event without a line of the log. Must not be
here: anything of one provider.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from nl_pipeline.domain.events import EventKind, SubscriberEvent


@dataclass(frozen=True)
class Window:
    """The time that is asked about, [start, end), and when it is asked."""

    start: datetime
    end: datetime
    now: datetime

    def holds(self, moment: datetime | None) -> bool:
        return moment is not None and self.start <= moment < self.end


def event_of(
    window: Window,
    kind: EventKind,
    key: str,
    happened_at: datetime,
    *,
    campaign_id: str = "",
    reason: str = "",
    actor: str = "",
    link: str = "",
) -> SubscriberEvent:
    return SubscriberEvent(
        kind=kind,
        key=key,
        former_key="",
        provider_ref="",
        campaign_id=campaign_id,
        reason=reason,
        actor=actor,
        # As webhooks tell it: one event of both has one time.
        happened_at=happened_at.replace(microsecond=0),
        received_at=window.now,
        source="history",
        believed=True,
        line_id="",
        link=link,
    )
