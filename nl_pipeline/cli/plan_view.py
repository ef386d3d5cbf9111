"""How a plan is shown: its head, its numbers by rule and reason, its brakes, its rows, its calls.

Belongs here: tables, JSON and CSV of a stored plan, and what became of it. Values of people are in
the CSV only.
"""

from __future__ import annotations

from typing import Any

import typer

from nl_pipeline.cli.output import as_plain, show_table, write_csv
from nl_pipeline.domain.brakes import Verdict
from nl_pipeline.domain.plan import Plan
from nl_pipeline.sync.advice import meaning_of_code
from nl_pipeline.sync.calls import CallReport
from nl_pipeline.sync.push import PushResult
from nl_pipeline.warehouse import plans, reports
from nl_pipeline.warehouse.connection import Warehouse

_VERDICTS = {
    Verdict.CLEAR: "clear: a sync applies it",
    Verdict.HELD: "held: the held rows wait for a release, the others are applied",
    Verdict.APPROVAL: "approval: a first sync, applied only by its id",
}

_PURPOSES = {
    "settings": "asking about the account",
    "read": "reading",
    "look_up": "looking single records up",
    "check": "looking again before writing",
    "write": "writing",
    "read_back": "reading back",
    "other": "anything else",
}


def plan_as_plain(plan: Plan, *, warehouse: Warehouse, connection: str) -> dict[str, Any]:
    """The plan in numbers, for JSON."""
    shown: dict[str, Any] = {"connection": connection, **as_plain(plan)}
    for shape, brake in zip(shown["brakes"], plan.brakes, strict=True):
        shape["tripped"] = brake.tripped
    shown["released"] = plan.released
    shown["changes"] = as_plain(plans.count_changes(warehouse, plan_id=plan.plan_id))
    shown["listings"] = as_plain(plans.count_listings(warehouse, plan_id=plan.plan_id))
    shown["results"] = plans.count_results(warehouse, plan_id=plan.plan_id)
    if plan.first_sync:
        shown["classes"] = plans.count_classes(warehouse, plan_id=plan.plan_id)
    return shown


def show_plan(plan: Plan, *, warehouse: Warehouse, connection: str, rows: int = 0) -> None:
    """Print the plan; `rows`: how many of its changes to list with their record ids."""
    typer.echo(f"Plan {plan.plan_id} of {connection}, {plan.mode}, {_VERDICTS[plan.verdict]}.")
    if not plan.complete:
        typer.echo("A side could not be read completely: only opt-outs are acted on.")
    if plan.first_sync:
        show_table(
            "Classes of the first sync",
            columns=("class", "addresses"),
            rows=sorted(plans.count_classes(warehouse, plan_id=plan.plan_id).items()),
        )
    changes = plans.count_changes(warehouse, plan_id=plan.plan_id)
    if not changes:
        typer.echo("It changes nothing.")
    show_table(
        "Changes",
        columns=("side", "action", "rule", "reason", "rows", "held by", "meaning"),
        rows=[
            (c.side, c.action, c.rule_id, c.code, c.rows, c.held_by, meaning_of_code(c.code))
            for c in changes
        ],
    )
    show_table(
        "Listed for a person to look at",
        columns=("list", "rule", "reason", "rows", "meaning"),
        rows=[
            (item.listing, item.rule_id, item.code, item.rows, meaning_of_code(item.code))
            for item in plans.count_listings(warehouse, plan_id=plan.plan_id)
        ],
    )
    show_table(
        "Brakes that tripped",
        columns=("brake", "field", "rows", "allowed"),
        rows=[(b.brake, b.subject, b.rows, b.allowed) for b in plan.brakes if b.tripped],
    )
    if rows:
        show_table(
            f"The first {rows} changes",
            columns=("no.", "side", "action", "contact", "member", "rule", "reason", "held by"),
            rows=[
                # Ids as text: they are names, not amounts.
                (
                    str(r.seq),
                    r.side,
                    r.action,
                    r.contact_id,
                    r.member_id,
                    r.rule_id,
                    r.code,
                    r.held_by,
                )
                for r in reports.list_plan_rows(warehouse, plan_id=plan.plan_id, most=rows)
            ],
        )


def write_plan_csv(plan: Plan, *, warehouse: Warehouse, target: str) -> None:
    """Write every change and every listed address of the plan, values included."""
    frame = plans.change_rows(warehouse, plan_id=plan.plan_id)
    if "seq" in frame:
        frame["seq"] = frame["seq"].astype("Int64").astype("object").where(frame["seq"].notna(), "")
    write_csv(target, columns=list(frame.columns), rows=frame.itertuples(index=False, name=None))


def next_step_of(plan: Plan) -> str:
    """What to type next, '' where nothing is to be done."""
    if plan.verdict is Verdict.APPROVAL and plan.status == "open":
        return f"look at the plan, then run `nl-pipeline apply {plan.plan_id}`"
    if plan.verdict is Verdict.HELD and not plan.released and plan.status != "expired":
        return (
            f"look at the held rows, then `nl-pipeline release {plan.plan_id} --by YOUR_NAME"
            f" --reason WHY` and `nl-pipeline apply {plan.plan_id}`"
        )
    return ""


def show_push(result: PushResult, *, connection: str) -> None:
    """Print what became of a plan."""
    shown = {
        "confirmed": result.confirmed,
        "overtaken by events": result.overtaken,
        "held by a brake": result.held,
        "refused": result.refused,
        "failed": result.failed,
        "without a known outcome": result.unknown,
        "accepted without effect": result.without_effect,
        "fields refused and left out": result.fields_dropped,
        "left out as quarantined": result.quarantined,
        "activities written": result.activities_written,
    }
    told = ", ".join(f"{count:,} {what}" for what, count in shown.items() if count)
    typer.echo(f"{connection}: plan {result.plan_id} applied: {told or 'nothing to change'}.")
    if result.lost or result.fields_dropped or result.quarantined:
        typer.echo(f"Next: nl-pipeline errors {connection}")


def show_calls(calls: CallReport) -> None:
    """Print the calls that were made beside the least possible, by what they were for."""
    over = "" if calls.over_least is None else f" ({calls.over_least:.2f} times)"
    typer.echo(f"Calls: {calls.made:,} made, {calls.least:,} at least{over}.")
    show_table(
        "",
        columns=("service", "for", "made", "at least"),
        rows=[(c.side, _PURPOSES[c.purpose], c.made, c.least) for c in calls.purposes],
    )
