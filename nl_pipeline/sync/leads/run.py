"""One turn of the lead import: subscriptions, what was told, what is due, and the saved filters.

Belongs here: the order of the steps for whoever runs them at once. Must not be here: the steps.
"""

from __future__ import annotations

from dataclasses import dataclass

from nl_pipeline.clients.errors import ApiError
from nl_pipeline.sync import activities
from nl_pipeline.sync.leads import audiences
from nl_pipeline.sync.leads.audiences import AudienceResult
from nl_pipeline.sync.leads.pull import PullResult, pull
from nl_pipeline.sync.leads.push import PushResult, ingest_leads
from nl_pipeline.sync.leads.subscriptions import Subscribed, keep_up
from nl_pipeline.sync.link import Link
from nl_pipeline.sync.webhook_watch import HookPlace


@dataclass(frozen=True)
class LeadSync:
    """What a turn came to. ``subscribed`` None: LinkedIn can't reach us, or did not answer.
    ``stopped_by``: what a service did not do; all else was done."""

    subscribed: Subscribed | None
    told: PushResult
    read: PullResult
    tagged: tuple[AudienceResult, ...]
    activities_written: int
    stopped_by: ApiError | None


def sync_leads(link: Link, *, place: HookPlace | None) -> LeadSync:
    """Do it all. Raises for what the CRM refuses about activities and tags."""
    subscribed, failed = None, None
    try:
        subscribed = keep_up(link, place=place)
    except ApiError as error:
        failed = error
    told = ingest_leads(link)
    read = pull(link)
    return LeadSync(
        subscribed=subscribed,
        told=told,
        read=read,
        activities_written=activities.write(link),
        tagged=tuple(audiences.apply(link)),
        stopped_by=failed or told.stopped_by or read.stopped_by,
    )
