"""All assets, along the way of the data: observe, plan, push, report; and events between syncs.

Belongs here: putting them together with the partitions of the settings. Must not be here: bodies.
"""

from __future__ import annotations

import dagster as dg

from nl_pipeline.orchestration.events import (
    activity_records,
    provider_history,
    subscriber_events,
    webhook_log,
)
from nl_pipeline.orchestration.observe import audience_members, crm_contacts
from nl_pipeline.orchestration.plan import sync_plan
from nl_pipeline.orchestration.push import crm_push, provider_push, sync_report
from nl_pipeline.orchestration.webhook_watch import campaign_reports, provider_webhooks

OBSERVE_AND_PLAN = (crm_contacts, audience_members, sync_plan)
PUSH = (crm_push, provider_push, sync_report)
INGEST = (webhook_log, subscriber_events, activity_records)
RECOVER = (provider_history, *INGEST)
WATCH = (provider_webhooks, campaign_reports)


def build_assets(
    connections: dg.PartitionsDefinition, *, days: dg.PartitionsDefinition
) -> list[dg.AssetsDefinition]:
    """Every asset with its partitions: one per connection for what is so now, one per connection
    and day for what only grows.

    The partitions come from the settings file, so they are put on here and not where the assets are
    written: importing this package reads nothing.
    """
    return [
        *(_partitioned(asset, by=connections) for asset in (*OBSERVE_AND_PLAN, *PUSH, *WATCH)),
        *(_partitioned(asset, by=days) for asset in RECOVER),
    ]


def _partitioned(asset: dg.AssetsDefinition, *, by: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    return asset.map_asset_specs(lambda spec: spec.replace_attributes(partitions_def=by))
