"""Commands that only look: `status`, `errors` and `explain`. They ask no service anything.

Addresses are printed where they were asked for: by `--csv`. `explain` is given one and prints
none.
"""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

import typer

from nl_pipeline.cli.invocation import (
    AsJson,
    CommandError,
    ExitCode,
    invocation_of,
    print_json,
)
from nl_pipeline.cli.output import STANDARD_OUTPUT, as_plain, show_table, write_csv
from nl_pipeline.cli.plan_view import next_step_of
from nl_pipeline.cli.planning import ConnectionName
from nl_pipeline.sync import report
from nl_pipeline.sync.report import ConnectionStatus, DecidingRule, Explanation, ProblemReport
from nl_pipeline.warehouse.person import Person

_MOST_ROWS = 50

CsvTarget = Annotated[
    str | None,
    typer.Option("--csv", metavar="FILE|-", help="Write the rows with their addresses as CSV."),
]


def status(
    context: typer.Context,
    connection: Annotated[
        str | None, typer.Argument(metavar="[CONNECTION]", help="Default: all.")
    ] = None,
    csv: CsvTarget = None,
    as_json: AsJson = False,
) -> None:
    """Show last reads, the newest plan, and why the subscribers of both sides differ.

    With --csv, every contact and member that makes the difference.
    """
    refuse_two_outputs(csv, as_json=as_json)
    settings = invocation_of(context).load_settings()
    names = list(settings.connections)
    if connection is not None:
        names = [settings.connection(connection).name]
    found: list[ConnectionStatus] = []
    unread: list[str] = []
    for name in names:
        try:
            found.append(report.read_status(settings, connection=name))
        except report.NeverRead:
            if connection is not None:
                raise
            unread.append(name)
    if csv is not None:
        rows = [
            (name, row.side, row.record_id, row.reason, row.cause, row.address)
            for name in names
            if name not in unread
            for row in report.list_differences(settings, connection=name)
        ]
        columns = ("connection", "side", "record_id", "reason", "cause", "address")
        write_csv(csv, columns=columns, rows=rows)
    if as_json:
        shown: list[dict[str, Any]] = [_status_as_plain(item) for item in found]
        shown += [{"connection": name, "set_up": False} for name in unread]
        print_json({"connections": shown})
    elif csv != STANDARD_OUTPUT:
        for item in found:
            _show_status(item)
        for name in unread:
            typer.echo(f"{name} has not been read yet. Next: nl-pipeline setup {name}")
    if any(item.held for item in found):
        raise typer.Exit(ExitCode.HELD_OR_PARTIAL)


def _status_as_plain(status_: ConnectionStatus) -> dict[str, Any]:
    shown: dict[str, Any] = {"set_up": True, **as_plain(status_), "held": status_.held}
    for shape, read in zip(shown["reads"], status_.reads, strict=True):
        shape["unreadable"] = read.unreadable
    if status_.plan is not None:
        for shape, brake in zip(shown["plan"]["brakes"], status_.plan.brakes, strict=True):
            shape["tripped"] = brake.tripped
    return shown


def _show_status(status_: ConnectionStatus) -> None:
    typer.echo(f"Connection {status_.connection}")
    show_table(
        "Last reads (UTC)",
        columns=("side", "mode", "finished", "announced", "read", "complete", "not readable"),
        rows=[
            (r.side, r.mode, r.finished_at, r.announced, r.rows, r.complete, r.unreadable)
            for r in status_.reads
        ],
    )
    if status_.plan is not None:
        plan = status_.plan
        results = ", ".join(f"{count:,} {what}" for what, count in status_.results.items())
        released = f", released by {plan.released_by}" if plan.released else ""
        typer.echo(
            f"Newest plan {plan.plan_id}: {plan.verdict}, {plan.status}{released};"
            f" changes: {results or 'none'}."
        )
        show_table(
            "Brakes that tripped",
            columns=("brake", "field", "rows", "allowed"),
            rows=[(b.brake, b.subject, b.rows, b.allowed) for b in plan.brakes if b.tripped],
        )
        if next_step := next_step_of(plan):
            typer.echo(f"Next: {next_step}")
    _show_reception(status_)
    crm = [d for d in status_.differences if d.side == "crm"]
    provider = [d for d in status_.differences if d.side == "provider"]
    columns = ("", "rows", "cause", "what to do")
    show_table(
        "CRM: contacts that say Yes",
        columns=columns,
        rows=[
            (f"all ({status_.crm_yes_addresses:,} addresses)", status_.crm_yes_contacts, "", ""),
            *((f"- {d.meaning}", d.rows, d.cause, d.next_step) for d in crm),
            ("= subscribed at the provider", status_.in_both, "", ""),
        ],
    )
    show_table(
        "Provider: subscribers",
        columns=columns,
        rows=[
            ("all", status_.provider_subscribed, "", ""),
            *((f"- {d.meaning}", d.rows, d.cause, d.next_step) for d in provider),
            ("= Yes in the CRM", status_.in_both, "", ""),
        ],
    )


