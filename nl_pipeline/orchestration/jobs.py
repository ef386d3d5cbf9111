"""The jobs: a whole sync in two degrees of thoroughness, the push alone; ingest, recovery, watch;
leads.

Belongs here: which assets a job materializes. Must not be here: when it runs.
"""

from __future__ import annotations

import dagster as dg

from nl_pipeline.orchestration.assets import (
    INGEST,
    LEADS,
    OBSERVE_AND_PLAN,
    PUSH,
    RECOVER,
    WATCH,
)
from nl_pipeline.orchestration.modes import FULL_SYNC, INCREMENTAL_SYNC
from nl_pipeline.orchestration.webhook_sensor import INGEST_WEBHOOKS

RECOVER_HISTORY, WATCH_WEBHOOKS = "recover_history", "watch_webhooks"
SYNC_LEADS = "sync_leads"


def build_jobs() -> list[dg.UnresolvedAssetJobDefinition]:
    """Those of a sync and the watch with one run per connection, those of events with one per
    connection and day, or one over the days of a backfill."""
    everything = dg.AssetSelection.assets(*OBSERVE_AND_PLAN, *PUSH)
    return [
        dg.define_asset_job(
            INCREMENTAL_SYNC,
            selection=everything,
            description="Reads what changed on both sides, plans, pushes what may be pushed, reads"
            " back.",
        ),
        dg.define_asset_job(
            FULL_SYNC,
            selection=everything,
            description="The same over complete reads of both sides. Only a full sync takes tags"
            " of the provider into the CRM, and sees what an interface forgot to report.",
        ),
        dg.define_asset_job(
            "push_plan",
            selection=dg.AssetSelection.assets(*PUSH),
            description="Pushes the newest plan of a connection as far as nothing holds it. A first"
            " sync is pushed only if the config of all three assets names its plan id.",
        ),
        dg.define_asset_job(
            INGEST_WEBHOOKS,
            selection=dg.AssetSelection.assets(*INGEST),
            description="Takes in what the receiver has logged and nobody has read yet: opt-outs"
            " into the CRM at once, activities, who is to be synced, and leads that were told.",
        ),
        dg.define_asset_job(
            RECOVER_HISTORY,
            selection=dg.AssetSelection.assets(*RECOVER),
            description="After an outage: finds what happened at the provider, fills the gaps of"
            " the webhook log and carries it out. Backfill it over the days of the outage.",
        ),
        dg.define_asset_job(
            WATCH_WEBHOOKS,
            selection=dg.AssetSelection.assets(*WATCH),
            description="Looks at the webhooks and puts them right; makes up for an ingest that"
            " failed; reads reports of campaigns that are due.",
        ),
        dg.define_asset_job(
            SYNC_LEADS,
            selection=dg.AssetSelection.assets(*LEADS),
            description="Finds lead forms, puts the subscriptions to their notices right, pulls the"
            " forms that are due, and brings leads, their activities and tags into the CRM.",
        ),
    ]
