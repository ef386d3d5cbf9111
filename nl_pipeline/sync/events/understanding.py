"""How the lines of a connection are understood: by its provider, its audience, its clock or key.

Belongs here: what of the connection a line depends on. Must not be here: the words of a provider.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

from nl_pipeline.domain.events import ENDS, EventKind
from nl_pipeline.settings import Brevo
from nl_pipeline.sync.events import brevo, mailchimp
from nl_pipeline.sync.events.log import Understand
from nl_pipeline.sync.events.told import Told
from nl_pipeline.sync.link import Link
from nl_pipeline.warehouse import observations
from nl_pipeline.webhook_log.lines import LogLine

#: Whose lines of the log are about leads.
LEADS = "linkedin"
_NOTHING = Told(())


def understanding(link: Link) -> Understand:
    """What makes events of a line; it raises ``Unusable``. Notices of leads tell no event of a
    subscriber; they have a reader of their own (``sync.leads.push``)."""
    audience_id = observations.read_state(link.warehouse, name="audience_id")
    chosen = link.settings.provider
    if isinstance(chosen, Brevo):
        key_name = chosen.key_name

        def understand(line: LogLine) -> Told:
            if line.provider == LEADS:
                return _NOTHING
            return brevo.told_by(line, audience_id=audience_id, key_name=key_name)
    else:
        zone = ZoneInfo(chosen.webhook_time_zone)

        def understand(line: LogLine) -> Told:
            if line.provider == LEADS:
                return _NOTHING
            return Told((mailchimp.event_of(line, audience_id=audience_id, zone=zone),))

    return understand


def may_have_left(link: Link) -> frozenset[EventKind]:
    """Which events keep a person from being subscribed until somebody has looked: what ends a
    subscription, and what is not understood.

    Brevo may tell of a blocklisting by hand as a change of the contact and nothing more.
    """
    stops = ENDS | {EventKind.REMOVED}
    is_brevo = isinstance(link.settings.provider, Brevo)
    return stops | {EventKind.PROFILE} if is_brevo else stops