def _show_reception(status_: ConnectionStatus) -> None:
    told = status_.reception
    if told.last_received is None:
        typer.echo("Webhooks: none has been taken in yet.")
        return
    typer.echo(f"Webhooks: the last one came at {told.last_received:%Y-%m-%d %H:%M:%S} (UTC).")
    if told.opt_outs_waiting:
        typer.echo(
            f"{told.opt_outs_waiting:,} opt-outs wait for the CRM."
            f" Next: nl-pipeline ingest {status_.connection}"
        )
    if told.unusable_lines:
        typer.echo(
            f"{told.unusable_lines:,} lines of the webhook log could not be used."
            f" Next: nl-pipeline errors {status_.connection}"
        )
    if (taken := status_.opt_out_delays) is not None:
        typer.echo(
            f"The {taken.opt_outs:,} opt-outs they told in seven days stood in the CRM"
            f" {taken.received_p50:.1f} s (median) and {taken.received_p95:.1f} s (95 %) after the"
            f" provider's call; {taken.happened_p50:.1f} s and {taken.happened_p95:.1f} s after"
            " the click."
        )


def errors(
    context: typer.Context,
    connection: ConnectionName,
    csv: CsvTarget = None,
    rows: Annotated[int, typer.Option(min=0, help="Print at most so many rows.")] = _MOST_ROWS,
    as_json: AsJson = False,
) -> None:
    """Show every row that was refused, failed or is in conflict, and what to do about it."""
    refuse_two_outputs(csv, as_json=as_json)
    settings = invocation_of(context).load_settings()
    found = report.list_problems(settings, connection=connection)
    if csv is not None:
        write_csv(
            csv,
            columns=(*_COLUMNS, "address"),
            rows=[(*_row(item), item.problem.address) for item in found],
        )
    if as_json:
        shown = [dict(zip(_COLUMNS, _row(item), strict=True)) for item in found]
        print_json({"connection": connection, "errors": as_plain(shown)})
        return
    if csv == STANDARD_OUTPUT:
        return
    if not found:
        typer.echo(f"{connection}: nothing to look at.")
        return
    counts = Counter(
        (p.problem.kind, p.problem.code, p.problem.result, p.problem.cause, p.next_step)
        for p in found
    )
    show_table(
        f"{connection}: to look at",
        columns=("kind", "reason", "result", "cause", "what to do", "rows"),
        rows=[(*group, count) for group, count in counts.items()],
    )
    show_table(
        f"The first {min(rows, len(found))} of {len(found):,} rows",
        columns=("kind", "side", "contact", "member", "reason", "result", "cause", "subject"),
        rows=[
            (
                p.problem.kind,
                p.problem.side,
                p.problem.contact_id,
                p.problem.member_id,
                p.problem.code,
                p.problem.result,
                p.problem.cause,
                p.problem.subject,
            )
            for p in found[:rows]
        ],
    )


_COLUMNS = (
    "kind",
    "side",
    "contact_id",
    "member_id",
    "rule_id",
    "code",
    "result",
    "cause",
    "subject",
    "happened_at",
    "meaning",
    "next_step",
)


def _row(item: ProblemReport) -> tuple[object, ...]:
    own = tuple(getattr(item.problem, name) for name in _COLUMNS[:10])
    return (*own, item.meaning, item.next_step)


