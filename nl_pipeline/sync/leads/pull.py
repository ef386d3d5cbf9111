"""Pull: reading again what was submitted lately, which finds what push has lost.

Belongs here: which forms are due, and the window. Must not be here: what becomes of a submission
(``importing``).

A call for an owner covers all versions of all its forms; form by form each version would have to
be asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from nl_pipeline.clients.errors import ApiError
from nl_pipeline.domain.leads import Lead, Owner
from nl_pipeline.sync.leads import workflow
from nl_pipeline.sync.leads.forms import discover, note_blocked, source_of
from nl_pipeline.sync.leads.importing import ImportResult, import_leads
from nl_pipeline.sync.leads.judging import keep_versions
from nl_pipeline.sync.leads.wanted import imports, lead_types, owners, wish_of
from nl_pipeline.sync.link import Link
from nl_pipeline.sync.turns import turn
from nl_pipeline.warehouse import lead_forms, lead_runs, leads
from nl_pipeline.warehouse.lead_forms import KnownForm, ToldBy
from nl_pipeline.warehouse.lead_runs import LeadError

#: A window begins this much before the end of the last one: a lead may become visible after it was
#: submitted, and clocks differ.
OVERLAP = timedelta(hours=6)
#: LinkedIn takes time ranges of this length (its Postman collection). It may keep leads for less;
#: the whole span is asked for, and what it does not have any more is gone.
REACH = timedelta(days=365)
#: How long another process may go on importing before this one leaves it to the next run.
WAIT_SECONDS = 300.0


@dataclass(frozen=True)
class PullResult:
    """What a pull came to. ``due``: forms that were read; ``new_forms``: seen for the first time;
    ``stored``: submissions that nobody had told of, by form. ``busy``: another process was at it.
    ``stopped_by``: what a service did not do; all else was done and noted."""

    due: tuple[int, ...] = ()
    new_forms: tuple[int, ...] = ()
    stored: Mapping[int, int] = field(default_factory=dict)
    imported: ImportResult | None = None
    stopped_by: ApiError | None = None
    busy: bool = False


@dataclass
class Read:
    """What was read of LinkedIn: new submissions by form, and what did not answer by owner."""

    stored: Counter[int] = field(default_factory=Counter)
    complete: set[Owner] = field(default_factory=set)
    failed: dict[Owner, ApiError] = field(default_factory=dict)


def pull(link: Link) -> PullResult:
    """Read and import the forms that are due; forms are discovered before.

    Nothing happens while the import is off. Raises nothing for what a service answers.
    """
    if not imports(link):
        return PullResult()
    with turn(link.warehouse, name="leads", wait_seconds=WAIT_SECONDS) as ours:
        return _pull(link) if ours else PullResult(busy=True)


def _pull(link: Link) -> PullResult:
    started = link.now()
    linkedin, _ = source_of(link)
    discovered = discover(link)
    known = lead_forms.known(link.warehouse)
    due = {i: form for i, form in known.items() if _is_due(link, form=form, now=started)}
    asked = [owner for owner in owners(linkedin) if owner not in discovered.failed]
    read = Read(failed=dict(discovered.failed))
    for owner in asked:
        of_owner = {i: form for i, form in due.items() if form.form.owner == owner}
        if of_owner:
            start = min(
                window_start(form, now=started, since=form.last_pull_at)
                for form in of_owner.values()
            )
            read_owner(
                link,
                owner=owner,
                start=start,
                end=started,
                form_ids=of_owner,
                told_by="pull",
                read=read,
            )
            if owner in read.complete:
                lead_forms.note_read(
                    link.warehouse, form_ids=list(of_owner), told_by="pull", at=started
                )
    note_blocked(link, failed=read.failed, asked=owners(linkedin))
    result = import_leads(
        link,
        told_by="pull",
        form_ids=list(due),
        since={i: form.last_run_at for i, form in due.items()},
        started_at=started,
    )
    return PullResult(
        due=tuple(due),
        new_forms=discovered.new,
        stored=dict(read.stored),
        imported=result,
        stopped_by=next(iter(read.failed.values()), None)
        or result.stopped_by
        # Whoever was subscribed since, though nothing was due.
        or workflow.carry_out(link).stopped_by,
    )


def next_pull(link: Link, *, form: KnownForm) -> datetime | None:
    """When a form is due next; None while it is not imported. In the past: with the next run."""
    wish = wish_of(link, form_id=form.form.id)
    if not (wish.gate.import_on and wish.gate.form_enabled):
        return None
    return form.discovered_at if form.last_pull_at is None else form.last_pull_at + wish.interval


def _is_due(link: Link, *, form: KnownForm, now: datetime) -> bool:
    at = next_pull(link, form=form)
    # A form that was never read may have been discovered just now.
    return at is not None and (form.last_pull_at is None or at <= now)


def window_start(form: KnownForm, *, now: datetime, since: datetime | None) -> datetime:
    """From when a form is read: since the last time with overlap, at first since it was created."""
    created = form.form.created_at or datetime.min.replace(tzinfo=UTC)
    earliest = max(now - REACH + OVERLAP, created)
    return earliest if since is None else max(earliest, since - OVERLAP)


def read_owner(
    link: Link,
    *,
    owner: Owner,
    start: datetime,
    end: datetime,
    form_ids: Collection[int],
    told_by: ToldBy,
    read: Read,
) -> None:
    """Store what was submitted to these forms of an owner from `start` to `end`.

    Notes the owner as complete only if every page was read and nothing moved between them: only
    then the next window may begin at the end of this one.
    """
    linkedin, client = source_of(link)
    try:
        complete = True
        for lead_type in lead_types(linkedin, owner=owner):
            pages = client.leads(owner, start=start, end=end, lead_type=lead_type)
            for page in pages:
                wanted = [lead for lead in page.leads if lead.form_id in form_ids]
                read.stored += store(link, wanted, told_by=told_by)
                _note_unreadable(link, [row.id for row in page.unreadable])
            complete = complete and pages.complete
    except ApiError as error:
        read.failed[owner] = error
        return
    if complete:
        read.complete.add(owner)


def store(link: Link, arriving: Iterable[Lead], *, told_by: ToldBy) -> Counter[int]:
    """Keep submissions with the form versions that came with them; returns how many were new."""
    found = list(arriving)
    keep_versions(link, leads=found)
    return leads.store(link.warehouse, leads=found, told_by=told_by, now=link.now())


def _note_unreadable(link: Link, ids: list[str]) -> None:
    errors = [
        LeadError(
            response_id,
            0,
            "unreadable",
            "the submission has a shape that is not known",
            "report it with its id",
        )
        for response_id in ids
    ]
    lead_runs.note_errors(link.warehouse, errors=errors, tried=(), now=link.now())
