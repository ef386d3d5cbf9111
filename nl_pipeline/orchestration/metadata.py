"""What a run tells about its work: numbers the UI plots, and tables of reason codes.

Belongs here: turning results of ``sync`` into Dagster metadata. Everything here is a count, a rule,
a reason code or a plan id. Must not be here: rows of the warehouse, which hold people.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import dagster as dg

from nl_pipeline.domain.brakes import Verdict
from nl_pipeline.domain.plan import Plan
from nl_pipeline.domain.profile_rules import PROFILE_RULE_BY_CODE
from nl_pipeline.domain.rules import RULE_BY_CODE
from nl_pipeline.orchestration import tables
from nl_pipeline.sync.calls import CallReport
from nl_pipeline.sync.link import Link
from nl_pipeline.sync.observe import ReadResult
from nl_pipeline.sync.push import PushResult
from nl_pipeline.sync.second_pass import SecondPass
from nl_pipeline.warehouse import plans
from nl_pipeline.warehouse.connection import Warehouse
from nl_pipeline.warehouse.observations import picture_rows
from nl_pipeline.warehouse.plans import ListingCount, PlanCount
from nl_pipeline.warehouse.reports import Balance

Metadata = dict[str, dg.MetadataValue]

#: What the push sensor reads off a plan's event instead of opening the warehouse.
PLAN_ID, VERDICT = "plan_id", "verdict"


def read_metadata(result: ReadResult, *, link: Link, schema: dg.TableSchema) -> Metadata:
    """One read of one side."""
    return {
        "dagster/row_count": dg.IntMetadataValue(picture_rows(link.warehouse, side=result.side)),
        "dagster/column_schema": dg.TableSchemaMetadataValue(schema),
        "rows_read": dg.IntMetadataValue(result.rows),
        "mode": dg.TextMetadataValue(result.mode),
        "complete": dg.BoolMetadataValue(result.complete),
        "rows_rejected": dg.IntMetadataValue(result.rejected),
        **calls_metadata(link.report_calls()),
    }


def calls_metadata(calls: CallReport) -> Metadata:
    """How many calls were made, beside the least possible, and by endpoint template."""
    by_endpoint = Counter(calls.crm) + Counter(calls.provider)
    return {
        "api_calls": dg.IntMetadataValue(calls.made),
        **_least_metadata(calls, prefix="api_calls"),
        "api_calls_by_endpoint": table_metadata(
            [{"endpoint": name, "calls": count} for name, count in sorted(by_endpoint.items())],
            columns={"endpoint": "string", "calls": "int"},
        ),
    }


def _least_metadata(calls: CallReport, *, prefix: str) -> Metadata:
    metadata: Metadata = {f"{prefix}_at_least": dg.IntMetadataValue(calls.least)}
    if calls.over_least is not None:
        metadata[f"{prefix}_over_least"] = dg.FloatMetadataValue(calls.over_least)
    return metadata


def run_calls_metadata(calls: CallReport) -> Metadata:
    """The calls of a whole run so far beside the least possible, by what they were for."""
    return {
        "run_api_calls": dg.IntMetadataValue(calls.made),
        **_least_metadata(calls, prefix="run_api_calls"),
        "run_api_calls_by_purpose": table_metadata(
            [
                {"service": c.side, "for": c.purpose, "calls": c.made, "at least": c.least}
                for c in calls.purposes
            ],
            columns={"service": "string", "for": "string", "calls": "int", "at least": "int"},
        ),
    }


def rows_waiting(plan: Plan, *, warehouse: Warehouse) -> int:
    """How many rows of a plan a brake holds and nobody has released."""
    if plan.released:
        return 0
    return plans.count_results(warehouse, plan_id=plan.plan_id).get("held", 0)


def plan_metadata(plan: Plan, *, warehouse: Warehouse) -> Metadata:
    """A plan in numbers, its verdict, and what to do about it."""
    waiting = rows_waiting(plan, warehouse=warehouse)
    changes = plans.count_changes(warehouse, plan_id=plan.plan_id)
    listings = plans.count_listings(warehouse, plan_id=plan.plan_id)
    metadata: Metadata = {
        PLAN_ID: dg.TextMetadataValue(plan.plan_id),
        VERDICT: dg.TextMetadataValue(str(plan.verdict)),
        "mode": dg.TextMetadataValue(plan.mode),
        "snapshots_complete": dg.BoolMetadataValue(plan.complete),
        "released": dg.BoolMetadataValue(plan.released),
        "dagster/row_count": dg.IntMetadataValue(sum(c.rows for c in changes)),
        "dagster/column_schema": dg.TableSchemaMetadataValue(tables.plan_table()),
        "dagster/column_lineage": dg.TableColumnLineageMetadataValue(tables.plan_lineage()),
        "changes_to_crm": dg.IntMetadataValue(_rows(changes, side="crm")),
        "changes_to_provider": dg.IntMetadataValue(_rows(changes, side="provider")),
        "rows_waiting_for_release": dg.IntMetadataValue(waiting),
        "rows_listed": dg.IntMetadataValue(sum(listing.rows for listing in listings)),
        "changes": _changetable(changes),
        "listed": _listingtable(listings),
        # Beside the tables, not in them: a sentence in a cell makes a row as high as the screen.
        "reasons": _reasons([*(c.code for c in changes), *(n.code for n in listings)]),
        "brakes": _braketable(plan),
        "next_step": dg.MarkdownMetadataValue(next_step(plan, waiting=waiting)),
    }
    if plan.verdict is Verdict.APPROVAL:
        classes = plans.count_classes(warehouse, plan_id=plan.plan_id)
        metadata["classes"] = dg.MarkdownMetadataValue(_markdown("class", "addresses", classes))
    return metadata


def next_step(plan: Plan, *, waiting: int) -> str:
    """What a person has to do about the plan, if anything, in Markdown."""
    plan_id = plan.plan_id
    if plan.verdict is Verdict.APPROVAL:
        config = "\n".join(
            f"  {op}: {{config: {{plan_id: {plan_id}}}}}"
            for op in ("crm_push", "provider_push", "sync_report")
        )
        return (
            f"This is the **first sync** of the connection: nothing is sent until somebody approves"
            f" plan `{plan_id}` by its id. Look at it (`nl-pipeline plan`), then run"
            f" `nl-pipeline apply {plan_id}`, or launch the job `push_plan` with\n\n"
            f"```yaml\nops:\n{config}\n```"
        )
    if waiting:
        tripped = ", ".join(
            f"`{reading.brake}` ({reading.rows} rows, {reading.allowed} allowed)"
            for reading in plan.brakes
            if reading.tripped
        )
        return (
            f"**{waiting} rows wait**, held by {tripped}. All other rows are sent. To let them go,"
            f" launch the job `release_plan` with plan id `{plan_id}`, your name and a reason, or"
            f' run `nl-pipeline release {plan_id} --by NAME --reason "..."`. A newer plan makes'
            " this one expire."
        )
    return "Nothing: the plan is pushed by this run, or by the push sensor."


def push_metadata(plan: Plan, *, link: Link) -> Metadata:
    """Where the rows of a plan stand after one side was sent to."""
    results = plans.count_results(link.warehouse, plan_id=plan.plan_id)
    return {
        PLAN_ID: dg.TextMetadataValue(plan.plan_id),
        VERDICT: dg.TextMetadataValue(str(plan.verdict)),
        "rows_sent": dg.IntMetadataValue(results.get("sent", 0)),
        "rows_refused": dg.IntMetadataValue(results.get("refused", 0)),
        "rows_waiting_for_release": dg.IntMetadataValue(results.get("held", 0)),
        "results": dg.MarkdownMetadataValue(_markdown("result", "rows", results)),
        **calls_metadata(link.report_calls()),
    }


def report_metadata(result: PushResult, *, balance: Balance, link: Link) -> Metadata:
    """What became of a plan after everything was read back, why the two sides differ, and what the
    run has called."""
    results = plans.count_results(link.warehouse, plan_id=result.plan_id)
    numbers = {
        "rows_confirmed": result.confirmed,
        "rows_refused": result.refused,
        "rows_failed": result.failed,
        "rows_unknown": result.unknown,
        "rows_overtaken": result.overtaken,
        "rows_without_effect": result.without_effect,
        "rows_waiting_for_release": result.held,
        "fields_left_out": result.fields_dropped,
        "quarantined": result.quarantined,
        "base_rows_moved": result.base_moved,
        "activities_written": result.activities_written,
    }
    return {
        PLAN_ID: dg.TextMetadataValue(result.plan_id),
        "complete": dg.BoolMetadataValue(result.complete),
        "dagster/row_count": dg.IntMetadataValue(sum(results.values())),
        **{name: dg.IntMetadataValue(number) for name, number in numbers.items()},
        "results": dg.MarkdownMetadataValue(_markdown("result", "rows", results)),
        "contacts_that_say_yes": dg.IntMetadataValue(balance.yes_contacts),
        "subscribed_at_provider": dg.IntMetadataValue(balance.subscribed),
        "in_step_on_both_sides": dg.IntMetadataValue(balance.in_both),
        "differences": table_metadata(
            [
                {
                    "side": difference.side,
                    "reason": difference.reason,
                    "cause": difference.cause,
                    "rows": difference.rows,
                }
                for difference in balance.differences
            ],
            columns={**dict.fromkeys(("side", "reason", "cause"), "string"), "rows": "int"},
        ),
        **calls_metadata(link.report_calls()),
        **run_calls_metadata(link.report_calls_of_the_whole()),
    }


def second_pass_metadata(second: SecondPass | None, *, warehouse: Warehouse) -> Metadata:
    """Whether something changed while the plan was pushed, and the plan that was made of it."""
    if second is None:
        return {"second_pass": dg.BoolMetadataValue(False)}
    plan = plans.load(warehouse, plan_id=second.plan.plan_id)
    waiting = rows_waiting(plan, warehouse=warehouse)
    changes = plans.count_changes(warehouse, plan_id=plan.plan_id)
    return {
        "second_pass": dg.BoolMetadataValue(True),
        "second_pass_plan_id": dg.TextMetadataValue(plan.plan_id),
        "second_pass_verdict": dg.TextMetadataValue(str(plan.verdict)),
        "second_pass_changes": _changetable(changes),
        "second_pass_next_step": dg.MarkdownMetadataValue(next_step(plan, waiting=waiting)),
    }


def _rows(changes: Iterable[PlanCount], *, side: str) -> int:
    return sum(change.rows for change in changes if change.side == side)


def _in_words(code: str) -> str:
    rule = RULE_BY_CODE.get(code) or PROFILE_RULE_BY_CODE.get(code)
    return "" if rule is None else rule.text


def _reasons(codes: Iterable[str]) -> dg.MetadataValue:
    """The sentence behind each reason code, in Markdown."""
    lines = [f"- `{code}`: {_in_words(code)}" for code in dict.fromkeys(codes)]
    return dg.MarkdownMetadataValue("\n".join(lines) or "Nothing to do.")


def _changetable(changes: Sequence[PlanCount]) -> dg.MetadataValue:
    return table_metadata(
        [
            {
                "rows": change.rows,
                "side": change.side,
                "action": change.action,
                "rule": change.rule_id,
                "reason": change.code,
                "held by": change.held_by or "",
            }
            for change in changes
        ],
        columns={
            "rows": "int",
            **dict.fromkeys(("side", "action", "rule", "reason", "held by"), "string"),
        },
    )


def _listingtable(listings: Sequence[ListingCount]) -> dg.MetadataValue:
    return table_metadata(
        [
            {
                "rows": listing.rows,
                "list": listing.listing,
                "rule": listing.rule_id,
                "reason": listing.code,
            }
            for listing in listings
        ],
        columns={
            "rows": "int",
            **dict.fromkeys(("list", "rule", "reason"), "string"),
        },
    )


def _braketable(plan: Plan) -> dg.MetadataValue:
    return table_metadata(
        [
            {
                "brake": str(reading.brake),
                "field": reading.subject,
                "rows": reading.rows,
                "allowed": reading.allowed,
                "tripped": reading.tripped,
            }
            for reading in plan.brakes
        ],
        columns={
            "brake": "string",
            "field": "string",
            "rows": "int",
            "allowed": "int",
            "tripped": "bool",
        },
    )


def table_metadata(
    rows: Sequence[Mapping[str, str | int | float | bool | None]], *, columns: Mapping[str, str]
) -> dg.TableMetadataValue:
    return dg.TableMetadataValue(
        records=[dg.TableRecord(row) for row in rows],
        schema=dg.TableSchema([dg.TableColumn(name, kind) for name, kind in columns.items()]),
    )


def _markdown(left: str, right: str, counts: Mapping[str, int]) -> str:
    if not counts:
        return "None."
    lines = [f"| {left} | {right} |", "|---|---:|"]
    lines += [f"| {name} | {count} |" for name, count in sorted(counts.items())]
    return "\n".join(lines)
