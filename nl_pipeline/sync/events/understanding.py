"""How the lines of a connection are understood: its audience, and the clock of its notices.

Belongs here: what of the connection a line depends on. Must not be here: the words of a provider.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

from nl_pipeline.domain.events import SubscriberEvent
from nl_pipeline.settings import Mailchimp
from nl_pipeline.sync.events import mailchimp
from nl_pipeline.sync.events.log import Understand
from nl_pipeline.sync.link import Link
from nl_pipeline.warehouse import observations
from nl_pipeline.webhook_log.lines import LogLine


def understanding(link: Link) -> Understand:
    """What makes an event of a line; it raises ``Unusable``."""
    audience_id = observations.read_state(link.warehouse, name="audience_id")
    provider = link.settings.provider
    zone = ZoneInfo(provider.webhook_time_zone if isinstance(provider, Mailchimp) else "UTC")

    def understand(line: LogLine) -> SubscriberEvent:
        return mailchimp.event_of(line, audience_id=audience_id, zone=zone)

    return understand
