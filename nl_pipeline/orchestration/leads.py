"""The assets of the lead import: forms, submissions, contacts that came of them, status.

Belongs here: their bodies and how they are described. Must not be here: what becomes of a
submission (``sync.leads``), the import that a person starts (``lead_import``).

No trouble with LinkedIn keeps anything else waiting. It fails a check and not a step, and is left
to the next hour: a step that is repeated holds up the syncs of its connection, the quota of a day
is only there again tomorrow, and the lights are needed most when something is wrong.
"""

# Without `from __future__ import annotations`, and with a bare `MaterializeResult`: Dagster 1.13
# reads annotations as they stand, takes no text for `config` and, beside check results, no type
# argument.
# mypy: disable-error-code="type-arg"

import dagster as dg

from nl_pipeline.clients.errors import ApiError
from nl_pipeline.orchestration import lead_metadata
from nl_pipeline.orchestration.lead_checks import (
    ALL_READ,
    FORMS_WELL,
    LEADS_REACHED,
    judge_access,
    judge_forms,
    judge_reading,
)
from nl_pipeline.orchestration.partitions import CONNECTION, windows_of
from nl_pipeline.orchestration.resources import Connections
from nl_pipeline.sync import activities
from nl_pipeline.sync.leads import audiences, status
from nl_pipeline.sync.leads.errors_csv import error_log
from nl_pipeline.sync.leads.forms import discover
from nl_pipeline.sync.leads.pull import pull
from nl_pipeline.sync.leads.push import ingest_leads
from nl_pipeline.sync.leads.subscriptions import hearing_problem, keep_up
from nl_pipeline.sync.leads.tokens import token_warnings
from nl_pipeline.sync.webhook_watch import place_of

#: An ingest does not wait for a pull that takes long: opt-outs of the next ingest would wait, too.
_NOTICES_WAIT_SECONDS = 5.0


@dg.asset(
    deps=["subscriber_events"],
    group_name="leads",
    kinds={"linkedin", "onoffice", "duckdb"},
    owners=["team:data"],
    tags={"personal_data": "yes", "writes_to": "crm"},
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def lead_notices(
    context: dg.AssetExecutionContext, connections: dg.ResourceParam[Connections]
) -> dg.MaterializeResult:
    """What LinkedIn told of leads, carried out: each lead is read and brought into the CRM, each
    order to delete is followed. After the opt-outs of the same log, which never wait for it.

    What could not be done is done by the next run of `sync_leads`.
    """
    (window,) = windows_of(context.partition_keys)
    if not _has_leads(connections, window.connection):
        return dg.MaterializeResult(metadata=lead_metadata.NONE)
    with connections.open(window.connection, log=context.log) as link:
        told = ingest_leads(link, wait_seconds=_NOTICES_WAIT_SECONDS)
        written = activities.write(link) if told.imported is not None else 0
        return dg.MaterializeResult(metadata=lead_metadata.notices(told, written=written))


@dg.asset(
    group_name="leads",
    kinds={"linkedin", "duckdb"},
    owners=["team:data"],
    tags={"writes_to": "linkedin"},
    check_specs=[LEADS_REACHED],
)
def lead_forms(
    context: dg.AssetExecutionContext, connections: dg.ResourceParam[Connections]
) -> dg.MaterializeResult:
    """Lead forms of the connection's ad accounts and pages, each version once, and the
    subscriptions to their notices, which are looked at and put right.

    Warns ahead of the end of the member's consent: a person has to give it anew once a year.
    """
    name = context.partition_key
    if not _has_leads(connections, name):
        return dg.MaterializeResult(
            metadata=lead_metadata.NONE, check_results=[judge_access((), ())]
        )
    with connections.open(name, log=context.log) as link:
        found = discover(link)
        problems = [f"{owner.kind} {owner.id}: {error}" for owner, error in found.failed.items()]
        subscribed = None
        try:
            subscribed = keep_up(link, place=place_of(connections.settings, connection=name))
        except ApiError as error:
            problems.append(str(error))
        warnings = token_warnings(link)
        problems += () if subscribed is None else subscribed.problems
        return dg.MaterializeResult(
            metadata=lead_metadata.forms(found, subscribed=subscribed, warnings=warnings),
            check_results=[judge_access(problems, warnings)],
        )


@dg.asset(
    deps=[
        lead_forms,
        dg.AssetDep(
            "lead_notices",
            partition_mapping=dg.MultiToSingleDimensionPartitionMapping(CONNECTION),
        ),
    ],
    group_name="leads",
    kinds={"linkedin", "onoffice", "duckdb"},
    owners=["team:data"],
    tags={"personal_data": "yes", "writes_to": "crm"},
    check_specs=[ALL_READ],
)
def lead_submissions(
    context: dg.AssetExecutionContext, connections: dg.ResourceParam[Connections]
) -> dg.MaterializeResult:
    """Submissions of the forms that are due, each kept once in the table `lead_submissions` and
    brought into the CRM, whoever told of it: a pull finds exactly what the notices did not tell.
    """
    if not _has_leads(connections, context.partition_key):
        return dg.MaterializeResult(metadata=lead_metadata.NONE, check_results=[judge_reading(())])
    with connections.open(context.partition_key, log=context.log) as link:
        told = ingest_leads(link)
        read = pull(link)
        # What came meanwhile found the import busy.
        late = ingest_leads(link)
        stopped_by = [one.stopped_by for one in (told, read, late) if one.stopped_by is not None]
        return dg.MaterializeResult(
            metadata=lead_metadata.submissions(told, read=read, late=late),
            check_results=[judge_reading(stopped_by)],
        )


@dg.asset(
    deps=[lead_submissions],
    group_name="leads",
    kinds={"onoffice"},
    owners=["team:data"],
    tags={"writes_to": "crm"},
)
def imported_leads(
    context: dg.AssetExecutionContext, connections: dg.ResourceParam[Connections]
) -> dg.MaterializeResult:
    """What contacts carry of their leads: an activity with form and campaign, once, and the
    newsletter tags of the saved filters, which the next sync takes to the provider.
    """
    if not _has_leads(connections, context.partition_key):
        return dg.MaterializeResult(metadata=lead_metadata.NONE)
    with connections.open(context.partition_key, log=context.log) as link:
        written = activities.write(link)
        tagged = audiences.apply(link)
        return dg.MaterializeResult(metadata=lead_metadata.contacts(tagged, written=written))


@dg.asset(
    deps=[imported_leads],
    group_name="leads",
    kinds={"duckdb"},
    owners=["team:data"],
    check_specs=[FORMS_WELL],
)
def lead_form_status(
    context: dg.AssetExecutionContext, connections: dg.ResourceParam[Connections]
) -> dg.MaterializeResult:
    """The light of each form with its reason, what was imported, updated and refused since the
    counters began, last push, last pull, next pull, and where the error log lies.
    """
    name = context.partition_key
    if not _has_leads(connections, name):
        return dg.MaterializeResult(
            metadata=lead_metadata.NONE, check_results=[judge_forms((), "")]
        )
    with connections.open(name, log=context.log) as link:
        deaf = hearing_problem(link)
        found = status.status(link, push_works=not deaf)
        path = connections.settings.data_dir / f"{name}.lead_errors.csv"
        lead_metadata.write_error_log(path, text=error_log(link))
        return dg.MaterializeResult(
            metadata=lead_metadata.form_status(found, deaf=deaf, error_log=path),
            check_results=[judge_forms(found, deaf)],
        )


def _has_leads(connections: Connections, name: str, /) -> bool:
    return connections.settings.connection(name).leads.linkedin is not None
