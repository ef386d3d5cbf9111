"""All assets, along the way of the data: observe, plan, push, report.

Belongs here: putting them together with the partitions of the settings. Must not be here: bodies.
"""

from __future__ import annotations

import dagster as dg

from nl_pipeline.orchestration.observe import audience_members, crm_contacts
from nl_pipeline.orchestration.plan import sync_plan
from nl_pipeline.orchestration.push import crm_push, provider_push, sync_report

OBSERVE_AND_PLAN = (crm_contacts, audience_members, sync_plan)
PUSH = (crm_push, provider_push, sync_report)


def build_assets(partitions: dg.PartitionsDefinition) -> list[dg.AssetsDefinition]:
    """Every asset with one partition per connection.

    The partitions come from the settings file, so they are put on here and not where the assets are
    written: importing this package reads nothing.
    """
    return [
        asset.map_asset_specs(lambda spec: spec.replace_attributes(partitions_def=partitions))
        for asset in (*OBSERVE_AND_PLAN, *PUSH)
    ]
