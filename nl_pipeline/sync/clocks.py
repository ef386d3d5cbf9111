"""The clocks of both services, one beside the other.

Belongs here: how far the CRM's clock is behind the provider's. Must not be here: cursors, each of
which goes by one clock. Only the intake of cancellations compares times of both services: the time
of a cancellation in the CRM with that of a sign-up at the provider.
"""

from __future__ import annotations

from datetime import timedelta

from nl_pipeline.sync.link import Link
from nl_pipeline.warehouse import observations

_PROVIDER_AHEAD = "provider_ahead_seconds"
#: Read by ``intake.sql.j2``.
_CRM_BEHIND = "crm_behind_seconds"
#: Dates come in whole seconds and travel for some time: less than this is no difference.
_NO_DIFFERENCE = timedelta(minutes=1)


def note_provider(link: Link) -> None:
    """Remember how far the provider's clock is ahead of ours, by its last answer."""
    at_provider = link.audience.now()
    if at_provider is not None:
        ahead = (at_provider - link.now()).total_seconds()
        observations.write_state(link.warehouse, name=_PROVIDER_AHEAD, value=str(ahead))


def provider_ahead(link: Link) -> timedelta:
    """How far the provider's clock was ahead of ours at its last answer that was noted."""
    known = observations.read_state(link.warehouse, name=_PROVIDER_AHEAD)
    return timedelta(seconds=float(known or 0))


def note_crm(link: Link) -> None:
    """Remember how far the CRM's clock is behind the provider's, by the last answers of both.

    Being ahead counts as 0: a cancellation may be taken for later than it was, never for earlier,
    or a sign-up of before it would pass for a newer act of the person.
    """
    at_crm = link.crm.now()
    known = observations.read_state(link.warehouse, name=_PROVIDER_AHEAD)
    if at_crm is None or known is None:
        return
    at_provider = link.now() + timedelta(seconds=float(known))
    behind = at_provider - at_crm
    counted = behind.total_seconds() if behind > _NO_DIFFERENCE else 0.0
    observations.write_state(link.warehouse, name=_CRM_BEHIND, value=str(counted))