def explain(
    context: typer.Context,
    connection: ConnectionName,
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="The address of a person.")],
    as_json: AsJson = False,
) -> None:
    """Show which rule decides about an address, and everything that rule looked at."""
    settings = invocation_of(context).load_settings()
    try:
        explanation = report.explain(settings, connection=connection, email=email)
    except report.AddressUnusable:
        raise CommandError(
            "This can't be an e-mail address.",
            next_step="check it; blanks, commas and a missing domain are the usual mistakes",
            exit_code=ExitCode.USAGE,
        ) from None
    if as_json:
        shown = as_plain(explanation)
        print_json({**shown, "email": email, "known": explanation.person.known})
        return
    _show_explanation(explanation)


def _show_explanation(explanation: Explanation) -> None:
    person = explanation.person
    if not person.known:
        typer.echo(f"{explanation.connection} has no record of this address.")
    for rule in explanation.rules:
        _show_rule(rule)
    _show_records(person)
    show_table(
        "Consent, oldest first (UTC)",
        columns=("event", "by", "proof", "happened", "recorded", "source", "plan"),
        rows=[
            (e.event, e.actor, e.proof, e.happened_at, e.recorded_at, e.source, e.plan_id)
            for e in person.ledger
        ],
    )
    show_table(
        "Changes, newest first",
        columns=(
            "plan",
            "status",
            "side",
            "action",
            "record",
            "rule",
            "reason",
            "held by",
            "result",
        ),
        rows=[
            (
                c.plan_id,
                c.plan_status,
                c.side,
                c.action,
                c.record_id,
                c.rule_id,
                c.code,
                c.held_by if c.result is None and not c.released else "",
                f"{c.result or 'not sent'} {c.cause or ''}".strip(),
            )
            for c in person.changes
        ],
    )
    show_table(
        "Quarantined (UTC)",
        columns=("side", "what", "cause", "since", "last tried", "tries", "next try"),
        rows=[
            (
                q.side,
                q.field or q.action,
                q.cause,
                q.since,
                q.last_tried_at,
                q.tries,
                q.next_try_at or "when it changes",
            )
            for q in person.quarantine
        ],
    )
    show_table(
        "Activities (UTC)",
        columns=("contact", "kind", "happened", "state", "cause"),
        rows=[(str(a.crm_id), a.kind, a.happened_at, a.state, a.cause) for a in person.activities],
    )


def _show_rule(rule: DecidingRule) -> None:
    typer.echo(f"Rule {rule.rule_id} ({rule.code}): {rule.text}")
    case = rule.case
    typer.echo(
        f"  because: base {case.base}, CRM {case.newsletter}"
        f" ({case.eligibility}, {case.since_base}), provider {case.provider},"
        f" consent {case.ledger}, sign-up {case.signup}"
        + ("" if case.complete else ", last full read incomplete")
    )
    actions = [
        f"provider: {rule.provider_action}" if rule.provider_action else "",
        f"CRM: {rule.crm_action}" if rule.crm_action else "",
        f"list: {rule.listing}" if rule.listing else "",
    ]
    told = ", ".join(action for action in actions if action)
    typer.echo(f"  so: {told or 'no status is written'}")
    if not rule.considered:
        typer.echo(
            "  No plan looks at it: nobody wants to send there, and the provider never saw it."
        )


def _show_records(person: Person) -> None:
    show_table(
        "Contacts in the CRM (UTC)",
        columns=("contact", "main address", "newsletter", "eligibility", "changed", "read"),
        rows=[
            (
                str(c.crm_id),
                c.is_main_address,
                c.newsletter,
                c.eligibility,
                c.changed_at,
                c.observed_at,
            )
            for c in person.contacts
        ],
    )
    show_table(
        "Member at the provider (UTC)",
        columns=("member", "state", "status", "ours", "tags", "changed", "read"),
        rows=[
            (
                m.member_id,
                m.state,
                m.status,
                m.owned,
                ", ".join(m.tags),
                m.changed_at,
                m.observed_at,
            )
            for m in person.members
        ],
    )
    show_table(
        "Confirmed equal last (UTC)",
        columns=("kind", "contact", "CRM", "provider", "confirmed"),
        rows=[
            (b.kind, str(b.crm_id or ""), b.newsletter, b.provider_state, b.confirmed_at)
            for b in person.base
        ],
    )


def refuse_two_outputs(csv: str | None, *, as_json: bool) -> None:
    """CommandError where both forms want standard output."""
    if as_json and csv == STANDARD_OUTPUT:
        raise CommandError(
            "--json and --csv - both want standard output.",
            next_step="write the CSV to a file",
            exit_code=ExitCode.USAGE,
        )
