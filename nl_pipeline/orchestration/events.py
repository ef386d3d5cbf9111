"""The assets between two syncs: the webhook log, what providers remember, events, activities.

Belongs here: their bodies and how they are described. Must not be here: what an event leads to. One
partition per connection and day: an outage is a backfill over a window, which is one run.
"""

# Without `from __future__ import annotations`, and with a bare `MaterializeResult`: Dagster 1.13
# reads annotations as they stand, takes no text for `config` and, beside check results, no type
# argument.
# mypy: disable-error-code="type-arg"

import dagster as dg

from nl_pipeline.clients.errors import ApiError
from nl_pipeline.orchestration.checks import LOG_USABLE, OPT_OUTS_ARRIVED, judge_log, judge_opt_outs
from nl_pipeline.orchestration.event_metadata import (
    activities_metadata,
    events_metadata,
    history_metadata,
    log_metadata,
)
from nl_pipeline.orchestration.partitions import Window, windows_of
from nl_pipeline.orchestration.providers import PROVIDER
from nl_pipeline.orchestration.resources import Connections
from nl_pipeline.sync import activities
from nl_pipeline.sync.events.ingest import carry_out, take_in
from nl_pipeline.sync.history import Window as HistoryWindow
from nl_pipeline.sync.history import find
from nl_pipeline.warehouse import plans


def _window(context: dg.AssetExecutionContext) -> Window:
    """The days of a run. Dagster makes one run per connection of a backfill, never one over two."""
    (window,) = windows_of(context.partition_keys)
    return window


@dg.asset(
    group_name="events",
    kinds={"file", "duckdb"},
    owners=["team:data"],
    tags={"personal_data": "yes"},
    backfill_policy=dg.BackfillPolicy.single_run(),
    check_specs=[LOG_USABLE],
)
def webhook_log(
    context: dg.AssetExecutionContext, connections: dg.ResourceParam[Connections]
) -> dg.MaterializeResult:
    """What the receiver has logged, read as far as it goes: each line validated and turned into an
    event, kept once in the table `subscriber_events`.

    A withdrawal is in the consent ledger with it. A line that can't be used is listed and stops no
    other. What was read before is not read again; what is unread is read whatever its day, so that
    a run makes up for one that failed.
    """
    window = _window(context)
    with connections.open(window.connection, log=context.log) as link:
        taken = take_in(link)
        return dg.MaterializeResult(metadata=log_metadata(taken), check_results=[judge_log(taken)])


@dg.asset(
    group_name="events",
    kinds={PROVIDER, "duckdb"},
    owners=["team:data"],
    tags={"personal_data": "yes"},
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def provider_history(
    context: dg.AssetExecutionContext, connections: dg.ResourceParam[Connections]
) -> dg.MaterializeResult:
    """What happened on a day by the provider's own records: who left, came or changed, and what
    became of campaigns. After an outage of the receiver, backfill it over the days.

    Fills the gaps of the webhook log in the table `subscriber_events` and repeats nothing.
    """
    window = _window(context)
    with connections.open(window.connection, log=context.log) as link:
        today = link.now().date()
        days = HistoryWindow.of_days(window.first, last=min(window.last, today), today=today)
        try:
            found = find(link, start=days.start, end=days.end)
        except ApiError:
            # Opt-outs that were found until then do not wait for the rest.
            carry_out(link)
            raise
        return dg.MaterializeResult(metadata=history_metadata(found))


@dg.asset(
    deps=[webhook_log, provider_history],
    group_name="events",
    kinds={"onoffice", "duckdb"},
    owners=["team:data"],
    tags={"personal_data": "yes", "writes_to": "crm"},
    backfill_policy=dg.BackfillPolicy.single_run(),
    check_specs=[OPT_OUTS_ARRIVED],
)
def subscriber_events(
    context: dg.AssetExecutionContext, connections: dg.ResourceParam[Connections]
) -> dg.MaterializeResult:
    """The events of a day, carried out: opt-outs into the CRM at once, whatever plan or brake
    stands; everybody else they are about is read again, and the next plan decides.

    Shows how long opt-outs took from the provider's call to the field in the CRM.
    """
    window = _window(context)
    with connections.open(window.connection, log=context.log) as link:
        carried = carry_out(link)
        if carried.stopped_by is not None:
            # All that could be done is done and noted; the rest is tried again.
            raise carried.stopped_by
        return dg.MaterializeResult(
            metadata=events_metadata(
                carried,
                window=window,
                warehouse=link.warehouse,
                syncs=plans.first_sync_is_done(link.warehouse),
            ),
            check_results=[judge_opt_outs(carried.told)],
        )


@dg.asset(
    deps=[subscriber_events],
    group_name="events",
    kinds={"onoffice"},
    owners=["team:data"],
    tags={"writes_to": "crm"},
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def activity_records(
    context: dg.AssetExecutionContext, connections: dg.ResourceParam[Connections]
) -> dg.MaterializeResult:
    """One activity on the contact for every event the settings ask for, exactly once.

    What could not be written is written by the next run.
    """
    window = _window(context)
    with connections.open(window.connection, log=context.log) as link:
        written = activities.write(link)
        return dg.MaterializeResult(metadata=activities_metadata(written))
