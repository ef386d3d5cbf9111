"""How forms, plans, lights and results of the lead import look in a terminal and in JSON.

Belongs here: words and columns. Not here: what a command does (``leads``). No answer of a person is
shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import typer

from nl_pipeline.cli.output import as_plain, show_table
from nl_pipeline.domain.leads import Colour
from nl_pipeline.sync.leads.importing import ImportResult
from nl_pipeline.sync.leads.manual import ManualPlan
from nl_pipeline.sync.leads.overview import FormOverview
from nl_pipeline.sync.leads.run import LeadSync
from nl_pipeline.sync.leads.set_up import LeadSetUp
from nl_pipeline.sync.leads.status import FormStatus

_SIGN = {Colour.GREEN: "●", Colour.GREY: "○", Colour.YELLOW: "▲"}


def show_lead_set_up(made: LeadSetUp) -> None:
    """Print what the set-up of the lead import found and made."""
    typer.echo(f"LinkedIn: {made.forms:,} lead forms.")
    for note in () if made.subscribed is None else made.subscribed.notes:
        typer.echo(f"LinkedIn: {note}.")
    for text in made.check.advice:
        typer.echo(f"LinkedIn: {text}.")
    for flaw in made.check.flaws:
        typer.echo(f"LinkedIn: form {flaw.form_id} ({flaw.form_name}): {flaw.problem.text}.")
    for tag in made.check.missing_tags:
        typer.echo(f"LinkedIn: the account has no newsletter tag {tag}; create it.")
    for problem in made.problems:
        typer.echo(f"LinkedIn: {problem}.")


def show_sync(done: LeadSync, *, connection: str) -> None:
    """Print what one turn of the import came to."""
    subscribed = done.subscribed
    for note in () if subscribed is None else (*subscribed.notes, *subscribed.problems):
        typer.echo(f"LinkedIn: {note}.")
    counted = sync_as_plain(done)
    rows = [(name.replace("_", " "), n) for name, n in counted.items() if isinstance(n, int)]
    show_table(f"{connection}: leads", columns=("what", "count"), rows=rows)


def sync_as_plain(done: LeadSync) -> dict[str, Any]:
    """One turn of the import for JSON."""
    imported = [one for one in (done.told.imported, done.read.imported) if one is not None]
    return {
        "notices": done.told.notices,
        "forms_due": len(done.read.due),
        "submissions_nobody_told": sum(done.read.stored.values()),
        "contacts_created": sum(one.created for one in imported),
        "contacts_updated": sum(one.updated for one in imported),
        "new_errors": sum(one.errors for one in imported),
        "activities_written": done.activities_written,
        "tags_set": sum(one.joined for one in done.tagged),
        "tags_removed": sum(one.left for one in done.tagged),
        "subscriptions": as_plain(done.subscribed),
    }


def show_statuses(found: Sequence[FormStatus], *, connection: str) -> None:
    """Print the lights of the forms."""
    show_table(
        f"{connection}: lead forms (times in UTC)",
        columns=(
            "",
            "form",
            "name",
            "imported",
            "updated",
            "errors",
            "last push",
            "last pull",
            "next pull",
        ),
        rows=[
            (
                _SIGN[one.light.colour],
                str(one.form.id),
                one.form.name,
                one.imported,
                one.updated,
                one.errors,
                one.last_push_at,
                one.last_pull_at,
                one.next_pull_at,
            )
            for one in found
        ],
    )
    for one in found:
        if one.light.colour is not Colour.GREEN:
            typer.echo(f"{_SIGN[one.light.colour]} {one.form.id}: {one.light.text}.")
    if any(one.open_errors for one in found):
        typer.echo(f"Next: nl-pipeline leads errors {connection}")
    if not found:
        typer.echo(
            f"{connection}: no form was seen yet. Next: nl-pipeline leads forms {connection}"
        )


def status_as_plain(one: FormStatus) -> dict[str, Any]:
    """The status of a form for JSON."""
    shown: dict[str, Any] = as_plain(one)
    shown["form"] = {"id": str(one.form.id), "name": one.form.name, "version": one.form.version}
    shown["light"] = {
        "colour": one.light.colour.value,
        "shape": one.light.colour.shape,
        "reason": one.light.reason.value,
        "text": one.light.text,
    }
    return shown


def show_overview(one: FormOverview) -> None:
    """Print a form with its questions, boxes, and what is wrong with its mapping."""
    form = one.form
    how = "as suggested" if one.is_suggested else "as set"
    typer.echo(f"Form {form.id}, version {form.version}: {form.name} ({form.state.lower()})")
    show_table(
        f"Questions, mapped {how}; key {one.wish.key}",
        columns=("number", "LinkedIn's name", "question", "required", "goes to"),
        rows=[
            (
                str(question.id),
                question.predefined,
                question.text.text(form.locale),
                question.is_required,
                one.goes_to(question),
            )
            for question in form.questions
        ],
    )
    show_table(
        "Consent boxes",
        columns=("number", "text", "newsletter"),
        rows=[
            (
                str(box.id),
                box.text.text(form.locale),
                one.wish.consent.newsletter.value
                if one.wish.consent is not None and one.wish.consent.consent_id == box.id
                else "no",
            )
            for box in form.consents
        ],
    )
    for problem in one.problems:
        typer.echo(f"{'Not importable' if problem.stops else 'Note'}: {problem.text}.")


def overview_as_plain(one: FormOverview) -> dict[str, Any]:
    """A form for JSON; numbers of LinkedIn's as text, because some have 19 digits."""
    form = one.form
    return {
        "id": str(form.id),
        "version": form.version,
        "name": form.name,
        "state": form.state,
        "key": one.wish.key,
        "is_suggested": one.is_suggested,
        "questions": [
            {
                "id": str(question.id),
                "predefined": question.predefined,
                "text": question.text.text(form.locale),
                "is_required": question.is_required,
                "crm": one.goes_to(question),
            }
            for question in form.questions
        ],
        "consents": [{"id": c.id, "text": c.text.text(form.locale)} for c in form.consents],
        "problems": as_plain(one.problems),
    }


def show_plan(planned: ManualPlan) -> None:
    """Print what an import would do."""
    typer.echo(f"Form {planned.form_id}: {planned.form_name}. {planned.mode.effect}")
    show_table(
        "Plan",
        columns=("what", "submissions"),
        rows=[
            ("new at LinkedIn", planned.stored),
            ("create a contact", planned.creates),
            ("update a contact", planned.updates),
            ("of all, imported before", planned.again),
            ("several contacts: listed", planned.conflicts),
            ("can't be used: listed", planned.unusable),
            *((f"left out: {why.replace('_', ' ')}", n) for why, n in planned.left_out.items()),
        ],
    )


def show_result(result: ImportResult, *, connection: str) -> None:
    """Print what an import did."""
    typer.echo(
        f"Created {result.created:,} contacts, updated {result.updated:,};"
        f" newsletter consents: {result.consents:,}; new errors: {result.errors:,}."
    )
    if result.errors:
        typer.echo(f"Next: nl-pipeline leads errors {connection}")


def result_as_plain(result: ImportResult) -> dict[str, Any]:
    """The result of an import for JSON."""
    stopped = None if result.stopped_by is None else str(result.stopped_by)
    return {
        "import_id": result.import_id,
        "created": result.created,
        "updated": result.updated,
        "errors": result.errors,
        "consents": result.consents,
        "stopped_by": stopped,
    }
