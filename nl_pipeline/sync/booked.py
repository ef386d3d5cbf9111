"""Which events of mails become activities in the CRM.

Belongs here: the translation of the settings. Must not be here: writing them (``activities``).
"""

from __future__ import annotations

from nl_pipeline.domain.events import EventKind
from nl_pipeline.settings import Activities


def booked_kinds(chosen: Activities) -> frozenset[EventKind]:
    """The events of mails that become activities. By default none: only what is wanted is asked of
    a provider, because it says of each person what they read and when."""
    booked = {
        EventKind.DELIVERED: chosen.delivered,
        EventKind.HARD_BOUNCE: chosen.hard_bounce,
        EventKind.OPEN: chosen.open,
        EventKind.PROXY_OPEN: chosen.open if chosen.proxy_opens else None,
        EventKind.CLICK: chosen.click,
    }
    return frozenset(kind for kind, activity in booked.items() if activity is not None)
