"""The assets that observe: the contacts of the CRM and the members of the audience.

Belongs here: their bodies and how they are described. Must not be here: decisions.
"""

# Without `from __future__ import annotations`, and with a bare `MaterializeResult`: Dagster 1.13
# reads annotations as they stand, takes no text for `config` and, beside check results, no type
# argument.
# mypy: disable-error-code="type-arg"

import dagster as dg

from nl_pipeline.orchestration import tables
from nl_pipeline.orchestration.checks import (
    AUDIENCE_SNAPSHOT,
    CRM_SNAPSHOT,
    judge_audience_read,
    judge_crm_read,
)
from nl_pipeline.orchestration.metadata import read_metadata
from nl_pipeline.orchestration.modes import SyncConfig, mode_of
from nl_pipeline.orchestration.providers import PROVIDER
from nl_pipeline.orchestration.resources import Connections
from nl_pipeline.sync.observe import read_contacts, read_members


@dg.asset(
    group_name="observe",
    kinds={"onoffice", "duckdb"},
    owners=["team:data"],
    tags={"personal_data": "yes"},
    check_specs=[CRM_SNAPSHOT],
)
def crm_contacts(
    context: dg.AssetExecutionContext,
    config: SyncConfig,
    connections: dg.ResourceParam[Connections],
) -> dg.MaterializeResult:
    """Contacts of the CRM with all their addresses, newsletter state, tags and mapped fields.

    Stored in the table `contacts` of the connection's warehouse. An opt-out that shows here is in
    the consent ledger before anything is planned.
    """
    with connections.open(context.partition_key, log=context.log) as link:
        result = read_contacts(link, mode=mode_of(context, config=config))
        schema = tables.contacts_table(link.warehouse.fields)
        return dg.MaterializeResult(
            metadata=read_metadata(result, link=link, schema=schema),
            check_results=[judge_crm_read(result)],
        )


@dg.asset(
    group_name="observe",
    kinds={PROVIDER, "duckdb"},
    owners=["team:data"],
    tags={"personal_data": "yes"},
    check_specs=[AUDIENCE_SNAPSHOT],
)
def audience_members(
    context: dg.AssetExecutionContext,
    config: SyncConfig,
    connections: dg.ResourceParam[Connections],
) -> dg.MaterializeResult:
    """Members of the audience at the provider with status and fields and, where it has such, tags
    and archived members.

    Stored in the table `members` of the connection's warehouse. An opt-out that shows here is in
    the consent ledger before anything is planned.
    """
    with connections.open(context.partition_key, log=context.log) as link:
        result = read_members(link, mode=mode_of(context, config=config))
        schema = tables.members_table(link.warehouse.fields)
        return dg.MaterializeResult(
            metadata=read_metadata(result, link=link, schema=schema),
            check_results=[judge_audience_read(result)],
        )
