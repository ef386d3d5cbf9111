"""The assets of the hourly watch: the webhooks at the provider, and reports of campaigns.

Belongs here: their bodies and how they are described. Must not be here: what is wrong with a
webhook, and how it is mended.
"""

# Without `from __future__ import annotations`, and with a bare `MaterializeResult`: Dagster 1.13
# reads annotations as they stand, takes no text for `config` and, beside check results, no type
# argument.
# mypy: disable-error-code="type-arg"

import dagster as dg

from nl_pipeline.orchestration.checks import WEBHOOKS_ALIVE, judge_webhooks
from nl_pipeline.orchestration.event_metadata import reports_metadata, watch_metadata
from nl_pipeline.orchestration.partitions import CONNECTION
from nl_pipeline.orchestration.providers import PROVIDER
from nl_pipeline.orchestration.resources import Connections
from nl_pipeline.sync.activities import write
from nl_pipeline.sync.events.ingest import carry_out, take_in
from nl_pipeline.sync.history import read_reports
from nl_pipeline.sync.webhook_watch import place_of, repair


@dg.asset(
    group_name="events",
    kinds={PROVIDER},
    owners=["team:data"],
    tags={"writes_to": "provider"},
    check_specs=[WEBHOOKS_ALIVE],
)
def provider_webhooks(
    context: dg.AssetExecutionContext, connections: dg.ResourceParam[Connections]
) -> dg.MaterializeResult:
    """The webhooks of the audience, looked at and put right: a provider may switch one off after
    too many failures, or lose one to somebody who tidies up, and tells nobody.

    A receiver that does not answer can't be mended from here; Mailchimp asks it before it creates a
    webhook.
    """
    name = context.partition_key
    place = place_of(connections.settings, connection=name)
    result = None
    if place is not None:
        with connections.open(name, log=context.log) as link:
            result = repair(link, place=place)
    return dg.MaterializeResult(
        metadata=watch_metadata(result), check_results=[judge_webhooks(result)]
    )


@dg.asset(
    deps=[
        dg.AssetDep(
            "subscriber_events",
            partition_mapping=dg.MultiToSingleDimensionPartitionMapping(CONNECTION),
        )
    ],
    group_name="events",
    kinds={PROVIDER, "onoffice"},
    owners=["team:data"],
    tags={"personal_data": "yes", "writes_to": "crm"},
)
def campaign_reports(
    context: dg.AssetExecutionContext, connections: dg.ResourceParam[Connections]
) -> dg.MaterializeResult:
    """Who got the campaigns that were sent, and whose mail came back, as activities on the contact.

    Reports are read once they are due and again while mails may still bounce. Nothing is asked if
    neither is wanted as an activity.

    First the log is read as far as it goes and opt-outs are carried out, for ingests that failed:
    no opt-out waits for a report.
    """
    with connections.open(context.partition_key, log=context.log) as link:
        take_in(link)
        carry_out(link)
        read = read_reports(link)
        carried = carry_out(link)
        if carried.stopped_by is not None:
            raise carried.stopped_by
        return dg.MaterializeResult(metadata=reports_metadata(read, written=write(link)))
