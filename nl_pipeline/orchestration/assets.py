"""All assets, along the way of the data: observe, plan, push, report; events between syncs; leads.

Belongs here: putting them together with the partitions of the settings. Must not be here: bodies.
"""

from __future__ import annotations

from collections.abc import Iterable

import dagster as dg

from nl_pipeline.orchestration.events import (
    activity_records,
    provider_history,
    subscriber_events,
    webhook_log,
)
from nl_pipeline.orchestration.leads import (
    imported_leads,
    lead_form_status,
    lead_forms,
    lead_notices,
    lead_submissions,
)
from nl_pipeline.orchestration.observe import audience_members, crm_contacts
from nl_pipeline.orchestration.plan import sync_plan
from nl_pipeline.orchestration.providers import with_providers
from nl_pipeline.orchestration.push import crm_push, provider_push, sync_report
from nl_pipeline.orchestration.webhook_watch import campaign_reports, provider_webhooks

OBSERVE_AND_PLAN = (crm_contacts, audience_members, sync_plan)
PUSH = (crm_push, provider_push, sync_report)
INGEST = (webhook_log, subscriber_events, activity_records, lead_notices)
RECOVER = (provider_history, *INGEST)
WATCH = (provider_webhooks, campaign_reports)
LEADS = (lead_forms, lead_submissions, imported_leads, lead_form_status)


def build_assets(
    connections: dg.PartitionsDefinition,
    *,
    days: dg.PartitionsDefinition,
    providers: Iterable[str],
) -> list[dg.AssetsDefinition]:
    """Every asset with its partitions: one per connection for what is so now, one per connection
    and day for what only grows. ``providers``: those of the connections, as kinds of what is read
    or written there.

    Both come from the settings file, so they are put on here and not where the assets are written:
    importing this package reads nothing.
    """
    of_connection = (*OBSERVE_AND_PLAN, *PUSH, *WATCH, *LEADS)
    places = [*((one, connections) for one in of_connection), *((one, days) for one in RECOVER)]
    named = frozenset(providers)
    return [_placed(asset, by=by, providers=named) for asset, by in places]


def _placed(
    asset: dg.AssetsDefinition, *, by: dg.PartitionsDefinition, providers: frozenset[str]
) -> dg.AssetsDefinition:
    return asset.map_asset_specs(
        lambda spec: spec.replace_attributes(
            partitions_def=by, kinds=with_providers(spec.kinds, providers=providers)
        )
    )
