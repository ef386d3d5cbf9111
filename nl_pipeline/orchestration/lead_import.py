"""The import of a form that a person starts in Dagster.

Belongs here: the op and its job. Must not be here: the eight combinations of its options
(``domain.leads``), carrying them out (``sync.leads.manual``).
"""

# Without `from __future__ import annotations`: Dagster reads the annotation of `config` as it
# stands and takes no text.

import dagster as dg
from pydantic import Field

from nl_pipeline.domain.leads import ManualOptions, mode_of
from nl_pipeline.orchestration import lead_metadata
from nl_pipeline.orchestration.event_metadata import activities_metadata
from nl_pipeline.orchestration.resources import Connections
from nl_pipeline.sync import activities
from nl_pipeline.sync.leads import manual

IMPORT_LEADS = "import_leads"


class LeadImportConfig(dg.Config):
    """One import by hand."""

    # As text: some have 19 digits, which a browser does not keep.
    form: str = Field(description="Number of the form, in quotes.", pattern=r"^[1-9][0-9]{0,18}$")
    existing: bool = Field(
        default=False, description="Also contacts that were imported before, since the last run."
    )
    restart_workflows: bool = Field(
        default=False,
        description="Those enter the workflow again, within its entry limit. Only with existing.",
    )
    all: bool = Field(
        default=False,
        description="Every submission since the form was created. With existing, contacts are"
        " overwritten.",
    )


@dg.op(out=dg.Out(dg.Nothing))
def import_form(
    context: dg.OpExecutionContext,
    config: LeadImportConfig,
    connections: dg.ResourceParam[Connections],
) -> None:
    """Tell what the import would do, then do it; counters of the form begin anew."""
    options = ManualOptions(
        existing=config.existing, restart_workflows=config.restart_workflows, all=config.all
    )
    if refusal := mode_of(options).refusal:
        raise dg.Failure(description=f"Refused: {refusal}.", allow_retries=False)
    with connections.open(context.partition_key, log=context.log) as link:
        planned = manual.plan(link, form_id=int(config.form), options=options)
        context.log.info(
            "%s Contacts to create: %d, to update: %d; listed: %d.",
            planned.mode.effect,
            planned.creates,
            planned.updates,
            planned.conflicts + planned.unusable,
        )
        result = manual.run(link, planned=planned)
        written = activities.write(link)
        context.log_event(
            dg.AssetMaterialization(
                asset_key="imported_leads",
                partition=context.partition_key,
                description="Imported by hand",
                metadata={
                    **lead_metadata.manual_plan(planned),
                    **lead_metadata.manual_result(result),
                    **activities_metadata(written),
                },
            )
        )
        if result.stopped_by is not None:
            raise result.stopped_by


def import_job(partitions: dg.PartitionsDefinition) -> dg.JobDefinition:
    """`import_leads`: one run imports one form of one connection."""

    @dg.job(
        name=IMPORT_LEADS,
        partitions_def=partitions,
        description="Imports submissions of one lead form by hand. Choose the connection as"
        " partition, name the form and what to take. The plan is in the log before anything is"
        " written.",
        executor_def=dg.in_process_executor,
    )
    def import_leads() -> None:
        import_form()

    return import_leads
